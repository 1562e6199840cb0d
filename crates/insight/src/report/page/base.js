// Elements, numbers in print, colours.

const THIN = "\u202f";

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

function drawn(name, attributes = {}, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** A number with a fixed count of digits after the point, its whole part in groups of three. */
function fixed(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "none";
  const text = Math.abs(value).toFixed(Math.min(Math.max(digits, 0), 12));
  const [whole, part] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  const zero = Number(text) === 0;
  return (value < 0 && !zero ? "\u2212" : "") + grouped + (part ? "." + part : "");
}

/** Whole numbers from a thousand up, and four digits that say something below. */
function brief(value) {
  const size = Math.abs(value);
  return fixed(value, size > 0 ? Math.max(0, 3 - Math.floor(Math.log10(size))) : 0);
}

/** To three significant digits, with k, M, bn: for axes and legends. */
function compact(value) {
  const size = Math.abs(value);
  for (const [unit, name] of [[1e12, "tn"], [1e9, "bn"], [1e6, "M"], [1e4, "k"]]) {
    if (size >= unit) {
      const scaled = value / (name === "k" ? 1e3 : unit);
      return fixed(scaled, digitsFor(scaled)) + THIN + name;
    }
  }
  return fixed(value, digitsFor(value));
}

function digitsFor(value) {
  const size = Math.abs(value);
  if (size === 0 || size >= 100) return 0;
  for (let digits = 0; digits < 9; digits++) {
    const rounded = Number(size.toFixed(digits));
    if (Math.abs(rounded - size) <= size * 0.002) return digits;
  }
  return 9;
}

/** Ticks at 1, 2 or 5 times a power of ten, about `count` of them, and how many digits they need. */
function ticks(from, to, count) {
  if (!(to > from)) return { at: [from], digits: digitsFor(from) };
  const rough = (to - from) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((size) => size >= rough * 0.999);
  const at = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) at.push(n * step);
  return { at, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** A moment, in nanoseconds, as fine as a range of `span` asks for. */
function moment(time, span) {
  const seconds = time / 1e9;
  const digits = span > 1e11 ? 1 : span > 1e10 ? 2 : span > 1e9 ? 3 : span > 1e7 ? 5 : 7;
  return fixed(seconds, digits) + THIN + "s";
}

let colours = null;

/** The page's colours, as they are now. */
function palette() {
  if (!colours) {
    const style = getComputedStyle(document.documentElement);
    colours = new Proxy({}, { get: (known, name) => (known[name] ??= style.getPropertyValue("--" + name).trim()) });
  }
  return colours;
}

/** `#rrggbb` with an opacity. */
function faded(colour, opacity) {
  const number = parseInt(colour.slice(1), 16);
  return `rgba(${number >> 16}, ${(number >> 8) & 255}, ${number & 255}, ${opacity})`;
}
