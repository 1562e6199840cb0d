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
///
/// What a mark that reaches its trigger reads comes first and close together: of a million positions each is far away.
#[derive(Clone, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Position {
    pub(crate) cost: Money,
    pub(crate) size: Lots,
    triggers: [i64; 2],
    pub(crate) account: AccountId,
    pub(crate) instrument: InstrumentId,
    pub(crate) mode: MarginMode,
    /// Where the position's own pool stands, if it is isolated.
    pub(crate) state: PoolState,
    /// Zero where the account chose none.
    initial: Ppm,
    ordered: [Qty; 2],
    ordered_value: [Money; 2],
}

/// In the place of a trigger: a mark that no instrument can have.
const NO_TRIGGER: i64 = i64::MIN;

const _: () = assert!(size_of::<Position>() == 112, "a position is as small as its fields allow");

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
            cost: Money::ZERO,
            size: Lots::ZERO,
            triggers: [NO_TRIGGER; 2],
            account,
            instrument,
            mode: MarginMode::Cross,
            state: PoolState::Sound,
            initial: Ppm::ZERO,
            ordered: [Qty::ZERO; 2],
            ordered_value: [Money::ZERO; 2],
        }
    }

    /// Marks at which its pool is looked at again, by [`Side`] as in the ladder: one that falls this far, and one that
    /// rises this far.
    #[inline]
    pub(crate) fn triggers(&self) -> [Option<i64>; 2] {
        self.triggers.map(|trigger| (trigger != NO_TRIGGER).then_some(trigger))
    }

    pub(crate) fn set_triggers(&mut self, triggers: [Option<i64>; 2]) {
        self.triggers = triggers.map(|trigger| trigger.unwrap_or(NO_TRIGGER));
    }

    #[inline]
    pub(crate) fn take_trigger(&mut self, side: Side) {
        self.triggers[side as usize] = NO_TRIGGER;
    }

    /// The initial rate that its account chose, as 1 ÷ leverage.
    pub(crate) fn chosen_initial(&self) -> Option<Ppm> {
        (self.initial > Ppm::ZERO).then_some(self.initial)
    }

    pub(crate) fn choose_initial(&mut self, rate: Option<Ppm>) {
        self.initial = rate.unwrap_or(Ppm::ZERO);
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
        OpenOrders { qty: self.ordered[side as usize], value: self.ordered_value[side as usize] }
    }

    /// Orders resting on both sides, buys first.
    pub(crate) fn both_orders(&self) -> [OpenOrders; 2] {
        Side::BOTH.map(|side| self.open_orders(side))
    }

    /// `None`, and nothing done, where the orders' quantities would overflow.
    pub(crate) fn add_order(&mut self, side: Side, qty: Qty, value: Money) -> Option<()> {
        let ordered = &mut self.ordered[side as usize];
        *ordered = ordered.checked_add(qty)?;
        self.ordered_value[side as usize] += value;
        Some(())
    }

    pub(crate) fn remove_order(&mut self, side: Side, qty: Qty, value: Money) {
        self.ordered[side as usize] -= qty;
        self.ordered_value[side as usize] -= value;
    }

    /// Whether it is flat and has no order.
    pub(crate) fn is_idle(&self) -> bool {
        self.size.is_zero() && self.ordered == [Qty::ZERO; 2]
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
        let long = held + self.ordered_value[Side::Buy as usize];
        let short = self.ordered_value[Side::Sell as usize] - held;
        long.max(short).max(Money::ZERO)
    }

    /// The largest size that the position and its open orders could reach.
    pub(crate) fn largest(&self) -> i128 {
        let size = i128::from(self.size.0);
        let long = size + i128::from(self.ordered[Side::Buy as usize].0);
        let short = i128::from(self.ordered[Side::Sell as usize].0) - size;
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

impl core::hash::Hash for Position {
    /// What it says, however it is kept.
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.account, self.instrument, self.size, self.cost, self.mode, self.chosen_initial()).hash(state);
        (self.both_orders(), self.triggers(), self.state).hash(state);
    }
}

/// `value` as a change of signed cost.
fn signed(side: Side, value: Money) -> Money {
    match side {
        Side::Buy => value,
        Side::Sell => -value,
    }
}
