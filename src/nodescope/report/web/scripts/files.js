// Files made by the page: what is shown as CSV and as Parquet.
const files = (() => {
  const save = (name, content, type) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };

  const namesOf = (rows) => [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !name.startsWith("__"));

  const csv = (rows) => {
    const names = namesOf(rows);
    const cell = (value) => {
      if (value === null || value === undefined) return "";
      const text = String(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return `${[names, ...rows.map((row) => names.map((name) => row[name]))].map((line) => line.map(cell).join(",")).join("\n")}\n`;
  };

  // Thrift's compact protocol, as far as Parquet's headers need it.
  const BYTES = 8, LIST = 9, STRUCT = 12, I32 = 5, I64 = 6;
  const varint = (number) => {
    const out = [];
    let rest = BigInt(number);
    while (rest > 127n) { out.push(Number(rest & 127n) | 128); rest >>= 7n; }
    return [...out, Number(rest)];
  };
  const zigzag = (number) => varint(BigInt(number) << 1n);
  const utf8 = (text) => [...new TextEncoder().encode(text)];
  const bytes = (content) => [...varint(content.length), ...content];
  const struct = (fields) => {
    const out = [];
    let last = 0;
    for (const [id, type, content] of fields) { out.push(((id - last) << 4) | type, ...content); last = id; }
    return [...out, 0];
  };
  const list = (type, items) => [...(items.length < 15 ? [(items.length << 4) | type] : [0xf0 | type, ...varint(items.length)]), ...items.flat()];

  const columnOf = (rows, name) => {
    const values = rows.map((row) => row[name] ?? null);
    const known = values.filter((value) => value !== null);
    const type = known.every((v) => typeof v === "boolean") && known.length ? "boolean"
      : known.every((v) => typeof v === "number") && known.length ? (known.every(Number.isInteger) ? "integer" : "number") : "text";
    return { name, values, known, type };
  };

  const plain = ({ known, type }) => {
    if (type === "boolean") {
      const out = new Uint8Array(Math.ceil(known.length / 8));
      known.forEach((value, i) => { if (value) out[i >> 3] |= 1 << (i & 7); });
      return out;
    }
    if (type === "text") {
      const parts = known.map((value) => new TextEncoder().encode(String(value)));
      const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
      const view = new DataView(out.buffer);
      let at = 0;
      for (const part of parts) { view.setUint32(at, part.length, true); out.set(part, at + 4); at += 4 + part.length; }
      return out;
    }
    const out = new DataView(new ArrayBuffer(8 * known.length));
    known.forEach((value, i) => {
      if (type === "integer") out.setBigInt64(8 * i, BigInt(value), true);
      else out.setFloat64(8 * i, value, true);
    });
    return new Uint8Array(out.buffer);
  };

  // Which values are there: runs of ones and zeros, as Parquet's definition levels.
  const levels = ({ values }) => {
    const out = [];
    for (let i = 0; i < values.length;) {
      const there = values[i] !== null;
      let end = i;
      while (end < values.length && (values[end] !== null) === there) end += 1;
      out.push(...varint((end - i) * 2), there ? 1 : 0);
      i = end;
    }
    const size = new Uint8Array(4);
    new DataView(size.buffer).setUint32(0, out.length, true);
    return new Uint8Array([...size, ...out]);
  };

  const PHYSICAL = { boolean: 0, integer: 2, number: 5, text: 6 };

  const parquet = (rows) => {
    const columns = namesOf(rows).map((name) => columnOf(rows, name));
    const parts = [new TextEncoder().encode("PAR1")];
    let at = 4;
    const chunks = columns.map((column) => {
      const definition = levels(column), body = plain(column);
      const size = definition.length + body.length;
      const header = new Uint8Array(struct([
        [1, I32, zigzag(0)], [2, I32, zigzag(size)], [3, I32, zigzag(size)],
        [5, STRUCT, struct([[1, I32, zigzag(rows.length)], [2, I32, zigzag(0)], [3, I32, zigzag(3)], [4, I32, zigzag(3)]])],
      ]));
      const start = at;
      parts.push(header, definition, body);
      at += header.length + size;
      return { column, start, size: header.length + size };
    });
    const schema = [
      struct([[4, BYTES, bytes(utf8("schema"))], [5, I32, zigzag(columns.length)]]),
      ...columns.map(({ name, type }) => struct([
        [1, I32, zigzag(PHYSICAL[type])], [3, I32, zigzag(1)], [4, BYTES, bytes(utf8(name))],
        ...(type === "text" ? [[6, I32, zigzag(0)]] : []),
      ])),
    ];
    const metadata = chunks.map(({ column, start, size }) => struct([
      [2, I64, zigzag(start)],
      [3, STRUCT, struct([
        [1, I32, zigzag(PHYSICAL[column.type])], [2, LIST, list(I32, [zigzag(0), zigzag(3)])],
        [3, LIST, list(BYTES, [bytes(utf8(column.name))])], [4, I32, zigzag(0)], [5, I64, zigzag(rows.length)],
        [6, I64, zigzag(size)], [7, I64, zigzag(size)], [9, I64, zigzag(start)],
      ])],
    ]));
    const total = chunks.reduce((sum, chunk) => sum + chunk.size, 0);
    const footer = new Uint8Array(struct([
      [1, I32, zigzag(1)], [2, LIST, list(STRUCT, schema)], [3, I64, zigzag(rows.length)],
      [4, LIST, list(STRUCT, [struct([[1, LIST, list(STRUCT, metadata)], [2, I64, zigzag(total)], [3, I64, zigzag(rows.length)]])])],
      [6, BYTES, bytes(utf8("nodescope"))],
    ]));
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, footer.length, true);
    return new Blob([...parts, footer, length, new TextEncoder().encode("PAR1")]);
  };

  return { save, csv, parquet };
})();
