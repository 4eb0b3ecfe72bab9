// The state of the view in the address, `#place?choices`, so that a link shows the same view.

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const toAddress = () => {
  const base = first();
  const words = new URLSearchParams();
  if (chosen.study !== base.study) words.set("study", chosen.study);
  if (!same(chosen.pins, base.pins)) words.set("pins", chosen.pins.join(","));
  for (const name of ["state", "split", "seed", "pattern", "mode", "theme", "scales"]) if (chosen[name] !== base[name]) words.set(name, chosen[name]);
  for (const item of chosen.off) words.append("off", item);
  if (chosen.classesOff.size) words.set("without", [...chosen.classesOff].join(","));
  for (const [key, value] of Object.entries(chosen.choices)) words.set(`in:${key}`, value);
  if (chosen.hues) words.set("colour", chosen.hues.map((c) => c ?? "").join("-"));
  if (chosen.zoom) words.set("zoom", chosen.zoom.join("-"));
  if (chosen.node) words.set("node", [chosen.node.study, chosen.node.configuration, chosen.node.layer, chosen.node.node].join("/"));
  return words.toString();
};

const fromAddress = (text) => {
  const words = new URLSearchParams(text);
  const found = first();
  if (studies.has(words.get("study"))) found.study = words.get("study");
  const study = studies.get(found.study);
  found.pins = words.has("pins")
    ? words.get("pins").split(",").filter((pin) => configurationOf(pin)).slice(0, MOST_PINS)
    : study.configurations.slice(0, 2).map((c) => `${study.name}/${c.name}`);
  for (const name of ["state", "split", "seed", "pattern", "mode", "theme", "scales"]) if (words.has(name)) found[name] = words.get(name);
  found.off = new Set(words.getAll("off"));
  found.classesOff = new Set((words.get("without") ?? "").split(",").filter(Boolean).map(Number));
  for (const [key, value] of words) if (key.startsWith("in:")) found.choices[key.slice(3)] = value;
  if (words.has("colour")) found.hues = Array.from({ length: MOST_HUES }, (_, i) => words.get("colour").split("-")[i]).map((c) => (c && study.classes[c] !== undefined ? Number(c) : null));
  const zoom = (words.get("zoom") ?? "").split("-").map(Number);
  if (zoom.length === 2 && zoom[1] > zoom[0]) found.zoom = zoom;
  const node = (words.get("node") ?? "").split("/");
  if (node.length === 4 && configurationOf(`${node[0]}/${node[1]}`)) {
    found.node = { study: node[0], configuration: node[1], layer: Number(node[2]), node: Number(node[3]) };
  }
  return found;
};

let anchor = "";
const writeAddress = () => {
  const words = toAddress();
  history.replaceState(null, "", `#${anchor}${words ? `?${words}` : ""}`);
};

const goTo = (hash) => {
  const [place, words] = [hash.split("?")[0], hash.split("?")[1]];
  if (words !== undefined) chosen = fromAddress(words);
  anchor = decodeURIComponent(place);
  const target = anchor ? byId(anchor) : null;
  const study = target?.closest("section.study")?.dataset.study;
  if (study) toStudy(study);
  update();
  if (target) {
    byId("contents").classList.remove("open");
    byId("toggle-contents").setAttribute("aria-expanded", "false");
    target.scrollIntoView();
    // What is drawn above may still push it down.
    let left = 12;
    const settle = () => {
      const off = target.getBoundingClientRect().top - byId("bar").offsetHeight;
      if (Math.abs(off) > 24 && Math.abs(scrollY - lastScroll) < 2) target.scrollIntoView();
      lastScroll = scrollY;
      if (left-- > 0) setTimeout(settle, 120);
    };
    let lastScroll = scrollY;
    setTimeout(settle, 120);
  }
};

addEventListener("hashchange", () => goTo(location.hash.slice(1)));
