// Charts over time: price, fund, open interest, branching ratio, readings of ladder and book, marks together.

const chosen = (run) => run.instruments[view.instrument];

/** Ranges of the chosen instrument over all runs, for one scale. */
function priceRange() {
  return shared(
    runs.map(chosen).filter(Boolean).flatMap((instrument) =>
      [instrument.trades, instrument.marks].map((series) => extent(series, view.from, view.to)),
    ),
  );
}

function priceChart(host, run) {
  const strip = 56;
  const plot = timePlot(
    host,
    `Price, ${run.label}`,
    360,
    (context, area, x) => {
      const instrument = chosen(run);
      const range = priceRange();
      if (!instrument || !range) return nothing(context, area, "Nothing traded, and no mark was set");
      const upper = { ...area, bottom: area.bottom - strip - 10 };
      const lower = { ...area, top: area.bottom - strip };
      const y = valueAxis(context, upper, ...range, instrument.unit);
      within(context, { ...area }, () => {
        halts(context, area, x, instrument, run);
        const colour = palette();
        line(context, instrument.index, x, y, run.end, { colour: colour.third, dash: [5, 4] });
        line(context, instrument.trades, x, y, run.end, { colour: colour.second, width: 1 });
        line(context, instrument.marks, x, y, run.end, { colour: colour.first, width: 1.75 });
      });
      liquidationBars(context, lower, x, instrument);
    },
    (time) => {
      const instrument = chosen(run);
      if (!instrument) return "not traded in this run";
      const at = (series) => told(bucketAt(series, time), time, instrument.printPrice);
      const parts = [`last ${at(instrument.trades)}`, `mark ${at(instrument.marks)}`];
      if (instrument.index.length) parts.push(`index ${at(instrument.index)}`);
      const halted = instrument.halts.some(([from, to]) => time >= from && (to === null || time < to));
      const group = instrument.liquidations;
      const place = placeOf(group.from.length, (n) => group.from[n], time);
      const triggered = place < 0 ? 0 : group.count.slice(0, place + 1).reduce((sum, n) => sum + n, 0);
      parts.push(`${fixed(triggered)} liquidations so far`);
      return parts.join(", ") + (halted ? ", halted" : "");
    },
  );
  if (run.instruments.length === 1) plot.legend.append(element("b", {}, run.instruments[0].name));
  plot.legend.append(legendLine("var(--second)", "last trade"), legendLine("var(--first)", "mark"));
  if (run.instruments.some((instrument) => instrument.index.length)) {
    plot.legend.append(legendLine("var(--third)", "index", true));
  }
  if (run.instruments.some((instrument) => instrument.halts.length)) {
    plot.legend.append(element("span", { class: "key" }, element("i", { class: "band" }), "halted"));
  }
  plot.legend.append(element("span", { class: "key" }, element("i", { class: "column" }), "liquidated"));
}

/** When trading was halted: shaded, and hatched at its edges so that a short one shows. */
function halts(context, area, x, instrument, run) {
  for (const [from, to] of instrument.halts) {
    const left = x(from);
    const right = x(to ?? run.end);
    context.fillStyle = faded(palette().halt, 0.22);
    context.fillRect(left, area.top, Math.max(right - left, 2), area.bottom - area.top);
    context.fillStyle = palette().halt;
    context.fillRect(left, area.top, 1, area.bottom - area.top);
  }
}

/** What the liquidations triggered in each few pixels closed. */
function liquidationBars(context, area, x, instrument) {
  const wide = 3;
  const sums = new Map();
  const { from, to, lots } = instrument.liquidations;
  for (let n = 0; n < from.length; n++) {
    const place = Math.floor(x((from[n] + to[n]) / 2) / wide);
    if (place * wide >= area.left - wide && place * wide <= area.right) sums.set(place, (sums.get(place) ?? 0) + lots[n]);
  }
  const most = Math.max(...sums.values(), 0);
  context.fillStyle = palette().axis;
  context.fillRect(area.left, area.bottom, area.right - area.left, 1);
  if (most === 0) {
    const none = from.length ? "No liquidation of a position in this range" : "No liquidations";
    return nothing(context, area, none);
  }
  context.fillStyle = palette().forced;
  for (const [place, sum] of sums) {
    const high = Math.max((sum / most) * (area.bottom - area.top), 1.5);
    context.fillRect(Math.max(place * wide, area.left), area.bottom - high, wide - 0.5, high);
  }
  context.fillStyle = palette().muted;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText(compact(most * instrument.lot), area.left - 6, area.top + 4);
  context.fillText("0", area.left - 6, area.bottom - 4);
}

function fundChart(host, run) {
  for (const [number, currency] of run.currencies.entries()) {
    const print = (value) => fixed(value, 0);
    timePlot(
      host,
      `Insurance fund in ${currency.name}, ${run.label}`,
      200,
      (context, area, x) => {
        const ranges = runs.map((other) => other.currencies[number]).filter(Boolean);
        const range = shared(ranges.map((other) => extent(other.fund, view.from, view.to)), 0);
        if (!range) return nothing(context, area, "No fund");
        const y = valueAxis(context, area, ...range, currency.name);
        within(context, area, () => line(context, currency.fund, x, y, run.end, { colour: palette().fund, width: 2 }));
      },
      (time) => `${told(bucketAt(currency.fund, time), time, print)} ${currency.name}`,
    );
  }
}

/** Frames as a series: each stands until the next. */
function framed(instrument, values) {
  return instrument.frames.time.map((time, n) => {
    const value = values[n];
    return { from: time, to: time, first: value, low: value, high: value, last: value };
  });
}

function interestChart(host, run) {
  const series = run.instruments.map((instrument) =>
    framed(instrument, instrument.frames.open_interest.map((lots) => lots * instrument.lot)),
  );
  run.interest = series;
  timePlot(
    host,
    `Open interest, ${run.label}`,
    200,
    (context, area, x) => {
      const instrument = chosen(run);
      const all = runs.map((other) => other.interest?.[view.instrument]).filter(Boolean);
      const range = shared(all.map((other) => extent(other, view.from, view.to)), 0);
      if (!instrument || !range) return nothing(context, area, "No positions");
      const y = valueAxis(context, area, ...range, instrument.name);
      const style = { colour: palette().first, width: 2 };
      within(context, area, () => line(context, series[view.instrument], x, y, run.end, style));
    },
    (time) => {
      const instrument = chosen(run);
      const bucket = series[view.instrument] && bucketAt(series[view.instrument], time);
      return bucket ? `${fixed(bucket.last, instrument.lot_digits)} ${instrument.name}` : "none";
    },
  );
}

function branchingChart(host, run) {
  const { window, children } = run.branching;
  const all = run.generations.reduce((sum, n) => sum + n, 0);
  timePlot(
    host,
    `Branching ratio, ${run.label}`,
    200,
    (context, area, x) => {
      if (!children.length) {
        return nothing(context, area, all ? `Only ${all} liquidations, fewer than ${window}` : "No liquidations");
      }
      const y = valueAxis(context, area, 0, 1.05, `of the last ${window}`);
      within(context, area, () => line(context, children, x, y, 0, { colour: palette().forced, width: 2 }));
    },
    (time) => {
      const bucket = bucketAt(children, time);
      return bucket ? `${told(bucket, time, (value) => fixed(value, 2))} of the last ${window}` : `fewer than ${window} yet`;
    },
  );
}

/** Values at the moments of the readings as lines: a value stands until the next moment, and none leaves a gap. */
function readingLines(instrument, values, end) {
  const { time } = instrument.readings;
  const lines = [];
  let open = null;
  for (let n = 0; n < time.length; n++) {
    const value = values[n];
    if (value === null) {
      if (open) open.end = time[n];
      open = null;
      continue;
    }
    if (!open) lines.push((open = { buckets: [], end }));
    open.buckets.push({ from: time[n], to: time[n], first: value, low: value, high: value, last: value });
  }
  return lines;
}

/** The greatest value of some readings in the range shown. */
function readingPeak(instrument, lists) {
  const { time } = instrument.readings;
  let peak = 0;
  for (const list of lists) {
    for (let n = 0; n < time.length; n++) {
      const last = n + 1 === time.length ? view.to : time[n + 1];
      if (list[n] !== null && last >= view.from && time[n] <= view.to) peak = Math.max(peak, list[n]);
    }
  }
  return peak;
}

/**
 * A chart of readings: `kinds` are the lists drawn of each direction, the second of them dashed. Values above `most`
 * are drawn at the top; `rule` is a value that means something.
 */
function readingChart(host, run, { label, unit, kinds, most, rule, digits, words }) {
  const sides = (instrument) => kinds.flatMap((kind) => instrument.readings[kind]);
  const plot = timePlot(
    host,
    `${label}, ${run.label}`,
    220,
    (context, area, x) => {
      const instrument = chosen(run);
      const shown = runs.map(chosen).filter(Boolean);
      const peak = Math.max(...shown.map((other) => readingPeak(other, sides(other))), 0);
      if (!instrument || !sides(instrument).some((list) => list.some((value) => value !== null))) {
        return nothing(context, area, "Never two positions and a book to read it from");
      }
      const top = Math.min(Math.max(peak * 1.06, rule * 1.5 || 0.1), most);
      const y = valueAxis(context, area, 0, top, unit);
      const at = (value) => y(Math.min(value, top));
      if (rule) {
        context.fillStyle = palette().ink;
        context.fillRect(area.left, Math.round(y(rule)), area.right - area.left, 1);
      }
      within(context, area, () => {
        for (const [place, colour] of [[1, palette().shorts], [0, palette().longs]]) {
          kinds.forEach((kind, n) => {
            for (const { buckets, end } of readingLines(instrument, instrument.readings[kind][place], run.end)) {
              line(context, buckets, x, at, end, n ? { colour, width: 1, dash: [4, 3] } : { colour, width: 1.75 });
            }
          });
        }
      });
    },
    (time) => {
      const instrument = chosen(run);
      if (!instrument) return "not traded in this run";
      const { readings } = instrument;
      const n = placeOf(readings.time.length, (place) => readings.time[place], time);
      const tell = (place) => kinds.map((kind, k) => `${words[k]} ${fixed(readings[kind][place][n] ?? null, digits)}`).join(", ");
      return n < 0 ? "none yet" : `falling: ${tell(0)}; rising: ${tell(1)}`;
    },
  );
  for (const [place, name] of [["longs", "falling"], ["shorts", "rising"]]) {
    kinds.forEach((_, k) => plot.legend.append(legendLine(`var(--${place})`, `${name}: ${words[k]}`, k > 0)));
  }
}

function recursionChart(host, run) {
  readingChart(host, run, {
    label: "Recursion condition",
    unit: "next ones set off",
    kinds: ["recursion", "expected"],
    most: 5,
    rule: 1,
    digits: 2,
    words: ["recursion", "expected branching"],
  });
}

function reachChart(host, run) {
  readingChart(host, run, {
    label: "How far a cascade would run",
    unit: "% from the mark",
    kinds: ["run", "nearest"],
    most: 100,
    rule: 0,
    digits: 2,
    words: ["end of the run", "nearest trigger"],
  });
}

function overlayChart(host) {
  const series = (run) => chosen(run)?.marks ?? [];
  const change = (run, price) => (price / series(run)[0].first - 1) * 100;
  const plot = timePlot(
    host,
    "Marks of all runs together",
    300,
    (context, area, x) => {
      const some = runs.filter((run) => series(run).length);
      const ranges = some.map((run) => extent(series(run), view.from, view.to).map((price) => change(run, price)));
      const range = shared(ranges);
      if (!range) return nothing(context, area, "No marks");
      const y = valueAxis(context, area, ...range, "% since start");
      within(context, area, () => {
        for (const run of some) {
          const colour = palette()["run" + (runs.indexOf(run) % 6)];
          line(context, series(run), x, (price) => y(change(run, price)), run.end, { colour, width: 1.75 });
        }
      });
    },
    (time) =>
      runs
        .filter((run) => series(run).length)
        .map((run) => `${run.label} ${told(bucketAt(series(run), time), time, (p) => fixed(change(run, p), 2))} %`)
        .join(", "),
  );
  for (const [number, run] of runs.entries()) plot.legend.append(legendLine(`var(--run${number % 6})`, run.label));
}
