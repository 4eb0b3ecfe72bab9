// The pinned networks, shown side by side.

const configurationOf = (pin) => {
  const [study, name] = pin.split("/");
  const configuration = studies.get(study)?.byName.get(name);
  return configuration && { ...configuration, study: studies.get(study), pin };
};

// Networks of several studies may have the same name: then the study is told.
const pinLabel = (c) => (new Set(chosen.pins.map((pin) => pin.split("/")[0])).size > 1 ? `${c.label} (${c.study.name})` : c.label);
const shownPins = () => chosen.pins.map(configurationOf).filter((c) => c && configurationIsOn(c));

const pin = (key) => {
  if (chosen.pins.includes(key)) chosen.pins = chosen.pins.filter((other) => other !== key);
  else chosen.pins = [...chosen.pins.slice(chosen.pins.length >= MOST_PINS ? 1 : 0), key];
  update();
};

document.querySelectorAll("[data-pin]").forEach((button) => button.addEventListener("click", () => pin(button.dataset.pin)));
