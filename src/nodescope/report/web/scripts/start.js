// Updates the page after a change of the state of the view, and shows it for the first time.

let hadNode = false;
const update = ({ step = false, going = false } = {}) => {
  setTheme();
  for (const [name, view] of views) view.hidden = name !== shownView;
  keepingFocus(byId("bar"), showControls);
  writeAddress(step || (!going && Boolean(chosen.node) !== hadNode)); // what is gone back to is no step of its own
  hadNode = Boolean(chosen.node);
  hideReadout();
  changes += 1;
  if (cardKey() !== shownCard) showCard();
  for (const holder of holders) if (holder.dataset.drawn !== undefined) holder.classList.add("stale");
  const keep = going ? () => {} : keepingPlace();
  drawVisible().then(keep).then(drawFindings).then(drawRest);
  mark();
};

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => update());

let width = innerWidth;
addEventListener("resize", () => { if (Math.abs(innerWidth - width) > 40) { width = innerWidth; update(); } });

holders.forEach((holder) => observer.observe(holder));
goTo(location.hash.slice(1), { by: history.state?.offset }); // a reloaded page is where it was
document.documentElement.dataset.ready = "yes";
