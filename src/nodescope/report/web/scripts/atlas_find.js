// Finding nodes by what they answer to: which are on for most of one class and for few of the others.

const FIND = "atlas.find"; // class_least_most, percent

const soughtOf = (study) => {
  const parts = /^(\d+)_([\d.]+)_([\d.]+)$/.exec(chosen.choices[FIND] ?? "")?.slice(1).map(Number);
  return parts && (study.classes[parts[0]] !== undefined) ? { of: parts[0], least: parts[1], most: parts[2] } : null;
};

// The nodes that answer so, and the one that comes nearest; of samples without classes only the first number counts.
const findNodes = (net, { of, least, most }, classes) => {
  const [atLeast, atMost] = [Math.fround(least / 100), Math.fround(most / 100)], found = [];
  let nearest = null;
  for (const layer of net.shares ? net.cube.layers : []) {
    const { size, values } = net.shares.get(layer);
    for (let node = 0; node < size; node += 1) {
      const share = values[of * size + node];
      if (Number.isNaN(share)) continue;
      let other = null;
      for (const c of classes) {
        const value = values[c * size + node];
        if (c !== of && !Number.isNaN(value) && (other === null || value > other.value)) other = { c, value };
      }
      if (share >= atLeast && (other === null || other.value <= atMost)) found.push({ layer, node });
      const lack = Math.max(atLeast - share, other === null ? 0 : other.value - atMost);
      if (nearest === null || lack < nearest.lack) nearest = { layer, node, share, other, lack };
    }
  }
  return { found, nearest };
};

const findForm = (study, classes, run) => {
  const sought = soughtOf(study) ?? { of: classes[0], least: 80, most: 20 };
  const percentField = (name, value, label) => element("input", { type: "number", name, value, min: 0, max: 100, step: "any", "aria-label": label, required: true });
  const least = percentField("least", sought.least, "on for at least, percent"), most = percentField("most", sought.most, "on for at most of all others, percent");
  const select = element("select", { name: "of", "aria-label": "class" });
  fillSelect(select, classes.map((c) => [String(c), study.classes[c]]), String(sought.of));
  const form = element("form", { class: "atlas-find", onsubmit: (event) => {
    event.preventDefault();
    run(`${study.has_classes ? select.value : 0}_${Number(least.value)}_${study.has_classes ? Number(most.value) : 0}`);
  } }, element("span", {}, "Find nodes on for ≥ "), least, " %", ...(study.has_classes ? [" of class ", select, ", ≤ ", most, " % of all others "] : [" of the samples "]),
  element("button", { type: "submit" }, "Find"), " ", ...(soughtOf(study) ? [element("button", { type: "button", onclick: () => run(null) }, "Clear")] : []));
  return form;
};

const MOST_NAMED = 24;
// What was found in each network: how many and which, or none and how near the best comes.
const findResult = (nets, found, sought) => element("div", { class: "find-result", role: "status" }, ...nets.filter((net) => net.shares).map((net, i) => {
  const { found: nodes, nearest } = found[i], { study } = net.c, named = nets.length > 1 ? `${pinLabel(net.c)}: ` : "";
  const button = ({ layer, node }) => element("button", { type: "button", class: "node-link", onclick: () => openNode(net.c, layer, node) }, `${layer}/${node}`);
  const listed = nodes.slice(0, MOST_NAMED).flatMap((one) => [" ", button(one)]);
  if (nodes.length) return element("p", {}, `${named}${nodes.length} node${nodes.length === 1 ? "" : "s"} (layer/node):`, ...listed, nodes.length > MOST_NAMED ? ` and ${nodes.length - MOST_NAMED} more, marked above` : "");
  if (!nearest) return element("p", {}, `${named}nothing is known.`);
  const other = nearest.other === null ? "" : ` and for ${percentText(nearest.other.value)} of ${study.classes[nearest.other.c]}`;
  return element("p", {}, `${named}none. Nearest: node `, button(nearest), study.has_classes
    ? `, on for ${percentText(nearest.share)} of ${study.classes[sought.of]}${other}: ${number(Number((100 * nearest.lack).toPrecision(2)))} points short.` : `, on for ${percentText(nearest.share)}.`);
}));
