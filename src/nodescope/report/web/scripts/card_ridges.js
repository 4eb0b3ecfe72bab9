// The distribution of a node's values in each class: a histogram with its kernel density estimate, a row each on one axis.

const svgElement = (tag, attributes, ...children) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

// The normal distribution function, to 1e-7 (Abramowitz & Stegun 1964, 7.1.26).
const normal = (x) => {
  const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x / 2) / 2;
  return x < 0 ? tail : 1 - tail;
};

// The density of values that lie evenly in their bars, at places of the axis, in values per unit.
const densityOf = ({ low, width, counts, total, bandwidth: h }, places) => {
  const known = [...counts.keys()].filter((i) => counts[i]);
  return places.map((z) => known.reduce((sum, i) => sum + counts[i] / total * (normal((z - low - i * width) / h) - normal((z - low - (i + 1) * width) / h)), 0) / width);
};

// The middle of the values, from their bars.
const medianOfBars = ({ low, width, counts, total }) => {
  let below = 0;
  for (const [i, count] of counts.entries()) {
    if (below + count >= total / 2) return low + (i + (count ? (total / 2 - below) / count : 0)) * width;
    below += count;
  }
  return NaN;
};

const RIDGE = { width: 140, height: 26 };
const axisOfRidges = (rows) => {
  const low = Math.min(...rows.map((row) => row.low)), high = Math.max(...rows.map((row) => row.low + row.width * row.counts.length)), margin = (high - low || 1) * 0.04;
  const [from, to] = [low - margin, high + margin];
  return { low, high, x: (value) => RIDGE.width * (value - from) / (to - from) };
};

// A sign where the first or the last bar holds what lies beyond it.
const endsOf = (row) => [row.minimum !== null && row.counts[0] ? "≤" : "", row.maximum !== null && row.counts.at(-1) ? "≥" : ""];

const ridge = (row, axis, threshold, label) => {
  const { width, height } = RIDGE, room = height - 6, densities = row.counts.map ? Array.from(row.counts, (count) => count / row.total / row.width) : [];
  const places = row.bandwidth ? Array.from({ length: 80 }, (_, i) => axis.low + (i / 79) * (axis.high - axis.low)) : [], curve = row.bandwidth ? densityOf(row, places) : [];
  const most = Math.max(...densities, ...curve) || 1, y = (density) => height - 1 - room * density / most;
  const [first, last] = endsOf(row), parts = densities.map((density, i) => (density ? svgElement("rect", {
    class: "ridge-bar", x: axis.x(row.low + i * row.width).toFixed(1), y: y(density).toFixed(1), width: Math.max(0.8, axis.x(row.low + row.width) - axis.x(row.low)).toFixed(2), height: (height - 1 - y(density)).toFixed(1) }) : null)).filter(Boolean);
  if (curve.length) parts.push(svgElement("polyline", { class: "ridge-line", points: places.map((z, i) => `${axis.x(z).toFixed(1)},${y(curve[i]).toFixed(1)}`).join(" ") }));
  if (threshold !== null && threshold > axis.low && threshold < axis.high) parts.push(svgElement("line", { class: "ridge-threshold", x1: axis.x(threshold), x2: axis.x(threshold), y1: 0, y2: height }));
  if (first) parts.push(svgElement("text", { class: "ridge-end", x: 0, y: 9 }, first));
  if (last) parts.push(svgElement("text", { class: "ridge-end", x: width, y: 9, "text-anchor": "end" }, last));
  return svgElement("svg", { class: "ridge", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...parts);
};

const ridgeAxis = (axis, threshold) => {
  const ticks = [axis.low, axis.high, ...(threshold !== null && threshold > axis.low && threshold < axis.high ? [threshold] : [])];
  const near = (value) => ticks.some((other) => other !== value && other === threshold && Math.abs(axis.x(other) - axis.x(value)) < 34);
  return svgElement("svg", { class: "ridge-axis", viewBox: `0 0 ${RIDGE.width} 16`, width: RIDGE.width, height: 16, "aria-hidden": "true" },
    ...ticks.filter((value) => value === threshold || !near(value)).map((value) => svgElement("text", { x: axis.x(value), y: 12, "text-anchor": value === axis.low ? "start" : value === axis.high ? "end" : "middle" }, String(Number(value.toPrecision(2))))));
};
