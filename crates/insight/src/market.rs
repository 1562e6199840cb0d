//! What is counted per instrument and per currency.

use crate::ranges::Range;
use downdraft_margin::{InstrumentSpec, Payoff, Valuation};
use downdraft_types::{CurrencyId, MarkPrice, Money, Price, Qty, Side};

/// An instrument: its prices now, and what was counted.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub currency: CurrencyId,
    pub valuation: Valuation,
    pub last: Option<Price>,
    pub mark: Option<MarkPrice>,
    pub index: Option<MarkPrice>,
    /// Whether one of them changed at this instant.
    pub changed: bool,
    /// Prices of trades, as marks; of the first mark until there is one.
    pub prices: Option<Range>,
    pub marks: Option<Range>,
    /// Closed in the book by liquidation orders.
    pub liquidated: Qty,
    pub deleveraged: Qty,
    pub taken_over: Qty,
    /// Sold of what was taken over.
    pub unwound: Qty,
    /// Lots of a spot market traded to convert collateral.
    pub converted: Qty,
    /// The liquidation order in the book: its side, and the mark when it was sent.
    pub order: Option<(Side, MarkPrice)>,
}

impl Market {
    pub(crate) const fn new(spec: &InstrumentSpec) -> Self {
        Self {
            currency: spec.settlement,
            valuation: spec.valuation(),
            last: None,
            mark: None,
            index: None,
            changed: false,
            prices: None,
            marks: None,
            liquidated: Qty::ZERO,
            deleveraged: Qty::ZERO,
            taken_over: Qty::ZERO,
            unwound: Qty::ZERO,
            converted: Qty::ZERO,
            order: None,
        }
    }

    pub(crate) fn traded(&mut self, price: Price) {
        if self.last != Some(price) {
            self.last = Some(price);
            self.changed = true;
            Range::extend(&mut self.prices, MarkPrice(price.0.saturating_mul(i64::from(self.valuation.mark_scale))));
        }
    }

    pub(crate) fn marked(&mut self, mark: MarkPrice) {
        self.mark = Some(mark);
        self.changed = true;
        Range::extend(&mut self.marks, mark);
        if self.prices.is_none() {
            Range::extend(&mut self.prices, mark);
        }
    }

    pub(crate) fn indexed(&mut self, index: MarkPrice) {
        self.changed |= self.index != Some(index);
        self.index = Some(index);
    }

    /// The notional of a trade of this value.
    pub(crate) const fn notional(&self, value: Money) -> Money {
        self.valuation.payoff.of_notional(value)
    }

    /// What trading a quantity at a mark would be worth.
    pub(crate) fn value(&self, qty: Qty, mark: MarkPrice) -> Money {
        worth(self.valuation, qty.0.into(), mark.0.into())
    }
}

/// As [`Valuation::value_at`], without a panic: a journal may claim any quantity.
pub(crate) fn worth(valuation: Valuation, lots: i128, mark: i128) -> Money {
    let face = lots.saturating_mul(i128::from(valuation.point_value));
    Money(match valuation.payoff {
        Payoff::Linear => face.saturating_mul(mark),
        Payoff::Inverse => face.saturating_neg().div_euclid(mark.max(1)),
    })
}

/// A currency: what was counted in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Purse {
    /// The fund's money before the first order.
    pub fund_start: Money,
    /// What came into the fund from outside later.
    pub fund_deposited: Money,
    /// Liquidation orders: filled part at the mark, as filled, and the difference against the traders.
    pub notional: Money,
    pub proceeds: Money,
    pub slippage: Money,
    pub deleveraged: Money,
    pub taken_over: Money,
}
