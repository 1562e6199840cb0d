// The data of the page: series decoded, and looked up by time.

const runs = JSON.parse(document.getElementById("data").textContent).runs;

/** Buckets of a series: when they begin and end, and their first, lowest, highest and last value. */
function decode(deltas, scale) {
  const buckets = [];
  let time = 0;
  let value = 0;
  for (let at = 0; at < deltas.length; at += 6) {
    const from = time + deltas[at];
    const to = from + deltas[at + 1];
    const first = value + deltas[at + 2];
    const last = first + deltas[at + 5];
    buckets.push({
      from,
      to,
      first: first * scale,
      low: (first - deltas[at + 3]) * scale,
      high: (first + deltas[at + 4]) * scale,
      last: last * scale,
    });
    time = to;
    value = last;
  }
  return buckets;
}

/** The last place whose key is at most `wanted`; -1 where there is none. */
function placeOf(length, key, wanted) {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(middle) <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The bucket that tells a series' value at a time; undefined before the first. */
function bucketAt(buckets, time) {
  return buckets[placeOf(buckets.length, (n) => buckets[n].from, time)];
}

/** A bucket in words. */
function told(bucket, time, print) {
  if (!bucket) return "none";
  if (time >= bucket.to || bucket.low === bucket.high) return print(bucket.last);
  return `${print(bucket.low)} to ${print(bucket.high)}`;
}

/** Lowest and highest value of a series between two times, what it was before included. */
function extent(buckets, from, to) {
  let low = Infinity;
  let high = -Infinity;
  const start = Math.max(placeOf(buckets.length, (n) => buckets[n].from, from), 0);
  for (let n = start; n < buckets.length && (n === start || buckets[n].from <= to); n++) {
    low = Math.min(low, buckets[n].low);
    high = Math.max(high, buckets[n].high);
  }
  return [low, high];
}

for (const run of runs) {
  for (const instrument of run.instruments) {
    for (const name of ["trades", "marks", "index"]) instrument[name] = decode(instrument[name], instrument.price);
    instrument.unit = (instrument.priced && run.currencies[instrument.currency]?.name) || "";
    instrument.printPrice = (price) => fixed(price, instrument.price_digits);
    instrument.printLots = (lots) => fixed(lots * instrument.lot, instrument.lot_digits);
  }
  for (const currency of run.currencies) currency.fund = decode(currency.fund, currency.unit);
  run.branching.children = decode(run.branching.children, 1 / run.branching.window);
}

/** The number of the frame that shows a time. */
function frameAt(instrument, time) {
  const times = instrument.frames.time;
  return Math.max(placeOf(times.length, (n) => times[n], time), 0);
}
