//! Maintenance tiers with their amounts: within a tier, maintenance = notional × rate − amount, and the amounts make
//! it continuous from one tier to the next.
//!
//! `amount_n = floor_n × (rate_n − rate_{n−1}) + amount_{n−1}`
//!
//! Source: Binance, *Leverage and Margin of USDⓈ-M Futures* and *… of COIN-M Futures*; the same form at Bybit, OKX,
//! Gate.

use super::error::{ModelError, not_negative};

/// One tier, as a venue publishes it. Notional is in the currency of settlement: for coin-margined contracts, coins.
#[derive(Clone, Copy, PartialEq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tier {
    /// Notional from which it applies.
    pub floor: f64,
    /// Maintenance margin rate.
    pub rate: f64,
    /// Maintenance amount.
    pub amount: f64,
}

/// Writes each tier's amount from floors and rates.
///
/// # Errors
/// Where there is no tier, the first does not start at zero, floors do not rise, rates fall, or a rate is not from 0
/// to below 1.
pub fn amounts(tiers: &mut [Tier]) -> Result<(), ModelError> {
    check_order(tiers)?;
    tiers[0].amount = 0.0;
    for n in 1..tiers.len() {
        let before = tiers[n - 1];
        tiers[n].amount = next_amount(tiers[n].floor, tiers[n].rate, before.rate, before.amount);
    }
    Ok(())
}

/// The amount of a tier from its floor and rate, and the tier below.
#[must_use]
pub fn next_amount(floor: f64, rate: f64, rate_below: f64, amount_below: f64) -> f64 {
    floor * (rate - rate_below) + amount_below
}

fn check_order(tiers: &[Tier]) -> Result<(), ModelError> {
    let Some(first) = tiers.first() else { return Err(ModelError::new("tiers", 0.0, "at least one tier")) };
    if first.floor != 0.0 {
        return Err(ModelError::at("tiers.floor", 0, first.floor, "0 for the first tier"));
    }
    for (i, tier) in tiers.iter().enumerate() {
        not_negative("tiers.floor", tier.floor).map_err(|e| ModelError { index: Some(i), ..e })?;
        if !(0.0..1.0).contains(&tier.rate) {
            return Err(ModelError::at("tiers.rate", i, tier.rate, "a rate from 0 to below 1"));
        }
    }
    for (i, pair) in tiers.windows(2).enumerate() {
        if pair[0].floor >= pair[1].floor {
            return Err(ModelError::at("tiers.floor", i + 1, pair[1].floor, "more than the tier before it"));
        }
        if pair[0].rate > pair[1].rate {
            return Err(ModelError::at("tiers.rate", i + 1, pair[1].rate, "at least the rate of the tier before it"));
        }
    }
    Ok(())
}

/// The tiers of one contract. Where a venue publishes only the tier that a position lies in, a list of one is enough:
/// what follows from it holds as long as the position stays in it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tiers<'a>(&'a [Tier]);

impl<'a> Tiers<'a> {
    /// # Errors
    /// Where there is no tier, or a rate or amount is not finite or out of range. Several tiers must be in order.
    pub fn new(tiers: &'a [Tier]) -> Result<Self, ModelError> {
        if tiers.len() == 1 {
            check_order(&[Tier { floor: 0.0, ..tiers[0] }])?;
        } else {
            check_order(tiers)?;
        }
        for (i, tier) in tiers.iter().enumerate() {
            not_negative("tiers.amount", tier.amount).map_err(|e| ModelError { index: Some(i), ..e })?;
        }
        Ok(Self(tiers))
    }

    /// Maintenance margin of `notional`: the largest over all tiers of `notional × rate − amount`, which is that of
    /// the tier it lies in, as rates rise and amounts make it continuous. Never below zero.
    #[must_use]
    pub fn maintenance(&self, notional: f64) -> f64 {
        let of = |most: f64, tier: &Tier| most.max(notional * tier.rate - tier.amount);
        self.0.iter().fold(0.0, of)
    }

    pub(crate) const fn all(&self) -> &'a [Tier] {
        self.0
    }
}
