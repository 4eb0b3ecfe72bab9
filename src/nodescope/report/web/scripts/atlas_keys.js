// Pointer and keyboard in the atlas: a crosshair through all compared networks, one tab stop, a node that opens its card.

let cursor = null; // { pin, layer, node, row }: where the keyboard is

const blockUnder = (map, net, layer) => map.querySelector(`.atlas-block[data-net="${net}"][data-layer="${layer}"]`);

// Where a pointer is in a block: the place in the order, and the row.
const spotAt = (block, event) => {
  const { left, wide, high, perLine, lineHeight, above, rows, size } = block.geometry, bounds = block.querySelector("canvas").getBoundingClientRect();
  const x = event.clientX - bounds.left - left, y = event.clientY - bounds.top, line = Math.floor(y / lineHeight), column = Math.floor(x / wide), at = line * perLine + column;
  if (x < 0 || column >= perLine || at >= size || at < 0) return null;
  const row = Math.floor((y - line * lineHeight - above) / high);
  return { at, row: row >= 0 && row < rows ? row : null };
};

// Lays a frame over the column of a node, and a band over a row.
const markColumn = (block, kind, at, row = null) => {
  const { left, wide, high, perLine, lineHeight, above, rows } = block.geometry, holder = block.querySelector(".block-canvas");
  let mark = holder.querySelector(`.${kind}`);
  if (!mark) { mark = element("div", { class: `mark ${kind}` }, element("div", { class: "mark-row" })); holder.append(mark); }
  const line = Math.floor(at / perLine), top = line * lineHeight + above;
  Object.assign(mark.style, { left: `${left + (at % perLine) * wide}px`, top: `${top - 1}px`, width: `${wide}px`, height: `${rows * high + 2}px` });
  const band = mark.firstChild;
  band.hidden = row === null;
  if (row !== null) Object.assign(band.style, { top: `${row * high}px`, height: `${high}px` });
};
const unmark = (map, kind) => { for (const mark of map.querySelectorAll(`.${kind}`)) mark.remove(); };

// The node of each compared network that has it, at the same class; and what each says there.
const pointAt = (map, nets, { pin, layer, node, row }, x, y) => {
  unmark(map, "crosshair");
  for (const [i, net] of nets.entries()) {
    const block = blockUnder(map, i, layer);
    if (block && node < net.cube.sizes.get(layer)) markColumn(block, "crosshair", block.places[node], row);
  }
  showReadout(readoutText(nets, { pin, layer, node, row }), x, y);
};

const MOST_TOLD = 4;
const readoutText = (nets, { pin, layer, node, row }) => {
  const there = nets.filter((net) => net.shares && node < (net.cube.sizes.get(layer) ?? 0));
  const { c } = there[0], of = row === null ? null : there[0].shown[row];
  const lines = [`${placeText(c, layer, node)}${c.study.has_classes && of !== null ? `, class ${c.study.classes[of]}` : ""}`];
  for (const net of there) {
    const part = net.drawn.get(layer), named = nets.length > 1 ? `${net.c.pin === pin ? "▸ " : ""}${pinLabel(net.c)}: ` : "", kind = net.kinds.get(`${layer}/${node}`)?.[0].kind, prefers = net.selective.get(`${layer}/${node}`)?.[0];
    if (net.never.get(layer)[node]) { lines.push(`${named}${deadWord(net.c, layer)}, on for no sample`); continue; }
    const told = of !== null && !Number.isNaN(part.values[of * part.size + node]) ? [of] : [...net.shown].filter((own) => !Number.isNaN(part.values[own * part.size + node])).sort((a, b) => part.values[b * part.size + node] - part.values[a * part.size + node]).slice(0, MOST_TOLD);
    lines.push(`${named}${told.map((own) => `${of === null && net.c.study.has_classes ? `${net.c.study.classes[own]} ` : ""}${net.text(part.values[own * part.size + node])}`).join(", ")}`);
    if (there.length === 1 && kind) lines.push(`${kindWord(net.c, layer, kind)}${prefers?.class_share != null ? `; classes explain ${percentText(prefers.class_share)} of it` : ""}`);
  }
  return lines.join("\n");
};

// The chosen node, in the network whose card is open.
const markChosen = () => {
  for (const map of document.querySelectorAll(".atlas-map")) {
    unmark(map, "chosen");
    for (const [i, net] of (map.nets ?? []).entries()) {
      const { node } = chosen;
      if (!node || node.study !== net.c.study.name || node.configuration !== nodeName(net.c)) continue;
      const block = blockUnder(map, i, node.layer);
      if (block && node.node < block.places.length) markColumn(block, "chosen", block.places[node.node]);
    }
  }
};

const answerAtlas = (map, nets) => {
  map.nets = nets;
  const spotOf = (event) => {
    const block = event.target.closest(".atlas-block"), spot = block?.geometry && spotAt(block, event);
    return spot && { pin: nets[Number(block.dataset.net)].c.pin, layer: Number(block.dataset.layer), node: block.order[spot.at], row: spot.row };
  };
  const leave = () => { unmark(map, "crosshair"); hideReadout(); };
  map.addEventListener("pointermove", (event) => {
    const spot = spotOf(event);
    if (spot) pointAt(map, nets, spot, event.clientX, event.clientY);
    else leave();
  });
  map.addEventListener("pointerleave", leave);
  map.addEventListener("blur", leave);
  map.addEventListener("click", (event) => {
    const spot = spotOf(event);
    if (!spot) return;
    cursor = spot;
    openNode(nets.find(({ c }) => c.pin === spot.pin).c, spot.layer, spot.node, map);
  });
  map.addEventListener("keydown", (event) => {
    const known = nets.filter((net) => net.shares);
    if (!known.length || event.altKey || event.ctrlKey || event.metaKey) return;
    const at = Math.max(0, nets.findIndex((net) => net.c.pin === cursor?.pin && net.shares)), net = nets[at].shares ? nets[at] : known[0], index = nets.indexOf(net), { layers } = net.cube;
    const begin = cursor?.pin === net.c.pin && layers.includes(cursor.layer) ? cursor : null;
    const block = (layer) => blockUnder(map, index, layer);
    let next = begin ?? { pin: net.c.pin, layer: layers[0], node: block(layers[0]).order[0], row: null };
    const place = block(next.layer).places[next.node], step = (by) => {
      const moved = place + by, order = block(next.layer).order;
      if (moved >= 0 && moved < order.length) return { ...next, node: order[moved] };
      const layer = layers[layers.indexOf(next.layer) + Math.sign(by)];
      return layer === undefined ? next : { ...next, layer, node: by > 0 ? block(layer).order[0] : block(layer).order.at(-1) };
    };
    const toLayer = (by) => { const layer = layers[layers.indexOf(next.layer) + by]; return layer === undefined ? next : { ...next, layer, node: block(layer).order[0] }; };
    const toNet = (by) => {
      const other = nets[(index + by + nets.length) % nets.length];
      return other.shares && next.node < (other.cube.sizes.get(next.layer) ?? 0) ? { ...next, pin: other.c.pin } : next;
    };
    const rows = net.shown.length, move = {
      ArrowRight: () => (event.shiftKey ? toNet(1) : begin ? step(1) : next), ArrowLeft: () => (event.shiftKey ? toNet(-1) : begin ? step(-1) : next),
      ArrowDown: () => ({ ...next, row: rows < 2 ? null : Math.min(rows - 1, (next.row ?? -1) + 1) }), ArrowUp: () => ({ ...next, row: next.row === null || next.row === 0 ? null : next.row - 1 }),
      PageDown: () => toLayer(1), PageUp: () => toLayer(-1), Home: () => ({ ...next, node: block(next.layer).order[0] }), End: () => ({ ...next, node: block(next.layer).order.at(-1) }),
    }[event.key];
    if (event.key === "Enter" && begin) openNode(net.c, begin.layer, begin.node, map);
    else if (move) {
      next = move();
      cursor = next;
      pointAt(map, nets, next, 0, 0);
      const own = blockUnder(map, nets.findIndex((one) => one.c.pin === next.pin), next.layer).querySelector(".crosshair");
      own.scrollIntoView({ block: "nearest" });
      const bounds = own.getBoundingClientRect();
      showReadout(readout.textContent, bounds.right, bounds.top);
    } else return;
    event.preventDefault();
  });
};
