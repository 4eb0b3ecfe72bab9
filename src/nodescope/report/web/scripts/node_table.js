// The nodes of the compared networks as a table below the atlas: what each is, and what became of it.

const keptOfNodes = {}; // how the reader sorted and filtered it
const PERCENT = (share) => (share === null || share === undefined || Number.isNaN(share) ? "–" : percentText(share));

// A share as a reader wants it: whole, but not rounded to nothing or to all.
const percentText = (share) => {
  const value = 100 * share, whole = Math.round(value);
  if (share !== 0 && whole === 0) return value < 0.05 ? "< 0.1 %" : `${value.toFixed(1)} %`;
  if (share !== 1 && whole === 100) return value > 99.95 ? "> 99.9 %" : `${value.toFixed(1)} %`;
  return `${whole} %`;
};

// When a node that is dead in the end died, as far as the recorded states tell.
const deadSince = (fate) => {
  if (!fate || !["died", "always_dead"].includes(fate.fate)) return null;
  if (fate.fate === "always_dead") return { at: 0, text: "always" };
  return { at: fate.since, text: fate.not_before === null ? `epoch ${number(fate.since)}` : `epoch ${number(fate.not_before)}–${number(fate.since)}` };
};

const MEAN_EFFECT = "mean"; // which ablation is said first
const effectOf = (net, key) => { const rows = net.effects.get(key) ?? []; return rows.find((row) => row.kind === MEAN_EFFECT) ?? rows[0] ?? null; };

const sparkline = (values, label) => {
  const step = 60 / Math.max(1, values.length - 1), points = values.map((v, i) => (Number.isNaN(v) ? null : `${(2 + i * step).toFixed(1)},${(18 - 16 * v).toFixed(1)}`)).filter(Boolean);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ viewBox: "0 0 64 20", width: 64, height: 20, class: "sparkline", role: "img", "aria-label": label })) svg.setAttribute(name, value);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  if (points.length) {
    const end = document.createElementNS("http://www.w3.org/2000/svg", "circle"), [x, y] = points.at(-1).split(",");
    for (const [name, value] of Object.entries({ cx: x, cy: y, r: 2 })) end.setAttribute(name, value);
    svg.append(end);
  }
  return svg;
};

const rowsOfNodeTable = (nets, found) => nets.flatMap((net, i) => (net.shares ? net.cube.layers : []).flatMap((layer) => {
  const part = net.shares.get(layer), { study } = net.c, marks = new Set(found[i].found.filter((one) => one.layer === layer).map((one) => one.node));
  const states = study.states.map((state) => net.cube.at({ ...net.view, state: state.name })?.get(layer) ?? null), classes = [...study.classes.keys()];
  return Array.from({ length: part.size }, (_, node) => {
    const key = `${layer}/${node}`, selective = net.selective.get(key)?.[0], fate = deadSince(net.fates.get(key)?.[0]), effect = effectOf(net, key);
    return {
      net, layer, node, network: pinLabel(net.c), found: marks.has(node), name: net.c.nodes?.[layer]?.[node] ?? "",
      kind: net.never.get(layer)[node] ? deadWord(net.c, layer) : net.always.get(layer)[node] ? "always on" : kindWord(net.c, layer, net.kinds.get(key)?.[0].kind ?? null),
      preferred_class: selective?.preferred_class ?? null, class_share: selective?.class_share ?? null, mean_share: meanOf(part, node, classes),
      dead_since: fate, loss_change: effect?.loss_change ?? null, states: states.map((own) => (own ? meanOf(own, node, classes) : NaN)),
    };
  });
}));

const nodeColumns = (nets, study) => {
  const tables = atlasOf(study).tables, has = (name) => nets.some((net) => tables[name]?.includes(net.c.name));
  const column = (name, title, of, text, more = {}) => ({ name, title, of, text, ...more });
  return [
    ...(nets.length > 1 ? [column("network", "network", (row) => row.network, (row) => row.network, { cell: (row) => element("abbr", { title: row.network }, letterOf(row.net.c)) })] : []),
    column("layer", "layer", (row) => row.layer, (row) => `${row.layer}`, { numeric: true }),
    column("node", "node", (row) => row.node, (row) => `${row.node}${row.name && ` ${row.name}`}`, { numeric: true, cell: (row) => element("button", { type: "button", class: "node-link", onclick: () => openNode(row.net.c, row.layer, row.node) }, `${row.layer}/${row.node}${row.name && ` (${row.name})`}`) }),
    column("kind", "kind", (row) => row.kind, (row) => row.kind || "–"),
    ...(has("selectivity") && study.has_classes ? [
      column("preferred_class", "preferred class", (row) => row.preferred_class, (row) => (row.preferred_class === null ? "–" : study.classes[row.preferred_class])),
      column("class_share", "selectivity", (row) => row.class_share, (row) => PERCENT(row.class_share), { numeric: true })] : []),
    column("mean_share", study.has_classes ? "mean share on" : "share on", (row) => (Number.isNaN(row.mean_share) ? null : row.mean_share), (row) => PERCENT(row.mean_share), { numeric: true }),
    ...(has("node_fates") && study.states.length > 1 ? [column("dead_since", "dead since", (row) => row.dead_since?.at ?? null, (row) => row.dead_since?.text ?? "–")] : []),
    ...(has("ablation") ? [column("loss_change", "loss when switched off", (row) => row.loss_change, (row) => (row.loss_change === null ? "–" : `${row.loss_change > 0 ? "+" : ""}${number(row.loss_change)}`), { numeric: true })] : []),
    ...(study.states.length > 1 ? [column("states", "share on over the states", () => null, () => "", { cell: (row) => sparkline(row.states, `mean share on: ${study.states.map((s, i) => `${s.label} ${PERCENT(row.states[i])}`).join(", ")}`) })] : []),
  ];
};

const nodeTable = (nets, found, holder, sought) => {
  const { study } = nets[0].c, key = "atlas.table", opened = chosen.choices[key] ?? "";
  const box = element("details", { class: "node-table" }), fill = () => {
    const all = rowsOfNodeTable(nets, found), rows = sought && chosen.choices[key] === "found" ? all.filter((row) => row.found) : all, columns = nodeColumns(nets, study);
    const plain = () => all.map((row) => ({ network: row.network, state: row.net.view.state, split: row.net.view.split, seed: Number(row.net.view.seed), layer: row.layer, node: row.node, kind: row.kind || null,
      ...(study.has_classes && { preferred_class: row.preferred_class === null ? null : study.classes[row.preferred_class] }), selectivity: row.class_share, mean_share_on: Number.isNaN(row.mean_share) ? null : row.mean_share,
      dead_since: row.dead_since?.text ?? null, loss_change: row.loss_change, ...(sought && { found: row.found }) }));
    const only = check("found nodes only", chosen.choices[key] === "found", (event) => { chosen.choices[key] = event.target.checked ? "found" : "open"; writeAddress(); fill(); });
    const tools = element("div", { class: "table-tools" }, element("button", { type: "button", onclick: () => files.save(`${study.name}-nodes.csv`, files.csv(plain()), "text/csv") }, "CSV"), ...(sought ? [only] : []));
    box.replaceChildren(summary, tools, ...sortedTable({ columns, rows, label: "nodes", kept: keptOfNodes, marked: (row) => (row.found ? "marked" : null) }));
  };
  const total = nets.reduce((sum, net) => sum + (net.shares ? [...net.shares.values()].reduce((own, { size }) => own + size, 0) : 0), 0);
  const summary = element("summary", {}, `Table of the ${total.toLocaleString("en")} nodes`);
  box.append(summary);
  if (opened) { box.open = true; fill(); }
  box.addEventListener("toggle", () => {
    if (box.open === Boolean(chosen.choices[key])) return;
    if (box.open) chosen.choices[key] = "open"; else delete chosen.choices[key];
    writeAddress();
    if (box.open) fill();
  });
  return box;
};
