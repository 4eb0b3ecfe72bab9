// Tables beside the page: a file may not be read by a page from a disk, but it may be run, and hands over its table.
const nodescope = (() => {
  const waiting = new Map();
  const loaded = new Map();

  const bytesOf = async (base64) => {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  const codesOf = (bytes, size) => {
    if (size === 1) return bytes;
    const copy = bytes.slice().buffer;
    return size === 2 ? new Uint16Array(copy) : new Uint32Array(copy);
  };

  const MAKERS = {
    value({ values, bytes: size }, take, rows) {
      const told = JSON.parse(new TextDecoder().decode(take(values)));
      return { values: [null, ...told], codes: codesOf(take(size * rows), size) };
    },

    list({ length, bytes: size }, take, rows) {
      const count = length * rows;
      const planes = take(size * count);
      const numbers = new Uint32Array(count);
      for (let plane = 0; plane < size; plane += 1) {
        for (let i = 0; i < count; i += 1) numbers[i] += planes[plane * count + i] * 256 ** plane;
      }
      return { lists: numbers, length };
    },

    number({ as, distinct, bytes: size }, take, rows) {
      const count = as === "places" ? distinct : rows;
      const planes = take(4 * count);
      const mixed = new Uint8Array(4 * count);
      for (let plane = 0; plane < 4; plane += 1) {
        for (let i = 0; i < count; i += 1) mixed[4 * i + plane] = planes[plane * count + i];
      }
      if (as === "steps") {
        const bits = new Uint32Array(mixed.buffer);
        for (let i = 1; i < count; i += 1) bits[i] += bits[i - 1];
      }
      const numbers = new Float32Array(mixed.buffer);
      return { numbers: as === "places" ? Float32Array.from(codesOf(take(size * rows), size), (place) => numbers[place]) : numbers };
    },
  };

  // Undoes what nodescope.charts.packing does.
  const unpack = async (packed) => {
    const bytes = await bytesOf(packed.data);
    const columns = new Map();
    let at = 0;
    const take = (size) => bytes.subarray(at, (at += size));
    for (const column of packed.columns) columns.set(column.name, MAKERS[column.kind](column, take, packed.rows));
    return { rows: packed.rows, columns };
  };

  return {
    receive(key, packed) {
      waiting.get(key)?.resolve(unpack(packed));
    },
    load(study, name) {
      const key = `${study}/${name}`;
      if (!loaded.has(key)) {
        loaded.set(key, new Promise((resolve, reject) => {
          const script = document.createElement("script");
          const path = `data/${encodeURIComponent(study)}/${encodeURIComponent(name)}.js`;
          const fail = () => {
            loaded.delete(key);
            reject(new Error(`${path} could not be loaded; the folder "data" must lie beside the page`));
          };
          waiting.set(key, { resolve });
          script.onerror = fail;
          script.onload = () => { waiting.delete(key); script.remove(); };
          script.src = path;
          document.head.append(script);
        }));
      }
      return loaded.get(key);
    },
  };
})();

const frames = {
  has: (frame, name) => frame.columns.has(name),

  values(frame, name) {
    const column = frame.columns.get(name);
    return column?.values ? column.values.slice(1) : [];
  },

  // A value as it was before float32 made it long.
  value(column, row) {
    if (column.values) return column.values[column.codes[row]];
    if (column.lists) return column.lists.subarray(row * column.length, (row + 1) * column.length);
    const number = column.numbers[row];
    return Number.isNaN(number) ? null : Number(number.toPrecision(7));
  },

  // The rows for which every test holds; a test is [column, function of a value].
  select(frame, tests) {
    let chosen = null;
    for (const [name, holds] of tests) {
      const column = frame.columns.get(name);
      if (!column?.values) continue;
      const good = column.values.map((value) => holds(value));
      if (good.every(Boolean)) continue;
      const next = [];
      if (chosen === null) {
        for (let i = 0; i < frame.rows; i += 1) if (good[column.codes[i]]) next.push(i);
      } else {
        for (const i of chosen) if (good[column.codes[i]]) next.push(i);
      }
      chosen = next;
    }
    return chosen ?? Array.from({ length: frame.rows }, (_, i) => i);
  },

  rows(frame, indices) {
    const columns = [...frame.columns];
    return indices.map((i) => Object.fromEntries(columns.map(([name, column]) => [name, frames.value(column, i)])));
  },
};
