//! Mark rules: which price a position is valued at, and which inputs may move it.
//!
//! | rule | its price | moved by |
//! |---|---|---|
//! | `Last` | last trade, once the taking order is done | trade |
//! | `Mid` | midway between best bid and ask; held while a side is empty | quote |
//! | `EmaMid` | exponential average of the mid | clock |
//! | `Median` | median of P1, P2 and the last trade, below | trade, oracle, clock |
//! | `Exogenous` | the index | oracle |
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
use downdraft_types::arith::{floor_div, mul_div_floor};
use downdraft_types::{MarkPrice, Ppm, Price, Span, Time};

/// Fractional bits of an average.
const FRACTION: u32 = 32;

/// What a mark rule is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    /// A taking order is done; its last match was at this price.
    Traded(Price),
    /// The best bid or ask changed.
    Quoted {
        /// Best bid.
        bid: Option<Price>,
        /// Best ask.
        ask: Option<Price>,
    },
    /// The index was reported.
    Indexed(MarkPrice),
    /// The venue's clock: time for a sample.
    Sampled,
}

impl Input {
    /// The kind of cause that a mark moved by this input has.
    #[must_use]
    pub const fn kind(self) -> CauseKind {
        match self {
            Self::Traded(_) => CauseKind::Trade,
            Self::Quoted { .. } => CauseKind::Quote,
            Self::Indexed(_) => CauseKind::Oracle,
            Self::Sampled => CauseKind::Clock,
        }
    }
}

/// The funding that lies ahead, for the basis of `Median`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FundingAhead {
    /// The rate last settled, or predicted.
    pub rate: Ppm,
    /// When it is paid next.
    pub due: Time,
    /// Time between payments.
    pub interval: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Last,
    Mid,
    Average,
    Median,
    Exogenous,
}

/// One instrument's mark rule and what it remembers. All inputs are remembered under every rule, so that a rule set
/// later starts from them; averages start anew.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MarkMaker {
    kind: Kind,
    interval: Span,
    weight: Ppm,
    mark_scale: u32,
    last: Option<MarkPrice>,
    index: Option<MarkPrice>,
    /// The last mid there was.
    mid: Option<MarkPrice>,
    /// Whether both sides are there now.
    quoted: bool,
    funding: Option<FundingAhead>,
    /// Of the mid, or of mid − index, in 2^−32 mark increments.
    average: Option<i128>,
}

impl MarkMaker {
    /// A rule that knows nothing yet; `mark_scale` is the instrument's.
    #[must_use]
    pub const fn new(rule: MarkRule, mark_scale: u32) -> Self {
        let (kind, interval, weight) = parts(rule);
        Self {
            kind,
            interval,
            weight,
            mark_scale,
            last: None,
            index: None,
            mid: None,
            quoted: false,
            funding: None,
            average: None,
        }
    }

    /// Changes the rule. What was last traded, quoted and reported stays known.
    pub const fn set_rule(&mut self, rule: MarkRule) {
        (self.kind, self.interval, self.weight) = parts(rule);
        self.average = None;
    }

    /// Sets the funding that P1 of `Median` counts on. It has its effect at the next input that moves the mark.
    pub const fn set_funding(&mut self, funding: Option<FundingAhead>) {
        self.funding = funding;
    }

    /// Time between samples, for the rules that take any.
    #[must_use]
    pub const fn sample_interval(&self) -> Option<Span> {
        match self.kind {
            Kind::Average | Kind::Median => Some(self.interval),
            Kind::Last | Kind::Mid | Kind::Exogenous => None,
        }
    }

    /// Takes an input and gives the mark by the rule, if this input has a say in it and it is defined. It may be
    /// the mark there was.
    pub fn observe(&mut self, now: Time, input: Input) -> Option<MarkPrice> {
        match input {
            Input::Traded(price) => self.last = Some(self.scaled(i128::from(price.0), 1)),
            Input::Quoted { bid, ask } => self.quote(bid, ask),
            Input::Indexed(index) => self.index = Some(index),
            Input::Sampled => self.sample(),
        }
        if self.heeds(input) { self.mark(now) } else { None }
    }

    /// The mark by the rule; `None` while it is not defined. Only `Median` depends on the time.
    #[must_use]
    pub fn mark(&self, now: Time) -> Option<MarkPrice> {
        match self.kind {
            Kind::Last => self.last,
            Kind::Mid => self.mid,
            Kind::Average => self.average.map(|average| fit(readout(average))),
            Kind::Median => self.index.map_or(self.last, |index| Some(self.median(now, index))),
            Kind::Exogenous => self.index,
        }
    }

    const fn heeds(&self, input: Input) -> bool {
        match self.kind {
            Kind::Last => matches!(input, Input::Traded(_)),
            Kind::Mid => matches!(input, Input::Quoted { .. }),
            Kind::Average => matches!(input, Input::Sampled),
            Kind::Median => !matches!(input, Input::Quoted { .. }),
            Kind::Exogenous => matches!(input, Input::Indexed(_)),
        }
    }

    fn quote(&mut self, bid: Option<Price>, ask: Option<Price>) {
        self.quoted = bid.is_some() && ask.is_some();
        if let (Some(bid), Some(ask)) = (bid, ask) {
            self.mid = Some(self.scaled(i128::from(bid.0) + i128::from(ask.0), 2));
        }
    }

    /// `ticks ÷ by` as a mark price.
    fn scaled(&self, ticks: i128, by: i128) -> MarkPrice {
        fit(nearest(ticks * i128::from(self.mark_scale), by))
    }

    /// Nothing is sampled while a side of the book is empty, or a basis while there is no index.
    fn sample(&mut self) {
        let Some(mid) = self.mid.filter(|_| self.quoted) else { return };
        let sample = match self.kind {
            Kind::Average => i128::from(mid.0) << FRACTION,
            Kind::Median => match self.index {
                Some(index) => (i128::from(mid.0) - i128::from(index.0)) << FRACTION,
                None => return,
            },
            Kind::Last | Kind::Mid | Kind::Exogenous => return,
        };
        self.average = Some(match self.average {
            None => sample,
            Some(average) => average + nearest((sample - average) * i128::from(self.weight.0), i128::from(Ppm::ONE.0)),
        });
    }

    fn median(&self, now: Time, index: MarkPrice) -> MarkPrice {
        let by_funding = self.funding.map_or(index, |funding| by_funding(index, funding, now));
        let by_basis = fit(i128::from(index.0) + readout(self.average.unwrap_or(0)));
        let mut prices = [by_funding, by_basis, self.last.unwrap_or(by_basis)];
        prices.sort_unstable();
        prices[1]
    }
}

/// index × (1 + rate × time left ÷ interval).
fn by_funding(index: MarkPrice, funding: FundingAhead, now: Time) -> MarkPrice {
    let interval = funding.interval.0.max(1);
    let left = funding.due.since(now).0.min(interval);
    let rate = i128::from(funding.rate.0) * i128::from(left);
    let whole = i128::from(Ppm::ONE.0) * i128::from(interval);
    // Nearest is the floor of (2x + 1) ÷ 2, and floors nest.
    let premium = floor_div(mul_div_floor(2 * i128::from(index.0), rate, whole) + 1, 2);
    fit(i128::from(index.0) + premium)
}

const fn parts(rule: MarkRule) -> (Kind, Span, Ppm) {
    match rule {
        MarkRule::Last => (Kind::Last, Span::ZERO, Ppm::ZERO),
        MarkRule::Mid => (Kind::Mid, Span::ZERO, Ppm::ZERO),
        MarkRule::EmaMid { interval, weight } => (Kind::Average, interval, weight),
        MarkRule::Median { interval, weight } => (Kind::Median, interval, weight),
        MarkRule::Exogenous => (Kind::Exogenous, Span::ZERO, Ppm::ZERO),
    }
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

    const HOUR: u64 = 3_600_000_000_000;
    const INTERVAL: Span = Span(1_000);

    fn quoted(bid: i64, ask: i64) -> Input {
        Input::Quoted { bid: Some(Price(bid)), ask: Some(Price(ask)) }
    }

    fn see(maker: &mut MarkMaker, input: Input) -> Option<i64> {
        maker.observe(Time::ZERO, input).map(|mark| mark.0)
    }

    #[test]
    fn each_rule_heeds_its_inputs_only() {
        let (interval, weight) = (INTERVAL, Ppm::ONE);
        let index = Input::Indexed(MarkPrice(1_070));
        let rows = [
            (MarkRule::Last, [Some(1_000), None, None, None]),
            (MarkRule::Mid, [None, Some(1_015), None, None]),
            (MarkRule::EmaMid { interval, weight }, [None, None, None, Some(1_015)]),
            // Last; then the index twice and the last; then index, index − 55 and last.
            (MarkRule::Median { interval, weight }, [Some(1_000), None, Some(1_070), Some(1_015)]),
            (MarkRule::Exogenous, [None, None, Some(1_070), None]),
        ];
        for (rule, expected) in rows {
            let mut maker = MarkMaker::new(rule, 10);
            assert_eq!(maker.mark(Time::ZERO), None);
            let inputs = [Input::Traded(Price(100)), quoted(101, 102), index, Input::Sampled];
            assert_eq!(inputs.map(|input| see(&mut maker, input)), expected, "{rule:?}");
            assert_eq!(
                maker.sample_interval().is_some(),
                matches!(rule, MarkRule::EmaMid { .. } | MarkRule::Median { .. })
            );
        }
    }

    #[test]
    fn the_mid_rounds_half_up_and_is_held_while_a_side_is_empty() {
        let mut maker = MarkMaker::new(MarkRule::Mid, 1);
        assert_eq!(see(&mut maker, quoted(100, 101)), Some(101));
        assert_eq!(see(&mut maker, quoted(-101, -100)), Some(-100));
        assert_eq!(see(&mut maker, Input::Quoted { bid: None, ask: Some(Price(7)) }), Some(-100));
        assert_eq!(see(&mut maker, quoted(4, 8)), Some(6));
    }

    #[test]
    fn the_average_reaches_a_constant_mid_and_rests_there() {
        let mut maker = MarkMaker::new(MarkRule::EmaMid { interval: INTERVAL, weight: Ppm(250_000) }, 100);
        see(&mut maker, quoted(0, 0));
        assert_eq!(see(&mut maker, Input::Sampled), Some(0));
        see(&mut maker, quoted(10, 10));
        let path: Vec<_> = (0..4).map(|_| see(&mut maker, Input::Sampled)).collect();
        // 1000 × (1 − 0.75^n), to the nearest.
        assert_eq!(path, [Some(250), Some(438), Some(578), Some(684)]);
        see(&mut maker, Input::Quoted { bid: None, ask: None });
        assert_eq!(see(&mut maker, Input::Sampled), Some(684), "nothing is sampled while a side is empty");
        see(&mut maker, quoted(10, 10));
        let end: Vec<_> = (0..200).map(|_| see(&mut maker, Input::Sampled)).skip(150).collect();
        assert!(end.iter().all(|mark| *mark == Some(1_000)), "{end:?}");
    }

    #[test]
    fn the_median_of_binance() {
        // binance.mark.median: index 100, rate 0.04%, 4 of 8 hours left, average basis 0.15, last 100.5 → 100.15.
        let mut maker = MarkMaker::new(MarkRule::Median { interval: INTERVAL, weight: Ppm::ONE }, 1);
        maker.set_funding(Some(FundingAhead { rate: Ppm(400), due: Time(8 * HOUR), interval: Span(8 * HOUR) }));
        see(&mut maker, Input::Indexed(MarkPrice(10_000)));
        see(&mut maker, quoted(10_014, 10_016));
        see(&mut maker, Input::Sampled);
        maker.observe(Time(4 * HOUR), Input::Traded(Price(10_050)));
        assert_eq!(maker.mark(Time(4 * HOUR)), Some(MarkPrice(10_015)));
        maker.observe(Time::ZERO, Input::Traded(Price(9_000)));
        assert_eq!(maker.mark(Time(4 * HOUR)), Some(MarkPrice(10_002)), "P1 with half the interval left");
        assert_eq!(maker.mark(Time::ZERO), Some(MarkPrice(10_004)), "P1 with all of it left");
        assert_eq!(maker.mark(Time(9 * HOUR)), Some(MarkPrice(10_000)), "P1 once funding is due");
    }

    #[test]
    fn what_the_median_misses_is_replaced() {
        let mut maker = MarkMaker::new(MarkRule::Median { interval: INTERVAL, weight: Ppm::ONE }, 1);
        assert_eq!(see(&mut maker, Input::Traded(Price(90))), Some(90), "no index: the last trade");
        let mut maker = MarkMaker::new(MarkRule::Median { interval: INTERVAL, weight: Ppm::ONE }, 1);
        assert_eq!(see(&mut maker, Input::Indexed(MarkPrice(100))), Some(100));
        see(&mut maker, quoted(107, 107));
        assert_eq!(see(&mut maker, Input::Sampled), Some(107), "no trade: P2");
        maker.set_rule(MarkRule::Mid);
        assert_eq!(maker.mark(Time::ZERO), Some(MarkPrice(107)), "a new rule starts from what is known");
    }

    #[test]
    fn extremes_do_not_overflow() {
        let mut maker = MarkMaker::new(MarkRule::Median { interval: INTERVAL, weight: Ppm::ONE }, u32::MAX);
        maker.set_funding(Some(FundingAhead { rate: Ppm::ONE, due: Time::MAX, interval: Span(u64::MAX) }));
        for end in [i64::MIN, i64::MAX] {
            see(&mut maker, Input::Indexed(MarkPrice(end)));
            see(&mut maker, quoted(-end.saturating_add(1), -end.saturating_add(1)));
            see(&mut maker, Input::Sampled);
            assert_eq!(see(&mut maker, Input::Traded(Price(end))), Some(end));
        }
    }
}
