// HTML elements, and the readout next to the pointer.

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

const message = (holder, text) => holder.replaceChildren(element("p", { class: "message" }, text));

const fillSelect = (select, entries, value) => select.replaceChildren(...entries.map(([key, text]) => element("option", { value: key, selected: key === value }, text)));
const check = (text, on, change, colour) => element("label", {}, element("input", { type: "checkbox", checked: on, onchange: change }),
  ...(colour ? [" ", element("span", { class: "swatch", style: `background:${legible(colour)}` })] : [" "]), text);

const on = (id, event, run) => byId(id).addEventListener(event, run);

const readout = byId("readout");
const showReadout = (text, x, y) => {
  readout.textContent = text;
  readout.hidden = false;
  const box = readout.getBoundingClientRect();
  readout.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
  readout.style.top = `${y + 16 + box.height > innerHeight ? y - box.height - 12 : y + 16}px`;
};
const hideReadout = () => { readout.hidden = true; };
