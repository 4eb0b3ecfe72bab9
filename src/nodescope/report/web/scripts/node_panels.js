// Pointer and keyboard in a panel of nodes: readout, zoom, opening a node in the inspector.

// A panel of nodes answers to pointer and keys: read-out, zoom, a look into a node.
const answer = (box, figure, panel, view, zoom, domain, vega) => {
  const origin = () => {
    const canvas = box.querySelector("canvas");
    const [x, y] = vega.origin();
    const left = canvas.offsetLeft + x, top = canvas.offsetTop + y;
    return { left, top, width: vega.signal("width"), height: vega.signal("height") };
  };
  const positionAt = (event) => {
    const { left, top, width, height } = origin();
    const bounds = box.getBoundingClientRect();
    const x = (event.clientX - bounds.left - left) / width, y = (event.clientY - bounds.top - top) / height;
    if (x < 0 || x >= 1 || y < -0.02 || y > 1.02) return null;
    return { at: Math.min(panel.total - 1, Math.floor(zoom[0] + x * (zoom[1] - zoom[0]))), y };
  };
  const textOf = (at, y) => {
    const { layer, node } = panel.place(at);
    const of = panel.values.map((row, c) => [c, row[at]]).filter(([c, v]) => !Number.isNaN(v) && !panel.off.has(c));
    const lines = of.map(([c, v]) => [c, v, `${panel.study.has_classes ? `${panel.study.classes[c]}: ` : ""}${measured(figure.quantities[figure.value], Number(v.toPrecision(7)))}`]);
    let nearest = -1;
    if (y !== null && lines.length) {
      if (figure.mark === "matrix") nearest = Math.min(panel.values.length - 1, Math.floor(y * panel.values.length));
      else {
        const value = domain[1] - y * (domain[1] - domain[0]);
        nearest = lines.reduce((best, line) => (Math.abs(line[1] - value) < Math.abs(best[1] - value) ? line : best))[0];
      }
    }
    const dead = figure.value === "active_share" && panel.deadAt(at) ? " (dead)" : "";
    // Of many classes those under the pointer, in colour, and highest.
    const highest = new Set([...lines].sort((a, b) => b[1] - a[1]).slice(0, 8).map(([c]) => c));
    const told = lines.length <= 16 ? lines : lines.filter(([c]) => c === nearest || highest.has(c) || huesOf(panel.study).includes(c));
    const rest = lines.length > told.length ? `\n  and ${lines.length - told.length} others` : "";
    return `${placeText(panel.configuration, layer, node)}${dead}\n${figure.label}\n${told.map(([c, , text]) => `${c === nearest ? "▸ " : "  "}${text}`).join("\n")}${rest}`;
  };
  const cursor = element("div", { class: "cursor", hidden: true });
  const brush = element("div", { class: "brush", hidden: true });
  box.append(cursor, brush);
  let at = null, from = null;
  const point = (position) => {
    const { left, top, width, height } = origin();
    cursor.hidden = false;
    Object.assign(cursor.style, { left: `${left + ((position + 0.5 - zoom[0]) / (zoom[1] - zoom[0])) * width}px`, top: `${top}px`, height: `${height}px` });
  };
  box.addEventListener("pointermove", (event) => {
    const found = positionAt(event);
    if (!found) { hideReadout(); cursor.hidden = true; return; }
    at = found.at;
    point(at);
    showReadout(textOf(at, found.y), event.clientX, event.clientY);
    if (from) {
      const { top, height } = origin();
      const bounds = box.getBoundingClientRect();
      const [a, b] = [from.x, event.clientX].sort((x, y) => x - y);
      brush.hidden = b - a < 6;
      Object.assign(brush.style, { left: `${a - bounds.left}px`, width: `${b - a}px`, top: `${top}px`, height: `${height}px` });
    }
  });
  box.addEventListener("pointerleave", () => { hideReadout(); cursor.hidden = true; });
  box.addEventListener("pointerdown", (event) => {
    const found = event.button === 0 && positionAt(event);
    if (found) from = { x: event.clientX, at: found.at };
  });
  addEventListener("pointerup", (event) => {
    if (!from || !box.isConnected) { from = null; return; }
    const start = from;
    from = null;
    brush.hidden = true;
    if (Math.abs(event.clientX - start.x) < 6) { if (event.target.closest?.(".node-panel") === box) open(start.at); return; }
    const found = positionAt(event) ?? { at: event.clientX > start.x ? zoom[1] - 1 : zoom[0] };
    const range = [Math.min(start.at, found.at), Math.max(start.at, found.at) + 1];
    if (range[1] - range[0] > 1) { chosen.zoom = range; update(); }
  });
  box.addEventListener("dblclick", () => { chosen.zoom = null; update(); });
  const open = (position) => {
    opener = { holder: box.closest(".chart"), index: [...box.parentNode.children].indexOf(box) };
    chosen.node = { study: panel.study.name, configuration: panel.configuration.name, ...panel.place(position) };
    update();
  };
  box.addEventListener("keydown", (event) => {
    const span = zoom[1] - zoom[0];
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      at = Math.max(zoom[0], Math.min(zoom[1] - 1, at === null ? zoom[0] : at + (event.key === "ArrowRight" ? 1 : -1)));
      point(at);
      const bounds = box.getBoundingClientRect();
      showReadout(textOf(at, null), bounds.left + parseFloat(cursor.style.left), bounds.top + 60);
    } else if (event.key === "Enter" && at !== null) open(at);
    else if ((event.key === "+" || event.key === "-") && span > 1) {
      const middle = at ?? (zoom[0] + zoom[1]) / 2;
      const half = event.key === "+" ? span / 4 : span;
      const range = [Math.max(0, Math.floor(middle - half)), Math.min(panel.total, Math.ceil(middle + half))];
      chosen.zoom = range[0] === 0 && range[1] === panel.total ? null : range;
      update();
    } else return;
    event.preventDefault();
  });
  box.addEventListener("blur", hideReadout);
};
