// The atlas: all nodes of the compared networks as classes x nodes, a block per layer, in an order that shows what is alike.

const LEAST_CELL = 5, MOST_CELL = 24, STRIP = 16, TICKS = 7, LINE_GAP = 10, BESIDE = [46, 24], MATRIX_HEIGHT = 300, BETWEEN = 16;
const rowHeight = (rows) => (rows === 1 ? 30 : Math.max(3, Math.min(rows < 6 ? 22 : 14, Math.floor(MATRIX_HEIGHT / rows))));
const classesShown = (study) => [...study.classes.keys()].filter((c) => !(study.name === chosen.study && chosen.classesOff.has(c)));

// What a network's cells show: the values, their scale, and how a value is written.
const withValues = (net, value, figure) => {
  const first = net.c.study.states[0].name, medians = value === "median" ? net.tables.medians && cubeOf(net.tables.medians, "median").at(net.view) : null;
  const before = value === "change" ? net.cube.at({ ...net.view, state: first }) : null;
  const drawn = value === "share" ? net.shares : value === "median" ? medians : net.shares && before && new Map([...net.shares].map(([layer, { size, values }]) => [layer, { size, values: values.map((v, i) => v - before.get(layer).values[i]) }]));
  const text = value === "share" ? percentText : value === "median" ? (v) => measured(figure.quantities.median, Number(v.toPrecision(5))) : (v) => `${v > 0 ? "+" : ""}${number(Number((100 * v).toPrecision(3)))} points`;
  const never = new Map([...(net.shares ?? [])].map(([layer, part]) => [layer, neverOn(part)])), always = new Map([...(net.shares ?? [])].map(([layer, part]) => [layer, alwaysOn(part)]));
  return Object.assign(net, { drawn, text, never, always, shown: classesShown(net.c.study) });
};

const domainOfAtlas = (nets, value) => {
  if (value === "share") return { domain: [0, 1], scale: "rising" };
  if (value === "change") return { domain: [-1, 1], scale: "diverging" };
  let low = 0, high = 0;
  for (const net of nets) for (const { size, values } of net.drawn?.values() ?? []) for (const c of net.shown) for (let i = c * size; i < (c + 1) * size; i += 1) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return low < 0 ? { domain: [-Math.max(-low, high), Math.max(-low, high)], scale: "diverging" } : { domain: [0, high || 1], scale: "rising" };
};

// "layer 2 · 100 nodes · 16 dead": size, and what is to be said of its nodes; "graded" is the rule.
const blockTitle = (net, layer) => {
  const { size } = net.shares.get(layer), counts = new Map();
  const count = (kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kindsKnown = net.split === net.view.split;
  for (let node = 0; node < size; node += 1) {
    if (net.never.get(layer)[node]) count("dead");
    else if (net.always.get(layer)[node]) count("always_on");
    else if (kindsKnown) count(net.kinds.get(`${layer}/${node}`)?.[0].kind ?? "");
  }
  const said = ["dead", "always_on", "switch", "saturated", "constant"].filter((kind) => counts.get(kind));
  return [layerText(net.c, layer), `${size.toLocaleString("en")} node${size === 1 ? "" : "s"}`, ...said.map((kind) => `${counts.get(kind)} ${kind === "switch" && counts.get(kind) > 1 ? "switches" : kindWord(net.c, layer, kind)}`)].join(" · ");
};

// How cells are laid out in the room there is: at least five pixels a node, in as many lines as that takes.
const layout = (net, layer, room, order) => {
  const size = order.length, rows = net.shown.length, hasClasses = net.c.study.has_classes;
  const left = hasClasses ? Math.min(room > 420 ? 110 : 64, 8 + 7 * Math.max(1, ...net.shown.map((c) => net.c.study.classes[c].length))) : 4;
  // The margin at the right is as wide as it may be without one line more.
  const linesBeside = (margin) => Math.ceil(size / Math.max(1, Math.floor((room - left - margin) / LEAST_CELL)));
  const beside = !hasClasses ? 0 : linesBeside(BESIDE[0]) === linesBeside(BESIDE[1]) ? BESIDE[0] : BESIDE[1];
  const inner = room - left - beside, lines = linesBeside(beside), perLine = Math.ceil(size / lines);
  const wide = Math.max(LEAST_CELL, Math.min(MOST_CELL, Math.floor(inner / perLine))), high = rowHeight(rows), above = (net.selective.size && hasClasses ? STRIP : 0) + TICKS;
  return { size, rows, left, beside, wide, high, perLine: lines === 1 ? perLine : Math.floor(inner / wide), above, lineHeight: above + rows * high + LINE_GAP };
};

const drawBlock = (block, net, layer, room, options) => {
  const order = orderOf(net, layer, options.order), geometry = layout(net, layer, room, order), { size, rows, left, wide, high, perLine, above, lineHeight, beside } = geometry;
  const places = new Int32Array(size), lines = Math.ceil(size / perLine), part = net.drawn.get(layer), ink = shadesOf();
  order.forEach((node, place) => { places[node] = place; });
  const { canvas, context } = sharpCanvas(left + Math.min(size, perLine) * wide + beside, lines * lineHeight - LINE_GAP + 2);
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "middle";
  const every = Math.ceil(12 / high), strip = above - TICKS;
  for (let line = 0; line < lines; line += 1) {
    const top = line * lineHeight + above, here = order.slice(line * perLine, (line + 1) * perLine);
    context.fillStyle = ink.soft;
    context.textAlign = "right";
    if (net.c.study.has_classes) for (let row = 0; row < rows; row += every) context.fillText(shortened(context, net.c.study.classes[net.shown[row]], left - 8), left - 5, top + (row + 0.5) * high);
    paintCells(context, { columns: here.length, rows, value: (row, column) => part.values[net.shown[row] * size + here[column]], ...options.scale }, left, top, wide, high);
    here.forEach((node, column) => {
      const x = left + column * wide, share = net.selective.get(`${layer}/${node}`)?.[0].class_share ?? null;
      context.fillStyle = ink.soft;
      if (net.never.get(layer)[node]) {
        paintHatched(context, x, top, wide, rows * high);
        context.fillStyle = ink.soft;
        context.fillRect(x + wide / 2 - 1, top - TICKS, 2, TICKS - 2);
      } else if (strip && share !== null) context.fillRect(x + 0.5, top - TICKS - share * (strip - 2), Math.max(1, wide - 1), share * (strip - 2));
      if (options.marked.has(`${layer}/${node}`)) {
        context.fillStyle = ink.ink;
        context.beginPath();
        context.moveTo(x + wide / 2 - 5, top - TICKS);
        context.lineTo(x + wide / 2 + 5, top - TICKS);
        context.lineTo(x + wide / 2, top - 1);
        context.fill();
        context.strokeStyle = ink.ink;
        context.lineWidth = 1.5;
        context.strokeRect(x + 0.5, top - 0.5, wide - 1, rows * high + 1);
      }
    });
    context.strokeStyle = ink.border;
    context.lineWidth = 1;
    context.strokeRect(left - 0.5, top - 0.5, here.length * wide + 1, rows * high + 1);
    if (beside && line === 0) {
      const x = left + here.length * wide + 5, shares = net.shares.get(layer);
      net.shown.forEach((c, row) => {
        const known = [...shares.values.subarray(c * size, (c + 1) * size)].filter((v) => !Number.isNaN(v)), mean = known.reduce((sum, v) => sum + v, 0) / known.length;
        context.fillStyle = ink.soft;
        context.fillRect(x, top + row * high + 1, mean * (beside - 8), Math.max(1, high - 2));
      });
      context.strokeStyle = ink.border;
      context.strokeRect(x - 0.5, top - 0.5, beside - 7, rows * high + 1);
    }
  }
  Object.assign(block, { geometry, order, places });
  block.querySelector(".block-canvas").replaceChildren(canvas);
  block.querySelector(".block-title").textContent = `${blockTitle(net, layer)}${options.marked.size ? ` · ${order.filter((node) => options.marked.has(`${layer}/${node}`)).length} found` : ""}`;
};

const NOTHING = "no data, because the network diverged or was not measured.";
const drawNet = (net, i, several, room, options) => {
  const heading = element("p", { class: "net-title" }, element("b", {}, several ? `${letterOf(net.c)} ` : "", pinLabel(net.c)));
  const known = net.shares && [...net.shares.values()].some(({ values }) => values.some((v) => !Number.isNaN(v)));
  const muted = chosen.mode === "highlight" && expression()?.test(net.c.label) === false;
  const box = element("div", { class: `atlas-net ${muted ? "muted" : ""}` }, heading);
  if (!known || !net.drawn) { box.append(element("p", { class: "message" }, `${pinLabel(net.c)}: ${NOTHING}`)); net.shares = known ? net.shares : null; return box; }
  for (const layer of net.cube.layers) {
    const block = element("div", { class: "atlas-block", "data-net": i, "data-layer": layer }, element("p", { class: "block-title" }), element("div", { class: "block-canvas" }));
    drawBlock(block, net, layer, room, options);
    box.append(block);
  }
  return box;
};

const colourBar = ({ domain, scale }, value, text, margins) => element("div", { class: "colour-bar" }, element("span", {}, VALUES[value]), " ",
  element("span", {}, text(domain[0])), element("span", { class: "bar", style: `background: linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map((at) => shade(scale, at)).join(", ")})` }), element("span", {}, text(domain[1])),
  element("span", { class: "key dead" }), element("span", {}, "on for no sample"), ...(margins ? [element("span", { class: "margins" }, "above: selectivity; at the right: mean share on")] : []));

const setAtlas = (holder, changes) => {
  for (const [key, value] of Object.entries(changes)) if (value === null) delete chosen.choices[key]; else chosen.choices[key] = value;
  writeAddress();
  return draw(holder);
};

const toolsOfAtlas = (holder, study, orders, values, now) => {
  const choice = (name, known, current, words) => {
    const select = element("select", { "data-choice": name, onchange: (event) => setAtlas(holder, { [`atlas.${name}`]: event.target.value }) });
    fillSelect(select, known.map((key) => [key, words[key]]), current);
    return element("label", {}, `${name === "order" ? "Order by" : "Show"} `, select);
  };
  return element("div", { class: "atlas-tools" }, choice("order", orders, now.order, ORDERS), ...(values.length > 1 ? [choice("value", values, now.value, VALUES)] : []),
    findForm(study, classesShown(study), (value) => setAtlas(holder, { [FIND]: value })));
};

const MOST_WIDE = 900; // two networks side by side from here on
const drawAtlas = async (figure, holder) => {
  const pins = shownPins().filter((c) => atlasOf(c.study)?.tables.activity?.includes(c.name));
  if (!pins.length) return { note: "Pin a network (above) to show it here. All pinned networks are filtered out or were not measured." };
  const { study } = figure, orders = ordersOf(study), values = valuesOfAtlas(study);
  const order = choiceOfAtlas("order", orders), value = choiceOfAtlas("value", values);
  const nets = (await Promise.all(pins.map((c) => readNet(c, value === "median")))).map((net) => withValues(net, value, figure));
  const common = domainOfAtlas(nets, value), sought = soughtOf(study);
  const found = nets.map((net) => (sought && net.shares ? findNodes(net, sought, net.shown) : { found: [], nearest: null }));
  const wide = holder.clientWidth, columns = nets.length > 1 && wide >= MOST_WIDE ? 2 : 1, room = Math.floor((wide - (columns - 1) * BETWEEN) / columns) - 4;
  const hadFocus = holder.querySelector(".atlas-map") === document.activeElement;
  const map = element("div", { class: `atlas-map columns-${columns}`, tabindex: "0", role: "application", "aria-roledescription": "map of nodes" });
  nets.forEach((net, i) => map.append(drawNet(net, i, nets.length > 1, room, {
    order, scale: chosen.scales === "own" ? domainOfAtlas([net], value) : common, marked: new Set(found[i].found.map(({ layer, node }) => `${layer}/${node}`)),
  })));
  const deadOf = (net) => { const all = [...net.never.values()].flat(); return `${pinLabel(net.c)}: ${all.filter(Boolean).length} of ${all.length} nodes are on for no sample`; };
  const summary = nets.map((net) => (net.shares ? deadOf(net) : `${pinLabel(net.c)}: no data`)).join("; ");
  map.setAttribute("aria-label", `${figure.title}. ${summary}. Arrow keys go from node to node${figure.study.has_classes ? " and from class to class" : ""}, page up and down from layer to layer, Shift with an arrow to another network; Enter opens the node.`);
  const table = await nodeTable(nets, found, holder, sought);
  keepingFocus(holder, () => holder.replaceChildren(toolsOfAtlas(holder, study, orders, values, { order, value }), ...(sought ? [findResult(nets, found, sought)] : []), map, colourBar(common, value, nets[0].text, study.has_classes && nets.some((net) => net.selective.size)), table));
  if (hadFocus) map.focus({ preventScroll: true });
  answerAtlas(map, nets);
  markChosen();
  return { view: nets[0].view, parts: [], views: [atlasView(figure, nets, order, value, common)], rows: () => rowsOfAtlas(nets, order, value), reading: `${summary}.` };
};
