//! A position: its size, the *sum* of what it cost, and what its account has on order.
//!
//! No average price is kept. A long of 10 bought at 100 and 5 at 110 has size 15 and cost 1550; a short's size
//! and cost are negative. Unrealised profit is `size × mark × point value − cost`, exactly.

use crate::instrument::Instrument;
use crate::pool::{MarginMode, PoolState};
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, InstrumentId, Lots, Money, Ppm, Qty, Side};

/// Orders of one account resting on one side.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct OpenOrders {
    /// Their open quantity; reduce-only orders do not count.
    pub qty: Qty,
    /// Its absolute value at their limits.
    pub value: Money,
}

/// One account's position in one instrument; flat ones stay, to remember mode and leverage.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Position {
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) size: Lots,
    pub(crate) cost: Money,
    pub(crate) mode: MarginMode,
    pub(crate) initial: Option<Ppm>,
    pub(crate) orders: [OpenOrders; 2],
    /// Marks at which its pool is looked at again, by [`Side`] as in the ladder: one that falls this far, and one that
    /// rises this far.
    pub(crate) triggers: [Option<i64>; 2],
    /// Where the position's own pool stands, if it is isolated.
    pub(crate) state: PoolState,
}

/// What a trade did to a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Change {
    /// Lots of the old position that were closed.
    pub closed: Qty,
    /// Lots newly opened.
    pub opened: Qty,
    /// Value of what was opened.
    pub opened_value: Money,
    /// Profit (loss) realised on what was closed.
    pub realised: Money,
}

impl Position {
    pub(crate) fn new(account: AccountId, instrument: InstrumentId) -> Self {
        Self {
            account,
            instrument,
            size: Lots::ZERO,
            cost: Money::ZERO,
            mode: MarginMode::Cross,
            initial: None,
            orders: [OpenOrders::default(); 2],
            triggers: [None; 2],
            state: PoolState::Sound,
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// In what.
    #[must_use]
    pub const fn instrument(&self) -> InstrumentId {
        self.instrument
    }

    /// Signed size.
    #[must_use]
    pub const fn size(&self) -> Lots {
        self.size
    }

    /// Signed sum of the open cost.
    #[must_use]
    pub const fn cost(&self) -> Money {
        self.cost
    }

    /// Cross or isolated.
    #[must_use]
    pub const fn mode(&self) -> MarginMode {
        self.mode
    }

    /// Orders resting on `side`, reduce-only ones apart.
    #[must_use]
    pub const fn open_orders(&self, side: Side) -> OpenOrders {
        self.orders[side as usize]
    }

    /// Unrealised profit and loss at the instrument's mark.
    #[inline]
    #[must_use]
    pub fn unrealised(&self, instrument: &Instrument) -> Money {
        instrument.value_at(self.size, instrument.mark) - self.cost
    }

    /// Maintenance margin × 10^6 at the instrument's mark.
    #[inline]
    #[must_use]
    pub fn maintenance_e6(&self, instrument: &Instrument) -> i128 {
        match instrument.spec.maintenance_basis {
            _ if self.size.is_zero() => 0,
            crate::MaintenanceBasis::Mark => {
                instrument.maintenance_e6(self.size, instrument.value_at(self.size, instrument.mark).abs())
            }
            crate::MaintenanceBasis::Entry => instrument.maintenance_e6(self.size, self.cost.abs()),
        }
    }

    /// The larger notional of holding all buys filled, or all sells: what initial margin is asked for.
    #[must_use]
    pub(crate) fn exposure(&self, instrument: &Instrument) -> Money {
        let held = Money(instrument.value_at(self.size, instrument.mark).abs().0 * i128::from(self.size.0.signum()));
        let long = held + self.orders[Side::Buy as usize].value;
        let short = self.orders[Side::Sell as usize].value - held;
        long.max(short).max(Money::ZERO)
    }

    /// The largest size that the position and its open orders could reach.
    pub(crate) fn largest(&self) -> i128 {
        let size = i128::from(self.size.0);
        let long = size + i128::from(self.orders[Side::Buy as usize].qty.0);
        let short = i128::from(self.orders[Side::Sell as usize].qty.0) - size;
        long.max(short)
    }

    /// Applies a trade of `qty` lots worth `value` in all. Closing comes first; a flip opens the rest.
    ///
    /// The closed part releases `⌈cost × closed ÷ size⌉` of the signed cost: the fraction of a unit stays with
    /// the position, against the trader now and in the trader's favour at the last close. Of the value of a
    /// trade that flips, the closed part gets `⌊value × closed ÷ qty⌋`.
    pub(crate) fn trade(&mut self, side: Side, qty: Qty, value: Money) -> Change {
        let delta = side.signed(qty);
        let closes = self.size.side().is_some_and(|held| held != side);
        let closed = if closes { qty.min(self.size.quantity()) } else { Qty::ZERO };
        let closed_value = Money(mul_div_floor(value.0, i128::from(closed.0), i128::from(qty.0)));
        let mut change =
            Change { closed, opened: qty - closed, opened_value: value - closed_value, ..Change::default() };
        if closes {
            let held = i128::from(self.size.quantity().0);
            let released = Money(mul_div_ceil(self.cost.0, i128::from(closed.0), held));
            change.realised = -signed(side, closed_value) - released;
            self.cost -= released;
        }
        self.cost += signed(side, change.opened_value);
        self.size += delta;
        debug_assert!(!self.size.is_zero() || self.cost.is_zero(), "a flat position has no cost");
        change
    }
}

/// `value` as a change of signed cost.
fn signed(side: Side, value: Money) -> Money {
    match side {
        Side::Buy => value,
        Side::Sell => -value,
    }
}
