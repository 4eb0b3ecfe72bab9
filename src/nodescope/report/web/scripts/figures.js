// Loads the data of a figure and draws it when it comes into view or the state of the view changes.

const drawn = new Map(); // name of figure -> { views, rows, specs }

const framesOf = async (figure) => {
  if (!figure.per_configuration) return Promise.all(figure.data.map((name) => nodescope.load(figure.study.name, `${figure.name}.${name}`)));
  const pins = pinsOf(figure).filter((c) => c.study.figureByName.get(figure.name)?.configurations.includes(c.name));
  const wanted = pins.flatMap((c) => c.study.figureByName.get(figure.name).data.map((name) => [name, c]));
  const loaded = await Promise.all(wanted.map(([name, c]) => nodescope.load(c.study.name, `${figure.name}.${name}.${c.name}`)));
  return loaded.map((frame, i) => ({ ...frame, of: wanted[i][0], pin: wanted[i][1] }));
};

const VALUE_WORDS = { post: "activations", pre: "pre-activations" };
const choicesOf = (figure, parts, view, holder) => {
  const valuesOf = (column) => [...new Set(parts.flatMap((frame) => (frames.has(frame, column) ? frames.values(frame, column) : [])))];
  const own = Object.keys(view).filter((column) => !FOLLOWED.includes(column)).map((column) => [column, valuesOf(column)]).filter(([, values]) => values.length > 1);
  keepingFocus(holder, () => holder.replaceChildren(...own.map(([column, values]) => {
    const select = element("select", {
      "data-choice": column,
      onchange: (event) => { chosen.choices[`${figure.name}.${column}`] = event.target.value; update(); },
    }, ...values.map((value) => element("option", { value: String(value), selected: String(value) === view[column] }, VALUE_WORDS[value] ?? String(value))));
    return element("label", {}, `${words({ of_class: "class", kind: "of" }[column] ?? column)} `, select, " ");
  })));
};

const DRAW = { chart: drawChart, table: drawTable, atlas: drawAtlas };

const holders = [...document.querySelectorAll(".chart")];
const figureOf = (holder) => {
  const [study, name] = holder.dataset.figure.split("/");
  return studies.get(study).figureByName.get(name);
};

// A figure for a special question is a line until its button is pressed, or a link leads to it.
const opened = new Set();
const isClosed = (figure) => figure.collapsed && !opened.has(figure) && !paper;
const openFigure = (box, isOpen = true) => {
  const holder = box?.querySelector?.(".chart"), figure = holder && figureOf(holder);
  if (!figure?.collapsed || opened.has(figure) === isOpen) return;
  if (isOpen) opened.add(figure); else opened.delete(figure);
  draw(holder);
};
for (const button of document.querySelectorAll(".open-figure")) button.addEventListener("click", () => openFigure(button.closest("figure"), button.getAttribute("aria-expanded") !== "true"));

const visible = new Set();
const running = new WeakMap();
let changes = 0; // of the controls, so far

// Draw one figure as the controls stand; if they change meanwhile, once more.
const draw = async (holder) => {
  if (running.has(holder)) { running.set(holder, true); return; }
  do {
    running.set(holder, false);
    await drawOnce(holder);
  } while (running.get(holder));
  running.delete(holder);
};

const drawOnce = async (holder) => {
  const figure = figureOf(holder);
  const box = holder.closest("figure");
  const before = changes;
  holder.dataset.drawn = "";
  for (const { view } of drawn.get(figure)?.views ?? []) view?.finalize();
  if (figure.collapsed) {
    const button = box.querySelector(".open-figure"), closed = isClosed(figure);
    box.classList.toggle("collapsed", closed);
    button.setAttribute("aria-expanded", String(!closed));
    button.textContent = closed ? "Show" : "Hide";
    if (closed) {
      holder.replaceChildren();
      holder.classList.remove("stale");
      holder.dataset.drawn = "yes";
      return;
    }
  }
  holder.style.minHeight = `${holder.offsetHeight}px`;
  try {
    const result = await DRAW[figure.kind](figure, holder);
    drawn.set(figure, result);
    if (result.note) message(holder, result.note);
    if (result.view) {
      choicesOf(figure, result.parts, result.view, box.querySelector(".choices"));
      const note = notes(figure, result.view, typeof result.rows === "function" ? [] : result.rows ?? []);
      box.querySelector(".shown").textContent = subtitle(figure, result.view) + (note ? ` (${note})` : "");
    }
    const text = result.reading ?? reading(figure, result.rows ?? [], result.view);
    holder.setAttribute("aria-label", `${figure.title}. ${text || result.note || `A table with ${(result.rows ?? []).length} rows that can be sorted and filtered.`}`);
    saveMenu(figure, result, holder, box.querySelector(".save > .panel"));
    showRows(figure, result, box);
  } catch (error) {
    message(holder, `This figure could not be drawn: ${error.message}`);
  }
  holder.style.minHeight = "";
  // What scrolls sideways is reached by the keyboard.
  if (holder.scrollWidth > holder.clientWidth) holder.tabIndex = 0; else holder.removeAttribute("tabindex");
  if (changes === before) holder.classList.remove("stale");
  holder.dataset.drawn = "yes";
};

// What was never drawn, one figure after the other, while nothing else is to do: then nothing is empty on paper.
const idle = globalThis.requestIdleCallback ?? ((run) => setTimeout(run, 50));
const drawRest = () => {
  const holder = holders.find((one) => one.dataset.drawn === undefined && !one.closest("[hidden]"));
  if (holder) idle(() => { if (holder.dataset.drawn === undefined) draw(holder).then(drawRest); else drawRest(); });
};

// What the reader looks at first, then what lies around it.
const drawVisible = async () => {
  const distance = (holder) => { const { top, bottom } = holder.getBoundingClientRect(); return Math.max(0, top - innerHeight, -bottom); };
  for (const holder of [...visible].sort((a, b) => distance(a) - distance(b))) if (holder.classList.contains("stale")) await draw(holder);
};

const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (entry.isIntersecting) {
      visible.add(entry.target);
      if (!entry.target.dataset.drawn || entry.target.classList.contains("stale")) draw(entry.target);
    } else visible.delete(entry.target);
  }
}, { rootMargin: "900px" }); // a screen ahead
