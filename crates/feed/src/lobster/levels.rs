//! The order book file.

use super::line::{Fields, Lines};
use crate::error::{ErrorKind, FeedError, Position};
use crate::record::Reason;
use crate::steps::Steps;
use downdraft_types::{Price, Qty};
use std::io::BufRead;

/// More than a thousand levels of the widest numbers.
const LONGEST_LINE: usize = 96 * 1024;
/// What stands for the price of an ask level that does not exist; negative for a bid.
const NO_LEVEL: i64 = 9_999_999_999;

/// The book after one message: levels that exist, best first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LevelRow {
    /// Prices ascending.
    pub asks: Vec<(Price, Qty)>,
    /// Prices descending.
    pub bids: Vec<(Price, Qty)>,
}

/// Reads an order book file row by row.
pub struct LevelReader<R> {
    lines: Lines<R>,
    steps: Steps,
    levels: Option<usize>,
}

impl<R: BufRead> LevelReader<R> {
    /// Reads from plain text; [`crate::Input`] decompresses. `steps` in 1/10,000 dollar and shares.
    pub const fn new(text: R, steps: Steps) -> Self {
        Self { lines: Lines::new(text, LONGEST_LINE), steps, levels: None }
    }

    /// Levels of each side that a row has room for; known once the first row is read.
    #[must_use]
    pub const fn levels(&self) -> Option<usize> {
        self.levels
    }

    /// The row read last.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.lines.position()
    }

    /// Replaces `row` by the next one; `false` after the last. The row's vectors are reused.
    ///
    /// # Errors
    /// Where the row is damaged, has not the first row's number of levels, is not sorted from the best price,
    /// or has a price or size between two steps. The reader is then at its end.
    pub fn read_into(&mut self, row: &mut LevelRow) -> Result<bool, FeedError> {
        row.asks.clear();
        row.bids.clear();
        self.parse(row).inspect_err(|_| self.lines.finish())
    }

    fn parse(&mut self, row: &mut LevelRow) -> Result<bool, FeedError> {
        let (steps, expected) = (self.steps, self.levels);
        let Some(mut fields) = self.lines.next()? else {
            return Ok(false);
        };
        let position = fields.position;
        let mut found = 0;
        while !fields.is_empty() {
            row.asks.extend(level(&mut fields, steps, NO_LEVEL, ["ask price", "ask size"])?);
            row.bids.extend(level(&mut fields, steps, -NO_LEVEL, ["bid price", "bid size"])?);
            found += 1;
        }
        if let Some(expected) = expected.filter(|&expected| expected != found) {
            let kind = if found < expected { ErrorKind::Truncated } else { ErrorKind::Malformed };
            let wanted = format!("{expected} levels, as in the first row");
            return Err(FeedError::new(kind, position, "levels", wanted, found.to_string()));
        }
        let unsorted = |found: &(Price, Qty), field, expected| {
            Err(FeedError::malformed(position, field, expected, format!("{} ticks after a better level", found.0)))
        };
        if let Some(pair) = row.asks.windows(2).find(|pair| pair[0].0 >= pair[1].0) {
            return unsorted(&pair[1], "ask price", "ascending prices");
        }
        if let Some(pair) = row.bids.windows(2).find(|pair| pair[0].0 <= pair[1].0) {
            return unsorted(&pair[1], "bid price", "descending prices");
        }
        self.levels = Some(found);
        Ok(true)
    }
}

fn level(
    fields: &mut Fields<'_>,
    steps: Steps,
    none: i64,
    [price_field, size_field]: [&'static str; 2],
) -> Result<Option<(Price, Qty)>, FeedError> {
    let position = fields.position;
    let price = fields.signed(price_field)?;
    let size = fields.unsigned(size_field)?;
    if price == none && size == 0 {
        return Ok(None);
    }
    let refused = |field, reason: Reason, found: String| {
        let expected = match reason {
            Reason::OffTick => "a whole number of ticks",
            Reason::OffLot => "a whole number of lots",
            _ => "a size above zero",
        };
        FeedError::malformed(position, field, expected, found)
    };
    let ticks = steps.price(price).map_err(|reason| refused(price_field, reason, price.to_string()))?;
    let lots = steps.qty(size).map_err(|reason| refused(size_field, reason, size.to_string()))?;
    Ok(Some((ticks, lots)))
}
