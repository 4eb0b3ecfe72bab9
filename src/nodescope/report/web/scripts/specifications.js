// The Vega-Lite specifications of figures, adapted to the state of the view, and their legends.

const eachView = (spec, found) => {
  found(spec);
  for (const key of ["layer", "hconcat", "vconcat", "concat"]) for (const part of spec[key] ?? []) eachView(part, found);
  if (spec.spec) eachView(spec.spec, found);
};

// Many layers of one network stand in a grid, each under its name, instead of in one column.
const MOST_ROWS = 6, BESIDE_A_PANEL = 80;
const inGrid = (figure, spec, rows, room) => {
  const facets = [];
  eachView(spec, (view) => { if (view.facet?.row && view.facet?.column) facets.push(view); });
  for (const view of facets) {
    const { row } = view.facet;
    const titles = new Set(rows.map((one) => one.row)), networks = new Set(rows.map((one) => one.network));
    if (networks.size > 1 || titles.size <= MOST_ROWS || rows.some((one) => one.row === undefined)) continue;
    const of = figure.study.byName.get(rows[0].configuration) ?? shownPins().find((c) => c.name === rows[0].configuration);
    const named = Object.fromEntries([...titles].map((title) => [title, rowTitle(of, title)]));
    const title = row.header?.labelExpr ?? "datum.label";
    let width = 200;
    eachView(view.spec, (panel) => { if (typeof panel.width === "number") width = panel.width; });
    view.facet = { ...row, header: { ...row.header, labelExpr: `${JSON.stringify(named)}[${title}]`, labelAnchor: "start", labelLimit: width + BESIDE_A_PANEL / 2 } };
    view.columns = Math.max(1, Math.floor(room / facets.length / (width + BESIDE_A_PANEL)));
  }
};

// On a narrow page names stand above their rows, and what is said of a row below it.
const NARROW_ROW = 44;
const namesAbove = (spec) => eachView(spec, (view) => {
  const rows = view.layer?.find((part) => part.encoding?.y?.field === "network" && part.encoding.y.axis);
  if (!rows || !view.height?.step || view.layer.some((part) => part.mark?.type === "rect")) return; // cells have no room
  view.height = { step: NARROW_ROW };
  for (const part of view.layer) {
    if (part.encoding?.y?.field !== "network") continue;
    part.encoding.y = { ...part.encoding.y, axis: { ...part.encoding.y.axis, labels: false } };
    if (part.encoding.x?.value === "width") Object.assign(part, { mark: { ...part.mark, dx: 2, dy: 12 } }, { encoding: { ...part.encoding, x: { value: 0 } } });
  }
  view.layer.push({ data: rows.data, mark: { type: "text", align: "left", dx: 2, dy: -12, fontSize: 11 },
    encoding: { y: rows.encoding.y, x: { value: 0 }, text: { field: "network", type: "nominal" } }, transform: [{ aggregate: [], groupby: ["network"] }] });
});

const CHANNELS = ["color", "strokeDash", "shape", "fill", "stroke"];

// The fields that a figure's marks say something of, by the titles under which they do.
const titlesOf = (figure, encoding) => [encoding.tooltip ?? []].flat().filter((one) => one.field && (one.title || figure.quantities[one.field])).map((one) => [one.title ?? one.field, one.field]);

const prepare = (figure, parts, rowsByName, view) => {
  const spec = structuredClone(figure.specification);
  delete spec.config; // the page has its own, for light and dark
  spec.datasets = rowsByName;
  const fields = {}, titles = new Map();
  const quantity = figure.quantity_by ? quantityOf(figure, view) : null;
  const classes = new Map(shownPins().flatMap((c) => c.study.classes.map((name, i) => [name, coloursOf(c.study)[i]])));
  // Headings of narrow panels in two lines.
  const headed = (from) => (shownPins().length > 2 || innerWidth < NARROW ? `split(slice(datum.label, ${from}), / (?=with)/)` : `slice(datum.label, ${from})`);
  const common = chosen.scales === "common" && figure.per_configuration && shownPins().length > 1;
  // Panels side by side stand below each other where there is no room.
  if (innerWidth < NARROW && spec.hconcat) { spec.vconcat = spec.hconcat; delete spec.hconcat; }
  if (innerWidth < NARROW) {
    namesAbove(spec);
    eachView(spec, (part) => { if (part.facet?.field) part.columns = 1; });
  }
  eachView(spec, (view) => {
    if (common && view.facet) for (const axis of ["x", "y"]) if (view.resolve?.scale?.[axis]) view.resolve.scale[axis] = "shared";
    // As pinned; the column sorts by itself, see nodescope.charts.drawing.
    for (const side of [view.facet, view.facet?.row, view.facet?.column]) {
      if (figure.per_configuration && side?.field === "network") Object.assign(side, { field: "__network", header: { ...side.header, labelExpr: headed(2) } });
    }
    if (!view.mark) return;
    if (typeof view.mark === "string") view.mark = { type: view.mark };
    view.mark.tooltip = { content: "data" };
    const encoding = view.encoding ?? {};
    for (const [title, field] of titlesOf(figure, encoding)) titles.set(title, field);
    for (const axis of ["x", "y"]) if (quantity && encoding[axis]?.field === figure.quantity) encoding[axis].axis = { ...encoding[axis].axis, ...axisFormat(quantity) };
    for (const channel of CHANNELS) {
      const own = encoding[channel];
      if (!own?.field) continue;
      fields[channel] = own.field;
      if (own.field === "class_name" && figure.per_configuration) encoding[channel] = withClasses(own, classes);
      if (["nominal", "ordinal"].includes(own.type) && !own.scale?.domain) {
        const values = [...new Set(parts.flatMap((frame) => (frames.has(frame, own.field) ? frames.values(frame, own.field) : [])))];
        own.scale = { ...own.scale, domain: values };
      }
    }
    if (encoding.opacity === undefined && expression() && chosen.mode === "highlight") {
      const usual = view.mark.opacity ?? 1;
      view.encoding = { ...encoding, opacity: { condition: { test: "datum.__muted === true", value: Math.min(0.12, usual) }, value: usual } };
    }
  });
  return [recolour(spec), fields, titles];
};

// Legends answer to clicks, and show what is hidden as faded.
const withLegends = (vega, fields, figure) => {
  let count = 0;
  const visit = (group) => {
    for (const legend of group.legends ?? []) {
      const scale = legend.stroke ?? legend.fill ?? legend.shape ?? legend.strokeDash;
      const channel = CHANNELS.find((name) => String(scale).endsWith(name));
      const field = fields[channel];
      if (!field) continue;
      const off = field === "class_name" ? [...chosen.classesOff].map((i) => figure.study.classes[i])
        : [...chosen.off].filter((item) => item.startsWith(`${field}:`)).map((item) => item.slice(field.length + 1));
      const opacity = { signal: `indexof(${JSON.stringify(off)}, '' + datum.value) >= 0 ? 0.25 : 1` };
      const update = { opacity, cursor: { value: "pointer" } };
      legend.encode = { ...legend.encode };
      for (const mark of ["symbols", "labels"]) {
        const own = legend.encode[mark] ?? {};
        const stroke = channel === "strokeDash" && mark === "symbols" ? { stroke: { value: isDark() ? "#e8e8e8" : "#1c1c1c" } } : {};
        legend.encode[mark] = { ...own, name: `legend:${count += 1}:${field}`, interactive: true, update: { ...own.update, ...update, ...stroke } };
      }
    }
    for (const mark of group.marks ?? []) if (mark.type === "group") visit(mark);
  };
  visit(vega);
  return vega;
};

const toggleSeries = (figure, field, value) => {
  if (field === "class_name") toggle(chosen.classesOff, figure.study.classes.indexOf(value));
  else toggle(chosen.off, `${field}:${value}`);
  update();
};

const embed = async (holder, figure, spec, { fields = {}, titles = new Map(), view = {} } = {}) => {
  const result = await vegaEmbed(holder, spec, {
    actions: false, renderer: "canvas", logLevel: 1 /* errors; an empty panel is no mistake */, config: themeConfig(), patch: (vega) => withLegends(vega, fields, figure),
    tooltip: (handler, event, item, value) => {
      const text = value && typeof value === "object" && event && item?.datum ? rowText(figure, value, item.datum, titles, view) : "";
      if (text) showReadout(text, event.clientX, event.clientY);
      else hideReadout();
    },
  });
  result.view.addEventListener("click", (event, item) => {
    const name = item?.mark?.name ?? "";
    if (name.startsWith("legend:")) toggleSeries(figure, name.split(":").slice(2).join(":"), item.datum.value);
  });
  return result;
};
