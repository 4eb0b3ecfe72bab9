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

// How the numbers along an axis are written.
const axisFormat = ({ unit, scale }) => (unit === "%" ? { format: "~%" } : scale === 1 ? { format: "~g" } : { labelExpr: `format(${scale} * datum.value, "~g")` });
const axisOf = (quantity) => ({ title: quantity.title, axis: axisFormat(quantity) });
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
  return (figure.configurations ? pinsOf(figure).map(pinLabel).filter((label) => !known.has(label)) : []).map((label) => `no data for ${label}`);
};
// What a figure does not show of what is chosen.
const notes = (figure, view, rows) => {
  const isUsual = { seed: chosen.seed === "mean", state: chosen.state === figure.study.states.at(-1).name };
  const missing = FOLLOWED.filter((column) => column in view && chosen[column] && chosen[column] !== view[column] && !isUsual[column]);
  const withoutState = figure.kind === "chart" && figure.per_configuration && !("state" in view) && shownPins().some((c) => c.state);
  return [
    ...lacking(figure, rows),
    ...(withoutState ? ["not by state"] : []),
    ...missing.map((column) => `no ${column === "state" ? stateLabel(figure.study, chosen.state) : `${words(column)} ${chosen[column]}`} here`),
  ].join(", ");
};

// What the main number of a figure is; where it shows one of several, as the view says.
const quantityOf = (figure, view) => (figure.quantity_by ? figure.quantities[view?.[figure.quantity_by]] : figure.quantities[figure.quantity]);
const titleOf = (figure, view) => quantityOf(figure, view)?.title ?? words(figure.quantity_by ? view?.[figure.quantity_by] ?? "" : figure.quantity);
const unitWords = (quantity) => (quantity?.unit ? ` in ${quantity.unit}` : "");

// Below the title: quantity, unit, state, split.
const subtitle = (figure, view) => {
  const quantity = quantityOf(figure, view);
  const said = figure.kind === "table" ? "" : figure.subtitle || (quantity || figure.quantity_by ? `${titleOf(figure, view)}${unitWords(quantity)}` : "");
  const text = [said, viewWords(figure, view)].filter(Boolean).join(" · ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

// What a figure shows, for those who do not see it: of each network the number of values, and between which they lie.
const reading = (figure, rows, view) => {
  const known = rows.filter((row) => typeof row[figure.quantity] === "number");
  if (!known.length) return "";
  const values = known.map((row) => row[figure.quantity]);
  const [low, high] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [Infinity, -Infinity]).map((value) => measured(quantityOf(figure, view), value));
  return `${known.length.toLocaleString("en")} value${known.length === 1 ? "" : "s"} of ${titleOf(figure, view)}, ${low === high ? low : `${low} to ${high}`}.`;
};

// Where a mark stands, in words: of these columns those that it has.
const PLACES = {
  state: (value, study) => stateLabel(study, value), split: (value) => `${value} samples`, seed: (value) => (value === "mean" ? "mean over seeds" : `seed ${value}`),
  layer: (value, study, row) => layerText(study.byName.get(row.configuration), value), node: (value) => `node ${value}`, channel: (value) => `channel ${value}`,
  class_name: (value, study) => (study.has_classes ? `class ${value}` : ""), epoch: (value) => `epoch ${number(value)}`, system: (value) => (/^the /.test(value) ? value : `${value} system`),
};
const placeWords = (study, row, view) => Object.entries(PLACES).filter(([name]) => row[name] !== undefined && row[name] !== null && !(name in view && FOLLOWED.includes(name)))
  .map(([name, say]) => say(row[name], study, row)).filter(Boolean).join(", ");

// What is said of a mark: its network, its place, its value with unit and interval, and what its figure adds under a title.
const rowText = (figure, told, row, titles = new Map(), view = {}) => {
  const { study } = figure;
  const quantity = quantityOf(figure, row) ?? quantityOf(figure, view);
  const value = row[figure.quantity];
  const lines = [row.network ?? row.pair ?? labelOf(study, row), placeWords(study, row, view)];
  if (typeof value === "number") {
    const hasInterval = typeof row.low === "number" && typeof row.high === "number" && row.low < row.high;
    lines.push(`${titleOf(figure, figure.quantity_by && row[figure.quantity_by] !== undefined ? row : view)}: ${measured(quantity, value)}`
      + (hasInterval ? ` (${figure.interval}: ${measured(quantity, row.low)} to ${measured(quantity, row.high)})` : ""));
  }
  for (const [title, text] of Object.entries(told)) {
    const field = titles.get(title) ?? (figure.name ? undefined : title);
    if (!field || field === figure.quantity || field in PLACES || field === "network" || text === null || row[field] === null || row[field] === undefined) continue;
    const shown = measured(figure.quantities[field], typeof row[field] === "number" && figure.quantities[field] ? row[field] : text);
    const called = title === field && figure.quantities[field] ? figure.quantities[field].title : title;
    if (called) lines.push(`${words(called)}: ${words(shown)}`);
  }
  return lines.filter(Boolean).join("\n");
};
