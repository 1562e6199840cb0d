// A moment: what would be forced on the way to each price, against what the book holds on that way.

/** The moment shown where none is pointed at: just before the cascade, else the middle. */
function presentMoment(run) {
  if (view.at !== null) return view.at;
  return run.cascade ? run.cascade[0] : (run.begin + run.end) / 2;
}

/** Running sums of cells on one side of a price, outwards: `[price, lots so far]`. */
function running(instrument, cell, mark, down) {
  const rows = [];
  for (let n = 0; n < cell.length; n += 2) rows.push([cell[n], cell[n + 1]]);
  rows.sort((a, b) => (down ? b[0] - a[0] : a[0] - b[0]));
  let sum = 0;
  const sums = [[mark, 0]];
  for (const [row, lots] of rows) {
    const price = (instrument.low + (row + (down ? 1 : 0)) * instrument.row) * instrument.price;
    if (down ? price - instrument.row * instrument.price > mark : price + instrument.row * instrument.price < mark) continue;
    sum += lots;
    sums.push([down ? Math.min(price, mark) : Math.max(price, mark), sum]);
  }
  return sums;
}

/** A figure whose axis is a price; `view.price` is what is pointed at. */
function momentChart(host, run) {
  const parts = figure(host, `Ladder against book, ${run.label}. Arrow keys point at a price.`, 280);
  const { canvas, text, legend } = parts;
  let price = null;
  let area = null;
  let range = [0, 1];
  const curves = () => {
    const instrument = chosen(run);
    if (!instrument || !instrument.frames.time.length) return null;
    const n = frameAt(instrument, presentMoment(run));
    const { frames } = instrument;
    const mark = frames.mark[n] * instrument.price;
    const of = (field, down) => running(instrument, frames[field][n], mark, down);
    return {
      instrument,
      mark,
      time: frames.time[n],
      forced: [of("ladder_longs", true), of("ladder_shorts", false)],
      held: [of("book_bids", true), of("book_asks", false)],
    };
  };
  const sumAt = (sums, wanted, down) => {
    let found = 0;
    for (const [at, sum] of sums) if (down ? at >= wanted : at <= wanted) found = sum;
    return found;
  };
  const plot = {
    draw() {
      const made = surface(parts);
      const { context } = made;
      area = made.area;
      const now = curves();
      if (!now) return nothing(context, area, "Nothing to see");
      const { instrument, mark, forced, held } = now;
      range = [instrument.low * instrument.price, (instrument.low + instrument.rows * instrument.row) * instrument.price];
      const peak = Math.max(...[...forced, ...held].map((sums) => sums[sums.length - 1][1])) * instrument.lot;
      const y = valueAxis(context, area, 0, peak * 1.05 || 1, instrument.name);
      const x = (at) => area.left + ((at - range[0]) / (range[1] - range[0])) * (area.right - area.left);
      priceAxis(context, area, x, range, instrument);
      within(context, area, () => {
        for (const [sums, colour, width] of [
          [held[0], palette().bids, 2],
          [held[1], palette().asks, 2],
          [forced[0], palette().longs, 2],
          [forced[1], palette().shorts, 2],
        ]) {
          steps(context, sums, x, (lots) => y(lots * instrument.lot), sums === held[0] || sums === forced[0] ? range[0] : range[1]);
          context.strokeStyle = colour;
          context.lineWidth = width;
          context.stroke();
        }
        context.fillStyle = palette().ink;
        context.fillRect(Math.round(x(mark)), area.top, 1, area.bottom - area.top);
        if (price !== null) {
          context.globalAlpha = 0.5;
          context.fillRect(Math.round(x(price)), area.top, 1, area.bottom - area.top);
          context.globalAlpha = 1;
        }
      });
      if (!peak) nothing(context, area, "Neither liquidations waiting nor orders in the book in this range");
      const when = `At ${moment(now.time, 1e10)}, mark ${instrument.printPrice(mark)}`;
      text.textContent = price === null ? when + ". Point at a price for its sums." : `${when}: ${read(now)}`;
    },
  };
  const read = ({ instrument, mark, forced, held }) => {
    const side = price < mark ? 0 : 1;
    const [waiting, resting] = [forced, held].map((sums) => sumAt(sums[side], price, side === 0));
    const way = side === 0 ? ["down to", "sold", "bid"] : ["up to", "bought back", "asked"];
    return `${way[0]} ${instrument.printPrice(price)}, ${instrument.printLots(waiting)} would be ${way[1]} and ${instrument.printLots(resting)} is ${way[2]} ${instrument.name}`;
  };
  const point = (wanted) => {
    price = wanted === null ? null : Math.min(Math.max(wanted, range[0]), range[1]);
    plot.draw();
  };
  canvas.addEventListener("pointermove", (event) => {
    if (!area) return;
    const part = (event.clientX - canvas.getBoundingClientRect().left - area.left) / (area.right - area.left);
    point(range[0] + part * (range[1] - range[0]));
  });
  canvas.addEventListener("keydown", (event) => {
    const towards = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (towards) point((price ?? (range[0] + range[1]) / 2) + (towards * (range[1] - range[0])) / 100);
    else if (event.key === "Escape") point(null);
    else return;
    event.preventDefault();
  });
  legend.append(
    legendLine("var(--longs)", "longs to be sold"),
    legendLine("var(--bids)", "bids"),
    legendLine("var(--shorts)", "shorts to be bought back"),
    legendLine("var(--asks)", "asks"),
    legendLine("var(--ink)", "mark"),
  );
  plots.push(plot);
}

function steps(context, sums, x, y, end) {
  context.beginPath();
  context.moveTo(x(sums[0][0]), y(0));
  for (let n = 1; n < sums.length; n++) {
    context.lineTo(x(sums[n][0]), y(sums[n - 1][1]));
    context.lineTo(x(sums[n][0]), y(sums[n][1]));
  }
  context.lineTo(x(end), y(sums[sums.length - 1][1]));
}

function priceAxis(context, area, x, range, instrument) {
  const { at, digits } = ticks(...range, Math.max(2, Math.floor((area.right - area.left) / 80)));
  context.textAlign = "center";
  context.textBaseline = "top";
  context.fillStyle = palette().muted;
  for (const price of at) {
    context.textAlign = x(price) > area.right - 24 ? "right" : "center";
    context.fillText(fixed(price, digits), x(price), area.bottom + 6);
  }
  context.textAlign = "right";
  context.fillText(instrument.unit, area.right, area.bottom + 18);
}
