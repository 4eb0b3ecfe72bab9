// What a node does with each class: a row each with its share on, its distribution, and what breaks without the node.

const FEW_CLASSES = 16;
const shareBar = (value) => element("span", { class: "share-bar", style: `--share:${Number.isNaN(value) ? 0 : value}` }, PERCENT(value));
const effectBar = (row, most) => {
  const share = most ? Math.min(1, Math.abs(row.loss_change) / most) : 0;
  return element("span", { class: `effect-bar ${row.loss_change < 0 ? "better" : "worse"}`, style: `--share:${share}`, title: row.standard_error === null ? "" : `± ${number(row.standard_error)} (standard error)` }, `${row.loss_change > 0 ? "+" : ""}${number(Number(row.loss_change.toPrecision(2)))}`);
};

const histogramsOf = (net, frame, layer, node) => {
  if (!frame) return { rows: [], kind: "pre" };
  const found = rowsOfNode(frame, { state: net.view.state, split: splitIn(frame, net.view.split) }, layer, node).filter((row) => row.low !== null).map((row) => ({ ...row, total: row.counts.reduce((sum, n) => sum + n, 0) })).filter((row) => row.total > 0);
  const kind = found.some((row) => row.kind === "pre") ? "pre" : "post"; // inputs are not known of every network
  return { rows: found.filter((row) => row.kind === kind && net.shown.includes(row.class)), kind };
};

const classesPart = (net, layer, node, { histograms, effects }) => {
  const { study } = net.c, { rows: bars, kind } = histogramsOf(net, histograms, layer, node), shares = net.shares.get(layer), medians = net.tables.medians && cubeOf(net.tables.medians, "median").at(net.view)?.get(layer);
  const broken = effects.filter((row) => row.loss_change !== null), most = Math.max(0, ...broken.map((row) => Math.abs(row.loss_change)));
  const axis = bars.length ? axisOfRidges(bars) : null, threshold = kind === "pre" ? study.threshold : null;
  const all = net.shown.map((c) => ({
    c, share: shares.values[c * shares.size + node], bar: bars.find((row) => row.class === c) ?? null, effect: broken.find((row) => row.class === c) ?? null,
    median: medians ? medians.values[c * medians.size + node] : NaN,
  })).map((row) => ({ ...row, middle: row.bar ? medianOfBars(row.bar) : row.median })).sort((a, b) => (Number.isNaN(a.middle) - Number.isNaN(b.middle)) || b.middle - a.middle || b.share - a.share || a.c - b.c);
  const quantity = atlasOf(study).quantities.median, withMedians = all.some((row) => !Number.isNaN(row.median));
  const body = element("tbody"), fill = (rows) => body.replaceChildren(...rows.map(({ c, share, bar, effect, median }) => element("tr", { "data-class": c },
    ...(study.has_classes ? [element("th", { scope: "row" }, study.classes[c])] : []), element("td", {}, shareBar(share)),
    ...(axis ? [element("td", {}, bar ? ridge(bar, axis, threshold, `${kind === "pre" ? "z" : "a"} from ${number(bar.low)} to ${number(bar.low + bar.width * bar.counts.length)}, median about ${number(Number(medianOfBars(bar).toPrecision(3)))}`) : "")] : []),
    ...(withMedians ? [element("td", { class: "number" }, Number.isNaN(median) ? "–" : measured(quantity, Number(median.toPrecision(3))))] : []), ...(broken.length ? [element("td", {}, effect ? effectBar(effect, most) : "–")] : []))));
  fill(all.length > FEW_CLASSES ? [...all.slice(0, 8), ...all.slice(-4)] : all);
  const head = element("tr", {}, ...(study.has_classes ? [element("th", { scope: "col" }, "class")] : []), element("th", { scope: "col" }, "on"), ...(axis ? [element("th", { scope: "col" }, kind === "pre" ? "pre-activation z" : "activation a")] : []),
    ...(withMedians ? [element("th", { scope: "col", class: "number" }, "median a")] : []), ...(broken.length ? [element("th", { scope: "col" }, "loss without it")] : []));
  const foot = axis ? element("tfoot", {}, element("tr", {}, ...(study.has_classes ? [element("td")] : []), element("td"), element("td", {}, ridgeAxis(axis, threshold)), ...(withMedians ? [element("td")] : []), ...(broken.length ? [element("td")] : []))) : "";
  const note = histograms ? otherState("Distributions", study, histograms, net.view) : null;
  const cut = bars.some((row) => endsOf(row).some(Boolean)) ? " ≤ and ≥: the bar also holds all values beyond." : "";
  return part(study.has_classes ? "By class, sorted by median" : "Values", element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": study.has_classes ? "what it does by class" : "what it does" }, element("table", { class: "by-class" }, element("thead", {}, head), body, foot)),
    ...(all.length > FEW_CLASSES ? [element("p", {}, `${all.length - 12} classes between them. `, element("button", { type: "button", onclick: (event) => { fill(all); event.target.parentNode.remove(); } }, "Show all"))] : []),
    ...(axis ? [element("p", { class: "note" }, `Bars: histogram of the ${splitIn(histograms, net.view.split)} samples${bars.some((row) => row.bandwidth) ? `; line: kernel density estimate, bandwidth ${number([...new Set(bars.map((row) => row.bandwidth))][0])}` : ""}; each as high as its row.${threshold === null ? "" : ` Dashed: on above ${number(threshold)}.`}${cut}`)] : []), ...(note ? [note] : []));
};

const effectPart = (net, layer, node) => {
  const row = effectOf(net, `${layer}/${node}`);
  if (!row || row.loss_change === null) return null;
  const error = row.standard_error === null || row.standard_error === undefined ? "" : ` ± ${number(Number(row.standard_error.toPrecision(2)))}`;
  return element("p", { class: "effect" }, `Without it (${row.kind === "zero" ? "set to 0" : "held at its mean"}) the loss ${row.loss_change === 0 ? "stays the same" : `${row.loss_change < 0 ? "falls" : "rises"} by ${number(Number(Math.abs(row.loss_change).toPrecision(2)))}${error}${row.method === "logit_linear" ? ", estimated to first order" : ""}`}${row.lost == null ? "" : `; ${row.lost} sample${row.lost === 1 ? "" : "s"} newly wrong, ${row.gained} newly right`}.`);
};
