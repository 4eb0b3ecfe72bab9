// What the atlas and the node card know of the nodes of a network: values by class, kinds, orders; read once per file.

const atlasOf = (study) => study.figures.find((figure) => figure.kind === "atlas") ?? null;
const madeFrom = new WeakMap(); // frame -> Map of what was made from it
const once = (frame, key, make) => {
  if (!madeFrom.has(frame)) madeFrom.set(frame, new Map());
  const own = madeFrom.get(frame);
  if (!own.has(key)) own.set(key, make());
  return own.get(key);
};

// A table of a configuration, or of one of its nets; null where there is none.
const loadNodes = async (c, table, seed) => {
  const tables = atlasOf(c.study)?.tables ?? {};
  if (!tables[table]?.includes(c.name)) return null;
  return nodescope.load(c.study.name, seed === undefined ? `${table}.${c.name}` : `${table}.${c.name}.${seed}`);
};

// The values of a table with a value per node and class: layer -> { size, values[class * size + node] }, by seed, state, split.
const cubeOf = (frame, value) => once(frame, value, () => {
  const [seed, state, split, layer, node, of, numbers] = ["seed", "state", "split", "layer", "node", "class", value].map((name) => frame.columns.get(name));
  const classes = Math.max(0, ...of.values.slice(1)) + 1, sizes = new Map();
  const numberAt = numbers.numbers ? (i) => numbers.numbers[i] : (i) => numbers.values[numbers.codes[i]] ?? NaN;
  for (let i = 0; i < frame.rows; i += 1) {
    const own = layer.values[layer.codes[i]], at = node.values[node.codes[i]] + 1;
    if (at > (sizes.get(own) ?? 0)) sizes.set(own, at);
  }
  const layers = [...sizes.keys()].sort((a, b) => a - b), found = new Map();
  let before = -1, here = null;
  for (let i = 0; i < frame.rows; i += 1) {
    const slot = (seed.codes[i] * 256 + state.codes[i]) * 256 + split.codes[i];
    if (slot !== before) {
      const key = `${seed.values[seed.codes[i]]}|${state.values[state.codes[i]]}|${split.values[split.codes[i]]}`;
      if (!found.has(key)) found.set(key, new Map(layers.map((own) => [own, { size: sizes.get(own), values: new Float32Array(classes * sizes.get(own)).fill(NaN) }])));
      [before, here] = [slot, found.get(key)];
    }
    const { size, values } = here.get(layer.values[layer.codes[i]]);
    values[of.values[of.codes[i]] * size + node.values[node.codes[i]]] = numberAt(i);
  }
  return { layers, sizes, classes, at: (view) => found.get(`${view.seed}|${view.state}|${view.split}`) ?? null };
});

// The rows of a table in a view, by "layer/node"; columns of the view that the table lacks do not matter.
const rowsOfNodes = (frame, view) => (frame === null ? new Map() : once(frame, `rows ${JSON.stringify(view)}`, () => {
  const tests = Object.entries(view).map(([column, value]) => [column, (v) => v === null || String(v) === value]);
  const found = new Map();
  for (const row of frames.rows(frame, frames.select(frame, tests))) {
    const key = `${row.layer}/${row.node}`;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(row);
  }
  return found;
}));

// The split that a table has of the one that is shown; most describe the training samples only.
const splitIn = (frame, split) => {
  const there = frame === null ? [] : frames.values(frame, "split");
  return there.includes(split) || !there.length ? split : there.includes("train") ? "train" : there[0];
};

// What is shown of a network: its state, split and seed, as chip and page say and as far as it was measured.
const viewOfNodes = (c, activity) => {
  const figure = { ...atlasOf(c.study), study: c.study };
  const view = Object.fromEntries(Object.keys(figure.view).map((column) => [column, viewOf(figure, column, frames.values(activity, column))]));
  return viewOfPin(c, view);
};

const TABLES_OF_ATLAS = ["activity", "medians", "node_order", "node_kinds", "selectivity", "node_fates", "ablation"];

// All that the atlas needs of a network; medians only where they are shown.
const readNet = async (c, withMedians) => {
  const loaded = await Promise.all(TABLES_OF_ATLAS.map((name) => (name === "medians" && !withMedians ? null : loadNodes(c, name))));
  const tables = Object.fromEntries(TABLES_OF_ATLAS.map((name, i) => [name, loaded[i]]));
  if (tables.activity === null) return null;
  const view = viewOfNodes(c, tables.activity), cube = cubeOf(tables.activity, "active_share");
  const kept = { ...view, state: c.study.states.at(-1).name };
  const of = (name, at) => (tables[name] === null ? new Map() : rowsOfNodes(tables[name], { ...at, ...(at.split && { split: splitIn(tables[name], at.split) }) }));
  return {
    c, view, kept, cube, tables, shares: cube.at(view), split: splitIn(tables.node_kinds, view.split),
    kinds: of("node_kinds", view), selective: of("selectivity", view), selectiveAtLast: of("selectivity", kept), fates: of("node_fates", { seed: view.seed, split: view.split }),
    effects: of("ablation", { seed: view.seed, state: view.state }), order: tables.node_order,
  };
};

// Nodes of a layer that are on for no sample; and those that are on for all.
const neverOn = ({ size, values }) => everyClass(size, values, 0);
const alwaysOn = ({ size, values }) => everyClass(size, values, 1);
const everyClass = (size, values, wanted) => Array.from({ length: size }, (_, node) => {
  let known = false;
  for (let at = node; at < values.length; at += size) {
    if (Number.isNaN(values[at])) continue;
    if (values[at] !== wanted) return false;
    known = true;
  }
  return known;
});

const meanOf = ({ size, values }, node, classes) => {
  const known = classes.map((c) => values[c * size + node]).filter((v) => !Number.isNaN(v));
  return known.length ? known.reduce((sum, v) => sum + v, 0) / known.length : NaN;
};

const ORDERS = { class: "preferred class", similarity: "similarity", mean: "mean share on", selectivity: "selectivity", index: "node number" };
const VALUES = { share: "share on", median: "median activation", change: "change since the first state" };

// Which orders there are: those of tables only where the study has them.
const ordersOf = (study) => {
  const { tables } = atlasOf(study);
  return Object.keys(ORDERS).filter((name) => ({
    class: tables.node_order && study.has_classes, similarity: tables.node_order, selectivity: tables.selectivity && study.has_classes,
  })[name] ?? (name === "mean" || name === "index"));
};
const valuesOfAtlas = (study) => Object.keys(VALUES).filter((name) => ({ median: atlasOf(study).tables.medians, change: study.states.length > 1 })[name] ?? name === "share");

const choiceOfAtlas = (name, allowed, usual = allowed[0]) => (allowed.includes(chosen.choices[`atlas.${name}`]) ? chosen.choices[`atlas.${name}`] : usual);

// The nodes of a layer in an order, which the kept network gives, so that it stays when the state changes.
const orderOf = (net, layer, name) => once(net.tables.activity, `order ${name} ${layer} ${net.kept.seed} ${net.kept.split}`, () => {
  const size = net.cube.sizes.get(layer), nodes = Array.from({ length: size }, (_, node) => node);
  const falling = (key) => nodes.sort((a, b) => (Number.isNaN(key[a]) - Number.isNaN(key[b])) || key[b] - key[a] || a - b);
  if (name === "mean") {
    const part = (net.cube.at(net.kept) ?? net.shares)?.get(layer), classes = [...Array(net.cube.classes).keys()];
    return part ? falling(nodes.map((node) => meanOf(part, node, classes))) : nodes;
  }
  if (name === "selectivity") return falling(nodes.map((node) => net.selectiveAtLast.get(`${layer}/${node}`)?.[0].class_share ?? NaN));
  if (name === "index" || net.order === null) return nodes;
  const there = frames.values(net.order, "order"), wanted = name === "class" ? "class" : there.includes("profile") ? "profile" : "similarity";
  const tests = [["seed", (v) => String(v) === net.kept.seed], ["order", (v) => v === wanted], ["layer", (v) => v === layer], ["split", (v) => v === splitIn(net.order, "train")]];
  const rows = frames.rows(net.order, frames.select(net.order, tests)).filter((row) => row.rank !== null);
  if (rows.length !== size) return nodes;
  for (const row of rows) nodes[row.rank] = row.node;
  return nodes;
});

// A ReLU that is never on is dead; a node of another function that is never on still says something.
const deadWord = (c, layer) => (/^relu/.test(c.functions?.[layer - 1] ?? "relu") ? "dead" : "always off");
const kindWord = (c, layer, kind) => (kind === "dead" ? deadWord(c, layer) : words(kind ?? ""));
