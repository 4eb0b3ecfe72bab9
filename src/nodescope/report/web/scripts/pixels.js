// Pictures of pixels: a matrix of values as cells of a canvas. One component for all figures of very many values.

// From the lowest value to the highest, and from the most negative over nothing to the most positive.
const SHADES = {
  light: { rising: ["#f7fbff", "#6baed6", "#08306b"], diverging: ["#2166ac", "#f7f7f7", "#b2182b"], hatch: ["#dcdcdc", "#8a8a8a"], border: "#9aa0a6", ink: "#1c1c1c", soft: "#565656" },
  dark: { rising: ["#1e242d", "#3f7cb4", "#dcecff"], diverging: ["#74b6f5", "#262b33", "#f58a78"], hatch: ["#3a3f47", "#81878f"], border: "#5b626c", ink: "#e8e8e8", soft: "#b3b6bb" },
};
const shadesOf = () => SHADES[isDark() ? "dark" : "light"];

// The colour of a share of the way along a scale, as text; and 256 of them as the pixels of an image.
const shade = (scale, share) => {
  const stops = shadesOf()[scale].map(rgb), at = Math.min(1, Math.max(0, share)) * (stops.length - 1), low = Math.min(stops.length - 2, Math.floor(at));
  return hex(stops[low].map((part, i) => part + (stops[low + 1][i] - part) * (at - low)));
};
const pixelTables = new Map();
const pixelsOf = (scale) => {
  const key = shadesOf()[scale].join();
  if (!pixelTables.has(key)) {
    pixelTables.set(key, Uint32Array.from({ length: 256 }, (_, i) => {
      const [r, g, b] = rgb(shade(scale, i / 255));
      return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
    }));
  }
  return pixelTables.get(key);
};

// Where a value lies on its scale: from 0 at the lower end of the domain to 1 at the upper one.
const along = ([low, high], value) => (high > low ? (value - low) / (high - low) : 0.5);

// The cells [row][column] of a matrix from a corner on, each so wide and high; what is not a number stays empty.
const paintCells = (context, { columns, rows, value, domain, scale }, left, top, wide, high) => {
  const cells = element("canvas");
  cells.width = Math.max(1, columns);
  cells.height = Math.max(1, rows);
  const own = cells.getContext("2d"), image = own.createImageData(cells.width, cells.height), pixels = new Uint32Array(image.data.buffer), table = pixelsOf(scale);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const share = along(domain, value(row, column));
      if (!Number.isNaN(share)) pixels[row * columns + column] = table[Math.round(255 * Math.min(1, Math.max(0, share)))];
    }
  }
  own.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(cells, left, top, columns * wide, rows * high);
};

// Grey with diagonal lines: a column of which there is nothing to see. A tile is drawn once per theme.
const hatches = new Map();
const hatchTile = () => {
  const [ground, line] = shadesOf().hatch;
  if (!hatches.has(ground)) {
    const tile = element("canvas", { width: 6, height: 6 }), context = tile.getContext("2d");
    context.fillStyle = ground;
    context.fillRect(0, 0, 6, 6);
    context.strokeStyle = line;
    context.beginPath();
    for (const at of [-6, 0, 6]) { context.moveTo(at - 1, 7); context.lineTo(at + 7, -1); }
    context.stroke();
    hatches.set(ground, tile);
  }
  return hatches.get(ground);
};
const paintHatched = (context, left, top, wide, high) => {
  context.fillStyle = context.createPattern(hatchTile(), "repeat");
  context.fillRect(left, top, wide, high);
};

// A canvas that is sharp on every screen, and what draws on it in pixels of the page.
const sharpCanvas = (wide, high) => {
  const canvas = element("canvas"), ratio = Math.min(2, devicePixelRatio || 1);
  canvas.width = Math.round(wide * ratio);
  canvas.height = Math.round(high * ratio);
  canvas.style.width = `${wide}px`;
  canvas.style.height = `${high}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return { canvas, context };
};

// Text that ends where there is no more room.
const shortened = (context, text, room) => {
  if (context.measureText(text).width <= room) return text;
  let cut = text.length;
  while (cut > 1 && context.measureText(`${text.slice(0, cut)}…`).width > room) cut -= 1;
  return `${text.slice(0, cut)}…`;
};
