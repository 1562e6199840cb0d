//! Standard margin, position by position: short options by the larger of a part of the index and of their mark, or
//! the most that an expiry can lose; linear contracts at a rate that grows with size.
//!
//! Sources: Deribit, *Standard Margin*, *Linear Perpetual*; Derive, `StandardManager.sol`.

use super::black76::{Right, Terms};
use super::book::{Depeg, Expiry, OptionLeg, OracleContingency, Portfolio};
use super::error::{ModelError, fraction, not_negative};
use downdraft_types::arith::{ceil_div, mul_div_ceil};
use downdraft_types::{Money, Ppm, Qty};

/// What short options need. Fractions of the index price, unless said otherwise.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ShortOptions {
    /// Initial margin at the money.
    pub most: f64,
    /// The least initial margin, far out of the money.
    pub least: f64,
    /// Maintenance margin of calls.
    pub maintenance_call: f64,
    /// Maintenance margin of puts.
    pub maintenance_put: f64,
    /// Maintenance margin of puts, as a part of their mark, where that is more.
    pub maintenance_put_mark: f64,
    /// A put's initial margin is at least this times its maintenance margin, mark included.
    pub initial_over_maintenance: f64,
    /// Factor of the forward that each net short call adds to the most an expiry can lose, for initial margin.
    pub unpaired_initial: f64,
    /// The same for maintenance margin.
    pub unpaired_maintenance: f64,
}

/// Initial and maintenance margin, as what is added to an account's value: negative.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Net {
    /// For initial margin.
    pub initial: f64,
    /// For maintenance margin.
    pub maintenance: f64,
}

impl ShortOptions {
    /// Derive's parameters, which are Deribit's rule with a put's initial margin 5% above maintenance.
    pub const DERIVE: Self = Self {
        most: 0.15,
        least: 0.1,
        maintenance_call: 0.075,
        maintenance_put: 0.075,
        maintenance_put_mark: 0.075,
        initial_over_maintenance: 1.05,
        unpaired_initial: 1.2,
        unpaired_maintenance: 1.1,
    };

    /// # Errors
    /// Where a number is not finite or is negative.
    pub fn check(&self) -> Result<(), ModelError> {
        not_negative("most", self.most)?;
        not_negative("least", self.least)?;
        not_negative("maintenance_call", self.maintenance_call)?;
        not_negative("maintenance_put", self.maintenance_put)?;
        not_negative("maintenance_put_mark", self.maintenance_put_mark)?;
        not_negative("initial_over_maintenance", self.initial_over_maintenance)?;
        not_negative("unpaired_initial", self.unpaired_initial)?;
        not_negative("unpaired_maintenance", self.unpaired_maintenance).map(|_| ())
    }

    /// What one leg needs by itself, its mark included: nothing for a long, which offsets nothing either. `mark` is
    /// the value of one option, `index` the underlying's price.
    #[must_use]
    pub fn isolated(&self, right: Right, strike: f64, amount: f64, mark: f64, index: f64) -> Net {
        if amount >= 0.0 {
            return Net::default();
        }
        let value = amount * mark;
        let outside = match right {
            Right::Call => (strike - index).max(0.0),
            Right::Put => (index - strike).max(0.0),
        };
        let rate = (self.most - outside / index).max(self.least);
        let initial = value + rate * index * amount;
        match right {
            Right::Call => Net { initial, maintenance: value + self.maintenance_call * index * amount },
            Right::Put => {
                let by_index = self.maintenance_put * index * amount;
                let maintenance = value + by_index.min(self.maintenance_put_mark * value);
                Net { initial: initial.min(maintenance * self.initial_over_maintenance), maintenance }
            }
        }
    }

    /// What an expiry needs: the sum over its legs, or the most it can lose if that is less.
    #[must_use]
    pub fn of_expiry(&self, expiry: &Expiry<'_>, index: f64) -> Net {
        let forward = expiry.forward + expiry.fixed;
        let add = |sum: Net, leg: &OptionLeg| {
            let mark = mark(expiry, leg);
            let one = self.isolated(leg.right, leg.strike, leg.amount, mark, index);
            Net { initial: sum.initial + one.initial, maintenance: sum.maintenance + one.maintenance }
        };
        let isolated = expiry.legs.iter().fold(Net::default(), add);
        let loss = largest_loss(expiry.legs);
        let unpaired = net_calls(expiry.legs).min(0.0) * forward;
        Net {
            initial: isolated.initial.max(loss + self.unpaired_initial * unpaired),
            maintenance: isolated.maintenance.max(loss + self.unpaired_maintenance * unpaired),
        }
    }
}

/// Undiscounted value of one option.
fn mark(expiry: &Expiry<'_>, leg: &OptionLeg) -> f64 {
    let forward = expiry.forward + expiry.fixed;
    let (years, vol) = (expiry.years(), leg.vol);
    Terms { forward, strike: leg.strike, years, vol, discount: 1.0 }.price(leg.right)
}

/// The least that settlement can bring, over prices from zero up to the highest strike: a payoff bends at strikes
/// only. Zero or negative.
#[must_use]
pub fn largest_loss(legs: &[OptionLeg]) -> f64 {
    let at = |price: f64| legs.iter().fold(0.0, |sum, leg| sum + leg.amount * leg.right.payoff(price, leg.strike));
    legs.iter().fold(at(0.0), |least, leg| least.min(at(leg.strike))).min(0.0)
}

/// Calls held less calls sold: what decides above the highest strike.
fn net_calls(legs: &[OptionLeg]) -> f64 {
    legs.iter().fold(0.0, |sum, leg| if leg.right == Right::Call { sum + leg.amount } else { sum })
}

/// The whole rule for one underlying.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Standard {
    /// Short options.
    pub options: ShortOptions,
    /// Initial margin rate of perpetuals.
    pub perp_initial: f64,
    /// Maintenance margin rate of perpetuals.
    pub perp_maintenance: f64,
    /// What the underlying held counts for.
    pub base: f64,
    /// Of that, what it counts for in initial margin.
    pub base_initial: f64,
    /// Contingency on unsure feeds, of initial margin.
    pub oracle: OracleContingency,
    /// Contingency on a depeg, of initial margin: of the index notional of perpetuals and short options.
    pub depeg: Depeg,
}

impl Standard {
    /// Derive's parameters, as its tests configure them: without a contingency on a depeg.
    pub const DERIVE: Self = Self {
        options: ShortOptions::DERIVE,
        perp_initial: 0.1,
        perp_maintenance: 0.065,
        base: 0.8,
        base_initial: 0.8,
        oracle: OracleContingency { threshold: 0.4, factor: 0.4 },
        depeg: Depeg { threshold: 0.0, factor: 0.0 },
    };

    /// # Errors
    /// Where a number is not finite or out of range.
    pub fn check(&self) -> Result<(), ModelError> {
        self.options.check()?;
        not_negative("perp_initial", self.perp_initial)?;
        not_negative("perp_maintenance", self.perp_maintenance)?;
        fraction("base", self.base)?;
        fraction("base_initial", self.base_initial)?;
        self.oracle.check()?;
        self.depeg.check()
    }

    /// Cash less what everything needs: below zero the account is short of it.
    ///
    /// # Errors
    /// Where a parameter, or a number of the portfolio, is not finite or out of range.
    pub fn margin(&self, portfolio: &Portfolio<'_>) -> Result<Net, ModelError> {
        self.check()?;
        portfolio.check()?;
        let notional = portfolio.perps.abs() * portfolio.perp_price;
        let cash = portfolio.cash + portfolio.perp_value;
        let depeg = self.depeg.of(portfolio.stable);
        let perps = portfolio.perps.abs() * portfolio.spot;
        let unsure = self.oracle.of(portfolio.confidence(), perps);
        let mut net = Net {
            initial: cash - notional * self.perp_initial - unsure - depeg * perps,
            maintenance: cash - notional * self.perp_maintenance,
        };
        for expiry in portfolio.expiries {
            let one = self.options.of_expiry(expiry, portfolio.spot);
            let short = expiry.legs.iter().fold(0.0, |sum, leg| sum + (-leg.amount).max(0.0)) * portfolio.spot;
            let unsure = self.oracle.of(portfolio.spot_confidence.min(expiry.confidence), short);
            net.maintenance += one.maintenance;
            net.initial += one.initial - unsure - depeg * short;
        }
        for collateral in portfolio.collaterals {
            // At its price, not the stable coin's: the source counts it so for margin.
            let value = collateral.amount * collateral.price;
            net.maintenance += value * self.base;
            net.initial += value * self.base * self.base_initial - self.oracle.of(collateral.confidence, value);
        }
        Ok(net)
    }
}

/// Linear contracts at a rate that grows with the position: `notional × (base + slope × size)`, exactly.
///
/// Source: Deribit, *Linear Perpetual*.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SizeScaled {
    /// Initial rate of the smallest position.
    pub initial: Ppm,
    /// Maintenance rate of the smallest position.
    pub maintenance: Ppm,
    /// What `per` lots add to both rates.
    pub slope: Ppm,
    /// Lots that add `slope`.
    pub per: Qty,
}

impl SizeScaled {
    /// # Errors
    /// Where a rate is negative or beyond 100%, or `per` is zero.
    pub fn check(&self) -> Result<(), ModelError> {
        for (field, rate) in [("initial", self.initial), ("maintenance", self.maintenance), ("slope", self.slope)] {
            if !(0..=Ppm::ONE.0).contains(&rate.0) {
                return Err(ModelError::new(field, rate.0 as f64, "from 0 to 1000000 parts per million"));
            }
        }
        if self.per.is_zero() { Err(ModelError::new("per", 0.0, "at least one lot")) } else { Ok(()) }
    }

    /// Initial and maintenance margin of `size` lots worth `notional`, each rounded up once: the account bears the
    /// fraction of a unit.
    ///
    /// # Errors
    /// As [`SizeScaled::check`]; or where `notional` is negative or beyond 2^90.
    pub fn margin(&self, size: Qty, notional: Money) -> Result<(Money, Money), ModelError> {
        self.check()?;
        if !(0..=1 << 90).contains(&notional.0) {
            return Err(ModelError::new("notional", notional.0 as f64, "from 0 to 2^90 units"));
        }
        let per = i128::from(self.per.0);
        let of = |base: Ppm| {
            let rate = i128::from(base.0) * per + i128::from(self.slope.0) * i128::from(size.0);
            Money(mul_div_ceil(notional.0, rate, per * i128::from(Ppm::ONE.0)))
        };
        Ok((of(self.initial), of(self.maintenance)))
    }

    /// The maintenance rate of `size` lots, rounded up to a part per million.
    #[must_use]
    pub fn maintenance_rate(&self, size: Qty) -> i128 {
        let per = i128::from(self.per.0.max(1));
        i128::from(self.maintenance.0) + ceil_div(i128::from(self.slope.0) * i128::from(size.0), per)
    }
}
