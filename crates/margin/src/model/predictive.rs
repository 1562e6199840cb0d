//! Margin from what closing a position would cost: by walking the book as it stands, or from a forecast of volatility
//! over the time that closing takes.
//!
//! ```text
//!   by depth         max(least × notional, factor × (|value at mark − value in the book| + beyond × what is left))
//!   by volatility    z × σ × √(horizon ÷ year) × notional
//! ```
//!
//! Sources: R. Almgren and N. Chriss, *Optimal execution of portfolio transactions* (2000); EMIR RTS 153/2013 and Basel
//! (liquidation periods).

use super::error::{ModelError, not_negative, positive};
use super::surface::YEAR_SECONDS;
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{Money, Ppm, Price, Qty, Side};

const ONE: i128 = 1_000_000;

/// What the book would take of a position, and for how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unwind {
    /// Lots that it takes.
    pub taken: Qty,
    /// What they are traded for.
    pub value: Money,
    /// Lots that are left when the levels are used up.
    pub left: Qty,
}

/// Walks `levels`, the best first, with `size` lots, of which each level takes `part` of what it holds, rounded down:
/// others will be closing too. `tick_value` is money per tick per lot.
///
/// # Errors
/// Where `part` is not from 0 to 100%, or `tick_value` not from 1 to 2^40.
pub fn unwind(
    levels: impl Iterator<Item = (Price, Qty)>,
    size: Qty,
    part: Ppm,
    tick_value: Money,
) -> Result<Unwind, ModelError> {
    rate("part", part)?;
    if !(1..=1 << 40).contains(&tick_value.0) {
        return Err(ModelError::new("tick_value", tick_value.0 as f64, "from 1 to 2^40"));
    }
    let mut walked = Unwind { taken: Qty::ZERO, value: Money::ZERO, left: size };
    for (price, held) in levels {
        let offered = mul_div_floor(held.0.into(), part.0.into(), ONE);
        let lots = offered.min(walked.left.0.into());
        let qty = Qty(u64::try_from(lots).unwrap_or(u64::MAX));
        walked.value = add(walked.value, lots * i128::from(price.0), tick_value)?;
        walked.taken = Qty(walked.taken.0 + qty.0);
        walked.left = Qty(walked.left.0 - qty.0);
        if walked.left.is_zero() {
            break;
        }
    }
    Ok(walked)
}

/// Adds ticks × lots; values stay below 2^100, so that what follows stays within 128 bits.
fn add(sum: Money, ticks: i128, tick_value: Money) -> Result<Money, ModelError> {
    let more = ticks.checked_mul(tick_value.0).and_then(|more| more.checked_add(sum.0));
    let found = more.filter(|value| value.unsigned_abs() < 1 << 100);
    found.map(Money).ok_or_else(|| ModelError::new("levels", ticks as f64, "levels worth at most 2^100"))
}

fn rate(field: &'static str, found: Ppm) -> Result<i128, ModelError> {
    let good = (0..=10 * Ppm::ONE.0).contains(&found.0);
    if good { Ok(found.0.into()) } else { Err(ModelError::new(field, found.0 as f64, "from 0 to 10000000 ppm")) }
}

/// Margin by the cost of unwinding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ByUnwinding {
    /// Part of each level that counts.
    pub part: Ppm,
    /// Cost of what the book does not take, as a part of its value at mark.
    pub beyond: Ppm,
    /// What the cost is multiplied by.
    pub factor: Ppm,
    /// The least margin, as a part of notional.
    pub least: Ppm,
}

impl ByUnwinding {
    /// # Errors
    /// Where a rate is not from 0 to 1000%, or `part` above 100%.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.part > Ppm::ONE {
            return Err(ModelError::new("part", self.part.0 as f64, "from 0 to 1000000 ppm"));
        }
        rate("part", self.part)?;
        rate("beyond", self.beyond)?;
        rate("factor", self.factor)?;
        rate("least", self.least).map(|_| ())
    }

    /// The margin of a position of `size` lots on `side`, whose mark is `mark_value` money per lot, in a book whose
    /// opposite levels are `levels`, best first. A book that is better than the mark costs nothing. Rounded up: the
    /// account bears the fraction of a unit.
    ///
    /// # Errors
    /// As [`unwind`] and [`ByUnwinding::check`], or where the mark is not from 1 to 2^36.
    pub fn margin(
        &self,
        side: Side,
        size: Qty,
        mark_value: Money,
        tick_value: Money,
        levels: impl Iterator<Item = (Price, Qty)>,
    ) -> Result<Money, ModelError> {
        self.check()?;
        if !(1..=1 << 36).contains(&mark_value.0) {
            return Err(ModelError::new("mark_value", mark_value.0 as f64, "from 1 to 2^36 money per lot"));
        }
        let walked = unwind(levels, size, self.part, tick_value)?;
        let at_mark = |qty: Qty| i128::from(qty.0) * mark_value.0;
        let slipped = match side {
            Side::Buy => at_mark(walked.taken) - walked.value.0,
            Side::Sell => walked.value.0 - at_mark(walked.taken),
        };
        let left = mul_div_ceil(at_mark(walked.left), self.beyond.0.into(), ONE);
        let cost = mul_div_ceil(slipped.max(0) + left, self.factor.0.into(), ONE);
        let least = mul_div_ceil(at_mark(size), self.least.0.into(), ONE);
        Ok(Money(cost.max(least)))
    }
}

/// Margin as a part of notional, from a forecast of volatility: `quantile × vol × √(horizon ÷ year)`, the horizon in
/// seconds. Rounded up to a part per million, at most 100%.
///
/// # Errors
/// Where a number is negative or not finite, or the horizon not positive.
pub fn by_forecast(vol: f64, horizon: f64, quantile: f64) -> Result<Ppm, ModelError> {
    let spread = not_negative("vol", vol)? * libm::sqrt(positive("horizon", horizon)? / YEAR_SECONDS);
    let rate = libm::ceil(not_negative("quantile", quantile)? * spread * 1e6);
    Ok(Ppm((rate as i64).min(Ppm::ONE.0)))
}
