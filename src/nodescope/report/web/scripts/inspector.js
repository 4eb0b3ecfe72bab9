// The inspector: what one node does, by class where there are any.

const inspector = byId("inspector");
let opener = null; // the panel that has the focus again when the inspector is closed

let looks = 0;
const inspect = async () => {
  const turn = looks += 1;
  const { node: place } = chosen;
  inspector.hidden = !place;
  if (!place) return;
  const configuration = configurationOf(`${place.study}/${place.configuration}`);
  const study = configuration.study;
  const body = byId("inspector-body");
  const title = `${configuration.label}, ${placeText(configuration, place.layer, place.node)}`;
  const rowsOf = async (name, value) => {
    const figure = study.figures.find((f) => f.kind === "nodes" && f.source === name);
    if (!figure) return null;
    const frame = await nodescope.load(study.name, `${name}.${configuration.name}`);
    const view = viewsOf({ ...figure, study }, [frame]);
    const tests = [...Object.entries(view).map(([column, v]) => [column, (x) => String(x) === v]), ["layer", (x) => x === place.layer], ["node", (x) => x === place.node]];
    return { quantity: figure.quantities[value], view, rows: frames.rows(frame, frames.select(frame, tests)).map((row) => ({ ...row, class_name: study.classes[row.class], value: row[value] })), sizes: frame };
  };
  const colour = { field: "class_name", type: "nominal", scale: { domain: study.classes, range: coloursOf(study) }, legend: null };
  const parts = [];
  const drawings = [];
  const draw = (heading, spec, text, quantities = { share: shareOf(study) }) => {
    const holder = element("div"); // Vega describes it in words of its own
    parts.push(element("h3", {}, heading), element("div", { role: "img", "aria-label": text }, holder));
    drawings.push([holder, { ...spec, width: Math.min(400, body.clientWidth) }, quantities]);
  };
  const activity = await rowsOf("activity", "active_share"), medians = await rowsOf("medians", "median");
  const verdicts = [];
  if (activity?.rows.some((row) => row.value !== null)) {
    const known = activity.rows.filter((row) => row.value !== null);
    const on = known.filter((row) => row.value >= 0.95).map((row) => row.class_name), never = known.filter((row) => row.value <= 0.05).map((row) => row.class_name);
    if (known.every((row) => row.value === 0)) verdicts.push("Dead: never on, for any sample.");
    else if (!study.has_classes) verdicts.push(known[0].value === 1 ? "Always on." : `On for ${measured(activity.quantity, known[0].value)} of the samples.`);
    else if (known.every((row) => row.value === 1)) verdicts.push("Always on: whether it is on does not depend on the class.");
    else if (on.length && on.length + never.length === known.length) verdicts.push(`Selective for classes: on for at least 95 % of ${listed(on)}, for at most 5 % of all others.`);
    else verdicts.push(`On for at least 95 % of the samples of ${on.length ? listed(on) : "no class"}, for at most 5 % of ${never.length ? listed(never) : "no class"}.`);
    if (study.has_classes) draw("Share of each class's samples for which it is on", { ...BARS, height: 16 * known.length, data: { values: known }, mark: "bar", encoding: {
      y: { field: "class_name", type: "nominal", title: "class", sort: study.classes }, x: { field: "value", type: "quantitative", ...axisOf(activity.quantity), scale: { domain: [0, 1] } }, color: colour } },
    known.map((row) => `${row.class_name}: ${measured(activity.quantity, row.value)}`).join(", "), { value: activity.quantity });
  }
  if (medians?.rows.some((row) => row.value !== null)) {
    const known = medians.rows.filter((row) => row.value !== null).sort((a, b) => a.value - b.value);
    if (!study.has_classes) verdicts.push(`Median activation ${measured(medians.quantity, known[0].value)}.`);
    else verdicts.push(`Medians of the classes from ${measured(medians.quantity, known[0].value)} (${known[0].class_name}) to ${measured(medians.quantity, known.at(-1).value)} (${known.at(-1).class_name}).`);
    if (study.has_classes) draw("Median activation of each class", { ...BARS, height: 16 * known.length, data: { values: known }, mark: { type: "point", filled: true, size: 70 }, encoding: {
      y: { field: "class_name", type: "nominal", title: "class", sort: study.classes }, x: { field: "value", type: "quantitative", ...axisOf(medians.quantity) }, color: colour } },
    known.map((row) => `${row.class_name}: ${measured(medians.quantity, row.value)}`).join(", "), { value: medians.quantity });
  }
  const view = activity?.view ?? medians?.view ?? {};
  await drawDistributions(configuration, place, view, colour, draw, (text) => parts.push(element("p", {}, text)));
  if (turn !== looks) return; // another was clicked while this one was loading
  byId("inspector-title").textContent = title;
  body.replaceChildren(element("p", {}, viewWords({ study }, view)),
    element("ul", { class: "verdicts" }, ...(verdicts.length ? verdicts : [`No data for this node: ${activity || medians ? "the network diverged, or was not measured" : "its activity and its medians were not measured"}.`]).map((text) => element("li", {}, text))), ...parts);
  inspector.dataset.node = title;
  if (!inspector.contains(document.activeElement)) byId("inspector-close").focus({ preventScroll: true });
  const sizes = (activity ?? medians)?.sizes;
  const last = sizes ? Math.max(...frames.rows(sizes, frames.select(sizes, [["layer", (x) => x === place.layer]]).slice(-1)).map((row) => row.node)) : place.node;
  byId("inspector-previous").disabled = place.node <= 0;
  byId("inspector-next").disabled = place.node >= last;
  for (const [holder, spec, quantities] of drawings) {
    await embed(holder, { study, kind: "chart", quantities }, recolour({ ...spec, config: { mark: { tooltip: { content: "data" } } } }), {});
  }
};

const move = (by) => { chosen.node = { ...chosen.node, node: chosen.node.node + by }; update(); };

byId("inspector-previous").addEventListener("click", () => move(-1));
byId("inspector-next").addEventListener("click", () => move(1));

const close = () => {
  chosen.node = null;
  update();
  opener?.holder.querySelectorAll(".node-panel")[opener.index]?.focus({ preventScroll: true });
};

byId("inspector-close").addEventListener("click", close);
addEventListener("keydown", (event) => { if (event.key === "Escape" && chosen.node) close(); }); // menus and dialogs stop the key
