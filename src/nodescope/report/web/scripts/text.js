// Numbers, labels and sentences as the page writes them.

const number = (value) => {
  if (value === null || value === undefined) return "missing";
  if (typeof value !== "number") return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return String(Number(value.toPrecision(4)));
};

// As the quantity of its column says: digits (at least so many decimals, where their number is fixed), sign, unit.
const measured = (quantity, value, decimals = 0) => {
  if (!quantity || typeof value !== "number") return number(value);
  const shown = value * quantity.scale;
  const [, sign, digits, kind] = /^(\+?)\.?(\d*)([dfg])$/.exec(quantity.format);
  const text = kind === "f" ? shown.toFixed(Math.max(digits, decimals)) : kind === "g" ? String(Number(shown.toPrecision(digits))) : number(shown);
  return `${sign && shown > 0 ? "+" : ""}${text}${quantity.unit && ` ${quantity.unit}`}`;
};

const axisOf = (quantity) => ({
  title: quantity.title,
  axis: quantity.unit === "%" ? { format: "~%" } : quantity.scale === 1 ? {} : { labelExpr: `format(${quantity.scale} * datum.value, "~g")` },
});
const shareOf = (study) => ({ title: study.has_classes ? "share of class" : "share of samples", unit: "%", format: ".1f", scale: 100 });

const words = (name) => name.replaceAll("_", " ");
const stateLabel = (study, state) => study.states.find((s) => s.name === state)?.label ?? state;
const viewWords = (figure, view) => Object.entries(view).map(([column, value]) => {
  if (column === "state") return stateLabel(figure.study, value);
  if (column === "split") return `${value} samples`;
  if (column === "seed") return value === "mean" ? "mean over seeds" : `seed ${value}`;
  return "";
}).filter(Boolean).join(" · ");

// A layer, and what it is called in the network where that says more; likewise a node.
const named = (what, number, name) => (name ? `${what} ${number} (${name})` : `${what} ${number}`);
const layerName = (configuration, layer) => configuration?.layers?.[layer - 1] ?? "";
const layerText = (configuration, layer) => named("layer", layer, layerName(configuration, layer));
const rowTitle = (configuration, title) => title.replace(/^layer (\d+)$/, (_, layer) => layerText(configuration, Number(layer)));
const placeText = (configuration, layer, node) => `${layerText(configuration, layer)}, ${named("node", node, configuration.nodes?.[layer]?.[node])}`;

const listed = (names) => (names.length > 8 ? `${names.slice(0, 7).join(", ")} and ${names.length - 7} others` : names.join(", "));

// What a value of an axis is called; a configuration's label is made of such words.
const axisWord = (study, axis, value) => study.axes[axis].words[study.axes[axis].values.indexOf(value)] ?? String(value);
// The configuration that a row is about; of a row that is about several, the axes that it names.
const labelOf = (study, row) => study.byName.get(row.configuration)?.label
  ?? Object.keys(study.axes).filter((axis) => row[axis] !== undefined).map((axis) => axisWord(study, axis, row[axis])).join(" ");

// The pinned networks of which a figure has no row: they diverged, or the table lacks them.
const lacking = (figure, rows) => {
  const known = new Set(rows.map((row) => row.network));
  return (figure.configurations ? shownPins().map(pinLabel).filter((label) => !known.has(label)) : []).map((label) => `no data for ${label}`);
};
const notes = (figure, view, rows) => [...lacking(figure, rows), ...FOLLOWED.filter((column) => column in view && chosen[column] && chosen[column] !== view[column]
  && !(column === "seed" && chosen.seed === "mean") && !(column === "state" && chosen.state === figure.study.states.at(-1).name))
  .map((column) => `no ${column === "state" ? stateLabel(figure.study, chosen.state) : `${words(column)} ${chosen[column]}`} here`)].join(", ");

// Columns that place a mark; and those that a reading has no use for.
const LAYOUT = new Set(["panel_row", "configuration", "base", "top"]);
const HIDDEN = new Set([...LAYOUT, "low", "high", "column", "label", "kind", "chosen", "end", "reaches"]);
const nameOf = (study, row, varying) => varying.map((name) => {
  const value = row[name];
  if (name in study.axes) return axisWord(study, name, value);
  if (typeof value === "boolean") return `${words(name)} ${value}`;
  if (name === "class_name" || name === "of_class") return `class ${value}`;
  if (name === "layer") return layerText(study.byName.get(row.configuration), value);
  if (name === "row") return rowTitle(study.byName.get(row.configuration), value);
  return typeof value === "string" && name !== "node" ? value : `${words(name)} ${number(value)}`;
}).join(", ");

// All values are the same where there is no highest.
const readingText = (count, title, high, low, same) => {
  const values = `Shown: ${count.toLocaleString("en")} value${count === 1 ? "" : "s"} (${title})`;
  return high === null ? `${values}: ${count === 1 ? low : `all are ${same}`}.` : `${values}; highest ${high}, lowest ${low}.`;
};

const titleOf = (figure) => figure.quantities[figure.quantity]?.title ?? words(figure.quantity);

const reading = (figure, rows) => {
  const known = rows.filter((row) => typeof row[figure.quantity] === "number");
  if (!known.length) return "";
  const varying = Object.keys(rows[0]).filter((name) => !name.startsWith("__") && !HIDDEN.has(name) && !(name === "row" && "layer" in rows[0]) && name !== figure.quantity
    && (figure.quantities[name]?.coordinate ?? true)
    && new Set(known.map((row) => row[name])).size > 1);
  const of = (row) => {
    const value = row[figure.quantity];
    const text = measured(figure.quantities[figure.quantity], value);
    const name = nameOf(figure.study, row, varying);
    return name ? `${text} (${name})` : text;
  };
  let low = known[0], high = known[0];
  for (const row of known) {
    if (row[figure.quantity] < low[figure.quantity]) low = row;
    if (row[figure.quantity] > high[figure.quantity]) high = row;
  }
  return readingText(known.length, titleOf(figure), high[figure.quantity] === low[figure.quantity] ? null : of(high), of(low), measured(figure.quantities[figure.quantity], low[figure.quantity]));
};

// Numbers of the row itself where it has them: Vega makes texts of those that a tooltip names.
const rowText = (figure, named, row) => Object.entries(named).filter(([name, value]) => !name.startsWith("__") && !name.includes(" ") && value !== null && !LAYOUT.has(name))
  .filter(([name]) => figure.study.has_classes || name !== "class_name")
  .map(([name, value]) => {
    const text = measured(figure.quantities[name], typeof row?.[name] === "number" ? row[name] : value);
    const called = name === "layer" ? layerName(figure.study.byName.get(row?.configuration), row?.layer) : "";
    return `${words(name)}: ${text}${called && ` (${called})`}`;
  }).join("\n");
