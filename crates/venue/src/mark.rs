//! Mark rules: which price a position is valued at, and which inputs may move it.
//!
//! | rule | its price | moved by |
//! |---|---|---|
//! | `Last` | last trade, once the taking order is done | trade |
//! | `Mid` | midway between best bid and ask; held while a side is empty | quote, trade (it takes the best) |
//! | `EmaMid` | exponential average of the mid | clock |
//! | `Median` | median of P1, P2 and the last trade, below | trade, oracle, clock |
//! | `Exogenous` | the index | oracle |
//! | `Model` | Black-76, in `options` | oracle, volatility, clock |
//!
//! `Median` is Binance's: P1 = index × (1 + funding rate × time to funding ÷ interval) and P2 = index + the
//! exponential average of (mid − index). What is missing is replaced: without funding P1 is the index; before the
//! first sample of the basis P2 is the index; before the first trade P2 stands for the last price; before the first
//! report of an index the mark is the last trade.
//! Source: Binance, *What Is the Mark Price and Price Index in USDⓈ-M Futures*.
//!
//! Every division rounds to the nearest mark increment, a half upward, so nobody gains more than half of one.
//! There are no floats: an average is held in 2^−32 mark increments.

use crate::event::CauseKind;
use crate::policy::MarkRule;
use downdraft_types::arith::floor_div;
use downdraft_types::{MarkPrice, Ppm, Price};

/// Fractional bits of an average.
const FRACTION: u32 = 32;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Last,
    Mid,
    Average,
    Median,
    Exogenous,
    Model,
}

/// One instrument's mark rule and what it remembers. It is told everything and takes what its rule needs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MarkMaker {
    kind: Kind,
    weight: Ppm,
    mark_scale: u32,
    last: Option<MarkPrice>,
    index: Option<MarkPrice>,
    /// The last mid there was.
    mid: Option<MarkPrice>,
    /// Whether both sides are there now.
    quoted: bool,
    /// Of the mid, or of mid − index, in 2^−32 mark increments.
    average: Option<i128>,
}

impl MarkMaker {
    /// A rule that knows nothing yet; `mark_scale` is the instrument's. Weights are within 0 to 100%.
    pub const fn new(rule: MarkRule, mark_scale: u32) -> Self {
        let (kind, weight) = match rule {
            MarkRule::Last => (Kind::Last, Ppm::ZERO),
            MarkRule::Mid => (Kind::Mid, Ppm::ZERO),
            MarkRule::EmaMid { weight, .. } => (Kind::Average, weight),
            MarkRule::Median { weight, .. } => (Kind::Median, weight),
            MarkRule::Exogenous => (Kind::Exogenous, Ppm::ZERO),
            MarkRule::Model { .. } => (Kind::Model, Ppm::ZERO),
        };
        Self { kind, weight, mark_scale, last: None, index: None, mid: None, quoted: false, average: None }
    }

    /// A taking order is done; its last match was at `price`.
    pub fn trade(&mut self, price: Price) {
        self.last = Some(self.scaled(i128::from(price.0), 1));
    }

    /// The best bid or ask changed.
    pub fn quote(&mut self, bid: Option<Price>, ask: Option<Price>) {
        self.quoted = bid.is_some() && ask.is_some();
        if let (Some(bid), Some(ask)) = (bid, ask) {
            self.mid = Some(self.scaled(i128::from(bid.0) + i128::from(ask.0), 2));
        }
    }

    /// The index was reported.
    pub const fn index(&mut self, index: MarkPrice) {
        self.index = Some(index);
    }

    /// The venue's clock: time for a sample. Nothing is sampled while a side of the book is empty, or a basis while
    /// there is no index; the average stays.
    pub fn sample(&mut self) {
        let Some(mid) = self.mid.filter(|_| self.quoted) else { return };
        let sample = match (self.kind, self.index) {
            (Kind::Average, _) => i128::from(mid.0) << FRACTION,
            (Kind::Median, Some(index)) => (i128::from(mid.0) - i128::from(index.0)) << FRACTION,
            _ => return,
        };
        self.average = Some(match self.average {
            None => sample,
            Some(average) => average + nearest((sample - average) * i128::from(self.weight.0), i128::from(Ppm::ONE.0)),
        });
    }

    /// Whether an input of this kind has a say under the rule. Asking for the mark after one that has none is
    /// harmless except under `Median`, where time alone moves P1: a change of quotes must not take the blame.
    pub const fn heeds(&self, input: CauseKind) -> bool {
        match self.kind {
            Kind::Last => matches!(input, CauseKind::Trade),
            Kind::Mid => matches!(input, CauseKind::Trade | CauseKind::Quote),
            Kind::Average => matches!(input, CauseKind::Clock),
            Kind::Median => matches!(input, CauseKind::Trade | CauseKind::Clock | CauseKind::Oracle),
            Kind::Exogenous => matches!(input, CauseKind::Oracle),
            Kind::Model => matches!(input, CauseKind::Oracle | CauseKind::Volatility | CauseKind::Clock),
        }
    }

    /// The mark by the rule; `None` while it is not defined. `Median` alone reads the funding rate and the part of
    /// the interval that is left until it is paid.
    pub fn mark(&self, funding_rate: Ppm, to_funding: Ppm) -> Option<MarkPrice> {
        match self.kind {
            Kind::Last => self.last,
            Kind::Mid => self.mid,
            Kind::Average => self.average.map(|average| fit(readout(average))),
            Kind::Median => self
                .index
                .map_or(self.last, |index| Some(self.median(index, by_funding(index, funding_rate, to_funding)))),
            Kind::Exogenous => self.index,
            Kind::Model => None,
        }
    }

    /// `ticks ÷ by` as a mark price.
    fn scaled(&self, ticks: i128, by: i128) -> MarkPrice {
        fit(nearest(ticks * i128::from(self.mark_scale), by))
    }

    fn median(&self, index: MarkPrice, by_funding: MarkPrice) -> MarkPrice {
        let by_basis = fit(i128::from(index.0) + readout(self.average.unwrap_or(0)));
        let mut prices = [by_funding, by_basis, self.last.unwrap_or(by_basis)];
        prices.sort_unstable();
        prices[1]
    }
}

/// index × (1 + rate × part of the interval left).
fn by_funding(index: MarkPrice, rate: Ppm, left: Ppm) -> MarkPrice {
    let one = i128::from(Ppm::ONE.0);
    let left = i128::from(left.0.clamp(0, Ppm::ONE.0));
    // Below 2^63 × 2^20 in all: a rate is at most 100%.
    let rate = i128::from(rate.0.clamp(-Ppm::ONE.0, Ppm::ONE.0));
    fit(i128::from(index.0) + nearest(i128::from(index.0) * rate * left, one * one))
}

/// `a ÷ b` to the nearest whole, a half upward.
const fn nearest(a: i128, b: i128) -> i128 {
    floor_div(2 * a + b, 2 * b)
}

const fn readout(average: i128) -> i128 {
    nearest(average, 1 << FRACTION)
}

/// A price beyond `i64` is held at its end: listing keeps orders far below, and the venue checks its index.
fn fit(mark: i128) -> MarkPrice {
    MarkPrice(i64::try_from(mark).unwrap_or(if mark < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_types::Span;

    const INTERVAL: Span = Span(1_000);
    const NONE: Ppm = Ppm::ZERO;

    fn mark(maker: &MarkMaker) -> Option<i64> {
        maker.mark(NONE, NONE).map(|mark| mark.0)
    }

    fn quote(maker: &mut MarkMaker, bid: i64, ask: i64) {
        maker.quote(Some(Price(bid)), Some(Price(ask)));
    }

    fn median(mark_scale: u32) -> MarkMaker {
        MarkMaker::new(MarkRule::Median { interval: INTERVAL, weight: Ppm::ONE }, mark_scale)
    }

    #[test]
    fn each_rule_heeds_its_inputs_only() {
        let (interval, weight) = (INTERVAL, Ppm::ONE);
        // The mark after a trade, a quote, an index and a sample.
        let rows = [
            (MarkRule::Last, [Some(1_000); 4]),
            (MarkRule::Mid, [None, Some(1_015), Some(1_015), Some(1_015)]),
            (MarkRule::EmaMid { interval, weight }, [None, None, None, Some(1_015)]),
            // Last; then twice the index and last; then index, index − 55 and last.
            (MarkRule::Median { interval, weight }, [Some(1_000), Some(1_000), Some(1_070), Some(1_015)]),
            (MarkRule::Exogenous, [None, None, Some(1_070), Some(1_070)]),
        ];
        for (rule, expected) in rows {
            let mut maker = MarkMaker::new(rule, 10);
            let mut before = mark(&maker);
            assert_eq!(before, None);
            let kinds = [CauseKind::Trade, CauseKind::Quote, CauseKind::Oracle, CauseKind::Clock];
            for (kind, expected) in kinds.into_iter().zip(expected) {
                match kind {
                    CauseKind::Trade => maker.trade(Price(100)),
                    CauseKind::Quote => quote(&mut maker, 101, 102),
                    CauseKind::Oracle => maker.index(MarkPrice(1_070)),
                    _ => maker.sample(),
                }
                assert_eq!(mark(&maker), expected, "{rule:?} after {kind:?}");
                assert!(before == expected || maker.heeds(kind), "{rule:?} moved by {kind:?}");
                before = expected;
            }
        }
        assert!(!median(1).heeds(CauseKind::Quote));
    }

    #[test]
    fn the_mid_rounds_half_up_and_is_held_while_a_side_is_empty() {
        let mut maker = MarkMaker::new(MarkRule::Mid, 1);
        quote(&mut maker, 100, 101);
        assert_eq!(mark(&maker), Some(101));
        quote(&mut maker, -101, -100);
        assert_eq!(mark(&maker), Some(-100));
        maker.quote(None, Some(Price(7)));
        assert_eq!(mark(&maker), Some(-100));
        quote(&mut maker, 4, 8);
        assert_eq!(mark(&maker), Some(6));
    }

    #[test]
    fn the_average_reaches_a_constant_mid_and_rests_there() {
        let mut maker = MarkMaker::new(MarkRule::EmaMid { interval: INTERVAL, weight: Ppm(250_000) }, 100);
        let sampled = |maker: &mut MarkMaker| {
            maker.sample();
            mark(maker)
        };
        quote(&mut maker, 0, 0);
        assert_eq!(sampled(&mut maker), Some(0));
        quote(&mut maker, 10, 10);
        let path: Vec<_> = (0..4).map(|_| sampled(&mut maker)).collect();
        // 1000 × (1 − 0.75^n), to the nearest.
        assert_eq!(path, [Some(250), Some(438), Some(578), Some(684)]);
        maker.quote(None, None);
        assert_eq!(sampled(&mut maker), Some(684), "nothing is sampled while a side is empty");
        quote(&mut maker, 10, 10);
        let end: Vec<_> = (0..200).map(|_| sampled(&mut maker)).skip(150).collect();
        assert!(end.iter().all(|mark| *mark == Some(1_000)), "{end:?}");
    }

    #[test]
    fn the_median_of_binance() {
        // binance.mark.median: index 100, rate 0.04%, 4 of 8 hours left, average basis 0.15, last 100.5 → 100.15.
        let mut maker = median(1);
        maker.index(MarkPrice(10_000));
        quote(&mut maker, 10_014, 10_016);
        maker.sample();
        maker.trade(Price(10_050));
        let (rate, half) = (Ppm(400), Ppm(500_000));
        assert_eq!(maker.mark(rate, half), Some(MarkPrice(10_015)));
        maker.trade(Price(9_000));
        assert_eq!(maker.mark(rate, half), Some(MarkPrice(10_002)), "P1 with half the interval left");
        assert_eq!(maker.mark(rate, Ppm::ONE), Some(MarkPrice(10_004)), "P1 with all of it left");
        assert_eq!(maker.mark(rate, NONE), Some(MarkPrice(10_000)), "P1 once funding is due");
    }

    #[test]
    fn what_the_median_misses_is_replaced() {
        let mut maker = median(1);
        maker.trade(Price(90));
        assert_eq!(mark(&maker), Some(90), "no index: the last trade");
        let mut maker = median(1);
        maker.index(MarkPrice(100));
        assert_eq!(mark(&maker), Some(100));
        quote(&mut maker, 107, 107);
        maker.sample();
        assert_eq!(mark(&maker), Some(107), "no trade: P2");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut maker = median(u32::MAX);
        for end in [i64::MIN, i64::MAX] {
            maker.index(MarkPrice(end));
            quote(&mut maker, -end.saturating_add(1), -end.saturating_add(1));
            maker.sample();
            maker.trade(Price(end));
            assert_eq!(maker.mark(Ppm::ONE, Ppm::ONE), Some(MarkPrice(end)));
        }
    }
}
