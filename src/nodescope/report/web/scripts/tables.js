// Figures that are tables, and the rows behind any other figure.

// Rows of a figure as a table; a column that holds a quantity is written as that says.
const tableOf = (figure, rows, names, kept = {}) => {
  // A unit that is a word stands in the head, not in every cell.
  const unitOf = (name) => /^\w/.test(figure.quantities[name]?.unit ?? "") ? figure.quantities[name].unit : "";
  const cell = (value, name) => {
    if (value === null) return "–";
    if (figure.quantities[name]) return measured(unitOf(name) ? { ...figure.quantities[name], unit: "" } : figure.quantities[name], value, 2);
    return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(4) : number(value);
  };
  const columns = names.map((name) => ({
    name, title: `${words(name)}${unitOf(name) && ` (${unitOf(name)})`}`, numeric: rows.some((row) => typeof row[name] === "number"), of: (row) => row[name], text: (row) => `${cell(row[name], name)}`,
  }));
  return sortedTable({ columns, rows, label: figure.title, kept, further: (row) => labelOf(figure.study, row), marked: (row) => (row.__muted === true ? "muted" : row.__muted === false ? "marked" : null) });
};

const drawTable = async (figure, holder) => {
  const [frame] = await framesOf(figure);
  const view = viewsOf(figure, [frame]);
  const { study } = figure;
  const found = byPattern(frames.rows(frame, frames.select(frame, testsOf(figure, frame, view))), study);
  const nameOfLayer = (row) => layerName(study.byName.get(row.configuration), row.layer);
  const isNamed = frames.has(frame, "layer") && !frames.has(frame, "name") && found.some(nameOfLayer);
  const columns = [...frame.columns.keys()].filter((name) => name !== "state" || study.states.length > 1).flatMap((name) => (name === "layer" && isNamed ? [name, "layer_name"] : [name]));
  const rows = isNamed ? found.map((row) => ({ ...row, layer_name: nameOfLayer(row) })) : found, kept = drawn.get(figure)?.kept ?? {};
  holder.replaceChildren(...tableOf(figure, rows, columns, kept));
  return { view, parts: [frame], rows, views: [], kept };
};

// The rows that a figure shows, below it, while its button is pressed.
const showRows = (figure, result, box) => {
  const button = box.querySelector(".as-table");
  box.querySelector(".rows")?.remove();
  const isMade = typeof result?.rows === "function"; // only when they are asked for
  button.hidden = figure.kind === "table" || !(isMade || result?.rows?.length);
  if (button.hidden || button.getAttribute("aria-pressed") !== "true") return;
  const all = isMade ? result.rows() : result.rows;
  if (!all.length) return;
  const columns = Object.keys(all[0]).filter((name) => !name.startsWith("__") && all.some((row) => row[name] !== null && typeof row[name] !== "object"));
  box.querySelector(".chart").after(element("div", { class: "rows" }, ...tableOf(figure, all, columns)));
};

document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".as-table");
  if (!button) return;
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  const box = button.closest("figure"), figure = figureOf(box.querySelector(".chart"));
  showRows(figure, drawn.get(figure), box);
});
