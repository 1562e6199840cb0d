//! Exact conversion of recorded prices and sizes.

use crate::error::{FeedError, Position};
use crate::record::Reason;
use downdraft_types::{Price, Qty};

/// How many units of the recording make a tick and a lot. A price between two ticks, or a size between two
/// lots, is never rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    tick: i64,
    lot: u64,
}

impl Steps {
    /// `tick` in the recording's price unit (LOBSTER: 1/10,000 dollar, so a cent is 100; DBN: 10⁻⁹ of the
    /// quote currency, so a quarter point is 250,000,000) and `lot` in its size unit (shares, contracts).
    ///
    /// # Errors
    /// Where either is not positive.
    pub fn new(tick: i64, lot: u64) -> Result<Self, FeedError> {
        let refused = |field, found: String| {
            Err(FeedError::malformed(Position::Setup, field, "a positive number of recorded units", found))
        };
        if tick <= 0 {
            return refused("tick size", tick.to_string());
        }
        if lot == 0 {
            return refused("lot size", lot.to_string());
        }
        Ok(Self { tick, lot })
    }

    pub(crate) const fn price(self, recorded: i64) -> Result<Price, Reason> {
        if recorded % self.tick == 0 { Ok(Price(recorded / self.tick)) } else { Err(Reason::OffTick) }
    }

    pub(crate) const fn qty(self, recorded: u64) -> Result<Qty, Reason> {
        match recorded {
            0 => Err(Reason::NoQuantity),
            _ if recorded.is_multiple_of(self.lot) => Ok(Qty(recorded / self.lot)),
            _ => Err(Reason::OffLot),
        }
    }
}
