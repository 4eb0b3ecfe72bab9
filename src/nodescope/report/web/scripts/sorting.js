// A table whose columns sort and whose rows filter, for figures that are tables and for lists of nodes.

const MOST_ROWS_SHOWN = 300;

// A column is { name, title, numeric, of(row), text(row), cell(row) }; `kept` holds what the reader chose: column, down, search.
const sortedTable = ({ columns, rows, label, kept, further = () => "", marked = () => null }) => {
  const search = element("input", { type: "search", placeholder: "filter rows", "aria-label": `Filter the rows of ${label}` });
  search.value = kept.search ?? "";
  const head = element("tr"), body = element("tbody"), more = element("p", { class: "more-rows" });
  let most = MOST_ROWS_SHOWN;
  const fill = () => {
    kept.search = search.value;
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter((row) => {
      if (!sought.length) return true;
      const text = `${columns.map((column) => column.text(row)).join(" ")} ${further(row)}`.toLowerCase();
      return sought.every((word) => text.includes(word));
    });
    const by = columns.find(({ name }) => name === kept.column);
    if (by) shown.sort((a, b) => {
      const [x, y] = [by.of(a) ?? null, by.of(b) ?? null];
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (kept.down ? -1 : 1);
    });
    head.replaceChildren(...columns.map(({ name, title, numeric }) => element("th", {
      scope: "col", class: numeric ? "number" : null, "aria-sort": kept.column === name ? (kept.down ? "descending" : "ascending") : "none",
    }, element("button", { type: "button", onclick: () => {
      Object.assign(kept, { down: kept.column === name ? !kept.down : false, column: name });
      keepingFocus(head, fill);
    } }, `${title}${kept.column === name ? (kept.down ? " ▼" : " ▲") : ""}`))));
    body.replaceChildren(...shown.slice(0, most).map((row) => element("tr", { class: marked(row) }, ...columns.map((column) => element("td", { class: column.numeric ? "number" : null }, column.cell ? column.cell(row) : column.text(row))))));
    const rest = shown.length - most;
    more.replaceChildren(...(rest > 0 ? [`${rest.toLocaleString("en")} more rows. `, element("button", { type: "button", onclick: () => { most = Infinity; fill(); } }, "Show all")] : []));
  };
  search.addEventListener("input", fill);
  fill();
  return [element("div", { class: "table-search" }, search),
    element("div", { class: "data-table", tabindex: "0", role: "region", "aria-label": label }, element("table", {}, element("thead", {}, head), body), more)];
};
