// The table of contents follows what is read, and the address with it.

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
const places = [...links.keys()].map(byId).filter(Boolean);
const chapters = [...document.querySelectorAll("nav .chapter")];

const placeNow = () => {
  const line = byId("bar").offsetHeight + 80;
  let current = null;
  for (const place of places) if (!place.closest("[hidden]") && place.getBoundingClientRect().top <= line) current = place;
  return current ?? places.find((place) => !place.closest("[hidden]"));
};

let marked = null;
const mark = () => {
  for (const item of document.querySelectorAll("nav li[data-study]")) item.classList.toggle("open", item.dataset.study === shownView);
  const link = links.get(placeNow()?.id);
  if (link === marked) return;
  marked?.removeAttribute("aria-current");
  link?.setAttribute("aria-current", "true");
  marked = link;
  for (const chapter of chapters) chapter.classList.toggle("open", chapter.contains(link));
  const list = byId("contents");
  if (link && getComputedStyle(list).position === "sticky") {
    const [box, own] = [list.getBoundingClientRect(), link.getBoundingClientRect()];
    if (own.top < box.top + 40 || own.bottom > box.bottom - 40) list.scrollTop += own.top - box.top - box.height / 2;
  }
};

// What is drawn anew may be higher or lower than before: what the reader looks at stays where it is.
let moved = 0; // times that the reader scrolled
for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) addEventListener(kind, () => { moved += 1; }, { passive: true });
const keepingPlace = () => {
  const place = placeNow(), before = moved;
  const top = place?.getBoundingClientRect().top;
  return () => {
    const by = (place?.getBoundingClientRect().top ?? 0) - top;
    if (before === moved && Math.abs(by) > 1 && scrollY > 0) scrollBy({ top: by, behavior: "instant" });
  };
};

// Where the reader is, in the address.
const notePlace = () => {
  const place = placeNow();
  anchor = place?.id ?? "";
  offset = !place ? 0 : place.dataset.view ? scrollY : Math.round(byId("bar").offsetHeight + 8 - place.getBoundingClientRect().top);
  writeAddress();
};

// Once the scrolling ends: browsers limit how often an address may change.
let scrolled = 0;
addEventListener("scroll", () => {
  requestAnimationFrame(mark);
  clearTimeout(scrolled);
  scrolled = setTimeout(notePlace, 200);
}, { passive: true });
