// Light and dark: the theme of page and charts, and colours that have enough contrast in both.

let paper = false; // what is saved or printed is light
const isDark = () => !paper && document.documentElement.dataset.theme === "dark";

const setTheme = () => {
  const dark = paper ? false : chosen.theme ? chosen.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
};

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

const longestClass = Math.min(22, Math.max(...data.studies.flatMap((study) => study.classes.map((name) => name.length))));

const themeConfig = () => {
  const [text, line, soft, quiet] = isDark() ? ["#e8e8e8", "#3b4048", "#262b33", "#b3b6bb"] : ["#1c1c1c", "#c4c7cc", "#ececec", "#565656"];
  const legend = innerWidth < NARROW ? { columns: Math.max(1, Math.min(4, Math.floor((innerWidth - 60) / (26 + 7 * longestClass)))) } : {};
  return {
    background: null, font: "Inter, system-ui, sans-serif", view: { stroke: null },
    axis: { labelFontSize: 11, titleFontSize: 12, titleFontWeight: "normal", labelColor: quiet, titleColor: quiet, gridColor: soft, domainColor: line, tickColor: line },
    // The title of a vertical axis stands above it.
    axisLeft: { titleAngle: 0, titleAlign: "left", titleAnchor: "start", titleX: 0, titleY: -12 },
    header: { labelColor: text, titleColor: text, labelFontSize: 12, labelFontWeight: 600, titleFontWeight: "normal", labelPadding: 22 }, headerRow: { labelPadding: 8 },
    legend: { labelColor: text, titleColor: text, labelFontSize: 11, titleFontWeight: "normal", symbolOpacity: 1, orient: "top", ...legend },
    rule: { color: text }, text: { color: text },
    title: { color: text, fontSize: 12, fontWeight: 600, anchor: "start" },
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
  // A shade of numbers runs from one colour to another: changed ends would give other shades.
  if (Array.isArray(item?.range) && typeof item.domain?.[0] === "number") return item;
  if (item && typeof item === "object") return Object.fromEntries(Object.entries(item).map(([key, value]) => [key, ["datasets", "values", "data"].includes(key) ? value : recolour(value)]));
  return item;
};
