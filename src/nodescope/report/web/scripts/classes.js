// Colours of classes. With more classes than colours a few have a colour and the others are grey.

const OTHER_CLASS = "#969696", MOST_HUES = 3; // as in nodescope.charts.context

// Of more classes than there are colours a few are in colour, each in a place of its own, and the others grey.
const isCrowded = (study) => study.classes.length > study.palette.length;

const huesOf = (study) => (study.name === chosen.study && chosen.hues) || [...study.classes.keys()].slice(0, Math.min(MOST_HUES, study.palette.length));
const coloursOf = (study) => {
  if (!isCrowded(study)) return study.palette;
  const hues = huesOf(study);
  return study.classes.map((_, c) => (hues.includes(c) ? study.palette[hues.indexOf(c)] : OTHER_CLASS));
};

// The encoding of classes by colour; its legend names those in colour.
const withClasses = (channel, colours) => {
  const named = [...colours].filter(([, colour]) => colour !== OTHER_CLASS).map(([name]) => name);
  const others = colours.size - named.length;
  const { values, ...legend } = channel.legend ?? {};
  return { ...channel, scale: { ...channel.scale, domain: [...colours.keys()], range: [...colours.values()] },
    title: others ? ["class", `(${others} others grey)`] : "class", ...(channel.legend !== null && { legend: others ? { ...legend, values: named } : legend }) };
};

const setHue = (at, c) => {
  const study = studies.get(chosen.study);
  chosen.hues = huesOf(study).map((own, place) => (place === at ? c : own));
  update();
};
