// Figures with a mark for each node and class: a picture of pixels inside Vega axes.

const DEAD = [204, 0, 0], LOW = [247, 251, 255], HIGH = [8, 48, 107];

// Values of one panel as a matrix [class][position].
const matrixOf = (frame, indices, value, classes) => {
  const columns = ["layer", "node", "class", value].map((name) => frame.columns.get(name));
  const sizes = new Map();
  for (const i of indices) {
    const layer = columns[0].values[columns[0].codes[i]], node = columns[1].values[columns[1].codes[i]];
    if (node + 1 > (sizes.get(layer) ?? 0)) sizes.set(layer, node + 1);
  }
  const layers = [...sizes.keys()].sort((a, b) => a - b);
  const borders = [0];
  for (const layer of layers) borders.push(borders.at(-1) + sizes.get(layer));
  const start = new Map(layers.map((layer, i) => [layer, borders[i]]));
  const values = Array.from({ length: classes }, () => new Float32Array(borders.at(-1)).fill(NaN));
  const valueColumn = columns[3];
  for (const i of indices) {
    const at = start.get(columns[0].values[columns[0].codes[i]]) + columns[1].values[columns[1].codes[i]];
    values[columns[2].values[columns[2].codes[i]]][at] = valueColumn.numbers ? valueColumn.numbers[i] : valueColumn.values[valueColumn.codes[i]] ?? NaN;
  }
  const place = (at) => {
    let l = 0;
    while (l + 1 < layers.length && at >= borders[l + 1]) l += 1;
    return { layer: layers[l], node: at - borders[l] };
  };
  return { values, borders, place, total: borders.at(-1), deadAt: (at) => values.some((row) => !Number.isNaN(row[at])) && values.every((row) => Number.isNaN(row[at]) || row[at] === 0) };
};

const readingOfNodes = (figure, panels) => {
  let low = null, high = null, count = 0;
  for (const panel of panels) {
    panel.values.forEach((row, c) => {
      if (panel.off.has(c)) return;
      const [from, to] = chosen.zoom ?? [0, row.length];
      for (let at = Math.min(from, row.length - 1); at < Math.min(to, row.length); at += 1) {
        const value = row[at];
        if (Number.isNaN(value)) continue;
        count += 1;
        if (!low || value < low.value) low = { value, panel, c, at };
        if (!high || value > high.value) high = { value, panel, c, at };
      }
    });
  }
  if (!count) return "";
  const of = ({ value, panel, c, at }) => {
    const { layer, node } = panel.place(at);
    const text = measured(figure.quantities[figure.value], Number(value.toPrecision(7)));
    return `${text} (${pinLabel(panel.configuration)}, ${placeText(panel.configuration, layer, node)}${panel.study.has_classes ? `, class ${panel.study.classes[c]}` : ""})`;
  };
  return readingText(count, figure.label, high.value === low.value ? null : of(high), of(low), measured(figure.quantities[figure.value], Number(low.value.toPrecision(7))));
};

const picture = (figure, panel, domain, zoom, width, height) => {
  const canvas = element("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const [from, to] = zoom;
  const classes = panel.values.length;
  const step = width / (to - from);
  if (figure.mark === "matrix") {
    const row = height / classes;
    for (let at = from; at < to; at += 1) {
      const dead = panel.deadAt(at);
      for (let c = 0; c < classes; c += 1) {
        const value = panel.values[c][at];
        if (Number.isNaN(value) || panel.off.has(c)) continue;
        const mix = Math.min(1, Math.max(0, value));
        context.fillStyle = dead ? hex(DEAD) : hex(LOW.map((low, i) => low * (1 - mix) + HIGH[i] * mix));
        context.fillRect(Math.floor((at - from) * step), Math.floor(c * row), Math.ceil(step), Math.ceil(row));
      }
    }
    return canvas.toDataURL();
  }
  // Tens of thousands of points: written as pixels (red in the lowest byte), which takes less time than as many rectangles.
  const size = Math.round(Math.max(4, Math.min(10, step * 0.8)));
  const colours = coloursOf(panel.study).map((text) => rgb(legible(text))).map(([r, g, b]) => 0xff000000 | (b << 16) | (g << 8) | r);
  const inColour = isCrowded(panel.study) ? huesOf(panel.study) : [...colours.keys()];
  const grey = [...colours.keys()].filter((c) => !inColour.includes(c));
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (const group of [grey, inColour]) for (let at = from; at < to; at += 1) {
    const left = Math.round((at - from + 0.5) * step - size / 2);
    const [x0, x1] = [Math.max(0, left), Math.min(width, left + size)];
    for (let k = 0; k < group.length; k += 1) {
      const c = group[(k + at) % group.length]; // no class of a group always lies on top
      if (c === null) continue;
      const value = panel.values[c][at];
      if (Number.isNaN(value) || panel.off.has(c)) continue;
      const top = Math.round(height * (1 - (value - domain[0]) / (domain[1] - domain[0])) - size / 2);
      for (let y = Math.max(0, top); y < Math.min(height, top + size); y += 1) pixels.fill(colours[c], y * width + x0, y * width + x1);
    }
  }
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
};

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const drawNodes = async (figure, holder) => {
  const pins = shownPins().filter((c) => c.study.figureByName.has(figure.name));
  if (!pins.length) return { note: "Pin a network (above) to show it here. All pinned networks are filtered out." };
  const parts = await Promise.all(pins.map((c) => nodescope.load(c.study.name, `${figure.source}.${c.name}`)));
  const view = viewsOf(figure, parts);
  const found = pins.map((configuration, i) => {
    const tests = Object.entries(viewOfPin(configuration, view)).map(([column, value]) => [column, (v) => String(v) === value]);
    const indices = frames.select(parts[i], tests);
    const off = configuration.study.name === chosen.study ? chosen.classesOff : new Set();
    return { ...matrixOf(parts[i], indices, figure.value, configuration.study.classes.length), configuration, study: configuration.study, off, frame: parts[i], indices };
  });
  const domainOf = (panels) => {
    if (figure.domain) return figure.domain;
    let low = Infinity, high = -Infinity;
    for (const panel of panels) panel.values.forEach((row, c) => { if (!panel.off.has(c)) for (const v of row) if (!Number.isNaN(v)) { low = Math.min(low, v); high = Math.max(high, v); } });
    const margin = 0.03 * (high - low) || 0.5;
    return low > high ? [0, 1] : low >= 0 && high > 0.5 && high <= 1 ? [-0.02, 1.02] : [low - margin, high + margin];
  };
  const common = domainOf(found);
  const focused = [...holder.querySelectorAll(".node-panel")].indexOf(document.activeElement);
  const grid = element("div", { class: `panels ${found.length > 1 ? "two" : ""}` });
  holder.replaceChildren(grid);
  const views = [];
  for (const panel of found) {
    const faded = chosen.mode === "highlight" && expression()?.test(panel.configuration.label) === false;
    const box = element("div", { class: `node-panel ${faded ? "muted" : ""}`, tabindex: "0", role: "img" });
    grid.append(box);
    if (focused === grid.children.length - 1 && document.activeElement === document.body) box.focus({ preventScroll: true });
    const lines = [pinLabel(panel.configuration), viewWords({ ...figure, study: panel.study }, viewOfPin(panel.configuration, view))];
    const label = lines.join(", ");
    const known = panel.indices.length && panel.values.some((row) => row.some((v) => !Number.isNaN(v)));
    if (!known) {
      message(box, `${panel.configuration.label}: no data, because the network diverged or was not measured.`);
      continue;
    }
    const domain = chosen.scales === "own" ? domainOf([panel]) : common;
    const zoom = chosen.zoom ? [Math.min(chosen.zoom[0], panel.total - 1), Math.min(chosen.zoom[1], panel.total)] : [0, panel.total];
    const own = structuredClone(panel.study.figureByName.get(figure.name).specification);
    eachView(own, ({ encoding }) => {
      if (encoding?.color?.field === "class_name") encoding.color = withClasses(encoding.color, new Map(panel.study.classes.map((name, c) => [name, coloursOf(panel.study)[c]])));
    });
    const spec = recolour(own);
    delete spec.config;
    // With the legend, however long its names are.
    spec.width = Math.max(200, box.clientWidth);
    spec.autosize = { type: "fit-x", contains: "padding" };
    const height = spec.height;
    spec.datasets = { picture: [{ url: picture(figure, panel, domain, zoom, 2 * Math.max(150, spec.width - 120), height * 2) }] };
    const parameters = { start: zoom[0], stop: zoom[1], low: domain[0], high: domain[1], borders: panel.borders, step: STEPS.find((step) => (zoom[1] - zoom[0]) / step <= 12) ?? 1000, label: spec.width < 480 ? lines : label };
    for (const parameter of spec.params) parameter.value = parameters[parameter.name];
    const fields = { color: "class_name" };
    const result = await embed(box, { ...figure, study: panel.study }, spec, fields);
    views.push({ name: `${figure.name}-${panel.configuration.name}`, view: result.view, spec });
    const [dead, alive] = [Array.from({ length: panel.total }, (_, at) => panel.deadAt(at)).filter(Boolean).length, panel.total];
    box.setAttribute("aria-label", `${figure.title}: ${label}. ${figure.value === "active_share" ? `${dead} of ${alive} nodes are on for no sample. ` : ""}Use the arrow keys to select a node, Enter to inspect it, plus and minus to zoom.`);
    answer(box, figure, panel, view, zoom, domain, result.view);
  }
  // Thousands of rows: made when they are saved.
  const rows = () => found.flatMap((panel) => frames.rows(panel.frame, panel.indices).filter((row) => !panel.off.has(row.class))
    .map((row) => ({ network: pinLabel(panel.configuration), ...row })));
  return { view, parts, rows, views, reading: readingOfNodes(figure, found) };
};
