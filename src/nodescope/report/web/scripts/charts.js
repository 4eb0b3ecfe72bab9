// Figures that are Vega-Lite charts of rows.

// As wide as there is room for, as far as panels stay legible and do not grow out of proportion.
const LEAST_WIDTH = 90, AROUND = 120, MOST_GROWTH = 2.2, MUCH_ROOM = 1.12;
const fitted = async (inner, figure, spec, shown, room) => {
  const panels = [];
  eachView(spec, (view) => { if (typeof view.width === "number" && view.width > LEAST_WIDTH) panels.push(view); });
  let result = await embed(inner, figure, spec, shown);
  const widest = panels.map((view) => view.width * MOST_GROWTH);
  let before = null;
  for (let turn = 0; turn < 3 && panels.length; turn += 1) {
    const whole = inner.querySelector("canvas").offsetWidth, own = panels[0].width;
    const isTooNarrow = turn === 0 && whole * MUCH_ROOM < room;
    if ((whole <= room && !isTooNarrow) || own <= LEAST_WIDTH) break;
    // First a guess of what axes and legends take; then it is known how the whole follows its panels.
    const ratio = before ? 1 - (whole - room) / own * (before.own - own) / (before.whole - whole) : (room - AROUND) / (whole - AROUND);
    before = { own, whole };
    panels.forEach((view, i) => { view.width = Math.max(LEAST_WIDTH, Math.min(widest[i], Math.floor(view.width * ratio) - 1)); });
    result.view.finalize();
    result = await embed(inner, figure, spec, shown);
  }
  return result;
};

const drawChart = async (figure, holder) => {
  const parts = await framesOf(figure);
  if (!parts.length) return { note: [...lacking(figure, []), "Pin a network (above) to show it here. The pinned networks are filtered out or were not measured."].join(". ") };
  const view = viewsOf(figure, parts);
  const rowsByName = {};
  const all = [];
  figure.data.forEach((name, i) => {
    const own = figure.per_configuration ? parts.filter((part) => part.of === name) : [parts[i]];
    const rows = own.flatMap((frame) => {
      const found = frames.rows(frame, frames.select(frame, testsOf(figure, frame, view)));
      if (!frame.pin || !frames.has(frame, "network")) return found;
      const place = chosen.pins.indexOf(frame.pin.pin), label = pinLabel(frame.pin);
      return found.map((row) => ({ ...row, network: label, __network: `${place}|${label}` }));
    });
    // What is in colour is drawn last.
    const hued = new Set(shownPins().flatMap((c) => (isCrowded(c.study) ? huesOf(c.study).map((at) => c.study.classes[at]) : [])));
    if (hued.size) rows.sort((a, b) => hued.has(a.class_name) - hued.has(b.class_name));
    rowsByName[name] = byPattern(rows, figure.study);
    all.push(...rowsByName[name]);
  });
  if (!all.length) return { view, parts, note: "No data: the filters exclude all rows, or the selected networks diverged or were not measured." };
  const [spec, fields, titles] = prepare(figure, parts, rowsByName, view);
  inGrid(figure, spec, all, holder.clientWidth);
  const inner = element("div");
  holder.replaceChildren(inner);
  const result = await fitted(inner, figure, spec, { fields, titles, view }, holder.clientWidth);
  return { view, parts, rows: all, views: [{ name: figure.name, view: result.view, spec }] };
};
