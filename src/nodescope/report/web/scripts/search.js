// Search by Ctrl-K: figures by number, title or published number, networks, nodes.

const MOST_FOUND = 12;

const sought = [];
const fillSought = () => {
  for (const study of studies.values()) {
    const of = studies.size > 1 ? `${study.name} ` : "";
    for (const figure of study.figures) sought.push({ kind: "figure", study: study.name, text: `${of}${figure.number} ${figure.title}`, run: () => goTo(figure.anchor, { step: true, focus: true }) });
    for (const c of study.configurations) {
      sought.push({ kind: "network", study: study.name, text: `${of}${c.label}`, run: () => {
        goTo(`${study.name}-networks`, { step: true, focus: true });
        const key = pinOf(study.name, c.name);
        if (!chosen.pins.includes(key)) pin(key);
      } });
    }
  }
  for (const row of document.querySelectorAll("#published tbody tr")) {
    for (const link of row.querySelectorAll("a")) sought.push({ kind: "published", text: `${row.dataset.numbers} ${row.cells[1].textContent} ${link.textContent}`, title: `${row.cells[0].textContent}: ${row.cells[1].textContent} (${link.textContent})`, run: () => link.click() });
  }
};

// "2/37", "node 2/37", "layer 2 node 37": of the networks that are compared.
const nodesOf = (text) => {
  const [, layer, node] = /^(?:node\s*|layer\s*)?(\d+)\s*(?:\/|[ ,]+node\s*)(\d+)$/i.exec(text) ?? [];
  if (layer === undefined) return [];
  return shownPins().filter((c) => isNode(c.study.name, c.name, Number(layer), Number(node))).map((c) => ({
    kind: "node", text: `${placeText(c, Number(layer), Number(node))} of ${pinLabel(c)}`,
    run: () => { chosen.node = { study: c.study.name, configuration: c.name, layer: Number(layer), node: Number(node) }; update(); },
  }));
};

const dialog = byId("search"), searchText = byId("search-text"), searchFound = byId("search-found");
let hits = [], hit = 0;

const showHits = () => {
  const text = searchText.value.trim().toLowerCase();
  const asked = text.split(/\s+/).filter(Boolean);
  // What names its own kind is said first: "figure 5.6" of a work before figure 2.5 of the page.
  const matching = sought.filter((item) => asked.every((word) => `${item.kind} ${item.text}`.toLowerCase().includes(word)));
  const exact = (item) => Number(item.text.toLowerCase().includes(text));
  const near = (item) => Number(item.study === chosen.study);
  hits = [...nodesOf(text), ...matching.sort((a, b) => exact(b) - exact(a) || near(b) - near(a))].slice(0, MOST_FOUND);
  hit = Math.min(hit, Math.max(0, hits.length - 1));
  searchFound.replaceChildren(...(hits.length ? hits.map((item, i) => element("li", {
    role: "option", id: `search-${i}`, "aria-selected": String(i === hit), onclick: () => take(item),
  }, item.title ?? item.text, element("span", { class: "kind" }, item.kind))) : [element("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "Nothing is called so.")]));
  searchText.setAttribute("aria-activedescendant", hits.length ? `search-${hit}` : "");
};

const take = (item) => { dialog.close(); item.run(); };

const openSearch = () => {
  if (!sought.length) fillSought();
  searchText.value = "";
  hit = 0;
  dialog.showModal();
  showHits();
};

on("search-open", "click", openSearch);
addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openSearch(); }
});
searchText.addEventListener("input", () => { hit = 0; showHits(); });
searchText.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by) { hit = (hit + by + hits.length) % Math.max(1, hits.length); showHits(); } else if (event.key === "Enter" && hits[hit]) take(hits[hit]); else return;
  event.preventDefault();
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
