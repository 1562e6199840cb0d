// What all charts over time share: the range shown, the moment pointed at, axes, and how they are moved.

const whole = {
  from: Math.min(...runs.map((run) => run.begin)),
  to: Math.max(...runs.map((run) => run.end), Math.min(...runs.map((run) => run.begin)) + 1),
};

const view = { from: whole.from, to: whole.to, at: null, instrument: 0 };
const plots = [];
let waiting = false;

/** Draws everything again, once, soon. */
function redraw() {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    for (const plot of plots) plot.draw();
  });
}

function show(from, to) {
  const least = Math.min(1e4, whole.to - whole.from);
  const span = Math.min(Math.max(to - from, least), whole.to - whole.from);
  view.from = Math.min(Math.max(from, whole.from), whole.to - span);
  view.to = view.from + span;
  redraw();
}

function point(time) {
  view.at = time === null ? null : Math.min(Math.max(time, whole.from), whole.to);
  redraw();
}

function zoom(factor) {
  const centre = view.at !== null && view.at >= view.from && view.at <= view.to ? view.at : (view.from + view.to) / 2;
  show(centre - (centre - view.from) * factor, centre + (view.to - centre) * factor);
}

function pan(part) {
  const shift = (view.to - view.from) * part;
  show(view.from + shift, view.to + shift);
}

/** A figure with a canvas, and a line of text for what is pointed at. */
function figure(host, label, height) {
  const canvas = element("canvas", { tabindex: 0, role: "img", "aria-label": label });
  const text = element("figcaption", { "aria-live": "polite" });
  const legend = element("div", { class: "legend" });
  host.append(element("figure", {}, legend, canvas, text));
  return { canvas, text, legend, height };
}

/** A context of the canvas's size on the screen, cleared, with its area inside the axes. */
function surface({ canvas, height }, left = 80, right = 10, top = 8, bottom = 30) {
  const width = Math.max(canvas.parentElement.clientWidth, 160);
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.lineJoin = "round";
  return { context, area: { left, top, right: width - right, bottom: height - bottom } };
}

/** The axis of values on the left, with its unit above it; returns where a value stands. */
function valueAxis(context, area, from, to, unit) {
  const height = area.bottom - area.top;
  const y = (value) => area.bottom - ((value - from) / (to - from)) * height;
  const { at, digits } = ticks(from, to, Math.max(2, Math.floor(height / 44)));
  const wide = at.some((value) => Math.abs(value) >= 1e6);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of at) {
    context.fillStyle = palette().grid;
    context.fillRect(area.left, Math.round(y(value)), area.right - area.left, 1);
    context.fillStyle = palette().muted;
    context.fillText(wide ? compact(value) : fixed(value, digits), area.left - 6, y(value));
  }
  sideways(context, area, unit);
  return y;
}

/** The name of a vertical axis. */
function sideways(context, area, text) {
  context.save();
  context.translate(11, (area.top + area.bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.fillStyle = palette().muted;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 0, 0);
  context.restore();
}

/** The axis of time; returns where a time stands. */
function timeAxis(context, area) {
  const width = area.right - area.left;
  const x = (time) => area.left + ((time - view.from) / (view.to - view.from)) * width;
  const { at, digits } = ticks(view.from / 1e9, view.to / 1e9, Math.max(2, Math.floor(width / 90)));
  context.textBaseline = "top";
  for (const seconds of at) {
    const place = x(seconds * 1e9);
    context.fillStyle = palette().grid;
    context.fillRect(Math.round(place), area.bottom, 1, 4);
    context.fillStyle = palette().muted;
    context.textAlign = place > area.right - 24 ? "right" : place < area.left + 10 ? "left" : "center";
    context.fillText(fixed(seconds, digits), place, area.bottom + 6);
  }
  context.textAlign = "right";
  context.fillText("seconds", area.right, area.bottom + 18);
  return x;
}

/** Only what is inside the axes. */
function within(context, area, paint) {
  context.save();
  context.beginPath();
  context.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
  context.clip();
  paint();
  context.restore();
}

/** A series as a line: a value stands until the next one; buckets reach from their lowest to their highest. */
function line(context, buckets, x, y, end, { colour, width = 1.5, dash = [], halo = null }) {
  if (!buckets.length) return;
  const start = Math.max(placeOf(buckets.length, (n) => buckets[n].from, view.from), 0);
  context.beginPath();
  for (let n = start; n < buckets.length; n++) {
    const bucket = buckets[n];
    const [from, to] = [x(bucket.from), x(bucket.to)];
    if (n === start) context.moveTo(from, y(bucket.first));
    else context.lineTo(from, y(buckets[n - 1].last));
    context.lineTo(from, y(bucket.first));
    if (bucket.low !== bucket.high) {
      const middle = (from + to) / 2;
      context.lineTo(middle, y(bucket.high));
      context.lineTo(middle, y(bucket.low));
    }
    context.lineTo(to, y(bucket.last));
    if (bucket.from > view.to) break;
  }
  const last = buckets[buckets.length - 1];
  context.lineTo(x(Math.max(end, last.to)), y(last.last));
  context.setLineDash(dash);
  if (halo) {
    context.lineWidth = width + 2.5;
    context.strokeStyle = halo;
    context.stroke();
  }
  context.lineWidth = width;
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

/** The moment pointed at. */
function crosshair(context, area, x) {
  if (view.at === null || view.at < view.from || view.at > view.to) return;
  context.fillStyle = palette().ink;
  context.globalAlpha = 0.6;
  context.fillRect(Math.round(x(view.at)), area.top, 1, area.bottom - area.top);
  context.globalAlpha = 1;
}

/** Words where there is nothing to draw. */
function nothing(context, area, text) {
  context.fillStyle = palette().muted;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, (area.left + area.right) / 2, (area.top + area.bottom) / 2);
}

function legendLine(colour, name, dashed = false) {
  return element(
    "span",
    { class: "key" },
    element("i", { class: dashed ? "dashed" : "line", style: `border-color:${colour}` }),
    name,
  );
}

/**
 * A chart over time. `paint(context, area, x)` draws inside the axes of time, and `read(time)` says what is there.
 * Drag to zoom, arrows to point, shift and arrows to move, plus and minus to zoom, 0 for all.
 */
function timePlot(host, label, height, paint, read) {
  const parts = figure(host, label + ". Arrow keys point, plus and minus zoom, 0 shows all.", height);
  const { canvas, text } = parts;
  let area = null;
  let dragged = null;
  const plot = {
    ...parts,
    draw() {
      const made = surface(parts);
      area = made.area;
      const x = timeAxis(made.context, area);
      paint(made.context, area, x);
      crosshair(made.context, area, x);
      if (dragged) {
        made.context.fillStyle = faded(palette().ink, 0.12);
        made.context.fillRect(x(dragged[0]), area.top, x(dragged[1]) - x(dragged[0]), area.bottom - area.top);
      }
      text.textContent = view.at === null ? "" : `${moment(view.at, view.to - view.from)}: ${read(view.at)}`;
    },
  };
  const timeOf = (event) => {
    const place = event.clientX - canvas.getBoundingClientRect().left;
    const part = (place - area.left) / (area.right - area.left);
    return view.from + Math.min(Math.max(part, 0), 1) * (view.to - view.from);
  };
  canvas.addEventListener("pointerdown", (event) => {
    dragged = [timeOf(event), timeOf(event)];
    canvas.setPointerCapture(event.pointerId);
    point(dragged[0]);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (dragged) dragged[1] = timeOf(event);
    point(timeOf(event));
  });
  const release = () => {
    const [from, to] = [...(dragged ?? [0, 0])].sort((a, b) => a - b);
    dragged = null;
    if (to - from > (view.to - view.from) * 0.02) show(from, to);
    redraw();
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", () => {
    dragged = null;
    redraw();
  });
  canvas.addEventListener("dblclick", () => show(whole.from, whole.to));
  canvas.addEventListener("keydown", moveByKey);
  plots.push(plot);
  return plot;
}

function moveByKey(event) {
  const step = (view.to - view.from) / 200;
  const towards = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
  if (towards && event.shiftKey) pan(towards / 10);
  else if (towards) point((view.at ?? (view.from + view.to) / 2) + towards * step);
  else if (event.key === "+" || event.key === "=") zoom(0.5);
  else if (event.key === "-") zoom(2);
  else if (event.key === "0") show(whole.from, whole.to);
  else if (event.key === "Escape") point(null);
  else return;
  event.preventDefault();
}

/** The same range for all runs, so that they can be compared; a little wider than the values. */
function shared(ranges, floor = null) {
  let low = Math.min(...ranges.map((range) => range[0]));
  let high = Math.max(...ranges.map((range) => range[1]));
  if (!Number.isFinite(low) || !Number.isFinite(high)) return null;
  const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.02 || 1;
  if (floor === null || low < floor) low -= room;
  else low = floor;
  return [low, high + room];
}
