// The page's controls, and the figures that obey them. What the reader chose is kept in the address.
(() => {
  const data = JSON.parse(document.getElementById("page-data").textContent);
  const studies = new Map(data.studies.map((study) => [study.name, study]));
  const byId = (id) => document.getElementById(id);
  const FOLLOWED = ["state", "split", "seed"];
  const MOST_PINS = 4, NARROW = 700;
  const OTHER_CLASS = "#969696", MOST_HUES = 3; // as in nodescope.charts.context
  const DEAD = [204, 0, 0], LOW = [247, 251, 255], HIGH = [8, 48, 107];

  for (const study of studies.values()) {
    study.byName = new Map(study.configurations.map((c) => [c.name, c]));
    study.figureByName = new Map(study.figures.map((figure) => [figure.name, { ...figure, study }]));
  }

  // --- what the reader chose ---

  const first = () => {
    const study = data.studies[0];
    return {
      study: study.name, pins: study.configurations.slice(0, 2).map((c) => `${study.name}/${c.name}`),
      state: "trained", split: "", seed: "mean", off: new Set(), classesOff: new Set(), hues: null, pattern: "", mode: "highlight",
      choices: {}, zoom: null, node: null, theme: "", scales: "common",
    };
  };
  let chosen = first();

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  const toAddress = () => {
    const base = first();
    const words = new URLSearchParams();
    if (chosen.study !== base.study) words.set("study", chosen.study);
    if (!same(chosen.pins, base.pins)) words.set("pins", chosen.pins.join(","));
    for (const name of ["state", "split", "seed", "pattern", "mode", "theme", "scales"]) if (chosen[name] !== base[name]) words.set(name, chosen[name]);
    for (const item of chosen.off) words.append("off", item);
    if (chosen.classesOff.size) words.set("without", [...chosen.classesOff].join(","));
    for (const [key, value] of Object.entries(chosen.choices)) words.set(`in:${key}`, value);
    if (chosen.hues) words.set("colour", chosen.hues.map((c) => c ?? "").join("-"));
    if (chosen.zoom) words.set("zoom", chosen.zoom.join("-"));
    if (chosen.node) words.set("node", [chosen.node.study, chosen.node.configuration, chosen.node.layer, chosen.node.node].join("/"));
    return words.toString();
  };

  const fromAddress = (text) => {
    const words = new URLSearchParams(text);
    const found = first();
    if (studies.has(words.get("study"))) found.study = words.get("study");
    const study = studies.get(found.study);
    found.pins = words.has("pins")
      ? words.get("pins").split(",").filter((pin) => configurationOf(pin)).slice(0, MOST_PINS)
      : study.configurations.slice(0, 2).map((c) => `${study.name}/${c.name}`);
    for (const name of ["state", "split", "seed", "pattern", "mode", "theme", "scales"]) if (words.has(name)) found[name] = words.get(name);
    found.off = new Set(words.getAll("off"));
    found.classesOff = new Set((words.get("without") ?? "").split(",").filter(Boolean).map(Number));
    for (const [key, value] of words) if (key.startsWith("in:")) found.choices[key.slice(3)] = value;
    if (words.has("colour")) found.hues = Array.from({ length: MOST_HUES }, (_, i) => words.get("colour").split("-")[i]).map((c) => (c && study.classes[c] !== undefined ? Number(c) : null));
    const zoom = (words.get("zoom") ?? "").split("-").map(Number);
    if (zoom.length === 2 && zoom[1] > zoom[0]) found.zoom = zoom;
    const node = (words.get("node") ?? "").split("/");
    if (node.length === 4 && configurationOf(`${node[0]}/${node[1]}`)) {
      found.node = { study: node[0], configuration: node[1], layer: Number(node[2]), node: Number(node[3]) };
    }
    return found;
  };

  const configurationOf = (pin) => {
    const [study, name] = pin.split("/");
    const configuration = studies.get(study)?.byName.get(name);
    return configuration && { ...configuration, study: studies.get(study), pin };
  };

  let anchor = "";
  const writeAddress = () => {
    const words = toAddress();
    history.replaceState(null, "", `#${anchor}${words ? `?${words}` : ""}`);
  };

  // --- names, filters ---

  // What a value of an axis is called; a configuration's label is made of such words.
  const axisWord = (study, axis, value) => study.axes[axis].words[study.axes[axis].values.indexOf(value)] ?? String(value);
  // The configuration that a row is about; of a row that is about several, the axes that it names.
  const labelOf = (study, row) => study.byName.get(row.configuration)?.label
    ?? Object.keys(study.axes).filter((axis) => row[axis] !== undefined).map((axis) => axisWord(study, axis, row[axis])).join(" ");

  const expression = () => {
    if (!chosen.pattern) return null;
    try { return new RegExp(chosen.pattern, "i"); } catch { return null; }
  };

  const axisIsOn = (axis, value) => !chosen.off.has(`${axis}:${value}`);
  const configurationIsOn = (configuration) => {
    const pattern = expression();
    if (!Object.entries(configuration.axes).every(([axis, value]) => axisIsOn(axis, value))) return false;
    if (pattern && chosen.mode !== "highlight") return pattern.test(configuration.label) === (chosen.mode === "only");
    return true;
  };
  // Networks of several studies may have the same name: then the study is told.
  const pinLabel = (c) => (new Set(chosen.pins.map((pin) => pin.split("/")[0])).size > 1 ? `${c.label} (${c.study.name})` : c.label);
  const shownPins = () => chosen.pins.map(configurationOf).filter((c) => c && configurationIsOn(c));

  // What a figure shows of a column of which it shows one value at a time: as the page says, where it has that.
  const viewOf = (figure, column, values) => {
    const texts = values.map(String);
    const wanted = FOLLOWED.includes(column) ? chosen[column] : chosen.choices[`${figure.name}.${column}`];
    return wanted && texts.includes(wanted) ? wanted : figure.view[column];
  };

  const viewsOf = (figure, parts) => {
    const view = {};
    for (const column of Object.keys(figure.view)) {
      const values = [...new Set(parts.flatMap((frame) => (frames.has(frame, column) ? frames.values(frame, column) : [])))];
      if (values.length) view[column] = viewOf(figure, column, values);
    }
    return view;
  };

  const testsOf = (figure, frame, view) => {
    const tests = Object.entries(view).map(([column, value]) => [column, (v) => String(v) === value]);
    const study = figure.study;
    if (!figure.per_configuration) {
      for (const axis of Object.keys(study.axes)) if (!(axis in view)) tests.push([axis, (v) => axisIsOn(axis, v)]);
    }
    if (study.name === chosen.study && chosen.classesOff.size) {
      tests.push(["class_name", (v) => !chosen.classesOff.has(study.classes.indexOf(v))]);
      tests.push(["class", (v) => !chosen.classesOff.has(v)]);
      if (!("of_class" in view)) tests.push(["of_class", (v) => !chosen.classesOff.has(study.classes.indexOf(v))]);
    }
    for (const item of chosen.off) {
      const at = item.indexOf(":");
      const column = item.slice(0, at);
      if (!(column in study.axes) && !(column in view)) tests.push([column, (v) => String(v) !== item.slice(at + 1)]);
    }
    return tests;
  };

  // Rows that a regular expression hides go; those that it does not highlight are muted.
  const byPattern = (rows, study) => {
    const pattern = expression();
    if (!pattern) return rows;
    const known = new Map();
    const matches = (row) => {
      const label = row.network ?? labelOf(study, row);
      if (!known.has(label)) known.set(label, label === "" || pattern.test(label));
      return known.get(label);
    };
    if (chosen.mode === "highlight") return rows.map((row) => ({ ...row, __muted: !matches(row) }));
    return rows.filter((row) => matches(row) === (chosen.mode === "only"));
  };

  // --- words and numbers ---

  const number = (value) => {
    if (value === null || value === undefined) return "missing";
    if (typeof value !== "number") return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
    if (Number.isInteger(value)) return value.toLocaleString("en");
    return String(Number(value.toPrecision(4)));
  };
  // As the quantity of its column says: digits (at least so many decimals, where their number is fixed), sign, unit.
  const measured = (quantity, value, decimals = 0) => {
    if (!quantity || typeof value !== "number") return number(value);
    const shown = value * quantity.scale;
    const [, sign, digits, kind] = /^(\+?)\.?(\d*)([dfg])$/.exec(quantity.format);
    const text = kind === "f" ? shown.toFixed(Math.max(digits, decimals)) : kind === "g" ? String(Number(shown.toPrecision(digits))) : number(shown);
    return `${sign && shown > 0 ? "+" : ""}${text}${quantity.unit && ` ${quantity.unit}`}`;
  };
  const axisOf = (quantity) => ({
    title: quantity.title,
    axis: quantity.unit === "%" ? { format: "~%" } : quantity.scale === 1 ? {} : { labelExpr: `format(${quantity.scale} * datum.value, "~g")` },
  });
  const SHARE = { title: "share of class", unit: "%", format: ".1f", scale: 100 };
  const words = (name) => name.replaceAll("_", " ");
  const stateLabel = (study, state) => study.states.find((s) => s.name === state)?.label ?? state;
  const viewWords = (figure, view) => Object.entries(view).map(([column, value]) => {
    if (column === "state") return stateLabel(figure.study, value);
    if (column === "split") return `${value} samples`;
    if (column === "seed") return value === "mean" ? "mean over seeds" : `seed ${value}`;
    return "";
  }).filter(Boolean).join(" · ");
  // The pinned networks of which a figure has no row: they diverged, or the table lacks them.
  const lacking = (figure, rows) => {
    const known = new Set(rows.map((row) => row.network));
    return (figure.configurations ? shownPins().map(pinLabel).filter((label) => !known.has(label)) : []).map((label) => `nothing was measured for ${label}`);
  };
  const notes = (figure, view, rows) => [...lacking(figure, rows), ...FOLLOWED.filter((column) => column in view && chosen[column] && chosen[column] !== view[column]
    && !(column === "seed" && chosen.seed === "mean") && !(column === "state" && chosen.state === "trained"))
    .map((column) => `no ${column === "state" ? stateLabel(figure.study, chosen.state) : `${words(column)} ${chosen[column]}`} here`)].join(", ");

  // Columns that place a mark; and those that a reading has no use for.
  const LAYOUT = new Set(["panel_row", "configuration", "base", "top"]);
  const HIDDEN = new Set([...LAYOUT, "low", "high", "column", "row", "label", "kind", "chosen"]);
  const nameOf = (study, row, varying) => varying.map((name) => {
    const value = row[name];
    if (name in study.axes) return axisWord(study, name, value);
    if (typeof value === "boolean") return `${words(name)} ${value}`;
    if (name === "class_name" || name === "of_class") return `class ${value}`;
    return typeof value === "string" && name !== "node" ? value : `${words(name)} ${number(value)}`;
  }).join(", ");

  const titleOf = (figure) => figure.quantities[figure.quantity]?.title ?? words(figure.quantity);

  const reading = (figure, rows) => {
    const known = rows.filter((row) => typeof row[figure.quantity] === "number");
    if (!known.length) return "";
    const varying = Object.keys(rows[0]).filter((name) => !name.startsWith("__") && !HIDDEN.has(name) && name !== figure.quantity
      && (figure.quantities[name]?.coordinate ?? true)
      && new Set(known.map((row) => row[name])).size > 1);
    const of = (row) => {
      const value = row[figure.quantity];
      const text = measured(figure.quantities[figure.quantity], value);
      const name = nameOf(figure.study, row, varying);
      return name ? `${text} (${name})` : text;
    };
    let low = known[0], high = known[0];
    for (const row of known) {
      if (row[figure.quantity] < low[figure.quantity]) low = row;
      if (row[figure.quantity] > high[figure.quantity]) high = row;
    }
    return `Shown: ${known.length.toLocaleString("en")} values (${titleOf(figure)}); highest ${of(high)}, lowest ${of(low)}.`;
  };

  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children);
    return made;
  };

  // Runs what makes the elements of a container anew; the one that had the focus has it again.
  const FOCUSABLE = "a[href], button, input, select, summary, [tabindex]";
  const keepingFocus = (container, render) => {
    const at = [...container.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement);
    render();
    if (at >= 0) container.querySelectorAll(FOCUSABLE)[at]?.focus({ preventScroll: true });
  };

  // --- colours ---

  let paper = false; // what is saved or printed is light
  const isDark = () => !paper && document.documentElement.dataset.theme === "dark";
  const rgb = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  const hex = (parts) => `#${parts.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
  const luminance = (parts) => {
    const [r, g, b] = parts.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // The same hue, so light or dark that it stands out from the page (WCAG: 3 to 1 for graphics).
  const legible = (text) => {
    if (!/^#[0-9a-f]{6}$/i.test(text)) return text;
    const page = isDark() ? 0.0095 : 1;
    const end = isDark() ? 255 : 0;
    const own = rgb(text);
    for (let mix = 0; mix <= 1; mix += 0.05) {
      const mixed = own.map((part) => part * (1 - mix) + end * mix);
      const value = luminance(mixed);
      if ((Math.max(value, page) + 0.05) / (Math.min(value, page) + 0.05) >= 3) return hex(mixed);
    }
    return text;
  };
  const themeConfig = () => {
    const [text, line, soft] = isDark() ? ["#e8e8e8", "#3b4048", "#262b33"] : ["#1c1c1c", "#b9b9b9", "#ececec"];
    return {
      background: null, font: "system-ui, sans-serif", view: { stroke: line },
      axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal", labelColor: text, titleColor: text, gridColor: soft, domainColor: line, tickColor: line },
      header: { labelColor: text, titleColor: text, labelFontSize: 12, titleFontWeight: "normal" },
      legend: { labelColor: text, titleColor: text, labelFontSize: 11, titleFontWeight: "normal", symbolOpacity: 1, ...(innerWidth < NARROW && { orient: "top", columns: Math.max(1, Math.min(4, Math.floor((innerWidth - 60) / (26 + 7 * longestClass)))) }) },
      rule: { color: text },
      title: { color: text, fontSize: 12, fontWeight: "normal" },
    };
  };
  // Among several colours greys have a meaning of their own (nothing found, unknown), and a shade may run from one to another.
  const isGrey = (text) => /^#[0-9a-f]{6}$/i.test(text) && Math.max(...rgb(text)) - Math.min(...rgb(text)) < 40;
  const recolour = (item) => {
    if (Array.isArray(item)) {
      if (item.length === 2 && item.some((part) => typeof part === "string" && isGrey(part))) return item;
      return item.map((part) => (typeof part === "string" && isGrey(part) ? part : recolour(part)));
    }
    if (typeof item === "string") return legible(item);
    if (item && typeof item === "object") return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, ["datasets", "values", "data"].includes(key) ? value : recolour(value)]));
    return item;
  };

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
  const listed = (names) => (names.length > 8 ? `${names.slice(0, 7).join(", ")} and ${names.length - 7} others` : names.join(", "));
  const longestClass = Math.min(22, Math.max(...data.studies.flatMap((study) => study.classes.map((name) => name.length))));

  // --- the read-out beside the pointer ---

  const readout = byId("readout");
  const showReadout = (text, x, y) => {
    readout.textContent = text;
    readout.hidden = false;
    const box = readout.getBoundingClientRect();
    readout.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
    readout.style.top = `${y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16}px`;
  };
  const hideReadout = () => { readout.hidden = true; };
  // Numbers of the row itself where it has them: Vega makes texts of those that a tooltip names.
  const rowText = (figure, named, row) => Object.entries(named).filter(([name, value]) => !name.startsWith("__") && !name.includes(" ") && value !== null && !LAYOUT.has(name))
    .map(([name, value]) => `${words(name)}: ${measured(figure.quantities[name], typeof row?.[name] === "number" ? row[name] : value)}`).join("\n");

  // --- specifications ---

  const eachView = (spec, found) => {
    found(spec);
    for (const key of ["layer", "hconcat", "vconcat", "concat"]) for (const part of spec[key] ?? []) eachView(part, found);
    if (spec.spec) eachView(spec.spec, found);
  };

  const CHANNELS = ["color", "strokeDash", "shape", "fill", "stroke"];

  const prepare = (figure, parts, rowsByName) => {
    const spec = structuredClone(figure.specification);
    delete spec.config; // the page has its own, for light and dark
    spec.datasets = rowsByName;
    const fields = {};
    const classes = new Map(shownPins().flatMap((c) => c.study.classes.map((name, i) => [name, coloursOf(c.study)[i]])));
    // Headings of narrow panels in two lines.
    const headed = (from) => (shownPins().length > 2 || innerWidth < NARROW ? `split(slice(datum.label, ${from}), / (?=with)/)` : `slice(datum.label, ${from})`);
    const common = chosen.scales === "common" && figure.per_configuration && shownPins().length > 1;
    eachView(spec, (view) => {
      if (common && view.facet) for (const axis of ["x", "y"]) if (view.resolve?.scale?.[axis]) view.resolve.scale[axis] = "shared";
      // As pinned; the column sorts by itself, see nodescope.charts.drawing.
      for (const side of [view.facet, view.facet?.row, view.facet?.column]) {
        if (side?.field === "network") Object.assign(side, { field: "__network", header: { ...side.header, labelExpr: headed(2) } });
        if (side?.field === "__panel") side.header = { ...side.header, labelExpr: headed(5) };
      }
      if (!view.mark) return;
      if (typeof view.mark === "string") view.mark = { type: view.mark };
      view.mark.tooltip = { content: "data" };
      const encoding = view.encoding ?? {};
      for (const channel of CHANNELS) {
        const own = encoding[channel];
        if (!own?.field) continue;
        fields[channel] = own.field;
        if (own.field === "class_name" && figure.per_configuration) encoding[channel] = withClasses(own, classes);
        if (["nominal", "ordinal"].includes(own.type) && !own.scale?.domain) {
          const values = [...new Set(parts.flatMap((frame) => (frames.has(frame, own.field) ? frames.values(frame, own.field) : [])))];
          own.scale = { ...own.scale, domain: values };
        }
      }
      if (encoding.opacity === undefined && expression() && chosen.mode === "highlight") {
        const usual = view.mark.opacity ?? 1;
        view.encoding = { ...encoding, opacity: { condition: { test: "datum.__muted === true", value: Math.min(0.12, usual) }, value: usual } };
      }
    });
    return [recolour(spec), fields];
  };

  // Legends answer to clicks, and show what is hidden as faded.
  const withLegends = (vega, fields, figure) => {
    let count = 0;
    const visit = (group) => {
      for (const legend of group.legends ?? []) {
        const scale = legend.stroke ?? legend.fill ?? legend.shape ?? legend.strokeDash;
        const channel = CHANNELS.find((name) => String(scale).endsWith(name));
        const field = fields[channel];
        if (!field) continue;
        const off = field === "class_name" ? [...chosen.classesOff].map((i) => figure.study.classes[i])
          : [...chosen.off].filter((item) => item.startsWith(`${field}:`)).map((item) => item.slice(field.length + 1));
        const opacity = { signal: `indexof(${JSON.stringify(off)}, '' + datum.value) >= 0 ? 0.25 : 1` };
        const update = { opacity, cursor: { value: "pointer" } };
        legend.encode = { ...legend.encode };
        for (const mark of ["symbols", "labels"]) {
          const own = legend.encode[mark] ?? {};
          const stroke = channel === "strokeDash" && mark === "symbols" ? { stroke: { value: isDark() ? "#e8e8e8" : "#1c1c1c" } } : {};
          legend.encode[mark] = { ...own, name: `legend:${count += 1}:${field}`, interactive: true, update: { ...own.update, ...update, ...stroke } };
        }
      }
      for (const mark of group.marks ?? []) if (mark.type === "group") visit(mark);
    };
    visit(vega);
    return vega;
  };

  const toggle = (set, item) => { if (!set.delete(item)) set.add(item); };
  const toggleSeries = (figure, field, value) => {
    if (field === "class_name") toggle(chosen.classesOff, figure.study.classes.indexOf(value));
    else toggle(chosen.off, `${field}:${value}`);
    update();
  };

  const embed = async (holder, figure, spec, fields) => {
    const result = await vegaEmbed(holder, spec, {
      actions: false, renderer: "canvas", logLevel: 1 /* errors; an empty panel is no mistake */, config: themeConfig(), patch: (vega) => withLegends(vega, fields, figure),
      tooltip: (handler, event, item, value) => {
        if (value && typeof value === "object" && event) showReadout(rowText(figure, value, item?.datum), event.clientX, event.clientY);
        else hideReadout();
      },
    });
    result.view.addEventListener("click", (event, item) => {
      const name = item?.mark?.name ?? "";
      if (name.startsWith("legend:")) toggleSeries(figure, name.split(":").slice(2).join(":"), item.datum.value);
    });
    return result;
  };

  // --- figures ---

  const drawn = new Map(); // name of figure -> { views, rows, specs }
  const message = (holder, text) => holder.replaceChildren(element("p", { class: "message" }, text));

  const framesOf = async (figure) => {
    if (!figure.per_configuration) return Promise.all(figure.data.map((name) => nodescope.load(figure.study.name, `${figure.name}.${name}`)));
    const pins = shownPins().filter((c) => c.study.figureByName.get(figure.name)?.configurations.includes(c.name));
    const wanted = pins.flatMap((c) => c.study.figureByName.get(figure.name).data.map((name) => [name, c]));
    const loaded = await Promise.all(wanted.map(([name, c]) => nodescope.load(c.study.name, `${figure.name}.${name}.${c.name}`)));
    return loaded.map((frame, i) => ({ ...frame, of: wanted[i][0], pin: wanted[i][1] }));
  };

  const choicesOf = (figure, parts, view, holder) => {
    const own = Object.keys(view).filter((column) => !FOLLOWED.includes(column));
    keepingFocus(holder, () => holder.replaceChildren(...own.map((column) => {
      const values = [...new Set(parts.flatMap((frame) => (frames.has(frame, column) ? frames.values(frame, column) : [])))];
      const select = element("select", {
        "data-choice": column,
        onchange: (event) => { chosen.choices[`${figure.name}.${column}`] = event.target.value; update(); },
      }, ...values.map((value) => element("option", { value: String(value), selected: String(value) === view[column] }, String(value))));
      return element("label", {}, `${words(column === "of_class" ? "class" : column)} `, select, " ");
    })));
  };

  // As wide as there is room for, as far as panels stay legible.
  const LEAST_WIDTH = 90, AROUND = 120;
  const fitted = async (inner, figure, spec, fields, room) => {
    const panels = [];
    eachView(spec, (view) => { if (typeof view.width === "number" && view.width > LEAST_WIDTH) panels.push(view); });
    let result = await embed(inner, figure, spec, fields);
    let before = null;
    for (let turn = 0; turn < 3 && panels.length; turn += 1) {
      const whole = inner.querySelector("canvas").offsetWidth, own = panels[0].width;
      if (whole <= room || own <= LEAST_WIDTH) break;
      // First a guess of what axes and legends take; then it is known how the whole follows its panels.
      const ratio = before ? 1 - (whole - room) / own * (before.own - own) / (before.whole - whole) : (room - AROUND) / (whole - AROUND);
      before = { own, whole };
      for (const view of panels) view.width = Math.max(LEAST_WIDTH, Math.floor(view.width * ratio) - 1);
      result.view.finalize();
      result = await embed(inner, figure, spec, fields);
    }
    return result;
  };

  const drawChart = async (figure, holder) => {
    const parts = await framesOf(figure);
    if (!parts.length) return { note: [...lacking(figure, []), "Pin a network (above) to see it here; what is pinned is filtered out or was not measured."].join(". ") };
    const view = viewsOf(figure, parts);
    const rowsByName = {};
    const all = [];
    figure.data.forEach((name, i) => {
      const own = figure.per_configuration ? parts.filter((part) => part.of === name) : [parts[i]];
      const rows = own.flatMap((frame) => {
        const found = frames.rows(frame, frames.select(frame, testsOf(figure, frame, view)));
        if (!frame.pin || !frames.has(frame, "network")) return found;
        const place = chosen.pins.indexOf(frame.pin.pin), label = pinLabel(frame.pin);
        return found.map((row) => ({ ...row, network: label, __network: `${place}|${label}`, ...(row.__panel && { __panel: `${place}|${row.__panel}` }) }));
      });
      // What is in colour is drawn last.
      const hued = new Set(shownPins().flatMap((c) => (isCrowded(c.study) ? huesOf(c.study).map((at) => c.study.classes[at]) : [])));
      if (hued.size) rows.sort((a, b) => hued.has(a.class_name) - hued.has(b.class_name));
      rowsByName[name] = byPattern(rows, figure.study);
      all.push(...rowsByName[name]);
    });
    if (!all.length) return { view, parts, note: "Nothing to show: the controls leave no row, or what was asked for diverged or was not measured." };
    const [spec, fields] = prepare(figure, parts, rowsByName);
    const inner = element("div");
    holder.replaceChildren(inner);
    const result = await fitted(inner, figure, spec, fields, holder.clientWidth);
    return { view, parts, rows: all, views: [{ name: figure.name, view: result.view, spec }] };
  };

  const drawTable = async (figure, holder) => {
    const [frame] = await framesOf(figure);
    const view = viewsOf(figure, [frame]);
    const rows = byPattern(frames.rows(frame, frames.select(frame, testsOf(figure, frame, view))), figure.study);
    const columns = [...frame.columns.keys()];
    const sort = drawn.get(figure)?.sort ?? { column: null, down: false };
    const search = element("input", { type: "search", placeholder: "filter rows", "aria-label": `Filter the rows of ${figure.title}` });
    search.value = drawn.get(figure)?.search ?? "";
    const head = element("tr"), body = element("tbody");
    const cell = (value, name) => {
      if (value === null) return "–";
      if (figure.quantities[name]) return measured(figure.quantities[name], value, 2);
      return typeof value === "number" && !Number.isInteger(value) ? value.toFixed(4) : number(value);
    };
    const numeric = new Set(columns.filter((name) => rows.some((row) => typeof row[name] === "number")));
    const fill = () => {
      const sought = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const shown = rows.filter((row) => {
        const text = columns.map((name) => `${cell(row[name], name)}`).join(" ").toLowerCase() + ` ${labelOf(figure.study, row)}`.toLowerCase();
        return sought.every((word) => text.includes(word));
      });
      if (sort.column) shown.sort((a, b) => {
        const [x, y] = [a[sort.column], b[sort.column]];
        if (x === null || y === null) return (x === null) - (y === null);
        return (x < y ? -1 : x > y ? 1 : 0) * (sort.down ? -1 : 1);
      });
      head.replaceChildren(...columns.map((name) => element("th", {
        scope: "col", class: numeric.has(name) ? "number" : null,
        "aria-sort": sort.column === name ? (sort.down ? "descending" : "ascending") : "none",
      }, element("button", { type: "button", onclick: () => {
        sort.down = sort.column === name ? !sort.down : false;
        sort.column = name;
        fill();
      } }, `${words(name)}${sort.column === name ? (sort.down ? " ▼" : " ▲") : ""}`))));
      body.replaceChildren(...shown.map((row) => element("tr", { class: row.__muted === true ? "muted" : row.__muted === false ? "marked" : null },
        ...columns.map((name) => element("td", { class: numeric.has(name) ? "number" : null }, cell(row[name], name))))));
    };
    search.addEventListener("input", fill);
    fill();
    holder.replaceChildren(element("div", { class: "table-search" }, search),
      element("div", { class: "data-table", tabindex: "0", role: "region", "aria-label": figure.title }, element("table", {}, element("thead", {}, head), body)));
    return { view, parts: [frame], rows, views: [], sort, get search() { return search.value; } };
  };

  // Values of one panel as a matrix [class][position].
  const matrixOf = (frame, indices, value, classes) => {
    const columns = ["layer", "node", "class", value].map((name) => frame.columns.get(name));
    const sizes = new Map();
    for (const i of indices) {
      const layer = columns[0].values[columns[0].codes[i]], node = columns[1].values[columns[1].codes[i]];
      if (node + 1 > (sizes.get(layer) ?? 0)) sizes.set(layer, node + 1);
    }
    const layers = [...sizes.keys()].sort((a, b) => a - b);
    const borders = [0];
    for (const layer of layers) borders.push(borders.at(-1) + sizes.get(layer));
    const start = new Map(layers.map((layer, i) => [layer, borders[i]]));
    const values = Array.from({ length: classes }, () => new Float32Array(borders.at(-1)).fill(NaN));
    const valueColumn = columns[3];
    for (const i of indices) {
      const at = start.get(columns[0].values[columns[0].codes[i]]) + columns[1].values[columns[1].codes[i]];
      values[columns[2].values[columns[2].codes[i]]][at] = valueColumn.numbers ? valueColumn.numbers[i] : valueColumn.values[valueColumn.codes[i]] ?? NaN;
    }
    const place = (at) => {
      let l = 0;
      while (l + 1 < layers.length && at >= borders[l + 1]) l += 1;
      return { layer: layers[l], node: at - borders[l] };
    };
    return { values, borders, place, total: borders.at(-1), deadAt: (at) => values.some((row) => !Number.isNaN(row[at])) && values.every((row) => Number.isNaN(row[at]) || row[at] === 0) };
  };

  const readingOfNodes = (figure, panels) => {
    let low = null, high = null, count = 0;
    for (const panel of panels) {
      panel.values.forEach((row, c) => {
        if (panel.off.has(c)) return;
        const [from, to] = chosen.zoom ?? [0, row.length];
        for (let at = Math.min(from, row.length - 1); at < Math.min(to, row.length); at += 1) {
          const value = row[at];
          if (Number.isNaN(value)) continue;
          count += 1;
          if (!low || value < low.value) low = { value, panel, c, at };
          if (!high || value > high.value) high = { value, panel, c, at };
        }
      });
    }
    if (!count) return "";
    const of = ({ value, panel, c, at }) => {
      const { layer, node } = panel.place(at);
      const text = measured(figure.quantities[figure.value], Number(value.toPrecision(7)));
      return `${text} (${pinLabel(panel.configuration)}, layer ${layer}, node ${node}, class ${panel.study.classes[c]})`;
    };
    return `Shown: ${count.toLocaleString("en")} values (${figure.label}); highest ${of(high)}, lowest ${of(low)}.`;
  };

  const picture = (figure, panel, domain, zoom, width, height) => {
    const canvas = element("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const [from, to] = zoom;
    const classes = panel.values.length;
    const step = width / (to - from);
    if (figure.mark === "matrix") {
      const row = height / classes;
      for (let at = from; at < to; at += 1) {
        const dead = panel.deadAt(at);
        for (let c = 0; c < classes; c += 1) {
          const value = panel.values[c][at];
          if (Number.isNaN(value) || panel.off.has(c)) continue;
          const mix = Math.min(1, Math.max(0, value));
          context.fillStyle = dead ? hex(DEAD) : hex(LOW.map((low, i) => low * (1 - mix) + HIGH[i] * mix));
          context.fillRect(Math.floor((at - from) * step), Math.floor(c * row), Math.ceil(step), Math.ceil(row));
        }
      }
      return canvas.toDataURL();
    }
    // Tens of thousands of points: written as pixels (red in the lowest byte), which takes less time than as many rectangles.
    const size = Math.round(Math.max(4, Math.min(10, step * 0.8)));
    const colours = coloursOf(panel.study).map((text) => rgb(legible(text))).map(([r, g, b]) => 0xff000000 | (b << 16) | (g << 8) | r);
    const inColour = isCrowded(panel.study) ? huesOf(panel.study) : [...colours.keys()];
    const grey = [...colours.keys()].filter((c) => !inColour.includes(c));
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    for (const group of [grey, inColour]) for (let at = from; at < to; at += 1) {
      const left = Math.round((at - from + 0.5) * step - size / 2);
      const [x0, x1] = [Math.max(0, left), Math.min(width, left + size)];
      for (let k = 0; k < group.length; k += 1) {
        const c = group[(k + at) % group.length]; // no class of a group always lies on top
        if (c === null) continue;
        const value = panel.values[c][at];
        if (Number.isNaN(value) || panel.off.has(c)) continue;
        const top = Math.round(height * (1 - (value - domain[0]) / (domain[1] - domain[0])) - size / 2);
        for (let y = Math.max(0, top); y < Math.min(height, top + size); y += 1) pixels.fill(colours[c], y * width + x0, y * width + x1);
      }
    }
    context.putImageData(image, 0, 0);
    return canvas.toDataURL();
  };

  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
  const drawNodes = async (figure, holder) => {
    const pins = shownPins().filter((c) => c.study.figureByName.has(figure.name));
    if (!pins.length) return { note: "Pin a network (above) to see it here; all pinned networks are filtered out." };
    const parts = await Promise.all(pins.map((c) => nodescope.load(c.study.name, `${figure.source}.${c.name}`)));
    const view = viewsOf(figure, parts);
    const found = pins.map((configuration, i) => {
      const tests = Object.entries(view).map(([column, value]) => [column, (v) => String(v) === value]);
      const indices = frames.select(parts[i], tests);
      const off = configuration.study.name === chosen.study ? chosen.classesOff : new Set();
      return { ...matrixOf(parts[i], indices, figure.value, configuration.study.classes.length), configuration, study: configuration.study, off, frame: parts[i], indices };
    });
    const domainOf = (panels) => {
      if (figure.domain) return figure.domain;
      let low = Infinity, high = -Infinity;
      for (const panel of panels) panel.values.forEach((row, c) => { if (!panel.off.has(c)) for (const v of row) if (!Number.isNaN(v)) { low = Math.min(low, v); high = Math.max(high, v); } });
      const margin = 0.03 * (high - low) || 0.5;
      return low > high ? [0, 1] : low >= 0 && high > 0.5 && high <= 1 ? [-0.02, 1.02] : [low - margin, high + margin];
    };
    const common = domainOf(found);
    const focused = [...holder.querySelectorAll(".node-panel")].indexOf(document.activeElement);
    const grid = element("div", { class: `panels ${found.length > 1 ? "two" : ""}` });
    holder.replaceChildren(grid);
    const views = [];
    for (const panel of found) {
      const faded = chosen.mode === "highlight" && expression()?.test(panel.configuration.label) === false;
      const box = element("div", { class: `node-panel ${faded ? "muted" : ""}`, tabindex: "0", role: "img" });
      grid.append(box);
      if (focused === grid.children.length - 1 && document.activeElement === document.body) box.focus({ preventScroll: true });
      const lines = [`${panel.configuration.label}${studies.size > 1 ? `, ${panel.study.name}` : ""}`, viewWords(figure, view)];
      const label = lines.join(", ");
      const known = panel.indices.length && panel.values.some((row) => row.some((v) => !Number.isNaN(v)));
      if (!known) {
        message(box, `${panel.configuration.label}: nothing was measured here, since the net diverged or the table lacks it.`);
        continue;
      }
      const domain = chosen.scales === "own" ? domainOf([panel]) : common;
      const zoom = chosen.zoom ? [Math.min(chosen.zoom[0], panel.total - 1), Math.min(chosen.zoom[1], panel.total)] : [0, panel.total];
      const own = structuredClone(panel.study.figureByName.get(figure.name).specification);
      eachView(own, ({ encoding }) => {
        if (encoding?.color?.field === "class_name") encoding.color = withClasses(encoding.color, new Map(panel.study.classes.map((name, c) => [name, coloursOf(panel.study)[c]])));
      });
      const spec = recolour(own);
      delete spec.config;
      // With the legend, however long its names are.
      spec.width = Math.max(200, box.clientWidth);
      spec.autosize = { type: "fit-x", contains: "padding" };
      const height = spec.height;
      spec.datasets = { picture: [{ url: picture(figure, panel, domain, zoom, 2 * Math.max(150, spec.width - 120), height * 2) }] };
      const parameters = { start: zoom[0], stop: zoom[1], low: domain[0], high: domain[1], borders: panel.borders, step: STEPS.find((step) => (zoom[1] - zoom[0]) / step <= 12) ?? 1000, label: spec.width < 480 ? lines : label };
      for (const parameter of spec.params) parameter.value = parameters[parameter.name];
      const fields = { color: "class_name" };
      const result = await embed(box, { ...figure, study: panel.study }, spec, fields);
      views.push({ name: `${figure.name}-${panel.configuration.name}`, view: result.view, spec });
      const [dead, alive] = [Array.from({ length: panel.total }, (_, at) => panel.deadAt(at)).filter(Boolean).length, panel.total];
      box.setAttribute("aria-label", `${figure.title}: ${label}. ${figure.value === "active_share" ? `${dead} of ${alive} nodes are on for no sample. ` : ""}Arrow keys move over the nodes, Enter looks into one, plus and minus zoom.`);
      answer(box, figure, panel, view, zoom, domain, result.view);
    }
    // Thousands of rows: made when they are saved.
    const rows = () => found.flatMap((panel) => frames.rows(panel.frame, panel.indices).filter((row) => !panel.off.has(row.class))
      .map((row) => ({ network: pinLabel(panel.configuration), ...row })));
    return { view, parts, rows, views, reading: readingOfNodes(figure, found) };
  };

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
      const lines = of.map(([c, v]) => [c, v, `${panel.study.classes[c]}: ${measured(figure.quantities[figure.value], Number(v.toPrecision(7)))}`]);
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
      return `layer ${layer}, node ${node}${dead}\n${figure.label}\n${told.map(([c, , text]) => `${c === nearest ? "▸ " : "  "}${text}`).join("\n")}${rest}`;
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

  const DRAW = { chart: drawChart, table: drawTable, nodes: drawNodes };
  const holders = [...document.querySelectorAll(".chart")];
  const figureOf = (holder) => {
    const [study, name] = holder.dataset.figure.split("/");
    return studies.get(study).figureByName.get(name);
  };
  const visible = new Set();
  const running = new WeakMap();
  let changes = 0; // of the controls, so far

  // Draw one figure as the controls stand; if they change meanwhile, once more.
  const draw = async (holder) => {
    if (running.has(holder)) { running.set(holder, true); return; }
    do {
      running.set(holder, false);
      await drawOnce(holder);
    } while (running.get(holder));
    running.delete(holder);
  };

  const drawOnce = async (holder) => {
    const figure = figureOf(holder);
    const box = holder.closest("figure");
    const before = changes;
    holder.dataset.drawn = "";
    for (const { view } of drawn.get(figure)?.views ?? []) view.finalize();
    holder.style.minHeight = `${holder.offsetHeight}px`;
    try {
      const result = await DRAW[figure.kind](figure, holder);
      drawn.set(figure, result);
      if (result.note) message(holder, result.note);
      if (result.view) {
        choicesOf(figure, result.parts, result.view, box.querySelector(".choices"));
        const note = notes(figure, result.view, figure.kind === "nodes" ? [] : result.rows ?? []);
        const zoomed = figure.kind === "nodes" && chosen.zoom;
        box.querySelector(".shown").replaceChildren(viewWords(figure, result.view) + (note ? ` (${note})` : ""),
          ...(zoomed ? [" ", element("button", { type: "button", class: "zoom-out", onclick: () => { chosen.zoom = null; update(); } }, `nodes ${chosen.zoom[0]} to ${chosen.zoom[1] - 1}: show all`)] : []));
      }
      const text = result.reading ?? reading(figure, result.rows ?? []);
      box.querySelector(".reading").textContent = text;
      holder.setAttribute("aria-label", `${figure.title}. ${text || result.note || `A table of ${(result.rows ?? []).length} rows, to be sorted and filtered.`}`);
      saveMenu(figure, result, holder, box.querySelector(".save > .panel"));
    } catch (error) {
      message(holder, `This figure could not be drawn: ${error.message}`);
    }
    holder.style.minHeight = "";
    if (changes === before) holder.classList.remove("stale");
    holder.dataset.drawn = "yes";
  };

  const saveMenu = (figure, result, holder, panel) => {
    const name = `${figure.study.name}-${figure.name}`;
    const buttons = [];
    const add = (kind, run) => buttons.push(element("button", { type: "button", "data-kind": kind, onclick: run }, kind));
    if (result.views?.length) {
      const each = (run) => async () => {
        const redrawn = isDark();
        paper = true;
        try {
          if (redrawn) await draw(holder);
          for (const one of drawn.get(figure).views) {
            one.view.background("white");
            await run(one, `${figure.study.name}-${one.name}`);
            one.view.background(null);
          }
        } finally {
          paper = false;
          if (redrawn) await draw(holder);
        }
      };
      add("SVG", each(async ({ view }, file) => files.save(`${file}.svg`, await view.toSVG(), "image/svg+xml")));
      add("PNG", each(async ({ view }, file) => {
        const response = await view.toCanvas(2);
        files.save(`${file}.png`, await new Promise((resolve) => { response.toBlob(resolve, "image/png"); }));
      }));
      add("Vega-Lite JSON", each(async ({ spec }, file) => files.save(`${file}.vl.json`, JSON.stringify(spec), "application/json")));
    }
    if (result.rows?.length || figure.kind === "nodes" && result.views?.length) {
      const rows = () => (typeof result.rows === "function" ? result.rows() : result.rows);
      add("CSV", () => files.save(`${name}.csv`, files.csv(rows()), "text/csv"));
      add("Parquet", () => files.save(`${name}.parquet`, files.parquet(rows())));
    }
    panel.replaceChildren(...(buttons.length ? buttons : [document.createTextNode("Nothing is shown.")]));
  };

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        visible.add(entry.target);
        if (!entry.target.dataset.drawn || entry.target.classList.contains("stale")) draw(entry.target);
      } else visible.delete(entry.target);
    }
  }, { rootMargin: "900px" }); // a screen ahead

  // --- the inspector ---

  const inspector = byId("inspector");
  let opener = null; // the panel that has the focus again when the inspector is closed
  const BARS = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", autosize: { type: "fit-x", contains: "padding" } };
  // The first and the last bar may hold what lies beyond them, as far as the minimum and the maximum.
  const barsOf = ({ class_name, low, width, minimum, maximum, counts, total }) => Array.from(counts, (count, i) => {
    const reaches = i === 0 && minimum !== null ? minimum : i === counts.length - 1 && maximum !== null ? maximum : null;
    return { class_name, bin_left: low + i * width, bin_right: low + (i + 1) * width, share: count / total, end: reaches === null ? null : i ? "≥" : "≤", reaches };
  }).filter((row) => row.share);
  // The normal distribution function, to 1e-7 (Abramowitz & Stegun 1964, 7.1.26).
  const normal = (x) => {
    const t = 1 / (1 + 0.3275911 * Math.abs(x) / Math.SQRT2);
    const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x / 2) / 2;
    return x < 0 ? tail : 1 - tail;
  };
  // The estimate of values that lie evenly in their bars; between evenly spaced places also at what the bars begin, end and centre on.
  const curveOf = ({ class_name, low, width, counts, total, bandwidth: h }) => {
    const known = [...counts.keys()].filter((i) => counts[i]), begin = low - 3 * h, end = low + counts.length * width + 3 * h;
    const places = [...Array.from({ length: 120 }, (_, at) => begin + at * (end - begin) / 119), ...known.flatMap((i) => [0, 0.5, 1].map((part) => low + (i + part) * width))];
    return [...new Set(places)].sort((a, b) => a - b).map((z) => {
      const share = known.reduce((sum, i) => sum + counts[i] / total * (normal((z - low - i * width) / h) - normal((z - low - (i + 1) * width) / h)), 0);
      return { class_name, z, density: share / width };
    });
  };
  // What the values of each class are like at a node: of the kept net, whatever state the page shows.
  const drawDistributions = async (configuration, place, view, colour, draw, say) => {
    const { study } = configuration, kept = study.inspector;
    if (!kept) { say("How the values of each class are distributed here was not measured (analysis node_histograms)."); return; }
    const split = kept.splits.includes(view.split) ? view.split : kept.splits[0], seed = view.seed ?? study.seeds[0];
    const frame = await nodescope.load(study.name, `nodes.${configuration.name}.${seed}`).catch((error) => error);
    const tests = [["split", (x) => x === split], ["layer", (x) => x === place.layer], ["node", (x) => x === place.node]];
    const found = (frame.rows ? frames.rows(frame, frames.select(frame, tests)) : []).filter((row) => row.low !== null)
      .map((row) => ({ ...row, class_name: study.classes[row.class], total: row.counts.reduce((sum, n) => sum + n, 0) }))
      .filter((row) => row.total > 0 && !(study.name === chosen.study && chosen.classesOff.has(row.class)))
      .sort((a, b) => (isCrowded(study) ? huesOf(study).includes(a.class) - huesOf(study).includes(b.class) : 0));
    const of = viewWords({ study }, { state: kept.state, split, seed });
    if (!found.length) say(`No distributions (${of}): ${frame.message ?? "the net diverged, or all classes are hidden"}.`);
    const share = { field: "share", type: "quantitative", ...axisOf(SHARE) };
    for (const [kind, axis] of [["pre", "pre-activation z"], ["post", "activation a"]]) {
      const own = found.filter((row) => row.kind === kind);
      if (!own.length) continue;
      draw(`${kind === "pre" ? "Before" : "After"} the activation function (${of})`, { ...BARS, height: 120, data: { values: own.flatMap(barsOf) }, layer: [
        { mark: { type: "rect", opacity: 0.4 }, encoding: {
          x: { field: "bin_left", type: "quantitative", title: axis }, x2: { field: "bin_right" }, y: share, y2: { datum: 0 }, color: colour } },
        { transform: [{ filter: "isValid(datum.end)" }], mark: { type: "text", dy: -5, color: "#555555" }, encoding: {
          x: { field: "bin_left", type: "quantitative" }, y: share, text: { field: "end" } } }] },
      `Histogram of the ${axis} by class${own[0].minimum === null && own[0].maximum === null ? "" : ", values far out in the bars at the ends"}, from ${number(own[0].low)} to ${number(own[0].low + own[0].width * own[0].counts.length)}`);
    }
    const estimates = found.filter((row) => row.kind === "pre");
    if (estimates.length) {
      const widths = [...new Set(estimates.map((row) => number(row.bandwidth)))];
      const curves = estimates.map(curveOf), peaks = curves.map((curve) => curve.reduce((a, b) => (b.density > a.density ? b : a)));
      draw(`Kernel density estimates (bandwidth ${widths.length > 1 ? "by class" : widths[0]}, of the bars)`, { ...BARS, height: 120, data: { values: curves.flat() }, mark: { type: "line" }, encoding: {
        x: { field: "z", type: "quantitative", title: "pre-activation z" }, y: { field: "density", type: "quantitative" }, color: colour } },
      `Kernel density estimate of each class's pre-activations; highest near ${peaks.map((peak) => `${number(peak.z)} (${peak.class_name})`).join(", ")}`);
    }
  };

  let looks = 0;
  const inspect = async () => {
    const turn = looks += 1;
    const { node: place } = chosen;
    inspector.hidden = !place;
    if (!place) return;
    const configuration = configurationOf(`${place.study}/${place.configuration}`);
    const study = configuration.study;
    const body = byId("inspector-body");
    const title = `${configuration.label}, layer ${place.layer}, node ${place.node}`;
    const rowsOf = async (name, value) => {
      const figure = study.figures.find((f) => f.kind === "nodes" && f.source === name);
      if (!figure) return null;
      const frame = await nodescope.load(study.name, `${name}.${configuration.name}`);
      const view = viewsOf({ ...figure, study }, [frame]);
      const tests = [...Object.entries(view).map(([column, v]) => [column, (x) => String(x) === v]), ["layer", (x) => x === place.layer], ["node", (x) => x === place.node]];
      return { quantity: figure.quantities[value], view, rows: frames.rows(frame, frames.select(frame, tests)).map((row) => ({ ...row, class_name: study.classes[row.class], value: row[value] })), sizes: frame };
    };
    const colour = { field: "class_name", type: "nominal", scale: { domain: study.classes, range: coloursOf(study) }, legend: null };
    const parts = [];
    const drawings = [];
    const draw = (heading, spec, text, quantities = { share: SHARE }) => {
      const holder = element("div"); // Vega describes it in words of its own
      parts.push(element("h3", {}, heading), element("div", { role: "img", "aria-label": text }, holder));
      drawings.push([holder, { ...spec, width: Math.min(400, body.clientWidth) }, quantities]);
    };
    const activity = await rowsOf("activity", "active_share"), medians = await rowsOf("medians", "median");
    const verdicts = [];
    if (activity?.rows.some((row) => row.value !== null)) {
      const known = activity.rows.filter((row) => row.value !== null);
      const on = known.filter((row) => row.value >= 0.95).map((row) => row.class_name), never = known.filter((row) => row.value <= 0.05).map((row) => row.class_name);
      if (known.every((row) => row.value === 0)) verdicts.push("Dead: on for no sample of any class.");
      else if (known.every((row) => row.value === 1)) verdicts.push("Always on: its switch says nothing.");
      else if (on.length && on.length + never.length === known.length) verdicts.push(`Selective for whole classes: on for at least 95 % of ${listed(on)}, for at most 5 % of all others.`);
      else verdicts.push(`On for at least 95 % of the samples of ${on.length ? listed(on) : "no class"}, for at most 5 % of ${never.length ? listed(never) : "no class"}.`);
      draw("Share of each class's samples for which it is on", { ...BARS, height: 16 * known.length, data: { values: known }, mark: "bar", encoding: {
        y: { field: "class_name", type: "nominal", title: "class", sort: study.classes }, x: { field: "value", type: "quantitative", ...axisOf(activity.quantity), scale: { domain: [0, 1] } }, color: colour } },
      known.map((row) => `${row.class_name}: ${measured(activity.quantity, row.value)}`).join(", "), { value: activity.quantity });
    }
    if (medians?.rows.some((row) => row.value !== null)) {
      const known = medians.rows.filter((row) => row.value !== null).sort((a, b) => a.value - b.value);
      verdicts.push(`Medians of the classes from ${measured(medians.quantity, known[0].value)} (${known[0].class_name}) to ${measured(medians.quantity, known.at(-1).value)} (${known.at(-1).class_name}).`);
      draw("Median activation of each class", { ...BARS, height: 16 * known.length, data: { values: known }, mark: { type: "point", filled: true, size: 70 }, encoding: {
        y: { field: "class_name", type: "nominal", title: "class", sort: study.classes }, x: { field: "value", type: "quantitative", ...axisOf(medians.quantity) }, color: colour } },
      known.map((row) => `${row.class_name}: ${measured(medians.quantity, row.value)}`).join(", "), { value: medians.quantity });
    }
    const view = activity?.view ?? medians?.view ?? {};
    await drawDistributions(configuration, place, view, colour, draw, (text) => parts.push(element("p", {}, text)));
    if (turn !== looks) return; // another was clicked while this one was loading
    byId("inspector-title").textContent = title;
    body.replaceChildren(element("p", {}, viewWords({ study }, view)),
      element("ul", { class: "verdicts" }, ...(verdicts.length ? verdicts : ["Nothing was measured at this node: the net diverged."]).map((text) => element("li", {}, text))), ...parts);
    inspector.dataset.node = title;
    if (!inspector.contains(document.activeElement)) byId("inspector-close").focus({ preventScroll: true });
    const sizes = (activity ?? medians)?.sizes;
    const last = sizes ? Math.max(...frames.rows(sizes, frames.select(sizes, [["layer", (x) => x === place.layer]]).slice(-1)).map((row) => row.node)) : place.node;
    byId("inspector-previous").disabled = place.node <= 0;
    byId("inspector-next").disabled = place.node >= last;
    for (const [holder, spec, quantities] of drawings) {
      await embed(holder, { study, kind: "chart", quantities }, recolour({ ...spec, config: { mark: { tooltip: { content: "data" } } } }), {});
    }
  };
  const move = (by) => { chosen.node = { ...chosen.node, node: chosen.node.node + by }; update(); };
  byId("inspector-previous").addEventListener("click", () => move(-1));
  byId("inspector-next").addEventListener("click", () => move(1));
  const close = () => {
    chosen.node = null;
    update();
    opener?.holder.querySelectorAll(".node-panel")[opener.index]?.focus({ preventScroll: true });
  };
  byId("inspector-close").addEventListener("click", close);
  addEventListener("keydown", (event) => { if (event.key === "Escape" && chosen.node) close(); });

  // --- controls ---

  const fillSelect = (select, entries, value) => select.replaceChildren(...entries.map(([key, text]) => element("option", { value: key, selected: key === value }, text)));
  const check = (text, on, change, colour) => element("label", {}, element("input", { type: "checkbox", checked: on, onchange: change }),
    ...(colour ? [" ", element("span", { class: "swatch", style: `background:${legible(colour)}` })] : [" "]), text);

  const setTheme = () => {
    const dark = paper ? false : chosen.theme ? chosen.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
  };

  const showControls = () => {
    const study = studies.get(chosen.study);
    const sets = [...new Set(data.studies.map((s) => s.dataset))];
    fillSelect(byId("dataset"), sets.map((name) => [name, name]), study.dataset);
    fillSelect(byId("study"), data.studies.filter((s) => s.dataset === study.dataset).map((s) => [s.name, s.name]), study.name);
    document.querySelector(".dataset-control").hidden = sets.length < 2;
    document.querySelector(".study-control").hidden = data.studies.length < 2;
    const state = byId("state");
    state.max = study.states.length - 1;
    const at = Math.max(0, study.states.findIndex((s) => s.name === chosen.state));
    state.value = at;
    byId("state-name").textContent = study.states[at].label;
    state.setAttribute("aria-valuetext", study.states[at].label);
    fillSelect(byId("split"), [["", "each figure's own"], ...study.splits.map((name) => [name, name])], chosen.split);
    const seeds = study.seeds.map((seed) => [seed, `seed ${seed}`]);
    if (seeds.length > 1) seeds.unshift(["mean", "mean over seeds"]);
    fillSelect(byId("seed"), seeds, seeds.length > 1 ? chosen.seed : study.seeds[0]);
    byId("axes").replaceChildren(...Object.entries(study.axes).map(([axis, { title, values }]) => element("fieldset", { "data-axis": axis }, element("legend", {}, title),
      ...values.map((value) => check(typeof value === "boolean" ? axisWord(study, axis, value) : String(value), axisIsOn(axis, value), () => { toggle(chosen.off, `${axis}:${value}`); update(); })))));
    byId("filter-count").textContent = chosen.off.size + (chosen.pattern ? 1 : 0) || "";
    if (document.activeElement !== byId("pattern")) byId("pattern").value = chosen.pattern;
    byId("pattern-mode").value = chosen.mode;
    byId("pattern-error").textContent = chosen.pattern && !expression() ? "This is not a regular expression." : "";
    byId("classes").replaceChildren(...study.classes.map((name, c) => check(name, !chosen.classesOff.has(c), () => { toggle(chosen.classesOff, c); update(); }, coloursOf(study)[c])));
    const hues = huesOf(study), free = isCrowded(study) ? hues.indexOf(null) : -1;
    byId("hue-choice").hidden = !isCrowded(study);
    byId("hues").replaceChildren(...(isCrowded(study) ? hues : []).map((c, at) => c === null ? "" : element("li", {},
      element("span", { class: "swatch", style: `background:${legible(study.palette[at])}` }), study.classes[c],
      element("button", { type: "button", "aria-label": `Make ${study.classes[c]} grey`, onclick: () => setHue(at, null) }, "✕"))));
    fillSelect(byId("add-hue"), [["", free < 0 ? `${hues.length} are in colour` : "show a class in colour …"],
      ...(free < 0 ? [] : study.classes.map((name, c) => [String(c), name]).filter(([c]) => !hues.includes(Number(c))))], "");
    byId("class-count").textContent = chosen.classesOff.size ? `${study.classes.length - chosen.classesOff.size}/${study.classes.length}` : "";
    byId("theme").value = chosen.theme;
    byId("common-scales").checked = chosen.scales === "common";
    byId("hidden-series").replaceChildren(...[...chosen.off].filter((item) => !(item.split(":")[0] in study.axes)).map((item) =>
      element("button", { type: "button", onclick: () => { chosen.off.delete(item); update(); } }, `show ${item.slice(item.indexOf(":") + 1)} again`)));
    byId("pins").replaceChildren(...chosen.pins.map(configurationOf).map((c) => element("li", { class: configurationIsOn(c) ? null : "off" },
      `${c.label}${studies.size > 1 ? ` (${c.study.name})` : ""}`, element("button", { type: "button", "aria-label": `Unpin ${c.label}`, onclick: () => pin(c.pin) }, "✕"))));
    const rest = data.studies.flatMap((s) => s.configurations.map((c) => [`${s.name}/${c.name}`, `${c.label}${studies.size > 1 ? ` (${s.name})` : ""}`])).filter(([key]) => !chosen.pins.includes(key) && configurationIsOn(configurationOf(key)));
    fillSelect(byId("add-pin"), [["", chosen.pins.length < MOST_PINS ? "add a network …" : "four are pinned"], ...(chosen.pins.length < MOST_PINS ? rest : [])], "");
    for (const button of document.querySelectorAll("[data-pin]")) button.setAttribute("aria-pressed", String(chosen.pins.includes(button.dataset.pin)));
    for (const part of document.querySelectorAll("section.study, nav [data-study]")) part.hidden = part.dataset.study !== chosen.study;
  };

  const setHue = (at, c) => {
    const study = studies.get(chosen.study);
    chosen.hues = huesOf(study).map((own, place) => (place === at ? c : own));
    update();
  };

  const pin = (key) => {
    if (chosen.pins.includes(key)) chosen.pins = chosen.pins.filter((other) => other !== key);
    else chosen.pins = [...chosen.pins.slice(chosen.pins.length >= MOST_PINS ? 1 : 0), key];
    update();
  };

  const toStudy = (name) => {
    if (name === chosen.study) return;
    const study = studies.get(name);
    Object.assign(chosen, { study: name, pins: study.configurations.slice(0, 2).map((c) => `${name}/${c.name}`), classesOff: new Set(), hues: null, off: new Set(), zoom: null, node: null });
    if (!study.states.some((s) => s.name === chosen.state)) chosen.state = "trained";
  };

  // What the reader looks at first, then what lies around it.
  const drawVisible = async () => {
    const distance = (holder) => { const { top, bottom } = holder.getBoundingClientRect(); return Math.max(0, top - innerHeight, -bottom); };
    for (const holder of [...visible].sort((a, b) => distance(a) - distance(b))) if (holder.classList.contains("stale")) await draw(holder);
  };

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

  const on = (id, event, run) => byId(id).addEventListener(event, run);
  const showStudy = (name) => {
    toStudy(name);
    anchor = `study-${name}`; // the old place lies in the other study
    update();
    byId(anchor).scrollIntoView();
  };
  on("dataset", "change", (event) => showStudy(data.studies.find((s) => s.dataset === event.target.value).name));
  on("study", "change", (event) => showStudy(event.target.value));
  on("state", "input", (event) => { chosen.state = studies.get(chosen.study).states[Number(event.target.value)].name; update(); });
  on("split", "change", (event) => { chosen.split = event.target.value; update(); });
  on("seed", "change", (event) => { chosen.seed = event.target.value; update(); });
  on("pattern", "input", (event) => { chosen.pattern = event.target.value; update(); });
  on("pattern-mode", "change", (event) => { chosen.mode = event.target.value; update(); });
  on("add-hue", "change", (event) => { if (event.target.value) setHue(huesOf(studies.get(chosen.study)).indexOf(null), Number(event.target.value)); });
  on("all-classes", "click", () => { chosen.classesOff.clear(); update(); });
  on("no-classes", "click", () => { chosen.classesOff = new Set(studies.get(chosen.study).classes.keys()); update(); });
  on("common-scales", "change", (event) => { chosen.scales = event.target.checked ? "common" : "own"; update(); });
  on("theme", "change", (event) => { chosen.theme = event.target.value; update(); });
  on("add-pin", "change", (event) => { if (event.target.value) pin(event.target.value); });
  on("reset", "click", () => { const { study } = chosen; chosen = first(); toStudy(study); update(); });
  on("copy-link", "click", async () => {
    try { await navigator.clipboard.writeText(location.href); byId("copy-link").textContent = "Copied"; } catch { prompt("The link to this view:", location.href); }
  });
  on("print", "click", async () => {
    const redrawn = isDark();
    const shut = [...document.querySelectorAll("details.method:not([open])")];
    paper = true;
    setTheme();
    for (const details of shut) details.open = true;
    for (const holder of holders) if (!holder.closest("[hidden]") && (redrawn || !holder.dataset.drawn || holder.classList.contains("stale"))) await draw(holder);
    print();
    paper = false;
    for (const details of shut) details.open = false;
    if (redrawn) update();
  });
  document.querySelectorAll("[data-pin]").forEach((button) => button.addEventListener("click", () => pin(button.dataset.pin)));
  for (const [id, target, name] of [["toggle-controls", "bar", "controls-open"], ["toggle-contents", "contents", "open"]]) {
    on(id, "click", (event) => event.target.setAttribute("aria-expanded", String(byId(target).classList.toggle(name))));
  }
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (!event.composedPath().includes(menu)) menu.open = false; // also of what a click took away
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  let width = innerWidth;
  addEventListener("resize", () => {
    setBar();
    if (Math.abs(innerWidth - width) > 40) { width = innerWidth; update(); }
  });
  const setBar = () => document.documentElement.style.setProperty("--bar", `${innerWidth > 992 ? byId("bar").offsetHeight : 48}px`);

  // --- addresses: #place?choices ---

  const goTo = (hash) => {
    const [place, words] = [hash.split("?")[0], hash.split("?")[1]];
    if (words !== undefined) chosen = fromAddress(words);
    anchor = decodeURIComponent(place);
    const target = anchor ? byId(anchor) : null;
    const study = target?.closest("section.study")?.dataset.study;
    if (study) toStudy(study);
    update();
    if (target) {
      byId("contents").classList.remove("open");
      byId("toggle-contents").setAttribute("aria-expanded", "false");
      target.scrollIntoView();
      // What is drawn above may still push it down.
      let left = 12;
      const settle = () => {
        const off = target.getBoundingClientRect().top - byId("bar").offsetHeight;
        if (Math.abs(off) > 24 && Math.abs(scrollY - lastScroll) < 2) target.scrollIntoView();
        lastScroll = scrollY;
        if (left-- > 0) setTimeout(settle, 120);
      };
      let lastScroll = scrollY;
      setTimeout(settle, 120);
    }
  };
  addEventListener("hashchange", () => goTo(location.hash.slice(1)));

  // --- the table of contents follows the scroll ---

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const places = [...links.keys()].map(byId).filter(Boolean);
  let marked = null;
  const mark = () => {
    const line = byId("bar").offsetHeight + 80;
    let current = null;
    for (const place of places) {
      if (place.closest("[hidden]")) continue;
      if (place.getBoundingClientRect().top <= line) { if (!current || place.compareDocumentPosition(current) & Node.DOCUMENT_POSITION_PRECEDING) current = place; }
    }
    const link = current && links.get(current.id);
    if (link === marked) return;
    marked?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "true");
    marked = link;
    const list = byId("contents");
    if (link && getComputedStyle(list).position === "sticky") {
      const [box, own] = [list.getBoundingClientRect(), link.getBoundingClientRect()];
      if (own.top < box.top + 40 || own.bottom > box.bottom - 40) list.scrollTop += own.top - box.top - box.height / 2;
    }
  };
  addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });

  goTo(location.hash.slice(1));
  setBar();
  mark();
  holders.forEach((holder) => observer.observe(holder));
  document.documentElement.dataset.ready = "yes";
})();
