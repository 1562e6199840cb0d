//! Initial margin that grows with an instrument's open interest, so that a market no deeper than before is not
//! levered as highly.

use downdraft_types::arith::mul_div_ceil;
use downdraft_types::{Money, Ppm};

/// Open interest, as notional in the settlement currency, between which the initial rate rises from its base to
/// 100%. Off where `upper` is not above `lower`.
///
/// Source: dYdX v4, `x/perpetuals/types/liquidity_tier.go`, `GetInitialMarginQuoteQuantums`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OpenInterestScale {
    /// Where the rate starts to rise.
    pub lower: Money,
    /// Where it reaches 100%.
    pub upper: Money,
}

impl OpenInterestScale {
    /// The rate at `open_interest` as a fraction:
    /// `min(base + (1 − base) × max(0, (open_interest − lower) ÷ (upper − lower)), 1)`.
    fn rate(self, base: Ppm, open_interest: Money) -> (i128, i128) {
        let (base, one) = (i128::from(base.0), i128::from(Ppm::ONE.0));
        if self.upper <= self.lower {
            return (base, one);
        }
        let whole = (self.upper - self.lower).0;
        let above = (open_interest.max(self.lower).min(self.upper) - self.lower).0;
        (base * whole + (one - base) * above, one * whole)
    }

    /// The initial rate at `open_interest`, rounded up to a part per million: the account bears the fraction.
    /// `base` is at most 100%; amounts are below 2^100.
    #[must_use]
    pub fn initial_rate(self, base: Ppm, open_interest: Money) -> Ppm {
        let (numerator, denominator) = self.rate(base, open_interest);
        let rate = mul_div_ceil(numerator, i128::from(Ppm::ONE.0), denominator);
        Ppm(i64::try_from(rate).expect("a rate between its base and 100%"))
    }

    /// Initial margin of `notional` at the exact rate, rounded up once: the account bears the fraction of a unit.
    #[must_use]
    pub fn initial_margin(self, notional: Money, base: Ppm, open_interest: Money) -> Money {
        let (numerator, denominator) = self.rate(base, open_interest);
        Money(mul_div_ceil(notional.0, numerator, denominator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i128 = 1_000_000_000_000;

    #[test]
    fn published_examples() {
        // dydx.oimf.*: base, open interest, lower, upper, notional, expected.
        let rows = [
            (200_000, 0, 0, 0, 500_000, 100_000),
            (500_000, 0, 0, 0, 1_000_000, 500_000),
            (200_000, 3 * T / 2, 0, 0, 500_000, 100_000),
            (200_000, 3 * T / 2, T, 2 * T, 500_000, 300_000),
            (200_000, 80 * T, 25 * T, 50 * T, 500_000, 500_000),
            (200_000, 25 * T, 25 * T, 50 * T, 500_000, 100_000),
            (200_000, 28_123_456_789_123, 25 * T, 60 * T, 500_000, 135_697),
        ];
        for (base, open_interest, lower, upper, notional, expected) in rows {
            let scale = OpenInterestScale { lower: Money(lower), upper: Money(upper) };
            let (base, open_interest) = (Ppm(base), Money(open_interest));
            assert_eq!(scale.initial_margin(Money(notional), base, open_interest), Money(expected));
        }
    }

    #[test]
    fn the_rate_is_rounded_up() {
        let scale = OpenInterestScale { lower: Money(0), upper: Money(3) };
        assert_eq!(scale.initial_rate(Ppm(100_000), Money(1)), Ppm(400_000));
        assert_eq!(scale.initial_rate(Ppm(200_000), Money(1)), Ppm(466_667));
        assert_eq!(scale.initial_rate(Ppm(200_000), Money(9)), Ppm::ONE);
    }
}
