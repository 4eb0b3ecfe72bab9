// Updates the page after a change of the state of the view, and shows it for the first time.

let lastNode = "";
const update = () => {
  setTheme();
  keepingFocus(byId("bar"), showControls);
  writeAddress();
  hideReadout();
  changes += 1;
  for (const holder of holders) if (holder.dataset.drawn !== undefined) holder.classList.add("stale");
  drawVisible();
  const node = JSON.stringify([chosen.node, chosen.state, chosen.split, chosen.seed, [...chosen.classesOff], chosen.hues, document.documentElement.dataset.theme, innerWidth]);
  if (node !== lastNode) { lastNode = node; inspect(); }
};

const setBar = () => document.documentElement.style.setProperty("--bar", `${innerWidth > 992 ? byId("bar").offsetHeight : 48}px`);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);

let width = innerWidth;
addEventListener("resize", () => {
  setBar();
  if (Math.abs(innerWidth - width) > 40) { width = innerWidth; update(); }
});

goTo(location.hash.slice(1));
setBar();
mark();
holders.forEach((holder) => observer.observe(holder));
document.documentElement.dataset.ready = "yes";
