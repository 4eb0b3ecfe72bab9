// The controls in the header of the page.

const chipOf = (c) => {
  const states = [["", "as the page"], ...c.study.states.map((s) => [s.name, s.label || s.name])];
  const select = element("select", { onchange: (event) => setState(c.pin, event.target.value || null) });
  fillSelect(select, states, c.state ?? "");
  return element("li", { class: configurationIsOn(c) ? null : "off" }, element("details", { class: "menu chip" },
    element("summary", { title: pinLabel(c) }, element("span", { class: "letter" }, letterOf(c)), element("span", { class: "name" }, pinLabel(c))),
    element("div", { class: "panel" }, element("strong", {}, pinLabel(c)),
      ...(c.study.states.length > 1 ? [element("label", {}, "State ", select)] : []),
      ...(c.study.states.length > 1 && chosen.pins.length < MOST_PINS ? [element("button", { type: "button", onclick: () => beside(c) }, "Compare with itself in another state")] : []),
      element("button", { type: "button", "aria-label": `Remove ${pinLabel(c)}`, onclick: () => pin(c.pin) }, "Remove"))));
};

// The same network once more, in the first state that is not shown of it.
const beside = (c) => {
  const there = new Set(chosen.pins);
  const state = c.study.states.map((s) => s.name).find((name) => name !== stateOf(c) && !there.has(pinOf(c.study.name, c.name, name)));
  if (state) pin(pinOf(c.study.name, c.name, state));
};

const showControls = () => {
  const study = studies.get(chosen.study);
  fillSelect(byId("study"), [...(studies.size > 1 ? [["", "Overview"]] : []), ...data.studies.map((s) => [s.name, s.name])], studies.has(shownView) ? shownView : "");
  document.querySelector(".study-control").hidden = data.studies.length < 2;
  for (const part of ["#chips", ".state-control", ".split-control", ".seed-control", "#filters", "#class-menu"]) document.querySelector(part).hidden = !studies.has(shownView);
  // One network in one state has nothing to be compared with.
  if (data.studies.length === 1 && study.configurations.length * study.states.length === 1) byId("chips").hidden = true;
  if (study.states.length < 2) document.querySelector(".state-control").hidden = true;
  if (!study.has_classes) byId("class-menu").hidden = true;
  const state = byId("state");
  state.max = study.states.length - 1;
  const at = Math.max(0, study.states.findIndex((s) => s.name === chosen.state));
  state.value = at;
  byId("state-name").textContent = study.states[at].label;
  state.setAttribute("aria-valuetext", study.states[at].label);
  byId("states").replaceChildren(...study.states.map((s, i) => element("option", { value: i, label: s.label })));
  fillSelect(byId("split"), [["", "usual split"], ...study.splits.map((name) => [name, `${name} samples`])], chosen.split);
  const seeds = study.seeds.map((seed) => [seed, `seed ${seed}`]);
  if (seeds.length > 1) seeds.unshift(["mean", "mean of seeds"]);
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
  byId("menu-count").textContent = chosen.off.size + (chosen.pattern ? 1 : 0) + (chosen.classesOff.size ? 1 : 0) || "";
  byId("theme").value = chosen.theme;
  byId("common-scales").checked = chosen.scales === "common";
  byId("hidden-series").replaceChildren(...[...chosen.off].filter((item) => !(item.split(":")[0] in study.axes)).map((item) =>
    element("button", { type: "button", onclick: () => { chosen.off.delete(item); update(); } }, `show ${item.slice(item.indexOf(":") + 1)} again`)));
  byId("pins").replaceChildren(...chosen.pins.map(configurationOf).map(chipOf));
  const rest = data.studies.flatMap((s) => s.configurations.map((c) => [`${s.name}/${c.name}`, `${c.label}${studies.size > 1 ? ` (${s.name})` : ""}`])).filter(([key]) => !chosen.pins.includes(key) && configurationIsOn(configurationOf(key)));
  document.querySelector(".add-pin").hidden = !rest.length;
  fillSelect(byId("add-pin"), [["", chosen.pins.length < MOST_PINS ? "+ compare" : "four (most)"], ...(chosen.pins.length < MOST_PINS ? rest : [])], "");
  for (const button of document.querySelectorAll("[data-pin]")) button.setAttribute("aria-pressed", String(chosen.pins.includes(button.dataset.pin)));
};

on("study", "change", (event) => goTo(event.target.value ? `study-${event.target.value}` : "overview", { step: true }));
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
on("reset", "click", () => { const { study } = chosen; remembered.delete(study); Object.assign(chosen, first(), { study, ...firstOf(studies.get(study)), state: studies.get(study).states.at(-1).name }); update(); });
on("copy-link", "click", async () => {
  try { await navigator.clipboard.writeText(linkToView()); byId("copy-link").textContent = "Copied"; setTimeout(() => { byId("copy-link").textContent = "Copy link to this view"; }, 2000); } catch { prompt("The link to this view:", linkToView()); }
});

for (const [id, target, name] of [["toggle-controls", "bar", "controls-open"], ["toggle-contents", "contents", "open"]]) {
  on(id, "click", (event) => event.target.setAttribute("aria-expanded", String(byId(target).classList.toggle(name))));
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!event.composedPath().includes(menu)) menu.open = false; // also of what a click took away
});
document.addEventListener("keydown", (event) => {
  // Of what is open the innermost is closed.
  if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); event.stopPropagation(); }
});

// Steps through the states, a second each, from the first one if the last is shown.
let playing = 0;
const stop = () => { clearInterval(playing); playing = 0; byId("play").textContent = "▶"; byId("play").setAttribute("aria-label", "Play all states"); };
on("play", "click", () => {
  if (playing) { stop(); return; }
  const names = studies.get(chosen.study).states.map((s) => s.name);
  const next = () => {
    const at = names.indexOf(chosen.state);
    chosen.state = names[at + 1 === names.length ? 0 : at + 1];
    update();
    if (chosen.state === names.at(-1)) stop();
  };
  byId("play").textContent = "❚❚";
  byId("play").setAttribute("aria-label", "Stop");
  playing = setInterval(next, 1000);
  next();
});
