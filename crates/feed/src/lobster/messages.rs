//! The message file.

use super::line::{Fields, Lines};
use crate::Source;
use crate::counts::Counts;
use crate::error::{FeedError, Position, quoted};
use crate::record::{Body, Reason, Record, TradingPhase};
use crate::steps::Steps;
use downdraft_types::{Price, Qty, Side, Time};
use std::io::BufRead;

/// Six fields of at most twenty characters, with room to spare.
const LONGEST_LINE: usize = 256;

/// Reads a message file row by row.
///
/// Record *n* is row *n* + 1, and every record is a complete event.
pub struct MessageReader<R> {
    lines: Lines<R>,
    steps: Steps,
    counts: Counts,
}

impl<R: BufRead> MessageReader<R> {
    /// Reads from plain text; [`crate::Input`] decompresses. `steps` in 1/10,000 dollar and shares.
    pub fn new(text: R, steps: Steps) -> Self {
        Self { lines: Lines::new(text, LONGEST_LINE), steps, counts: Counts::default() }
    }

    /// The row read last.
    #[must_use]
    pub const fn position(&self) -> Position {
        self.lines.position()
    }

    fn read(&mut self) -> Result<Option<Record>, FeedError> {
        let steps = self.steps;
        let Some(fields) = self.lines.next()? else {
            return Ok(None);
        };
        let row = Row::parse(fields)?;
        let record = Record {
            time: row.time,
            ordinal: self.lines.number() - 1,
            instrument: 0,
            end_of_event: true,
            snapshot: false,
            body: row.body(steps).unwrap_or_else(Body::Unusable),
        };
        self.counts.delivered(&record);
        self.counts.rounded_times += u64::from(row.rounded);
        Ok(Some(record))
    }
}

impl<R: BufRead> Iterator for MessageReader<R> {
    type Item = Result<Record, FeedError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().inspect_err(|_| self.lines.finish()).transpose()
    }
}

impl<R: BufRead> Source for MessageReader<R> {
    fn counts(&self) -> &Counts {
        &self.counts
    }
}

/// One row, checked but not yet converted.
struct Row {
    time: Time,
    rounded: bool,
    event: Event,
    size: u64,
    price: i64,
}

enum Event {
    Submit(u64, Side),
    Reduce(u64, Side),
    Delete(u64, Side),
    Execute(u64, Side),
    Hidden(Side),
    Cross,
    Phase(TradingPhase),
}

impl Row {
    fn parse(mut fields: Fields<'_>) -> Result<Self, FeedError> {
        let position = fields.position;
        let (time, rounded) = fields.time()?;
        let kind = fields.text("type")?;
        // Rows of the types without an order carry 0 or −1 for it.
        let order = fields.signed("order id")?;
        let size = fields.unsigned("size")?;
        let price = fields.signed("price")?;
        let direction = fields.signed("direction")?;
        fields.end()?;

        let side = || match direction {
            1 => Ok(Side::Buy),
            -1 => Ok(Side::Sell),
            other => Err(FeedError::malformed(position, "direction", "1 or -1", other.to_string())),
        };
        let named = || {
            u64::try_from(order)
                .map_err(|_| FeedError::malformed(position, "order id", "a number from 0", order.to_string()))
        };
        let event = match kind {
            b"1" => Event::Submit(named()?, side()?),
            b"2" => Event::Reduce(named()?, side()?),
            b"3" => Event::Delete(named()?, side()?),
            b"4" => Event::Execute(named()?, side()?),
            b"5" => Event::Hidden(side()?),
            b"6" => Event::Cross,
            b"7" => Event::Phase(match price {
                -1 => TradingPhase::Halted,
                0 => TradingPhase::Quoting,
                1 => TradingPhase::Trading,
                other => {
                    let expected = "-1 (halted), 0 (quoting) or 1 (trading)";
                    return Err(FeedError::malformed(position, "price of a type 7 row", expected, other.to_string()));
                }
            }),
            other => {
                return Err(FeedError::malformed(position, "type", "1 to 7", quoted(other)));
            }
        };
        Ok(Self { time, rounded, event, size, price })
    }

    fn body(&self, steps: Steps) -> Result<Body, Reason> {
        if let Event::Phase(phase) = self.event {
            return Ok(Body::Phase(phase));
        }
        let price: Price = steps.price(self.price)?;
        let qty: Qty = steps.qty(self.size)?;
        Ok(match self.event {
            Event::Submit(order, side) => Body::Add { order, side, price, qty },
            Event::Reduce(order, side) => Body::Reduce { order, side, price, by: qty },
            Event::Delete(order, side) => Body::Delete { order, side, price, qty },
            Event::Execute(order, side) => Body::Execute { order, side, price, qty },
            Event::Hidden(side) => Body::HiddenExecute { side: Some(side), price, qty },
            Event::Cross => Body::Cross { order: None, price, qty },
            Event::Phase(phase) => Body::Phase(phase),
        })
    }
}
