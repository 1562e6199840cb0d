//! The insurance fund as a holder of positions: what it may take over, and what it can afford to realise.
//! Its cash is account 0's and never goes below zero (invariant 7).

use crate::engine::Margin;
use crate::instrument::RATE_ONE;
use crate::pool::Pool;
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Qty, Side};

/// How much of a position that was taken over is offered to the market at a time.
///
/// Source: Vega protocol specification 0012-POSR, *managing the network's position*.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Disposal {
    /// The part of what is left that is offered per step.
    pub fraction: Ppm,
    /// A position no larger than this is offered whole.
    pub whole_at: Qty,
    /// At most this part of the lots in the book on the other side.
    pub depth_part: Ppm,
}

impl Disposal {
    /// Lots to offer of `held`, with `depth` lots in the book. The fraction is rounded up, so that a position is
    /// worked off in the end; the limit by depth is rounded down.
    #[must_use]
    pub fn next(&self, held: Qty, depth: Qty) -> Qty {
        let part = |of: Qty, rate: Ppm| (i128::from(of.0), i128::from(rate.0.clamp(0, Ppm::ONE.0)));
        let (lots, rate) = part(held, self.fraction);
        let wanted = if held <= self.whole_at { lots } else { mul_div_ceil(lots, rate, RATE_ONE) };
        let (lots, rate) = part(depth, self.depth_part);
        let offered = wanted.min(mul_div_floor(lots, rate, RATE_ONE));
        Qty(u64::try_from(offered).expect("part of a quantity"))
    }
}

impl Margin {
    /// Whether the fund covers `loss`.
    #[must_use]
    pub fn fund_covers(&self, currency: CurrencyId, loss: Money) -> bool {
        loss <= self.fund(currency)
    }

    /// Whether the fund may take `qty` lots over at `cost`: it stays solvent at the mark, and pays for what it
    /// realises if it held the opposite.
    #[must_use]
    pub fn fund_can_take(&self, instrument: InstrumentId, side: Side, qty: Qty, cost: Money) -> bool {
        let terms = self.instrument(instrument);
        let currency = terms.spec.settlement;
        let at_mark = terms.closing_value(side, qty);
        let gain = if side == Side::Buy { at_mark - cost } else { cost - at_mark };
        let equity = self.health(Pool::Cross { account: AccountId::FUND, currency }).equity;
        let realised = match self.position(AccountId::FUND, instrument) {
            Some(position) => position.clone().trade(side, qty, cost).realised,
            None => Money::ZERO,
        };
        let room = self.can_hold(AccountId::FUND, instrument).is_ok();
        room && !(equity + gain).is_negative() && !(self.fund(currency) + realised).is_negative()
    }

    /// Whether the fund can pay what closing `qty` lots of its position for `value` realises.
    #[must_use]
    pub fn fund_can_realise(&self, instrument: InstrumentId, side: Side, qty: Qty, value: Money) -> bool {
        match side {
            Side::Sell => value >= self.fund_limit_value(instrument, qty),
            Side::Buy => value <= self.fund_limit_value(instrument, qty),
        }
    }

    /// The value of closing `qty` lots of the fund's position that uses up its whole balance: the least it can
    /// sell a long for, the most it can pay for a short.
    ///
    /// # Panics
    /// Where the fund has no position of that size.
    #[must_use]
    pub fn fund_limit_value(&self, instrument: InstrumentId, qty: Qty) -> Money {
        let position = self.position(AccountId::FUND, instrument).expect("a position of the fund");
        let held = position.size.quantity();
        assert!(qty <= held && !held.is_zero(), "part of the fund's position");
        let released = Money(mul_div_ceil(position.cost.0, i128::from(qty.0), i128::from(held.0)));
        let balance = self.fund(self.instrument(instrument).spec.settlement);
        if position.size.is_positive() { released - balance } else { balance - released }
    }
}
