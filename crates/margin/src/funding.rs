//! Funding of perpetuals: premium, rate and payment as pure integer functions.
//!
//! Every rate is in parts per million, per funding interval unless said otherwise. Nothing here holds state but
//! [`PremiumAverage`].

use downdraft_types::arith::{ceil_div, floor_div, mul_div_ceil, mul_div_floor};
use downdraft_types::{MarkPrice, Money, Ppm, Price, Qty, Span};

const ONE: i128 = 1_000_000;

/// The average price, in ticks, at which a book would trade an amount of money: `paid ÷ lots`, kept as a
/// fraction so that nothing is rounded before the premium is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Impact {
    /// The amount × the price of the last level touched.
    numerator: i128,
    /// Lots × the price of the last level touched: lots themselves need not be whole.
    denominator: i128,
}

impl Impact {
    /// Walks `levels` from the best outward until `notional` is traded. Zero `notional` gives the best price.
    /// `None` where the levels hold less, or one has a price that is not positive: the side has no impact price.
    ///
    /// `tick_value` is money per tick per lot.
    ///
    /// Source: dYdX v4, `x/clob/memclob`, `getImpactPriceSubticks`; BitMEX, *Impact Bid and Ask Price*.
    ///
    /// # Panics
    /// Where `tick_value` is not positive.
    #[must_use]
    pub fn of(levels: impl Iterator<Item = (Price, Qty)>, notional: Money, tick_value: Money) -> Option<Self> {
        assert!(tick_value.is_positive(), "a tick is worth something");
        let (mut left, mut lots) = (notional.0, 0_i128);
        for (price, qty) in levels {
            if !price.is_positive() {
                return None;
            }
            let per_lot = i128::from(price.0) * tick_value.0;
            if notional.0 <= 0 {
                return Self::at(price);
            }
            let value = per_lot * i128::from(qty.0);
            if value >= left {
                // lots + left ÷ per_lot, and notional ÷ tick_value over it, both times per_lot.
                let denominator = lots * per_lot + left;
                return Some(Self { numerator: notional.0 * i128::from(price.0), denominator });
            }
            left -= value;
            lots += i128::from(qty.0);
        }
        None
    }

    /// One price at which any amount would trade: the best one, where depth is not looked at. `None` where it is not
    /// positive.
    #[must_use]
    pub fn at(price: Price) -> Option<Self> {
        price.is_positive().then_some(Self { numerator: i128::from(price.0), denominator: 1 })
    }

    /// This price ÷ `index`, in parts per million, rounded down and up.
    fn over(self, index: MarkPrice, mark_scale: u32) -> (i128, i128) {
        let index = i128::from(index.0);
        let scale = i128::from(mark_scale) * ONE;
        // Dividing twice in one direction rounds as dividing once.
        let down = floor_div(mul_div_floor(self.numerator, scale, self.denominator), index);
        let up = ceil_div(mul_div_ceil(self.numerator, scale, self.denominator), index);
        (down, up)
    }
}

/// The premium of a book over its index: `(max(0, bid − index) − max(0, index − ask)) ÷ index` of the impact
/// prices, rounded toward zero. A side without an impact price says nothing. `None` while the index is not
/// positive.
///
/// Source: dYdX v4, `x/clob/memclob`, `GetPremiumPrice`; the same formula at BitMEX and Binance.
#[must_use]
pub fn premium(bid: Option<Impact>, ask: Option<Impact>, index: MarkPrice, mark_scale: u32) -> Option<Ppm> {
    if !index.is_positive() {
        return None;
    }
    let above = bid.map_or(0, |bid| (bid.over(index, mark_scale).0 - ONE).max(0));
    let below = ask.map_or(0, |ask| (ONE - ask.over(index, mark_scale).1).max(0));
    Some(saturate(above - below))
}

/// The premiums sampled in one interval.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PremiumAverage {
    sum: i128,
    weight: u64,
    count: u32,
}

impl PremiumAverage {
    /// Adds a sample that counts once.
    pub fn add(&mut self, premium: Ppm) {
        self.add_weighted(premium, 1);
    }

    /// Adds a sample that counts n-fold where it is the n-th: `(1·P₁ + 2·P₂ + … + n·Pₙ) ÷ (1 + 2 + … + n)`.
    ///
    /// Source: Binance, *Introduction to Funding Rates*, average premium index.
    pub fn add_rising(&mut self, premium: Ppm) {
        self.add_weighted(premium, self.count + 1);
    }

    fn add_weighted(&mut self, premium: Ppm, weight: u32) {
        self.sum += i128::from(premium.0) * i128::from(weight);
        self.weight += u64::from(weight);
        self.count += 1;
    }

    /// How many samples there are.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Their mean, rounded toward zero; zero without a sample.
    #[must_use]
    pub fn average(&self) -> Ppm {
        saturate(self.sum / i128::from(self.weight.max(1)))
    }
}

/// The funding rate: `premium + clamp(interest − premium, ±damper)`, then clamped to ±`cap`. Exact.
///
/// Source: BitMEX, *Perpetual Contracts Guide*; Binance, *Introduction to Funding Rates* (damper 0.05%).
#[must_use]
pub fn funding_rate(premium: Ppm, interest: Ppm, damper: Ppm, cap: Ppm) -> Ppm {
    let pulled = premium.0.saturating_add(clamp(interest.0.saturating_sub(premium.0), damper));
    Ppm(clamp(pulled, cap))
}

/// The funding rate without a damper: `premium + interest`, clamped to ±`cap`. Exact.
///
/// Source: dYdX v4, `x/perpetuals/keeper`, `MaybeProcessNewFundingTickEpoch`.
#[must_use]
pub fn added_rate(premium: Ppm, interest: Ppm, cap: Ppm) -> Ppm {
    Ppm(clamp(premium.0.saturating_add(interest.0), cap))
}

/// The part of a rate for `period` that an `interval` of it pays: rounded toward zero, so that who pays keeps the
/// fraction of a part per million.
///
/// Source: dYdX v4 (an hour of 8); Binance, `÷ (8 ÷ N)` for an interval of N hours.
///
/// # Panics
/// Where `period` is zero.
#[must_use]
pub fn for_interval(rate: Ppm, interval: Span, period: Span) -> Ppm {
    saturate(i128::from(rate.0) * i128::from(interval.0) / i128::from(period.0))
}

/// The largest absolute 8-hour rate: `clamp × (initial − maintenance)`, where maintenance is
/// `initial × maintenance_fraction`. Both products are rounded down, the inner one first.
///
/// Source: dYdX v4, `x/perpetuals/types/liquidity_tier.go`, `GetMaxAbsFundingClampPpm`.
#[must_use]
pub fn largest_rate(clamp: Ppm, initial: Ppm, maintenance_fraction: Ppm) -> Ppm {
    let part = |of: i128, rate: Ppm| floor_div(of * i128::from(rate.0), ONE);
    let maintenance = part(i128::from(initial.0), maintenance_fraction);
    saturate(part(i128::from(initial.0) - maintenance, clamp))
}

/// How much a funding index grows over `elapsed`: `rate × elapsed ÷ period × unit_value`, rounded toward zero, in
/// money × 10^6 per unit of size. `unit_value` is a numerator and a denominator: a unit of size may be worth less
/// than the smallest unit of money.
///
/// Source: dYdX v4, `x/perpetuals/funding`, `GetFundingIndexDelta` (period 8 hours).
///
/// # Panics
/// Where `period` or the denominator is zero, or the product leaves 128 bits.
#[must_use]
pub fn index_delta(rate: Ppm, elapsed: Span, period: Span, unit_value: (u64, u64)) -> i128 {
    let grown = i128::from(rate.0.unsigned_abs()) * i128::from(elapsed.0);
    let whole = i128::from(period.0) * i128::from(unit_value.1);
    let size = mul_div_floor(grown, i128::from(unit_value.0), whole);
    if rate.is_negative() { -size } else { size }
}

/// What a position pays (negative: receives) at `rate` on its signed value at mark, rounded up: who pays bears the
/// fraction of a unit and who receives forgoes it, so that what is left for the residue account is never negative.
#[must_use]
pub fn payment(value: Money, rate: Ppm) -> Money {
    Money(mul_div_ceil(value.0, i128::from(rate.0), ONE))
}

/// Vega's funding payment per unit of size, from time-weighted spot `spot` and futures price `future`, in any one
/// unit: `future − spot + min(upper × spot, max(lower × spot, (1 + interest) × spot − future))`, with
/// `interest` that of the whole period. The interest and each limit are rounded toward minus infinity.
///
/// Source: Vega protocol specification 0053-PERP, *funding payment*; examples in 0019-MCAL.
#[must_use]
pub fn vega_payment(spot: i128, future: i128, interest: Ppm, lower: Ppm, upper: Ppm) -> i128 {
    let part = |rate: Ppm| mul_div_floor(spot, i128::from(rate.0), ONE);
    let pull = spot + part(interest) - future;
    future - spot + pull.max(part(lower)).min(part(upper))
}

fn clamp(rate: i64, limit: Ppm) -> i64 {
    rate.clamp(limit.0.saturating_abs().saturating_neg(), limit.0.saturating_abs())
}

/// A premium beyond `i64` parts per million is a premium without bound.
fn saturate(rate: i128) -> Ppm {
    Ppm(i64::try_from(rate).unwrap_or(if rate < 0 { i64::MIN } else { i64::MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000_000;

    /// Prices in tenths of a dollar, sizes in tenths: a tick of a lot is a hundredth of a dollar.
    fn impact(levels: &[(i64, u64)], dollars: i128) -> Option<Impact> {
        Impact::of(levels.iter().map(|&(p, q)| (Price(p), Qty(q))), Money(dollars * 100), Money(1))
    }

    #[test]
    fn premium_below_the_index() {
        // dydx.premium.index_above_impact_ask
        let bid = impact(&[(99_990, 10)], 5_000);
        let ask = impact(&[(100_010, 1), (100_015, 1), (100_020, 10)], 5_000);
        assert_eq!(premium(bid, ask, MarkPrice(100_030), 1), Some(Ppm(-129)));
        assert_eq!(premium(bid, ask, MarkPrice(1_000_300), 10), Some(Ppm(-129)));
    }

    #[test]
    fn premium_above_the_index() {
        // dydx.premium.impact_bid_eq_best
        let (bid, ask) = (impact(&[(99_999, 10)], 5_000), impact(&[(100_010, 10)], 5_000));
        assert_eq!(premium(bid, ask, MarkPrice(99_975), 1), Some(Ppm(240)));
    }

    #[test]
    fn a_side_too_thin_says_nothing() {
        assert_eq!(impact(&[(100_000, 1)], 5_000), None);
        assert_eq!(impact(&[(-5, 1)], 0), None);
        let best = impact(&[(100_000, 1)], 0);
        assert_eq!(premium(best, None, MarkPrice(99_000), 1), Some(Ppm(10_101)));
        assert_eq!(premium(None, best, MarkPrice(99_000), 1), Some(Ppm::ZERO));
        assert_eq!(premium(None, best, MarkPrice(101_000), 1), Some(Ppm(-9_900)));
        assert_eq!(premium(best, best, MarkPrice(0), 1), None);
    }

    #[test]
    fn averages_round_toward_zero() {
        let mut average = PremiumAverage::default();
        assert_eq!(average.average(), Ppm::ZERO);
        for premium in [-1, -1, -3] {
            average.add(Ppm(premium));
        }
        assert_eq!((average.count(), average.average()), (3, Ppm(-1)));
    }

    #[test]
    fn rates() {
        let (damper, cap) = (Ppm(500), Ppm(7_500));
        // bitmex.funding.inside_damper, bitmex.funding.negative_premium
        assert_eq!(funding_rate(Ppm(300), Ppm(100), damper, cap), Ppm(100));
        assert_eq!(funding_rate(Ppm(-1_000), Ppm(100), damper, cap), Ppm(-500));
        assert_eq!(funding_rate(Ppm(90_000), Ppm(100), damper, cap), cap);
        assert_eq!(funding_rate(Ppm(i64::MIN), Ppm(100), damper, cap), Ppm(-7_500));
    }

    #[test]
    fn later_samples_weigh_more_where_they_rise() {
        let mut average = PremiumAverage::default();
        [300, 0, -600].map(Ppm).into_iter().for_each(|premium| average.add_rising(premium));
        // (300 + 0 − 1800) ÷ 6.
        assert_eq!((average.count(), average.average()), (3, Ppm(-250)));
    }

    #[test]
    fn rates_without_a_damper() {
        assert_eq!(added_rate(Ppm(300), Ppm(100), Ppm(7_500)), Ppm(400));
        assert_eq!(added_rate(Ppm(-300), Ppm(100), Ppm(150)), Ppm(-150));
        assert_eq!(added_rate(Ppm(i64::MAX), Ppm(1), Ppm(5)), Ppm(5));
    }

    #[test]
    fn an_interval_pays_its_part_of_a_period() {
        let part = |rate, hours| for_interval(Ppm(rate), Span(hours * HOUR), Span(8 * HOUR));
        assert_eq!((part(100, 8), part(100, 1), part(-100, 1)), (Ppm(100), Ppm(12), Ppm(-12)));
        assert_eq!(part(1_000_000, 4), Ppm(500_000));
    }

    #[test]
    fn largest_rates() {
        // dydx.funding_clamp.*
        assert_eq!(largest_rate(Ppm(6_000_000), Ppm(150_000), Ppm(800_000)), Ppm(180_000));
        assert_eq!(largest_rate(Ppm(3_000_000), Ppm(1_000_000), Ppm(0)), Ppm(3_000_000));
        assert_eq!(largest_rate(Ppm(423_978_721), Ppm(745_345), Ppm(564_947)), Ppm(137_481_459));
    }

    #[test]
    fn index_deltas_round_toward_zero() {
        // dydx.funding_index.negative_rounds_to_zero: a unit of size is worth 1000 × 10^(6 − 12).
        let delta = |rate| index_delta(Ppm(rate), Span(8 * HOUR), Span(8 * HOUR), (1_000, 1_000_000));
        assert_eq!((delta(-1_001_999), delta(1_001_999)), (-1_001, 1_001));
        assert_eq!(index_delta(Ppm(1_000_000), Span(HOUR), Span(8 * HOUR), (8, 1)), 1_000_000);
    }

    #[test]
    fn payments_leave_a_residue_that_is_not_negative() {
        assert_eq!(payment(Money(1_000_001), Ppm(100)), Money(101));
        assert_eq!(payment(Money(-1_000_001), Ppm(100)), Money(-100));
        assert_eq!(payment(Money(1_000_001), Ppm(-100)), Money(-100));
        assert_eq!(payment(Money(-1_000_001), Ppm(-100)), Money(101));
    }

    #[test]
    fn vega_payments() {
        // vega.funding.unclamped, vega.funding.clamp_lo; prices in hundredths, interest 5% × 0.002.
        let (interest, wide) = (Ppm(100), Ppm(1_000_000_000_000_000));
        assert_eq!(vega_payment(160_000, 159_000, interest, -wide, wide), 16);
        assert_eq!(vega_payment(160_000, 170_000, interest, Ppm(-50_000), wide), 2_000);
        assert_eq!(vega_payment(160_000, 150_000, interest, -wide, Ppm(50_000)), -2_000);
    }
}
