//! Price bands and breakers of regulated markets: how far a price may go before trading pauses. In whole ticks.
//!
//! Sources: *Plan to Address Extraordinary Market Volatility* (limit up, limit down), appendix A; CME, *Dynamic Circuit
//! Breakers* and *Price limits*; the market-wide breakers of S&P 500.

use super::error::ModelError;
use downdraft_types::arith::{floor_div, mul_div_floor};
use downdraft_types::{Ppm, Price};

const ONE: i128 = 1_000_000;

/// Which list a security is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LuldTier {
    /// S&P 500, Russell 1000, and some exchange-traded products.
    One,
    /// The rest.
    Two,
}

/// Limit up, limit down: the distance of the band from the reference price. Prices are in ten-thousandths of a dollar;
/// a fraction of one is dropped, which makes the band the tighter one. `closing` is the previous close, which decides the
/// bucket; `doubled` is for the times of day at which the plan doubles the band.
///
/// Above $3: 5% (first tier) or 10%; $0.75 to $3: 20%; below: the lesser of $0.15 and 75%.
///
/// # Errors
/// Where a price is not positive, or beyond 2^40.
pub fn luld_distance(reference: Price, closing: Price, tier: LuldTier, doubled: bool) -> Result<Price, ModelError> {
    let (reference, closing) = (dollars("reference", reference)?, dollars("closing", closing)?);
    const DOLLAR: i128 = 10_000;
    let part = |ppm: i128| reference * ppm / ONE;
    let single = match (closing, tier) {
        (price, _) if price * 100 < 75 * DOLLAR => part(750_000).min(15 * DOLLAR / 100),
        (price, _) if price <= 3 * DOLLAR => part(200_000),
        (_, LuldTier::One) => part(50_000),
        (_, LuldTier::Two) => part(100_000),
    };
    let times = if doubled { 2 } else { 1 };
    Ok(Price(i64::try_from(single * times).unwrap_or(i64::MAX)))
}

/// The distance in whole cents, from [`luld_distance`] in ten-thousandths: rounded to the nearest, halves up.
#[must_use]
pub fn to_cents(distance: Price) -> i64 {
    (distance.0 + 50).div_euclid(100)
}

fn dollars(field: &'static str, price: Price) -> Result<i128, ModelError> {
    let good = price.0 > 0 && price.0 <= 1 << 40;
    if good { Ok(price.0.into()) } else { Err(ModelError::new(field, price.0 as f64, "from 1 to 2^40")) }
}

/// CME's dynamic circuit breaker: how far a price may move within the hour, `⌊settlement × percent⌋` in ticks. Prices
/// are in ticks already; rounding down makes the band the tighter one.
///
/// # Errors
/// Where the settlement is not positive, or the rate not from 0 to 100%.
pub fn dcb_variant(settlement: Price, percent: Ppm) -> Result<Price, ModelError> {
    let settlement = dollars("settlement", settlement)?;
    if !(0..=Ppm::ONE.0).contains(&percent.0) {
        return Err(ModelError::new("percent", percent.0 as f64, "from 0 to 1000000 ppm"));
    }
    let ticks = mul_div_floor(settlement, percent.0.into(), ONE);
    Ok(Price(i64::try_from(ticks).unwrap_or(i64::MAX)))
}

/// Its band: the lowest price is the variant below the highest of the last hour, the highest price the variant above
/// the lowest.
#[must_use]
pub fn dcb_band(variant: Price, rolling_high: Price, rolling_low: Price) -> (Price, Price) {
    (rolling_high - variant, rolling_low + variant)
}

/// Prices at which trading halts, 7%, 13% and 20% below the reference, rounded down to the tick: the halt comes no
/// earlier than the rule says.
///
/// # Errors
/// Where the reference is not positive.
pub fn market_wide_levels(reference: Price) -> Result<[Price; 3], ModelError> {
    let reference = dollars("reference", reference)?;
    Ok([70_000, 130_000, 200_000].map(|drop| {
        let level = floor_div(reference * (ONE - drop), ONE);
        Price(i64::try_from(level).unwrap_or(i64::MAX))
    }))
}
