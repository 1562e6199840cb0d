//! What an account holds, as the option models look at it: legs by expiry, perpetuals, collateral, and the feeds they
//! are valued by. All of it is borrowed; nothing is allocated.

use super::black76::{Right, Terms};
use super::error::{ModelError, finite, fraction, not_negative, positive};
use super::surface::YEAR_SECONDS;

/// Options of one strike and right.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OptionLeg {
    /// Strike price.
    pub strike: f64,
    /// Call or put.
    pub right: Right,
    /// Units of the underlying: negative is short.
    pub amount: f64,
    /// Volatility of the mark.
    pub vol: f64,
}

/// Options of one expiry.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expiry<'a> {
    /// Seconds left; 0 once expired.
    pub seconds: f64,
    /// The part of the forward price that moves with the spot.
    pub forward: f64,
    /// The part that is settled already, as the settlement average fills up.
    pub fixed: f64,
    /// Interest rate to expiry, per year, continuously compounded. Below zero counts as zero.
    pub rate: f64,
    /// The least confidence among the feeds of forward, rate and volatility, from 0 to 1.
    pub confidence: f64,
    /// The options.
    pub legs: &'a [OptionLeg],
}

impl Expiry<'_> {
    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        not_negative("seconds", self.seconds)?;
        not_negative("forward", self.forward)?;
        not_negative("fixed", self.fixed)?;
        positive("forward + fixed", self.forward + self.fixed)?;
        finite("rate", self.rate)?;
        fraction("confidence", self.confidence)?;
        self.legs.iter().enumerate().try_for_each(|(i, leg)| leg.check(i))
    }

    /// Years left, of 365 days.
    #[must_use]
    pub fn years(&self) -> f64 {
        self.seconds / YEAR_SECONDS
    }

    /// The interest rate, not below zero.
    #[must_use]
    pub fn floored_rate(&self) -> f64 {
        self.rate.max(0.0)
    }

    /// What money at expiry is worth now.
    #[must_use]
    pub fn discount(&self) -> f64 {
        libm::exp(-self.floored_rate() * self.years())
    }

    /// Value of the options where the spot is multiplied by `spot` and each volatility becomes `vol(leg)`.
    pub(crate) fn value(&self, spot: f64, discount: f64, vol: impl Fn(&OptionLeg) -> f64) -> f64 {
        let (forward, years) = (self.forward * spot + self.fixed, self.years());
        let of = |leg: &OptionLeg| {
            let terms = Terms { forward, strike: leg.strike, years, vol: vol(leg), discount };
            terms.price(leg.right) * leg.amount
        };
        self.legs.iter().fold(0.0, |sum, leg| sum + of(leg))
    }

    /// Units of options, long and short together.
    #[must_use]
    pub fn gross(&self) -> f64 {
        self.legs.iter().fold(0.0, |sum, leg| sum + leg.amount.abs())
    }

    /// Units short that no long of the same strike offsets, whatever its right: `Σ max(0, −net)` over strikes.
    #[must_use]
    pub fn naked_shorts(&self) -> f64 {
        let net = |strike: f64| {
            let at = self.legs.iter().filter(|leg| leg.strike == strike);
            at.fold(0.0, |sum, leg| sum + leg.amount)
        };
        let first = |i: usize| !self.legs[..i].iter().any(|leg| leg.strike == self.legs[i].strike);
        let firsts = (0..self.legs.len()).filter(|i| first(*i));
        firsts.fold(0.0, |sum, i| sum + (-net(self.legs[i].strike)).max(0.0))
    }
}

impl OptionLeg {
    fn check(&self, index: usize) -> Result<(), ModelError> {
        let with_index = |error: ModelError| ModelError { index: Some(index), ..error };
        not_negative("strike", self.strike).map_err(with_index)?;
        finite("amount", self.amount).map_err(with_index)?;
        not_negative("vol", self.vol).map_err(with_index).map(|_| ())
    }
}

/// A holding of another asset, as collateral.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Collateral {
    /// Units held; a borrowed asset is not collateral.
    pub amount: f64,
    /// Price in the quote currency.
    pub price: f64,
    /// Whether it is the underlying, or as good as: then it falls and rises with the spot in a scenario.
    pub risk_cancelling: bool,
    /// Part of its value that maintenance margin does not count.
    pub maintenance_haircut: f64,
    /// Part that initial margin does not count, on top.
    pub initial_haircut: f64,
    /// Confidence of its price feed, from 0 to 1.
    pub confidence: f64,
}

/// Everything an account holds on one underlying, and the feeds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Portfolio<'a> {
    /// Spot price of the underlying.
    pub spot: f64,
    /// Confidence of the spot feed, from 0 to 1.
    pub spot_confidence: f64,
    /// Price of the stable coin in which amounts are counted.
    pub stable: f64,
    /// Units of the perpetual: negative is short.
    pub perps: f64,
    /// Price of the perpetual.
    pub perp_price: f64,
    /// Confidence of the perpetual's price feed. Not looked at without a position.
    pub perp_confidence: f64,
    /// Unrealised profit and unpaid funding of the perpetual.
    pub perp_value: f64,
    /// Balance of the stable coin: negative is borrowed.
    pub cash: f64,
    /// Options by expiry.
    pub expiries: &'a [Expiry<'a>],
    /// Other assets.
    pub collaterals: &'a [Collateral],
}

impl Portfolio<'_> {
    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        positive("spot", self.spot)?;
        fraction("spot_confidence", self.spot_confidence)?;
        positive("stable", self.stable)?;
        finite("perps", self.perps)?;
        not_negative("perp_price", self.perp_price)?;
        fraction("perp_confidence", self.perp_confidence)?;
        finite("perp_value", self.perp_value)?;
        finite("cash", self.cash)?;
        self.expiries.iter().try_for_each(Expiry::check)?;
        self.collaterals.iter().enumerate().try_for_each(|(i, collateral)| collateral.check(i))
    }

    /// Confidence of the prices that everything depends on: the spot's, and the perpetual's where one is held.
    #[must_use]
    pub fn confidence(&self) -> f64 {
        if self.perps == 0.0 { self.spot_confidence } else { self.spot_confidence.min(self.perp_confidence) }
    }

    /// Value of a holding in the stable coin.
    #[must_use]
    pub fn collateral_value(&self, collateral: &Collateral) -> f64 {
        collateral.amount * collateral.price / self.stable
    }
}

impl Collateral {
    fn check(&self, index: usize) -> Result<(), ModelError> {
        let with_index = |error: ModelError| ModelError { index: Some(index), ..error };
        not_negative("amount", self.amount).map_err(with_index)?;
        not_negative("price", self.price).map_err(with_index)?;
        fraction("maintenance_haircut", self.maintenance_haircut).map_err(with_index)?;
        fraction("initial_haircut", self.initial_haircut).map_err(with_index)?;
        fraction("confidence", self.confidence).map_err(with_index).map(|_| ())
    }
}

/// How volatility moves in a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum VolMove {
    /// Up, by term.
    Up,
    /// Not at all.
    None,
    /// Down, by term.
    Down,
    /// One wing up and the other down, whichever way is worse for each expiry.
    SkewLinear,
    /// Both wings up or both down, whichever is worse for each expiry.
    SkewAbsolute,
}

/// One point of the grid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scenario {
    /// Factor of the spot price: 0.85 is a fall of 15%.
    pub spot: f64,
    /// Move of volatility.
    pub vol: VolMove,
    /// Part of the loss that counts: 1, or less for a tail.
    pub dampening: f64,
}

impl Scenario {
    /// A scenario whose loss counts in full.
    #[must_use]
    pub const fn new(spot: f64, vol: VolMove) -> Self {
        Self { spot, vol, dampening: 1.0 }
    }

    pub(crate) fn check(&self, index: usize) -> Result<(), ModelError> {
        let with_index = |error: ModelError| ModelError { index: Some(index), ..error };
        not_negative("scenario.spot", self.spot).map_err(with_index)?;
        not_negative("scenario.dampening", self.dampening).map_err(with_index).map(|_| ())
    }
}

/// A contingency on the forward's basis, by expiry: `(add + multiply × years) × min(0, loss at either move)`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BasisContingency {
    /// Factor of the spot price upward.
    pub up: f64,
    /// Factor downward.
    pub down: f64,
    /// Part of the loss at any term.
    pub add: f64,
    /// Part of it per year.
    pub multiply: f64,
}

impl BasisContingency {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        if !(self.up > 1.0 && self.up.is_finite()) {
            return Err(ModelError::new("basis.up", self.up, "a factor above 1"));
        }
        if !(0.0..1.0).contains(&self.down) {
            return Err(ModelError::new("basis.down", self.down, "a factor from 0 to below 1"));
        }
        not_negative("basis.add", self.add)?;
        not_negative("basis.multiply", self.multiply).map(|_| ())
    }

    /// The contingency of one expiry, negative or zero, where `value` gives its value by factor of the spot price.
    pub(crate) fn of(&self, years: f64, now: f64, value: impl Fn(f64) -> f64) -> f64 {
        let loss = (value(self.up) - now).min(value(self.down) - now).min(0.0);
        loss * (self.add + self.multiply * years)
    }
}

/// A contingency on feeds that are not sure of their price: `(1 − confidence) × factor × notional` below a threshold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OracleContingency {
    /// The least confidence that costs nothing.
    pub threshold: f64,
    /// Part of the notional per unit of missing confidence.
    pub factor: f64,
}

impl OracleContingency {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        fraction("oracle.threshold", self.threshold)?;
        not_negative("oracle.factor", self.factor).map(|_| ())
    }

    pub(crate) fn of(&self, confidence: f64, notional: f64) -> f64 {
        if confidence < self.threshold { (1.0 - confidence) * self.factor * notional } else { 0.0 }
    }
}

/// What a depeg of the stable coin adds to the factor of initial margin: `max(0, threshold − price) × factor`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Depeg {
    /// The least price that costs nothing.
    pub threshold: f64,
    /// Added to the factor per unit of missing price.
    pub factor: f64,
}

impl Depeg {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        not_negative("depeg.threshold", self.threshold)?;
        not_negative("depeg.factor", self.factor).map(|_| ())
    }

    pub(crate) fn of(&self, stable: f64) -> f64 {
        (self.threshold - stable).max(0.0) * self.factor
    }
}

/// What a portfolio model says of an account. Margins are *net*: below zero the account is short of them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NetMargin {
    /// Value less initial margin.
    pub initial: f64,
    /// Value less maintenance margin.
    pub maintenance: f64,
    /// Value of everything at its mark, cash included.
    pub mark_to_market: f64,
    /// The scenario that decided, `None` where the basis contingency did.
    pub worst: Option<usize>,
}
