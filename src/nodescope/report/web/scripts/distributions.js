// The distributions of one node in the inspector: histograms and kernel density estimates by class.

const BARS = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", autosize: { type: "fit-x", contains: "padding" } };

// The first and the last bar may hold what lies beyond them, as far as the minimum and the maximum.
const barsOf = ({ class_name, low, width, minimum, maximum, counts, total }) => Array.from(counts, (count, i) => {
  const reaches = i === 0 && minimum !== null ? minimum : i === counts.length - 1 && maximum !== null ? maximum : null;
  return { class_name, bin_left: low + i * width, bin_right: low + (i + 1) * width, share: count / total, end: reaches === null ? null : i ? "≥" : "≤", reaches };
}).filter((row) => row.share);

// The normal distribution function, to 1e-7 (Abramowitz & Stegun 1964, 7.1.26).
const normal = (x) => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x / 2) / 2;
  return x < 0 ? tail : 1 - tail;
};

// The estimate of values that lie evenly in their bars; between evenly spaced places also at what the bars begin, end and centre on.
const curveOf = ({ class_name, low, width, counts, total, bandwidth: h }) => {
  const known = [...counts.keys()].filter((i) => counts[i]), begin = low - 3 * h, end = low + counts.length * width + 3 * h;
  const places = [...Array.from({ length: 120 }, (_, at) => begin + at * (end - begin) / 119), ...known.flatMap((i) => [0, 0.5, 1].map((part) => low + (i + part) * width))];
  return [...new Set(places)].sort((a, b) => a - b).map((z) => {
    const share = known.reduce((sum, i) => sum + counts[i] / total * (normal((z - low - i * width) / h) - normal((z - low - (i + 1) * width) / h)), 0);
    return { class_name, z, density: share / width };
  });
};

// What the values are like at a node, by class where there are any: of the kept net, whatever state the page shows.
const drawDistributions = async (configuration, place, view, colour, draw, say) => {
  const { study } = configuration, kept = study.inspector;
  if (!kept) { say("No distributions: the analysis node_histograms is disabled, or nothing was recorded for it."); return; }
  const seed = view.seed ?? study.seeds[0];
  const frame = await nodescope.load(study.name, `nodes.${configuration.name}.${seed}`).catch((error) => error);
  const there = frame.rows ? frames.values(frame, "split") : [];
  const split = there.includes(view.split) ? view.split : there[0];
  const tests = [["split", (x) => x === split], ["layer", (x) => x === place.layer], ["node", (x) => x === place.node]];
  const found = (frame.rows ? frames.rows(frame, frames.select(frame, tests)) : []).filter((row) => row.low !== null)
    .map((row) => ({ ...row, class_name: study.classes[row.class], total: row.counts.reduce((sum, n) => sum + n, 0) }))
    .filter((row) => row.total > 0 && !(study.name === chosen.study && chosen.classesOff.has(row.class)))
    .sort((a, b) => (isCrowded(study) ? huesOf(study).includes(a.class) - huesOf(study).includes(b.class) : 0));
  const of = viewWords({ study }, { state: kept.state, split, seed });
  if (!found.length) say(`No distributions (${of}): ${frame.message ?? (study.has_classes ? "the network diverged, or all classes are hidden" : "the network diverged")}.`);
  const share = { field: "share", type: "quantitative", ...axisOf(shareOf(study)) }, byClass = study.has_classes ? " by class" : "";
  for (const [kind, axis] of [["pre", "pre-activation z"], ["post", "activation a"]]) {
    const own = found.filter((row) => row.kind === kind);
    if (!own.length) continue;
    draw(`${kind === "pre" ? "Before" : "After"} the activation function (${of})`, { ...BARS, height: 120, data: { values: own.flatMap(barsOf) }, layer: [
      { mark: { type: "rect", opacity: 0.4 }, encoding: {
        x: { field: "bin_left", type: "quantitative", title: axis }, x2: { field: "bin_right" }, y: share, y2: { datum: 0 }, color: colour } },
      { transform: [{ filter: "isValid(datum.end)" }], mark: { type: "text", dy: -5, color: "#555555" }, encoding: {
        x: { field: "bin_left", type: "quantitative" }, y: share, text: { field: "end" } } }] },
    `Histogram of the ${axis}${byClass}${own[0].minimum === null && own[0].maximum === null ? "" : ", outliers in the first and last bars"}, from ${number(own[0].low)} to ${number(own[0].low + own[0].width * own[0].counts.length)}`);
  }
  const estimates = found.filter((row) => row.kind === "pre");
  if (estimates.length) {
    const widths = [...new Set(estimates.map((row) => number(row.bandwidth)))];
    const curves = estimates.map(curveOf), peaks = curves.map((curve) => curve.reduce((a, b) => (b.density > a.density ? b : a)));
    draw(`Kernel density estimates (bandwidth ${widths.length > 1 ? "by class" : widths[0]}, computed from the histogram)`, { ...BARS, height: 120, data: { values: curves.flat() }, mark: { type: "line" }, encoding: {
      x: { field: "z", type: "quantitative", title: "pre-activation z" }, y: { field: "density", type: "quantitative" }, color: colour } },
    study.has_classes ? `Kernel density estimate of each class's pre-activations; highest near ${peaks.map((peak) => `${number(peak.z)} (${peak.class_name})`).join(", ")}`
      : `Kernel density estimate of the pre-activations; highest near ${number(peaks[0].z)}`);
  }
};
