// Maps of price × time × quantity: what waits on the ladder, and what rests in the book.

/** How far below the strongest quantity small ones are told apart. */
const CONTRAST = 40;

/** How strong a quantity shows, 0 to 1: by its logarithm, so that small ones next to large ones are seen. */
function strength(lots, peak) {
  return Math.min(Math.log1p((lots / peak) * CONTRAST) / Math.log1p(CONTRAST), 1);
}

/** The quantity that shows with a strength. */
function lotsOf(strong, peak) {
  return (peak / CONTRAST) * Math.expm1(strong * Math.log1p(CONTRAST));
}

/** Quantity per price of a lot in a row: rows of two runs may differ in height. */
const density = (instrument) => instrument.lot / (instrument.row * instrument.price);

/**
 * The quantity per price that shows strongest, in all runs: one cell in thirty may hold more, so that a few large
 * orders do not set the scale.
 */
function peakOf(fields) {
  const all = [];
  for (const instrument of runs.map(chosen).filter(Boolean)) {
    const each = density(instrument);
    for (const field of fields) {
      for (const cell of instrument.frames[field]) for (let n = 1; n < cell.length; n += 2) all.push(cell[n] * each);
    }
  }
  all.sort((a, b) => a - b);
  const peak = all[Math.floor((all.length - 1) * 0.97)] ?? 0;
  return { peak, larger: all.length > 0 && all[all.length - 1] > peak };
}

/** The quantity of a row in cells `row, lots, row, lots …`. */
function lotsAt(cell, row) {
  for (let n = 0; n < cell.length; n += 2) if (cell[n] === row) return cell[n + 1];
  return 0;
}

/** A map of two kinds of cells, each with its colour: `kinds` are `[frames' field, colour, name]`. */
function mapChart(host, run, title, kinds, empty) {
  const peaks = [];
  const cached = { key: "", canvas: document.createElement("canvas") };
  const plot = timePlot(
    host,
    `${title}, ${run.label}`,
    380,
    (context, area, x) => {
      const instrument = chosen(run);
      if (!instrument || !instrument.frames.time.length) return nothing(context, area, "Nothing to see");
      const all = runs.map(chosen).filter((other) => other && other.frames.time.length);
      const low = Math.min(...all.map((other) => other.low * other.price));
      const high = Math.max(...all.map((other) => (other.low + other.rows * other.row) * other.price));
      const y = valueAxis(context, area, low, high, instrument.unit);
      const { peak, larger } = (peaks[view.instrument] ??= peakOf(kinds.map(([field]) => field)));
      legend(peak, larger, instrument);
      if (peak === 0) nothing(context, area, empty);
      else context.drawImage(cells(context, area, x, y, instrument, peak), 0, 0, context.canvas.clientWidth, plot.height);
      within(context, area, () => {
        halts(context, { ...area, bottom: area.top + 8 }, x, instrument, run);
        const colour = palette();
        line(context, instrument.marks, x, y, run.end, { colour: colour.ink, width: 1.4, halo: colour.surface });
      });
    },
    (time) => {
      const instrument = chosen(run);
      if (!instrument || !instrument.frames.time.length) return "nothing";
      const { frames } = instrument;
      const n = frameAt(instrument, time);
      const totals = kinds.map(([, , name, total]) => `${name} ${instrument.printLots(frames[total][n])}`);
      return `mark ${instrument.printPrice(frames.mark[n] * instrument.price)}; in all ${totals.join(", ")} ${instrument.name}`;
    },
  );
  plot.legend.classList.add("wide");

  /** The cells, painted once for a range, a size and a scheme of colours. */
  function cells(context, area, x, y, instrument, peak) {
    const { canvas } = context;
    const key = [view.from, view.to, view.instrument, canvas.width, canvas.height, palette().surface].join();
    if (cached.key === key) return cached.canvas;
    cached.key = key;
    cached.canvas.width = canvas.width;
    cached.canvas.height = canvas.height;
    const paint = cached.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { frames } = instrument;
    const each = density(instrument);
    const edge = (row) => Math.round(y((instrument.low + row * instrument.row) * instrument.price));
    const edges = Array.from({ length: instrument.rows + 1 }, (_, row) => edge(row));
    within(paint, area, () => {
      for (const [field, name] of kinds) {
        const colour = palette()[name];
        for (let n = 0; n < frames.time.length; n++) {
          const next = frames.time[n + 1] ?? run.end;
          if (next < view.from || (n && frames.time[n] > view.to)) continue;
          // Of frames on one pixel the last is seen: painting both would add them up.
          // Before the first frame was the set-up, whose end it shows.
          const left = Math.floor(x(n ? frames.time[n] : run.begin));
          const right = Math.floor(x(next));
          if (right <= left) continue;
          const cell = frames[field][n];
          for (let place = 0; place < cell.length; place += 2) {
            const row = cell[place];
            paint.fillStyle = faded(colour, 0.06 + 0.94 * strength(cell[place + 1] * each, peak));
            paint.fillRect(left, edges[row + 1], right - left, Math.max(edges[row] - edges[row + 1], 1));
          }
        }
      }
    });
    return cached.canvas;
  }

  function legend(peak, larger, instrument) {
    const key = `${peak} ${instrument.name}`;
    if (plot.legend.dataset.key === key) return;
    plot.legend.dataset.key = key;
    const step = instrument.printPrice(instrument.row * instrument.price);
    const marks = [0, 0.5, 1].map((strong) => compact((lotsOf(strong, peak) / density(instrument)) * instrument.lot));
    plot.legend.replaceChildren(
      ...kinds.map(([, colour, name]) =>
        element(
          "span",
          { class: "ramp" },
          name,
          element("i", { style: `background:linear-gradient(90deg, transparent, var(--${colour}))` }),
        ),
      ),
      element("span", {}, peak ? `${marks.join(" · ")}${larger ? " and more" : ""} ${instrument.name} per ${step} ${instrument.unit}`.trimEnd() : ""),
      legendLine("var(--ink)", "mark"),
    );
  }
}

function ladderChart(host, run) {
  mapChart(
    host,
    run,
    "Liquidation heat map",
    [
      ["ladder_longs", "longs", "longs to be sold", "longs"],
      ["ladder_shorts", "shorts", "shorts to be bought back", "shorts"],
    ],
    "No position has a liquidation price in this range",
  );
}

function bookChart(host, run) {
  mapChart(
    host,
    run,
    "Depth of the book",
    [
      ["book_bids", "bids", "bids", "bids"],
      ["book_asks", "asks", "asks", "asks"],
    ],
    "Nothing rests in the book in this range",
  );
}
