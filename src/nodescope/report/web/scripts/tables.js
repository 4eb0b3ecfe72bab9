// Tables that can be sorted and filtered: figures that are tables, and the rows behind any other figure.

// A table of rows, with a field that filters them. `kept` holds how it was sorted and filtered before.
const tableOf = (figure, rows, columns, kept = {}) => {
  const sort = kept.sort ?? { column: null, down: false };
  const search = element("input", { type: "search", placeholder: "filter rows", "aria-label": `Filter the rows of ${figure.title}` });
  search.value = kept.search ?? "";
  const head = element("tr"), body = element("tbody");
  // A unit that is a word stands in the head, not in every cell.
  const unitOf = (name) => /^\w/.test(figure.quantities[name]?.unit ?? "") ? figure.quantities[name].unit : "";
  const cell = (value, name) => {
    if (value === null) return "–";
    if (figure.quantities[name]) return measured(unitOf(name) ? { ...figure.quantities[name], unit: "" } : figure.quantities[name], value, 2);
    return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(4) : number(value);
  };
  const numeric = new Set(columns.filter((name) => rows.some((row) => typeof row[name] === "number")));
  const fill = () => {
    const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = rows.filter((row) => {
      const text = columns.map((name) => `${cell(row[name], name)}`).join(" ").toLowerCase() + ` ${labelOf(figure.study, row)}`.toLowerCase();
      return sought.every((word) => text.includes(word));
    });
    if (sort.column) shown.sort((a, b) => {
      const [x, y] = [a[sort.column], b[sort.column]];
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (sort.down ? -1 : 1);
    });
    head.replaceChildren(...columns.map((name) => element("th", {
      scope: "col", class: numeric.has(name) ? "number" : null,
      "aria-sort": sort.column === name ? (sort.down ? "descending" : "ascending") : "none",
    }, element("button", { type: "button", onclick: () => {
      sort.down = sort.column === name ? !sort.down : false;
      sort.column = name;
      fill();
    } }, `${words(name)}${unitOf(name) && ` (${unitOf(name)})`}${sort.column === name ? (sort.down ? " ▼" : " ▲") : ""}`))));
    body.replaceChildren(...shown.map((row) => element("tr", { class: row.__muted === true ? "muted" : row.__muted === false ? "marked" : null },
      ...columns.map((name) => element("td", { class: numeric.has(name) ? "number" : null }, cell(row[name], name))))));
  };
  search.addEventListener("input", fill);
  fill();
  const elements = [element("div", { class: "table-search" }, search),
    element("div", { class: "data-table", tabindex: "0", role: "region", "aria-label": figure.title }, element("table", {}, element("thead", {}, head), body))];
  return { elements, sort, get search() { return search.value; } };
};

const drawTable = async (figure, holder) => {
  const [frame] = await framesOf(figure);
  const view = viewsOf(figure, [frame]);
  const { study } = figure;
  const found = byPattern(frames.rows(frame, frames.select(frame, testsOf(figure, frame, view))), study);
  const nameOfLayer = (row) => layerName(study.byName.get(row.configuration), row.layer);
  const isNamed = frames.has(frame, "layer") && !frames.has(frame, "name") && found.some(nameOfLayer);
  const columns = [...frame.columns.keys()].filter((name) => name !== "state" || study.states.length > 1).flatMap((name) => (name === "layer" && isNamed ? [name, "layer_name"] : [name]));
  const rows = isNamed ? found.map((row) => ({ ...row, layer_name: nameOfLayer(row) })) : found;
  const table = tableOf(figure, rows, columns, drawn.get(figure));
  holder.replaceChildren(...table.elements);
  return { view, parts: [frame], rows, views: [], sort: table.sort, get search() { return table.search; } };
};

// The rows that a figure shows, below it, while its button is pressed.
const MOST_ROWS_SHOWN = 1000;
const showRows = (figure, result, box) => {
  const button = box.querySelector(".as-table");
  box.querySelector(".rows")?.remove();
  const all = typeof result?.rows === "function" ? result.rows() : result?.rows ?? [];
  button.hidden = figure.kind === "table" || !all.length;
  if (button.hidden || button.getAttribute("aria-pressed") !== "true") return;
  const columns = Object.keys(all[0]).filter((name) => !name.startsWith("__") && all.some((row) => row[name] !== null && typeof row[name] !== "object"));
  const more = all.length > MOST_ROWS_SHOWN ? [element("p", {}, `The first ${number(MOST_ROWS_SHOWN)} of ${number(all.length)} rows; Save gives all.`)] : [];
  box.querySelector(".chart").after(element("div", { class: "rows" }, ...tableOf(figure, all.slice(0, MOST_ROWS_SHOWN), columns).elements, ...more));
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".as-table");
  if (!button) return;
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  const box = button.closest("figure"), figure = figureOf(box.querySelector(".chart"));
  showRows(figure, drawn.get(figure), box);
});
