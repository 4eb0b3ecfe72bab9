// The state of the view in the address, `#place?choices`, so that a link shows the same view, and Back the one before.

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

const toAddress = () => {
  const base = { ...first(), ...firstOf(studies.get(chosen.study)) };
  base.state = studies.get(chosen.study).states.at(-1).name;
  const words = new URLSearchParams();
  if (chosen.study !== data.studies[0].name) words.set("study", chosen.study);
  if (!same(chosen.pins, base.pins)) words.set("pins", chosen.pins.join(","));
  for (const name of ["state", "split", "seed", "pattern", "mode", "theme", "scales"]) if (chosen[name] !== base[name]) words.set(name, chosen[name]);
  for (const item of chosen.off) words.append("off", item);
  if (chosen.classesOff.size) words.set("without", [...chosen.classesOff].join(","));
  for (const [key, value] of Object.entries(chosen.choices)) words.set(`in:${key}`, value);
  if (chosen.hues) words.set("colour", chosen.hues.map((c) => c ?? "").join("-"));
  if (chosen.node) words.set("node", [chosen.node.study, chosen.node.configuration, chosen.node.layer, chosen.node.node].join("/"));
  return words.toString();
};

// What a study does not have is not chosen: an address may be of another page, or mistyped.
const fromAddress = (text) => {
  const words = new URLSearchParams(text);
  const found = first();
  const study = studies.get(words.get("study")) ?? data.studies[0];
  Object.assign(found, { study: study.name, ...firstOf(study), state: study.states.at(-1).name });
  if (words.has("pins")) found.pins = words.get("pins").split(",").filter((pin) => configurationOf(pin)).slice(0, MOST_PINS);
  const allowed = {
    state: study.states.map((s) => s.name), split: study.splits, seed: ["mean", ...study.seeds],
    mode: ["highlight", "hide", "only"], theme: ["light", "dark"], scales: ["common", "own"],
  };
  for (const [name, values] of Object.entries(allowed)) if (values.includes(words.get(name))) found[name] = words.get(name);
  found.pattern = words.get("pattern") ?? "";
  found.off = new Set(words.getAll("off"));
  found.classesOff = new Set((words.get("without") ?? "").split(",").filter(Boolean).map(Number).filter((c) => study.classes[c] !== undefined));
  for (const [key, value] of words) if (key.startsWith("in:")) found.choices[key.slice(3)] = value;
  if (words.has("colour")) found.hues = Array.from({ length: MOST_HUES }, (_, i) => words.get("colour").split("-")[i]).map((c) => (c && study.classes[c] !== undefined ? Number(c) : null));
  const [of, name, layer, node] = (words.get("node") ?? "").split("/");
  if (isNode(of, name, Number(layer), Number(node))) found.node = { study: of, configuration: name, layer: Number(layer), node: Number(node) };
  return found;
};

const isNode = (study, name, layer, node) => {
  const sizes = configurationOf(`${study}/${name}`)?.sizes;
  return Boolean(sizes) && Number.isInteger(layer) && Number.isInteger(node) && node >= 0 && (!sizes.length || node < (sizes[layer - 1] ?? 0));
};

// Where the reader is: the last heading or figure that begins above the middle of the window, and how far it has scrolled by.
let anchor = "", offset = 0;

// Going somewhere, and opening or closing a node, are steps of the history; dragging a slider is not.
const writeAddress = (step = false) => {
  const words = toAddress();
  history[step ? "pushState" : "replaceState"]({ words, offset }, "", `#${anchor}${words ? `?${words}` : ""}`);
};

// What is copied: the address, and how far the reader has scrolled by the place that it names.
const linkToView = () => {
  notePlace(); // what was drawn since the last scrolling may have moved it
  return offset > 4 ? `${location.href}${location.hash.includes("?") ? "&" : "?"}by=${offset}` : location.href;
};

const scrollToPlace = (target, by) => {
  const off = () => target.getBoundingClientRect().top - byId("bar").offsetHeight - 8 + by;
  scrollBy({ top: off(), behavior: "instant" });
  // What is drawn above may still push it down, until all is drawn or the reader moves on: then the page alone grows no more.
  const before = moved, isDrawn = () => holders.every((holder) => holder.closest("[hidden]") || (holder.dataset.drawn && !holder.classList.contains("stale")));
  let last = scrollY, height = document.body.scrollHeight, still = 0;
  const settle = () => {
    const grown = document.body.scrollHeight !== height;
    if (moved !== before || target.closest("[hidden]") || (!grown && Math.abs(scrollY - last) >= 2)) return;
    if (Math.abs(off()) > 4) scrollBy({ top: off(), behavior: "instant" });
    [last, height, still] = [scrollY, document.body.scrollHeight, grown || !isDrawn() ? 0 : still + 1];
    if (still < 4) setTimeout(settle, 120);
  };
  setTimeout(settle, 120);
};

// Shows a place, of another study too.
const goTo = (hash, { step = false, words, by: past, focus = false } = {}) => {
  const [place, written] = hash.split("?"), by = past ?? Math.max(0, Number(new URLSearchParams(written).get("by")) || 0);
  if (step) writeAddress(); // where the reader was
  if (words !== undefined || written !== undefined) chosen = fromAddress(words ?? written);
  const target = byId(decodeURIComponent(place));
  const view = target ? target.closest("[data-view]")?.dataset.view ?? shownView : FIRST_VIEW;
  if (studies.has(view)) toStudy(view);
  const changed = view !== shownView;
  shownView = view;
  anchor = target ? target.id : "";
  offset = by;
  openFigure(target?.closest("figure"));
  update({ step, going: true });
  byId("contents").classList.remove("open");
  byId("toggle-contents").setAttribute("aria-expanded", "false");
  if (target && !target.dataset.view) scrollToPlace(target, by);
  else if (changed || target) for (const wait of [0, 60]) setTimeout(() => scrollTo({ top: by, behavior: "instant" }), wait); // also after the browser's own jump
  if (focus && target) (target.matches("[tabindex]") ? target : target.querySelector("h1[tabindex], h2[tabindex], h3[tabindex]"))?.focus({ preventScroll: true });
};

history.scrollRestoration = "manual";
addEventListener("popstate", (event) => goTo(location.hash.slice(1), { words: event.state?.words, by: event.state?.offset ?? 0 }));
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  // A link within the page chooses only what it names.
  const [place, written] = link.getAttribute("href").slice(1).split("?");
  for (const [key, value] of new URLSearchParams(written ?? "")) {
    if (key.startsWith("in:")) chosen.choices[key.slice(3)] = value;
    else if (FOLLOWED.includes(key)) chosen[key] = value;
  }
  goTo(place, { step: true, focus: true });
});
