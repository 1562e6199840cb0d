//! How fast a recorded book refills after a sweep, by the same rule that measures it in a run: to calibrate background
//! flow to a recording.
//!
//! A venue's sweep is one command; a recording has its executions one by one. Those of one side at one time, one after
//! another, are taken for one sweep. Only displayed orders count. What rested before a recording began is known as far
//! as its first order book row shows it, or its opening snapshot. A crossed book, as before an opening auction, is not
//! looked at.

use crate::decimal::Decimal;
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{Body, FeedError, Input, Record, Steps, lobster, mbo};
use downdraft_insight::metrics::Resilience;
use downdraft_types::{Price, Qty, Side, Span, Time};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A recording's format, with what belongs to it alone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecordingFormat {
    /// LOBSTER messages, and perhaps their order book file.
    Lobster {
        /// Its first row is what rested before.
        book: Option<PathBuf>,
    },
    /// CME market-by-order, of one of its instruments.
    Dbn {
        /// Which, where the file has several.
        instrument: Option<u32>,
    },
}

/// What a recording says of its book's resilience.
#[derive(Clone, Debug, Default)]
pub struct RecordedResilience {
    /// Records read.
    pub records: u64,
    /// From the first record to the last.
    pub length: Span,
    /// Bids, then asks.
    pub sides: [Resilience; 2],
}

/// Reads a recording to its end. `tick` and `lot` are in the recording's units of money and size.
///
/// # Errors
/// What is wrong, and where: a file that cannot be read or is damaged, a tick or lot that does not fit the format.
pub fn recorded_resilience(
    path: &Path,
    format: &RecordingFormat,
    tick: &str,
    lot: &str,
) -> Result<RecordedResilience, String> {
    let named = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let decimals = match format {
        RecordingFormat::Lobster { .. } => lobster::PRICE_DECIMALS,
        RecordingFormat::Dbn { .. } => mbo::PRICE_DECIMALS,
    };
    let steps = steps(tick, lot, decimals)?;
    let input = open(path)?;
    match format {
        RecordingFormat::Lobster { book } => {
            let mut row = LevelRow::default();
            if let Some(book) = book {
                LevelReader::new(open(book)?, steps).read_into(&mut row).map_err(|error| named(book, &error))?;
            }
            measure(&row, MessageReader::new(input, steps)).map_err(|error| named(path, &error))
        }
        RecordingFormat::Dbn { instrument } => {
            let records = MboReader::new(input, steps, *instrument).map_err(|error| named(path, &error))?;
            measure(&LevelRow::default(), records).map_err(|error| named(path, &error))
        }
    }
}

fn open(path: &Path) -> Result<Input<File>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Input::new(file).map_err(|error| format!("{}: {error}", path.display()))
}

/// Tick and lot in the recording's units: prices × 10^`decimals`, whole sizes.
fn steps(tick: &str, lot: &str, decimals: u32) -> Result<Steps, String> {
    let unit = Decimal::new(1, decimals);
    let count = |text: &str, unit: Decimal| Decimal::parse(text).ok()?.count(unit).ok().filter(|count| *count > 0);
    let ticks = count(tick, unit).and_then(|count| i64::try_from(count).ok());
    let lots = count(lot, Decimal::ONE).and_then(|count| u64::try_from(count).ok());
    let ticks = ticks.ok_or_else(|| format!("--tick: found {tick}, expected a multiple of the recording's {unit}"))?;
    let lots = lots.ok_or_else(|| format!("--lot: found {lot}, expected a whole number of shares or contracts"))?;
    Steps::new(ticks, lots).map_err(|error| error.to_string())
}

/// Measures records one after another, the book beginning with `row`.
///
/// # Errors
/// Where the recording is damaged.
pub fn measure(
    row: &LevelRow,
    records: impl Iterator<Item = Result<Record, FeedError>>,
) -> Result<RecordedResilience, FeedError> {
    let mut meter = Meter::default();
    for (side, levels) in [(Side::Buy, &row.bids), (Side::Sell, &row.asks)] {
        levels.iter().for_each(|(price, qty)| meter.book.change(side, *price, |lots| lots.saturating_add(qty.0)));
    }
    let mut first = None;
    for record in records {
        let record = record?;
        let since = record.time.since(*first.get_or_insert(record.time));
        meter.found.length = meter.found.length.max(since);
        meter.found.records += 1;
        meter.record(&record);
    }
    meter.end_of_sweep();
    Ok(meter.found)
}

/// Displayed lots by price, and the orders that the recording named.
#[derive(Default)]
struct Levels {
    orders: BTreeMap<u64, (Side, Price, Qty)>,
    lots: [BTreeMap<Price, u64>; 2],
}

impl Levels {
    fn change(&mut self, side: Side, price: Price, to: impl Fn(u64) -> u64) {
        let lots = &mut self.lots[side as usize];
        match to(lots.get(&price).copied().unwrap_or(0)) {
            0 => drop(lots.remove(&price)),
            left => drop(lots.insert(price, left)),
        }
    }

    fn add(&mut self, order: u64, side: Side, price: Price, qty: Qty) {
        self.remove(order);
        self.orders.insert(order, (side, price, qty));
        self.change(side, price, |lots| lots.saturating_add(qty.0));
    }

    fn remove(&mut self, order: u64) {
        if let Some((side, price, qty)) = self.orders.remove(&order) {
            self.change(side, price, |lots| lots.saturating_sub(qty.0));
        }
    }

    /// Takes lots off an order; of one that was never named, off the level that the record says it is at.
    fn reduce(&mut self, order: u64, (side, price): (Side, Price), by: Qty) {
        match self.orders.get(&order).copied() {
            None => self.change(side, price, |lots| lots.saturating_sub(by.0)),
            Some((side, price, qty)) if by < qty => {
                self.orders.insert(order, (side, price, qty - by));
                self.change(side, price, |lots| lots.saturating_sub(by.0));
            }
            Some(_) => self.remove(order),
        }
    }

    fn best(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.lots[0].last_key_value().map(|(price, _)| *price),
            Side::Sell => self.lots[1].first_key_value().map(|(price, _)| *price),
        }
    }

    fn is_crossed(&self) -> bool {
        self.best(Side::Buy).zip(self.best(Side::Sell)).is_some_and(|(bid, ask)| bid >= ask)
    }
}

/// Executions of one side at one time.
#[derive(Clone, Copy)]
struct Take {
    time: Time,
    side: Side,
    first: Price,
    last: Price,
}

#[derive(Default)]
struct Meter {
    book: Levels,
    take: Option<Take>,
    found: RecordedResilience,
}

impl Meter {
    fn record(&mut self, record: &Record) {
        let execution = self.execution(&record.body);
        let goes_on = |take: &Take| take.time == record.time && execution.is_none_or(|(side, _)| side == take.side);
        if self.take.is_some_and(|take| !goes_on(&take)) {
            self.end_of_sweep();
        }
        if let Some((side, price)) = execution.filter(|_| !self.book.is_crossed()) {
            let first = self.take.map_or(price, |take| take.first);
            self.take = Some(Take { time: record.time, side, first, last: price });
        }
        self.apply(&record.body);
        if self.take.is_none() && record.end_of_event && !record.snapshot {
            self.quote(record.time);
        }
    }

    /// The side and price of the resting order that a record executes.
    fn execution(&self, body: &Body) -> Option<(Side, Price)> {
        match *body {
            Body::Execute { side, price, .. } => Some((side, price)),
            // A fill's price may be better than its order's, whose level is what is taken.
            Body::Fill { order, side, price, .. } => {
                Some((side, self.book.orders.get(&order).map_or(price, |(_, price, _)| *price)))
            }
            _ => None,
        }
    }

    fn apply(&mut self, body: &Body) {
        match *body {
            Body::Add { order, side, price, qty } | Body::Modify { order, side, price, qty } => {
                self.book.add(order, side, price, qty);
            }
            Body::Reduce { order, side, price, by } => self.book.reduce(order, (side, price), by),
            Body::Delete { order, side, price, qty } | Body::Execute { order, side, price, qty } => {
                self.book.reduce(order, (side, price), qty);
            }
            Body::Clear => self.book = Levels::default(),
            _ => {}
        }
    }

    fn end_of_sweep(&mut self) {
        let Some(Take { time, side, first, last }) = self.take.take() else { return };
        self.found.sides[side as usize].taken(side, time, first, last);
        self.quote(time);
    }

    fn quote(&mut self, time: Time) {
        if !self.book.is_crossed() {
            for side in Side::BOTH {
                self.found.sides[side as usize].quoted(side, time, self.book.best(side));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: [(i64, u64); 3] = [(100, 5), (98, 5), (95, 5)];

    /// Bids of five lots at 100, 98 and 95 in cents, orders 1 to 3, and then these messages.
    fn lobster(messages: &str) -> RecordedResilience {
        let mut text: String =
            (1..).zip(BOOK).map(|(id, (price, lots))| format!("1,1,{id},{lots},{},1\n", price * 100)).collect();
        text += messages;
        measure(&LevelRow::default(), MessageReader::new(text.as_bytes(), Steps::new(100, 1).unwrap())).unwrap()
    }

    #[test]
    fn a_sweep_of_several_executions_is_one() {
        // Sold 12 into three levels at 2 s: from 100 to 95. At 3 s there is a bid at 97, not half the way back; half of
        // it at 2.5 s after the sweep, at 98; all of it at 6 s.
        let found = lobster(
            "2,4,1,5,10000,1\n2,4,2,5,9800,1\n2,4,3,2,9500,1\n\
             3,1,4,1,9700,1\n4.5,1,5,1,9800,1\n6,1,6,1,10000,1\n",
        );
        let [bids, asks] = &found.sides;
        assert_eq!((bids.sweeps, bids.refilled(), asks.sweeps), (1, Some(1.0), 0));
        assert_eq!((bids.half.max(), bids.full.max()), (Some(Span(2_500_000_000)), Some(Span(4_000_000_000))));
        assert_eq!((found.records, found.length), (9, Span(5_000_000_000)));
        assert!((bids.recovery_rate().unwrap() - core::f64::consts::LN_2 / 2.5).abs() < 0.01 * 0.3);
    }

    #[test]
    fn executions_at_other_times_are_no_sweep() {
        let found = lobster("2,4,1,5,10000,1\n2.000000001,4,2,5,9800,1\n5,1,4,1,10000,1\n");
        assert_eq!(found.sides[0].sweeps, 0);
        assert_eq!(found.sides[0].recovery_rate(), None);
    }

    #[test]
    fn orders_that_were_never_named_are_those_of_the_row() {
        let row = LevelRow { bids: BOOK.map(|(price, lots)| (Price(price), Qty(lots))).to_vec(), asks: Vec::new() };
        let text = "2,4,71,5,10000,1\n2,4,72,1,9800,1\n3,1,4,1,9900,1\n";
        let found = measure(&row, MessageReader::new(text.as_bytes(), Steps::new(100, 1).unwrap())).unwrap();
        // From 100 to 98; at 99 half the way is made up.
        assert_eq!((found.sides[0].half.max(), found.sides[0].full.count()), (Some(Span(1_000_000_000)), 0));
    }

    #[test]
    fn ticks_that_do_not_fit_are_refused() {
        assert!(steps("0.01", "1", 4).is_ok());
        for (tick, lot, part) in
            [("0.00001", "1", "--tick"), ("0", "1", "--tick"), ("0.01", "0.5", "--lot"), ("x", "1", "x")]
        {
            assert!(steps(tick, lot, 4).unwrap_err().contains(part), "{tick} {lot}");
        }
    }
}
