// The networks that are compared, as chips A to D: each follows the state of the page, or has one of its own.

const configurationOf = (pin) => {
  const [study, name, state] = partsOfPin(pin);
  const configuration = studies.get(study)?.byName.get(name);
  if (!configuration || (state && !studies.get(study).states.some((s) => s.name === state))) return undefined;
  return { ...configuration, study: studies.get(study), pin, state: state ?? null };
};

// The state in which a chip's network is shown.
const stateOf = (c) => c.state ?? chosen.state;
const letterOf = (c) => "ABCD"[chosen.pins.indexOf(c.pin)] ?? "";

// Networks of several studies may have the same name: then the study is said, and a state of its own where there is one.
const pinLabel = (c) => `${c.label}${c.state ? `, ${stateLabel(c.study, c.state)}` : ""}${new Set(chosen.pins.map((pin) => partsOfPin(pin)[0])).size > 1 ? ` (${c.study.name})` : ""}`;
const shownPins = () => chosen.pins.map(configurationOf).filter((c) => c && configurationIsOn(c));

// The networks that a figure tells apart. One that shows kept networks alone, or a whole training, has each network once, whatever states
// its chips are fixed to.
const pinsOf = (figure) => {
  const pins = shownPins();
  if ("state" in (figure.view ?? {})) return pins;
  return pins.filter((c, i) => pins.findIndex((other) => other.study === c.study && other.name === c.name) === i).map((c) => ({ ...c, state: null }));
};

const pin = (key) => {
  if (chosen.pins.includes(key)) chosen.pins = chosen.pins.filter((other) => other !== key);
  else chosen.pins = [...chosen.pins.slice(chosen.pins.length >= MOST_PINS ? 1 : 0), key];
  update();
};

// A chip in another state; the same network may be compared with itself.
const setState = (key, state) => {
  const [study, name] = partsOfPin(key);
  const changed = pinOf(study, name, state);
  if (!chosen.pins.includes(changed)) chosen.pins = chosen.pins.map((other) => (other === key ? changed : other));
  update();
};

document.querySelectorAll("[data-pin]").forEach((button) => button.addEventListener("click", () => pin(button.dataset.pin)));
