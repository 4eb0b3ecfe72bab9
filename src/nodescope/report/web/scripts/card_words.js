// What a node does, in words.

const LEAST_ON = 0.8, MOST_OFF = 0.2, MOST_LISTED = 4;

// When it was dead, as far as it was recorded: the states in which it is on for no sample.
const deathWords = (study, dead) => {
  const known = study.states.map((state, i) => [/^after /.test(state.label) ? state.label : `when ${state.label}`, dead[i]]).filter(([, own]) => own !== null);
  if (known.length < 2) return "";
  const when = known.filter(([, own]) => own).map(([label]) => label), rest = known.filter(([, own]) => !own);
  if (!when.length) return "never dead in the recorded states";
  if (!rest.length) return "so in every recorded state";
  return `dead ${when.length > 1 ? `${when.slice(0, -1).join(", ")} and ${when.at(-1)}` : `${when[0]} only`}`;
};

// "On for 4 (96 %); for 1 in 26 %, for others at most 13 %; never dead."
const nodeSentence = (study, shares, dead, word) => {
  const known = shares.map((value, c) => ({ value, name: study.classes[c] })).filter(({ value }) => !Number.isNaN(value)).sort((a, b) => b.value - a.value);
  if (!known.length) return "";
  const ends = deathWords(study, dead), close = (said) => `${said}${ends && `; ${ends}`}.`;
  if (known.every(({ value }) => value === 0)) {
    const now = word === "dead" ? "Dead: on for no sample" : "Always off: on for no sample", others = dead.filter((own) => own === false).length;
    return others ? `${now}, ${ends.replace(/^dead /, "")}.` : close(now);
  }
  if (!study.has_classes) return close(known[0].value === 1 ? "Always on" : `On for ${percentText(known[0].value)} of the samples`);
  if (known.every(({ value }) => value === 1)) return close("Always on: whether it is on does not depend on the class");
  const high = known.filter(({ value }) => value >= LEAST_ON), low = known.filter(({ value }) => value <= MOST_OFF), between = known.filter(({ value }) => value > MOST_OFF && value < LEAST_ON);
  const range = (some) => { const [most, least] = [percentText(some[0].value), percentText(some.at(-1).value)]; return most === least ? most : `${least.replace(" %", "")} to ${most}`; };
  if (between.length === known.length && known.length > MOST_LISTED) return close(`On for every class in ${range(between)}, most for ${between[0].name}`);
  const parts = [];
  if (high.length) parts.push(`On for ${high.length <= MOST_LISTED ? high.map(({ name, value }) => `${name} (${percentText(value)})`).join(", ") : `${high.length} of ${known.length} classes (${range(high)})`}`);
  const further = [];
  if (between.length) {
    const told = between.length <= MOST_LISTED ? between : between.slice(0, 2), rest = between.slice(told.length);
    further.push(`${told.map(({ name, value }, i) => `${!i && high.length ? "for " : ""}${!high.length && !i ? "On for " : i ? "for " : ""}${name} in ${percentText(value)}`).join(", ")}${rest.length ? `, for ${rest.length} more in ${range(rest)}` : ""}`);
  }
  if (low.length) {
    const most = low[0].value, who = high.length + between.length ? (low.length === 1 ? low[0].name : "others") : null;
    if (who === null) further.push(`On for ${low[0].name} in ${percentText(most)}, for others at most ${percentText(low[1]?.value ?? 0)}`);
    else further.push(most === 0 ? `never for ${who}` : `for ${who} ${low.length === 1 ? "in" : "at most"} ${percentText(most)}`);
  }
  return close([...parts, further.join(", ")].filter(Boolean).join("; "));
};

// What kind of node it is, and how much its values tell of the classes.
const nodeFacts = (net, layer, node) => {
  const key = `${layer}/${node}`, kind = net.kinds.get(key)?.[0].kind, selective = net.selective.get(key)?.[0], { study } = net.c, said = [];
  if (kind) said.push({ graded: "Graded: its value says more than being on or off", switch: "A switch: on or off explains most of its value", saturated: "Saturated: near a bound of its function for nearly all samples", constant: "Constant" }[kind] ?? "");
  if (study.has_classes && selective?.class_share != null) said.push(`Classes explain ${percentText(selective.class_share)} of the variance of its values${selective.preferred_class === null ? "" : `; they are highest for ${study.classes[selective.preferred_class]}`}`);
  if (selective?.auc_preferred != null) said.push(`It tells ${study.classes[selective.auc_preferred_class]} best from the rest: its value is larger for a sample of that class in ${percentText(selective.auc_preferred)} of pairs (area under the ROC curve)`);
  if ((net.c.positions?.[layer - 1] ?? 1) > 1) said.push("Shares count samples and positions");
  return said.filter(Boolean).map((text) => `${text}.`);
};
