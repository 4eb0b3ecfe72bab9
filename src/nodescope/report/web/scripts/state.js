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

const first = () => {
  const study = data.studies[0];
  return {
    study: study.name, pins: study.configurations.slice(0, 2).map((c) => `${study.name}/${c.name}`),
    state: study.states.at(-1).name, split: "", seed: "mean", off: new Set(), classesOff: new Set(), hues: null, pattern: "", mode: "highlight",
    choices: {}, zoom: null, node: null, theme: "", scales: "common",
  };
};

let chosen = first();

const toggle = (set, item) => { if (!set.delete(item)) set.add(item); };
