// Which networks, rows and values of a figure are shown.

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

// A chip with a state of its own shows that one.
const viewOfPin = (c, view) => (c?.state && "state" in view ? { ...view, state: c.state } : view);

const testsOf = (figure, frame, view) => {
  const tests = Object.entries(viewOfPin(frame.pin, view)).map(([column, value]) => [column, (v) => String(v) === value]);
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
