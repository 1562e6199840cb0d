//! What forced orders cost: effective, realised and impact.
//!
//! With M₀ the middle of the book before an order, M₁ the middle `horizon` later, p and q its fills, and s = +1 for
//! a purchase, −1 for a sale, the cost against whoever was liquidated is
//!
//! ```text
//!   effective Σ s·(p − M₀)·q  =  realised Σ s·(p − M₁)·q  +  impact Σ s·(M₁ − M₀)·q
//! ```
//!
//! in values: of an inverse contract −1 ÷ price stands for a price.
//!
//! Source: Huang and Stoll 1996; SEC Rule 605.

use crate::market::worth;
use downdraft_margin::{Payoff, Valuation};
use downdraft_types::{InstrumentId, Money, Qty, Side, Span, Time};
use std::collections::VecDeque;

/// Sums over forced orders, in the settlement currency's smallest unit; halves of a unit are rounded down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Costs {
    /// Orders whose middle before and after was known; the others are left out.
    pub orders: u64,
    /// Notional of their fills.
    pub value: Money,
    /// Worse than the middle before.
    pub effective: Money,
    /// Worse than the middle after: what whoever took the other side kept.
    pub realised: Money,
    /// How far the middle went on against it.
    pub impact: Money,
}

/// A forced order that waits for its horizon.
#[derive(Clone, Copy, Debug)]
struct Order {
    due: Time,
    instrument: InstrumentId,
    valuation: Valuation,
    side: Side,
    twice_mid: i128,
    lots: i128,
    /// What its fills were worth.
    value: i128,
}

impl Order {
    /// Twice how much worse its fills were than a middle.
    fn worse_than(&self, twice_mid: i128) -> i128 {
        let scale = i128::from(self.valuation.mark_scale);
        // Four times the lots at twice the price of an inverse contract are worth twice as much; of a linear one, the
        // same lots.
        let lots = match self.valuation.payoff {
            Payoff::Linear => self.lots,
            Payoff::Inverse => self.lots.saturating_mul(4),
        };
        let at_mid = worth(self.valuation, lots, twice_mid.saturating_mul(scale)).0;
        let over = self.value.saturating_mul(2).saturating_sub(at_mid);
        if self.side == Side::Buy { over } else { over.saturating_neg() }
    }
}

/// Sums of twice the costs.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    orders: u64,
    value: i128,
    effective: i128,
    realised: i128,
}

/// Collects [`Costs`] by instrument.
#[derive(Clone, Debug)]
pub(super) struct CostMeter {
    horizon: Span,
    sums: Vec<Sums>,
    waiting: VecDeque<Order>,
    open: Option<Order>,
}

impl CostMeter {
    pub(super) const fn new(horizon: Span) -> Self {
        Self { horizon, sums: Vec::new(), waiting: VecDeque::new(), open: None }
    }

    /// A forced order goes into a book; what its contract is worth and twice the middle are known, or it is left out.
    pub(super) fn order(&mut self, now: Time, instrument: InstrumentId, side: Side, known: Option<(Valuation, i128)>) {
        let due = now.saturating_add(self.horizon);
        let order = |(valuation, twice_mid)| Order { due, instrument, valuation, side, twice_mid, lots: 0, value: 0 };
        self.open = known.map(order);
    }

    /// It is filled.
    pub(super) fn fill(&mut self, price: i64, qty: Qty) {
        if let Some(order) = &mut self.open {
            order.lots = order.lots.saturating_add(i128::from(qty.0));
            let mark = i128::from(price).saturating_mul(order.valuation.mark_scale.into());
            order.value = order.value.saturating_add(worth(order.valuation, qty.0.into(), mark).0);
        }
    }

    /// It is done.
    pub(super) fn done(&mut self) {
        self.waiting.extend(self.open.take().filter(|order| order.lots > 0));
    }

    /// A moment has come; `twice_mid` is what an instrument's middle was up to it.
    pub(super) fn settle(&mut self, now: Time, twice_mid: impl Fn(InstrumentId) -> Option<i128>) {
        while let Some(order) = self.waiting.front().copied().filter(|order| order.due <= now) {
            self.waiting.pop_front();
            let Some(after) = twice_mid(order.instrument) else { continue };
            if self.sums.len() <= order.instrument.index() {
                self.sums.resize_with(order.instrument.index() + 1, Sums::default);
            }
            let sums = &mut self.sums[order.instrument.index()];
            sums.orders += 1;
            sums.value = sums.value.saturating_add(order.valuation.payoff.of_notional(Money(order.value)).0);
            sums.effective = sums.effective.saturating_add(order.worse_than(order.twice_mid));
            sums.realised = sums.realised.saturating_add(order.worse_than(after));
        }
    }

    /// The costs so far. Orders still waiting are left out.
    pub(super) fn costs(&self, instrument: InstrumentId) -> Costs {
        let sums = self.sums.get(instrument.index()).copied().unwrap_or_default();
        let halved = |twice: i128| Money(twice.div_euclid(2));
        Costs {
            orders: sums.orders,
            value: Money(sums.value),
            effective: halved(sums.effective),
            realised: halved(sums.realised),
            impact: halved(sums.effective.saturating_sub(sums.realised)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERP: InstrumentId = InstrumentId(0);
    /// Two increments a tick, each worth two a lot.
    const LINEAR: Valuation = Valuation { payoff: Payoff::Linear, mark_scale: 2, point_value: 2 };

    #[test]
    fn effective_is_realised_and_impact() {
        let mut meter = CostMeter::new(Span(10));
        // Sold 2@98 and 3@97 from a middle of 99.5; ten later it is 97.
        meter.order(Time(5), PERP, Side::Sell, Some((LINEAR, 199)));
        [(98, 2), (97, 3)].into_iter().for_each(|(price, lots)| meter.fill(price, Qty(lots)));
        meter.done();
        meter.settle(Time(14), |_| Some(0));
        assert_eq!(meter.costs(PERP), Costs::default(), "its horizon has not come");
        meter.settle(Time(15), |_| Some(194));
        let costs = meter.costs(PERP);
        // 5 × 99.5 − 487 = 10.5 and 5 × 97 − 487 = −2, at 4 a tick.
        assert_eq!((costs.orders, costs.value), (1, Money(487 * 4)));
        assert_eq!((costs.effective, costs.realised, costs.impact), (Money(42), Money(-8), Money(50)));
    }

    #[test]
    fn an_inverse_contract_costs_reciprocals() {
        let coin = Valuation { payoff: Payoff::Inverse, mark_scale: 1, point_value: 1_000_000 };
        let mut meter = CostMeter::new(Span(10));
        // Sold 4@80 from a middle of 100; ten later it is 62.5: worth 50,000, 40,000 and 64,000.
        meter.order(Time(5), PERP, Side::Sell, Some((coin, 200)));
        meter.fill(80, Qty(4));
        meter.done();
        meter.settle(Time(15), |_| Some(125));
        let costs = meter.costs(PERP);
        assert_eq!((costs.orders, costs.value), (1, Money(50_000)));
        assert_eq!((costs.effective, costs.realised, costs.impact), (Money(10_000), Money(-14_000), Money(24_000)));
    }

    #[test]
    fn what_has_no_middle_or_no_fill_is_left_out() {
        let mut meter = CostMeter::new(Span(0));
        meter.order(Time(1), PERP, Side::Buy, None);
        meter.fill(98, Qty(2));
        meter.done();
        meter.order(Time(1), PERP, Side::Buy, Some((LINEAR, 200)));
        meter.done();
        meter.settle(Time(2), |_| Some(200));
        assert_eq!(meter.costs(PERP).orders, 0);
    }
}
