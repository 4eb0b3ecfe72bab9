// The data of the page, and the state of the view: what the reader chose. `update` (start.js) shows a change of it.

const data = JSON.parse(document.getElementById("page-data").textContent);
const studies = new Map(data.studies.map((study) => [study.name, study]));
const byId = (id) => document.getElementById(id);
const FOLLOWED = ["state", "split", "seed"];
const MOST_PINS = 4, NARROW = 700;

for (const study of studies.values()) {
  study.byName = new Map(study.configurations.map((c) => [c.name, c]));
  study.figureByName = new Map(study.figures.map((figure) => [figure.name, { ...figure, study }]));
}

// A compared network: STUDY/CONFIGURATION, or STUDY/CONFIGURATION@STATE.
const partsOfPin = (pin) => /^([^/]+)\/([^@]+)(?:@(.+))?$/.exec(pin)?.slice(1) ?? [];
const pinOf = (study, name, state = null) => `${study}/${name}${state ? `@${state}` : ""}`;

// What is chosen of a study when it is opened for the first time.
const firstOf = (study) => ({ pins: study.configurations.slice(0, 2).map((c) => pinOf(study.name, c.name)), off: new Set(), classesOff: new Set(), hues: null, node: null });

const first = () => {
  const study = data.studies[0];
  return { study: study.name, ...firstOf(study), state: study.states.at(-1).name, split: "", seed: "mean", pattern: "", mode: "highlight", choices: {}, theme: "", scales: "common" };
};

let chosen = first();

// The view that is shown: the overview, a study, or the index of published figures.
const FIRST_VIEW = studies.size > 1 ? "overview" : data.studies[0].name;
let shownView = FIRST_VIEW;
const views = new Map([...document.querySelectorAll("[data-view]")].map((view) => [view.dataset.view, view]));

// What was chosen of each study that was left.
const remembered = new Map();

const toStudy = (name) => {
  if (name === chosen.study) return;
  const { pins, off, classesOff, hues } = chosen;
  remembered.set(chosen.study, { pins, off, classesOff, hues, node: null });
  const study = studies.get(name);
  Object.assign(chosen, { study: name, ...(remembered.get(name) ?? firstOf(study)) });
  if (!study.states.some((s) => s.name === chosen.state)) chosen.state = study.states.at(-1).name;
  if (!study.splits.includes(chosen.split)) chosen.split = "";
  if (chosen.seed !== "mean" && !study.seeds.includes(chosen.seed)) chosen.seed = "mean";
};

const toggle = (set, item) => { if (!set.delete(item)) set.add(item); };
