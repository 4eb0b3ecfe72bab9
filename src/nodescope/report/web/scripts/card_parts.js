// The parts of the node card: samples, images, states, classes, nodes that resemble it.

const rowsOfNode = (frame, view, layer, node) => {
  if (!frame) return [];
  const tests = [["layer", (v) => v === layer], ["node", (v) => v === node], ...Object.entries(view).map(([column, value]) => [column, (v) => v === null || String(v) === value])];
  return frames.rows(frame, frames.select(frame, tests));
};
const part = (heading, ...content) => element("section", {}, element("h3", {}, heading), ...content);

// What is recorded of some states only says so, and offers one of them.
const otherState = (what, study, frame, view) => {
  const there = frames.values(frame, "state");
  if (!there.length || there.includes(view.state)) return null;
  const labels = there.map((name) => stateLabel(study, name));
  return element("p", { class: "elsewhere" }, `${what} are known of this network when ${listed(labels)} only. `,
    element("button", { type: "button", onclick: () => { chosen.node = { ...chosen.node, configuration: partsOfPin(`${chosen.node.study}/${chosen.node.configuration}`)[1] }; chosen.state = there.at(-1); update(); } }, `Show ${labels.at(-1)}`));
};

const sampleRows = async (study, tops) => {
  const wanted = [...new Set(tops.map((row) => row.sample))], there = atlasOf(study).tables.samples ?? [], size = 256; // as in nodescope.charts.node_data
  const found = new Map(), numbers = [...new Set(wanted.map((sample) => String(Math.floor(sample / size))))].filter((n) => there.includes(n));
  for (const frame of await Promise.all(numbers.map((n) => nodescope.load(study.name, `samples.${n}`)))) {
    const column = frame.columns.get("sample"), at = once(frame, "samples", () => new Map(Array.from({ length: frame.rows }, (_, i) => [column.values[column.codes[i]], i])));
    for (const sample of wanted) if (at.has(sample)) found.set(sample, frames.rows(frame, [at.get(sample)])[0]);
  }
  return found;
};

const ENDS = { most: "drive it most", spread: "in between", least: "drive it least" };
const labelOfSample = (study, row) => (study.has_classes && row.label !== null ? study.classes[row.label] : "");
// The position in an image, as a frame; positions of a square map only.
const frameOf = (c, layer, row) => {
  const positions = c.positions?.[layer - 1] ?? 1, side = Math.round(Math.sqrt(positions));
  if (row.position === null || positions < 4 || side * side !== positions) return [];
  const share = 100 / side;
  return [element("span", { class: "position", style: `left:${(row.position % side) * share}%;top:${Math.floor(row.position / side) * share}%;width:${share}%;height:${share}%` })];
};

const MOST_PLAIN = 6, MOST_OF_FEATURES = 5, MOST_NAMES = 12; // samples of which only numbers are known; rows of features

const samplesPart = async (net, frame, layer, node) => {
  const { study } = net.c, view = { state: net.view.state, split: splitIn(frame, net.view.split) }, note = otherState("The samples that drive it", study, frame, view);
  if (note) return part("Samples", note);
  const rows = rowsOfNode(frame, view, layer, node).sort((a, b) => a.rank - b.rank);
  if (!rows.length) return part("Samples", element("p", {}, "Its value is the same for all samples."));
  const known = await sampleRows(study, rows), sampleOf = (row) => known.get(row.sample), units = "z";
  const described = (row) => `sample ${row.sample}${labelOfSample(study, row) && `, ${labelOfSample(study, row)}`}, ${units} = ${number(row.z)}${row.position === null ? "" : `, position ${row.position}`}`;
  const withFeatures = rows.some((row) => sampleOf(row)?.features), withText = rows.some((row) => sampleOf(row)?.text);
  const strips = Object.entries(ENDS).map(([end, words]) => [end, words, rows.filter((row) => row.end === end)]).filter(([end]) => known.size || end !== "spread").filter(([, , own]) => own.length).map(([end, words, own]) => {
    const items = (known.size ? own : own.slice(0, MOST_PLAIN)).map((row) => {
      const sample = sampleOf(row);
      if (sample?.thumbnail) return element("li", { "data-sample": row.sample, title: described(row) }, element("span", { class: "thumbnail" }, element("img", { src: sample.thumbnail, alt: described(row) }), ...frameOf(net.c, layer, row)), element("span", {}, labelOfSample(study, row) || `${row.sample}`));
      if (withText && sample?.text) return element("li", { class: "text", "data-sample": row.sample, title: described(row) }, element("q", {}, sample.text.length > 180 ? `${sample.text.slice(0, 180)}…` : sample.text), element("span", {}, ` ${described(row)}`));
      return element("li", { class: "plain", "data-sample": row.sample }, described(row));
    });
    return element("div", { class: "strip", "data-end": end }, element("h4", {}, words), element("ul", { class: withText ? "texts" : rows.some((row) => sampleOf(row)?.thumbnail) ? "thumbnails" : "plain-samples" }, ...items));
  });
  const heading = `Samples (${view.split})`;
  if (!withFeatures) return part(heading, ...strips);
  const length = Math.max(...[...known.values()].map((sample) => sample.features?.split(" ").length ?? 0)), names = Array.from({ length }, (_, i) => study.features?.[i] ?? `x${i}`).slice(0, MOST_NAMES);
  return part(heading, element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "features of the samples" }, element("table", { class: "features" },
    element("thead", {}, element("tr", {}, ...[study.has_classes ? "class" : "sample", ...names, "z"].map((name) => element("th", { scope: "col" }, name)))),
    ...Object.entries(ENDS).map(([end, words]) => element("tbody", { "data-end": end }, element("tr", {}, element("th", { scope: "rowgroup", class: "end", colspan: names.length + 2 }, words)), ...rows.filter((row) => row.end === end).slice(0, MOST_OF_FEATURES).map((row) => element("tr", { "data-sample": row.sample, title: described(row) },
      element("th", { scope: "row" }, labelOfSample(study, row) || `${row.sample}`), ...names.map((_, at) => element("td", { class: "number" }, sampleOf(row)?.features?.split(" ")[at] ?? "")), element("td", { class: "number" }, number(row.z)))))))));
};

const imagesPart = (net, frame, layer, node, heading, words) => {
  const note = otherState("These images", net.c.study, frame, net.view);
  if (note) return null;
  const row = rowsOfNode(frame, { state: net.view.state, split: splitIn(frame, net.view.split) }, layer, node).find((one) => one.image);
  return row ? element("figure", { class: "image" }, element("img", { src: row.image, alt: `${heading}, from ${number(row.low)} to ${number(row.high)}` }), element("figcaption", {}, `${heading}: ${words}, ${number(row.low)} to ${number(row.high)}`)) : null;
};

// The share of each class for which it is on, in every recorded state.
const statesPart = (net, layer, node) => {
  const { study } = net.c, shown = classesShown(study), wide = Math.max(6, Math.min(64, Math.floor(250 / shown.length))), high = 18, left = 92;
  const states = study.states.filter(({ name }) => net.cube.at({ ...net.view, state: name }));
  if (states.length < 2) return null;
  const shares = states.map(({ name }) => { const { size, values } = net.cube.at({ ...net.view, state: name }).get(layer); return shown.map((c) => values[c * size + node]); });
  const { canvas, context } = sharpCanvas(left + shown.length * wide + 2, states.length * high + (study.has_classes ? 16 : 2)), { ink, soft, border } = shadesOf();
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  paintCells(context, { columns: shown.length, rows: states.length, value: (row, column) => shares[row][column], domain: [0, 1], scale: "rising" }, left, 1, wide, high);
  states.forEach(({ name, label }, row) => {
    context.fillStyle = name === net.view.state ? ink : soft;
    context.textAlign = "right";
    context.fillText(shortened(context, `${name === net.view.state ? "▸ " : ""}${label}`, left - 6), left - 5, 1 + (row + 0.5) * high);
    if (shares[row].every((v) => v === 0)) paintHatched(context, left, 1 + row * high, shown.length * wide, high);
  });
  context.strokeStyle = border;
  context.strokeRect(left - 0.5, 0.5, shown.length * wide + 1, states.length * high + 1);
  context.textAlign = "center";
  context.fillStyle = soft;
  const every = Math.ceil(22 / wide);
  if (study.has_classes) shown.forEach((c, column) => { if (column % every === 0) context.fillText(shortened(context, study.classes[c], wide * every), left + (column + 0.5) * wide, states.length * high + 9); });
  const text = states.map(({ label }, row) => `${label}: ${shares[row].map((v, i) => `${study.has_classes ? `${study.classes[shown[i]]} ` : ""}${PERCENT(v)}`).join(", ")}`).join("; ");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Share on in each state: ${text}`);
  return part("Share on, from state to state", canvas);
};

const kinPart = (net, layer, node, redundancy, kin) => {
  const { study } = net.c, items = [], near = redundancy && rowsOfNode(redundancy, { seed: net.view.seed, state: net.view.state, split: splitIn(redundancy, net.view.split) }, layer, node)[0];
  const open = (text, at) => element("button", { type: "button", class: "node-link", onclick: () => openNode(net.c, layer, at) }, text);
  if (near && near.nearest !== null) {
    items.push(element("li", {}, "of this layer: node ", open(`${layer}/${near.nearest}`, near.nearest), `, r = ${near.nearest_correlation.toFixed(2)}${near.similar ? `; ${near.similar} with |r| of at least 0.9` : ""}`));
  }
  for (const row of kin && net.view.state === study.states.at(-1).name ? rowsOfNode(kin, { seed: net.view.seed }, layer, node) : []) {
    if (row.nearest === null) continue;
    const isOther = String(row.other_seed) !== net.view.seed, where = isOther ? `of seed ${row.other_seed}` : `${stateLabel(study, row.other_state)}`;
    const itself = !isOther && row.same_correlation !== null && row.nearest !== node ? `; with itself ${row.same_correlation.toFixed(2)}` : "";
    items.push(element("li", {}, `${where}: node ${layer}/${row.nearest}, r = ${row.nearest_correlation.toFixed(2)}${itself}`));
  }
  return items.length ? part("Nodes like it", element("ul", { class: "kin" }, ...items)) : null;
};
