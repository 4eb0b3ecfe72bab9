// The table of contents marks the section that is being read.

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const places = [...links.keys()].map(byId).filter(Boolean);
let marked = null;
const mark = () => {
  const line = byId("bar").offsetHeight + 80;
  let current = null;
  for (const place of places) {
    if (place.closest("[hidden]")) continue;
    if (place.getBoundingClientRect().top <= line) { if (!current || place.compareDocumentPosition(current) & Node.DOCUMENT_POSITION_PRECEDING) current = place; }
  }
  const link = current && links.get(current.id);
  if (link === marked) return;
  marked?.removeAttribute("aria-current");
  link?.setAttribute("aria-current", "true");
  marked = link;
  const list = byId("contents");
  if (link && getComputedStyle(list).position === "sticky") {
    const [box, own] = [list.getBoundingClientRect(), link.getBoundingClientRect()];
    if (own.top < box.top + 40 || own.bottom > box.bottom - 40) list.scrollTop += own.top - box.top - box.height / 2;
  }
};

addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
