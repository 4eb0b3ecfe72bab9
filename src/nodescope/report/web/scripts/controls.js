// The controls in the header of the page.

const showControls = () => {
  const study = studies.get(chosen.study);
  const sets = [...new Set(data.studies.map((s) => s.dataset))];
  fillSelect(byId("dataset"), sets.map((name) => [name, name]), study.dataset);
  fillSelect(byId("study"), data.studies.filter((s) => s.dataset === study.dataset).map((s) => [s.name, s.name]), study.name);
  document.querySelector(".dataset-control").hidden = sets.length < 2;
  document.querySelector(".study-control").hidden = data.studies.length < 2;
  document.querySelector(".state-control").hidden = study.states.length < 2;
  byId("class-menu").hidden = !study.has_classes;
  const state = byId("state");
  state.max = study.states.length - 1;
  const at = Math.max(0, study.states.findIndex((s) => s.name === chosen.state));
  state.value = at;
  byId("state-name").textContent = study.states[at].label;
  state.setAttribute("aria-valuetext", study.states[at].label);
  fillSelect(byId("split"), [["", "default of each figure"], ...study.splits.map((name) => [name, name])], chosen.split);
  const seeds = study.seeds.map((seed) => [seed, `seed ${seed}`]);
  if (seeds.length > 1) seeds.unshift(["mean", "mean over seeds"]);
  fillSelect(byId("seed"), seeds, seeds.length > 1 ? chosen.seed : study.seeds[0]);
  byId("axes").replaceChildren(...Object.entries(study.axes).map(([axis, { title, values }]) => element("fieldset", { "data-axis": axis }, element("legend", {}, title),
    ...values.map((value) => check(typeof value === "boolean" ? axisWord(study, axis, value) : String(value), axisIsOn(axis, value), () => { toggle(chosen.off, `${axis}:${value}`); update(); })))));
  byId("filter-count").textContent = chosen.off.size + (chosen.pattern ? 1 : 0) || "";
  if (document.activeElement !== byId("pattern")) byId("pattern").value = chosen.pattern;
  byId("pattern-mode").value = chosen.mode;
  byId("pattern-error").textContent = chosen.pattern && !expression() ? "Invalid regular expression." : "";
  byId("classes").replaceChildren(...study.classes.map((name, c) => check(name, !chosen.classesOff.has(c), () => { toggle(chosen.classesOff, c); update(); }, coloursOf(study)[c])));
  const hues = huesOf(study), free = isCrowded(study) ? hues.indexOf(null) : -1;
  byId("hue-choice").hidden = !isCrowded(study);
  byId("hues").replaceChildren(...(isCrowded(study) ? hues : []).map((c, at) => c === null ? "" : element("li", {},
    element("span", { class: "swatch", style: `background:${legible(study.palette[at])}` }), study.classes[c],
    element("button", { type: "button", "aria-label": `Make ${study.classes[c]} grey`, onclick: () => setHue(at, null) }, "✕"))));
  fillSelect(byId("add-hue"), [["", free < 0 ? `${hues.length} classes in colour (maximum)` : "show a class in colour …"],
    ...(free < 0 ? [] : study.classes.map((name, c) => [String(c), name]).filter(([c]) => !hues.includes(Number(c))))], "");
  byId("class-count").textContent = chosen.classesOff.size ? `${study.classes.length - chosen.classesOff.size}/${study.classes.length}` : "";
  byId("theme").value = chosen.theme;
  byId("common-scales").checked = chosen.scales === "common";
  byId("hidden-series").replaceChildren(...[...chosen.off].filter((item) => !(item.split(":")[0] in study.axes)).map((item) =>
    element("button", { type: "button", onclick: () => { chosen.off.delete(item); update(); } }, `show ${item.slice(item.indexOf(":") + 1)} again`)));
  byId("pins").replaceChildren(...chosen.pins.map(configurationOf).map((c) => element("li", { class: configurationIsOn(c) ? null : "off" },
    `${c.label}${studies.size > 1 ? ` (${c.study.name})` : ""}`, element("button", { type: "button", "aria-label": `Unpin ${c.label}`, onclick: () => pin(c.pin) }, "✕"))));
  const rest = data.studies.flatMap((s) => s.configurations.map((c) => [`${s.name}/${c.name}`, `${c.label}${studies.size > 1 ? ` (${s.name})` : ""}`])).filter(([key]) => !chosen.pins.includes(key) && configurationIsOn(configurationOf(key)));
  fillSelect(byId("add-pin"), [["", chosen.pins.length < MOST_PINS ? "add a network …" : "four networks pinned (maximum)"], ...(chosen.pins.length < MOST_PINS ? rest : [])], "");
  for (const button of document.querySelectorAll("[data-pin]")) button.setAttribute("aria-pressed", String(chosen.pins.includes(button.dataset.pin)));
  for (const part of document.querySelectorAll("section.study, nav [data-study]")) part.hidden = part.dataset.study !== chosen.study;
};

const toStudy = (name) => {
  if (name === chosen.study) return;
  const study = studies.get(name);
  Object.assign(chosen, { study: name, pins: study.configurations.slice(0, 2).map((c) => `${name}/${c.name}`), classesOff: new Set(), hues: null, off: new Set(), zoom: null, node: null });
  if (!study.states.some((s) => s.name === chosen.state)) chosen.state = study.states.at(-1).name;
};

const showStudy = (name) => {
  toStudy(name);
  anchor = `study-${name}`; // the old place lies in the other study
  update();
  byId(anchor).scrollIntoView();
};

on("dataset", "change", (event) => showStudy(data.studies.find((s) => s.dataset === event.target.value).name));
on("study", "change", (event) => showStudy(event.target.value));
on("state", "input", (event) => { chosen.state = studies.get(chosen.study).states[Number(event.target.value)].name; update(); });
on("split", "change", (event) => { chosen.split = event.target.value; update(); });
on("seed", "change", (event) => { chosen.seed = event.target.value; update(); });
on("pattern", "input", (event) => { chosen.pattern = event.target.value; update(); });
on("pattern-mode", "change", (event) => { chosen.mode = event.target.value; update(); });
on("add-hue", "change", (event) => { if (event.target.value) setHue(huesOf(studies.get(chosen.study)).indexOf(null), Number(event.target.value)); });
on("all-classes", "click", () => { chosen.classesOff.clear(); update(); });
on("no-classes", "click", () => { chosen.classesOff = new Set(studies.get(chosen.study).classes.keys()); update(); });
on("common-scales", "change", (event) => { chosen.scales = event.target.checked ? "common" : "own"; update(); });
on("theme", "change", (event) => { chosen.theme = event.target.value; update(); });
on("add-pin", "change", (event) => { if (event.target.value) pin(event.target.value); });
on("reset", "click", () => { const { study } = chosen; chosen = first(); toStudy(study); update(); });
on("copy-link", "click", async () => {
  try { await navigator.clipboard.writeText(location.href); byId("copy-link").textContent = "Copied"; } catch { prompt("The link to this view:", location.href); }
});

for (const [id, target, name] of [["toggle-controls", "bar", "controls-open"], ["toggle-contents", "contents", "open"]]) {
  on(id, "click", (event) => event.target.setAttribute("aria-expanded", String(byId(target).classList.toggle(name))));
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!event.composedPath().includes(menu)) menu.open = false; // also of what a click took away
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
});
