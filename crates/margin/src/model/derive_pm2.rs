//! Derive's second portfolio margin: Deribit's grid with extended tails, skew scenarios, discounting both ways, and
//! collateral that cancels risk.
//!
//! ```text
//!   profit of a scenario = damp × (Σ expiry (shocked × d± − value) + perp × price × (s − 1) + cancelling × (s − 1))
//!   worst = min(basis contingency, min over scenarios)
//!   MM = value + worst × maintenance factor − maintenance contingency
//!   IM = value + worst × (initial factor + depeg) − initial contingency − maintenance contingency
//! ```
//!
//! In a skew scenario each expiry's profit counts as a loss of the same size: turning the skew the other way would
//! lose about as much.
//!
//! Source: `derivexyz/v2-core`, `PMRMLib_2.sol`; its portfolio cases.

use super::book::{
    BasisContingency, Collateral, Depeg, Expiry, NetMargin, OptionLeg, OracleContingency, Portfolio, Scenario, VolMove,
};
use super::error::{ModelError, not_negative, positive};
use super::surface::{SkewShock, TermShock};

/// The rule's numbers. Percentages are fractions of notional at spot.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parameters<'a> {
    /// The grid.
    pub scenarios: &'a [Scenario],
    /// Basis contingency.
    pub basis: BasisContingency,
    /// Volatility moves by term.
    pub vol: TermShock,
    /// Volatility moved up counts as at least this.
    pub least_vol_up: f64,
    /// A spot move of at least this part of the price is a tail, whatever it is damped by.
    pub tail_from: f64,
    /// Skew moves.
    pub skew: SkewShock,
    /// What maintenance margin multiplies the worst loss by.
    pub maintenance_factor: f64,
    /// What initial margin multiplies it by.
    pub initial_factor: f64,
    /// What a shocked value above zero counts for.
    pub long_discount: StaticDiscount,
    /// What one below zero counts for: at most as much as undiscounted.
    pub short_discount: StaticDiscount,
    /// What a depeg adds to the factor of initial margin.
    pub depeg: Depeg,
    /// Contingency on unsure feeds, of initial margin.
    pub oracle: OracleContingency,
    /// Contingency on perpetuals, of maintenance margin.
    pub maintenance_perp: f64,
    /// Contingency on perpetuals, of initial margin, on top.
    pub initial_perp: f64,
    /// Contingency on naked short options, of maintenance margin.
    pub maintenance_option: f64,
    /// Contingency on naked short options, of initial margin, on top.
    pub initial_option: f64,
}

/// A factor of values at expiry: `base × e^(∓years × (rate × factor + add))`.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StaticDiscount {
    /// Factor at no time.
    pub base: f64,
    /// Factor of the interest rate.
    pub rate_factor: f64,
    /// Added to it, per year.
    pub rate_add: f64,
}

impl StaticDiscount {
    fn check(&self) -> Result<(), ModelError> {
        not_negative("discount.base", self.base)?;
        not_negative("discount.rate_factor", self.rate_factor)?;
        not_negative("discount.rate_add", self.rate_add).map(|_| ())
    }

    fn decay(&self, expiry: &Expiry<'_>) -> f64 {
        libm::exp(-(expiry.floored_rate() * self.rate_factor + self.rate_add) * expiry.years())
    }

    fn long(&self, expiry: &Expiry<'_>) -> f64 {
        self.base * self.decay(expiry)
    }

    fn short(&self, expiry: &Expiry<'_>) -> f64 {
        (self.base / self.decay(expiry)).min(1.0 / expiry.discount())
    }
}

const fn by_vol(spot: f64) -> [Scenario; 3] {
    [Scenario::new(spot, VolMove::Down), Scenario::new(spot, VolMove::None), Scenario::new(spot, VolMove::Up)]
}

const fn tail(spot: f64, move_size: f64) -> Scenario {
    Scenario { spot, vol: VolMove::Up, dampening: 0.036 / move_size }
}

/// The regular grid of Derive's portfolio cases, but for its two ends.
const MIDDLE: [[Scenario; 3]; 7] =
    [by_vol(1.135), by_vol(1.09), by_vol(1.045), by_vol(1.0), by_vol(0.955), by_vol(0.91), by_vol(0.865)];

/// The grid of Derive's portfolio cases: 23 regular scenarios, 6 tails at −66% to +300%, 2 of skew.
pub const SCENARIOS: [Scenario; 31] = grid();

const fn grid() -> [Scenario; 31] {
    let mut all = [Scenario::new(1.0, VolMove::None); 31];
    all[0] = Scenario::new(1.18, VolMove::Up);
    let middle = MIDDLE.as_flattened();
    let mut i = 0;
    while i < middle.len() {
        all[i + 1] = middle[i];
        i += 1;
    }
    all[22] = Scenario::new(0.82, VolMove::Up);
    all[23] = tail(0.34, 0.66);
    all[24] = tail(0.67, 0.33);
    all[25] = tail(1.5, 0.5);
    all[26] = tail(2.0, 1.0);
    all[27] = tail(3.0, 2.0);
    all[28] = tail(4.0, 3.0);
    all[29] = Scenario::new(1.0, VolMove::SkewLinear);
    all[30] = Scenario::new(1.0, VolMove::SkewAbsolute);
    all
}

/// The parameters of Derive's portfolio cases.
pub const DERIVE: Parameters<'static> = Parameters {
    scenarios: &SCENARIOS,
    basis: BasisContingency { up: 1.045, down: 0.955, add: 0.5, multiply: 2.0 },
    vol: TermShock { up: 0.5, down: 0.275, short_power: 0.3, long_power: 0.13, floor_seconds: 86_400.0 },
    least_vol_up: 0.45,
    tail_from: 0.25,
    skew: SkewShock {
        linear_base: 0.15,
        linear_slope: -0.05,
        absolute_base: 0.15,
        absolute_slope: -0.05,
        least_width: 0.01,
        width: 4.0,
        vol: 0.6,
        vol_slope: -0.1,
    },
    maintenance_factor: 0.8,
    initial_factor: 1.0,
    long_discount: StaticDiscount { base: 0.95, rate_factor: 1.0, rate_add: 0.08 },
    short_discount: StaticDiscount { base: 1.04, rate_factor: 0.5, rate_add: 0.08 },
    depeg: Depeg { threshold: 0.98, factor: 2.0 },
    oracle: OracleContingency { threshold: 0.55, factor: 1.0 },
    maintenance_perp: 0.015,
    initial_perp: 0.005,
    maintenance_option: 0.003,
    initial_option: 0.002,
};

/// The worst losses by kind of scenario, zero or negative, and the contingency they compete with.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Losses {
    /// Among scenarios that neither move the spot as far as a tail nor move the skew.
    pub regular: f64,
    /// Among those that move the spot at least as far as a tail.
    pub tail: f64,
    /// Among those that move the skew.
    pub skew: f64,
    /// The basis contingency.
    pub basis: f64,
}

/// The model, its parameters checked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DerivePm2<'a>(Parameters<'a>);

impl<'a> DerivePm2<'a> {
    /// # Errors
    /// Where there is no scenario, or a number is not finite or out of range.
    pub fn new(parameters: Parameters<'a>) -> Result<Self, ModelError> {
        let p = &parameters;
        if p.scenarios.is_empty() {
            return Err(ModelError::new("scenarios", 0.0, "at least one scenario"));
        }
        p.scenarios.iter().enumerate().try_for_each(|(i, scenario)| scenario.check(i))?;
        p.basis.check()?;
        p.vol.check()?;
        not_negative("least_vol_up", p.least_vol_up)?;
        not_negative("tail_from", p.tail_from)?;
        p.skew.check()?;
        positive("maintenance_factor", p.maintenance_factor)?;
        positive("initial_factor", p.initial_factor)?;
        p.long_discount.check()?;
        p.short_discount.check()?;
        p.depeg.check()?;
        p.oracle.check()?;
        not_negative("maintenance_perp", p.maintenance_perp)?;
        not_negative("initial_perp", p.initial_perp)?;
        not_negative("maintenance_option", p.maintenance_option)?;
        not_negative("initial_option", p.initial_option)?;
        Ok(Self(parameters))
    }

    /// The account's margins.
    ///
    /// # Errors
    /// Where the portfolio has a number that is not finite or out of range.
    pub fn margin(&self, portfolio: &Portfolio<'_>) -> Result<NetMargin, ModelError> {
        portfolio.check()?;
        let held = portfolio.collaterals.iter().fold(0.0, |sum, c| sum + portfolio.collateral_value(c));
        let now = self.options_value(portfolio);
        let mark_to_market = now + held + portfolio.perp_value + portfolio.cash;
        let mut worst = (self.basis_contingency(portfolio), None);
        for (i, scenario) in self.0.scenarios.iter().enumerate() {
            let profit = self.profit_from(now, portfolio, scenario);
            if profit < worst.0 {
                worst = (profit, Some(i));
            }
        }
        let (maintenance, initial) = self.contingencies(portfolio);
        let factor = self.0.initial_factor + self.0.depeg.of(portfolio.stable);
        Ok(NetMargin {
            initial: aggregate(worst.0, factor, initial + maintenance, mark_to_market),
            maintenance: aggregate(worst.0, self.0.maintenance_factor, maintenance, mark_to_market),
            mark_to_market,
            worst: worst.1,
        })
    }

    /// The worst losses by kind of scenario.
    #[must_use]
    pub fn losses(&self, portfolio: &Portfolio<'_>) -> Losses {
        let now = self.options_value(portfolio);
        let mut losses = Losses { basis: self.basis_contingency(portfolio), ..Losses::default() };
        for scenario in self.0.scenarios {
            let kind = match scenario.vol {
                VolMove::SkewLinear | VolMove::SkewAbsolute => &mut losses.skew,
                _ if (scenario.spot - 1.0).abs() >= self.0.tail_from => &mut losses.tail,
                _ => &mut losses.regular,
            };
            *kind = kind.min(self.profit_from(now, portfolio, scenario));
        }
        losses
    }

    /// Value of the options at their marks.
    #[must_use]
    pub fn options_value(&self, portfolio: &Portfolio<'_>) -> f64 {
        portfolio.expiries.iter().fold(0.0, |sum, e| sum + marked(e, 1.0))
    }

    /// The basis contingency, negative or zero.
    #[must_use]
    pub fn basis_contingency(&self, portfolio: &Portfolio<'_>) -> f64 {
        let of = |e: &Expiry<'_>| self.0.basis.of(e.years(), marked(e, 1.0), |spot| marked(e, spot));
        portfolio.expiries.iter().fold(0.0, |sum, e| sum + of(e))
    }

    /// Profit (negative: loss) in one scenario, damped.
    #[must_use]
    pub fn profit(&self, portfolio: &Portfolio<'_>, scenario: &Scenario) -> f64 {
        self.profit_from(self.options_value(portfolio), portfolio, scenario)
    }

    /// The same, where the options' value is known.
    fn profit_from(&self, now: f64, portfolio: &Portfolio<'_>, scenario: &Scenario) -> f64 {
        let cancelling = |sum: f64, c: &Collateral| {
            if c.risk_cancelling { sum + portfolio.collateral_value(c) } else { sum }
        };
        let moving = portfolio.perps * portfolio.perp_price + portfolio.collaterals.iter().fold(0.0, cancelling);
        let skewed = matches!(scenario.vol, VolMove::SkewLinear | VolMove::SkewAbsolute);
        let options = if skewed {
            let loss = |e: &Expiry<'_>| -(self.counted(e, scenario) - marked(e, 1.0)).abs();
            portfolio.expiries.iter().fold(0.0, |sum, e| sum + loss(e))
        } else {
            portfolio.expiries.iter().fold(0.0, |sum, e| sum + self.counted(e, scenario)) - now
        };
        (options + moving * (scenario.spot - 1.0)) * scenario.dampening
    }

    /// What an expiry's options count for in a scenario.
    fn counted(&self, expiry: &Expiry<'_>, scenario: &Scenario) -> f64 {
        let shocked = self.shocked(expiry, scenario);
        let discount =
            if shocked >= 0.0 { self.0.long_discount.long(expiry) } else { self.0.short_discount.short(expiry) };
        shocked * discount
    }

    /// Value of an expiry's options in a scenario. The skew moves at the present spot.
    fn shocked(&self, expiry: &Expiry<'_>, scenario: &Scenario) -> f64 {
        let p = &self.0;
        let (seconds, years, discount) = (expiry.seconds, expiry.years(), expiry.discount());
        let moneyness = |leg: &OptionLeg| libm::log(leg.strike / (expiry.forward + expiry.fixed));
        match scenario.vol {
            VolMove::None => marked(expiry, scenario.spot),
            VolMove::Up => {
                let factor = p.vol.factor_up(seconds);
                expiry.value(scenario.spot, discount, |leg| (leg.vol * factor).max(p.least_vol_up))
            }
            VolMove::Down => {
                let factor = p.vol.factor_down(seconds);
                expiry.value(scenario.spot, discount, |leg| leg.vol * factor)
            }
            VolMove::SkewLinear => expiry.value(1.0, discount, |leg| leg.vol * p.skew.linear(moneyness(leg), years)),
            VolMove::SkewAbsolute => {
                expiry.value(1.0, discount, |leg| leg.vol * p.skew.absolute(moneyness(leg), years))
            }
        }
    }

    /// Contingencies of maintenance margin, and those that initial margin adds to them.
    fn contingencies(&self, portfolio: &Portfolio<'_>) -> (f64, f64) {
        let p = &self.0;
        let confidence = portfolio.confidence();
        let perps = portfolio.perps.abs() * portfolio.spot;
        let mut maintenance = perps * p.maintenance_perp;
        let mut initial = perps * p.initial_perp + p.oracle.of(confidence, perps);
        for expiry in portfolio.expiries {
            let naked = expiry.naked_shorts() * portfolio.spot;
            maintenance += naked * p.maintenance_option;
            initial += naked * p.initial_option;
            initial += p.oracle.of(confidence.min(expiry.confidence), expiry.gross() * portfolio.spot);
        }
        for collateral in portfolio.collaterals {
            let value = portfolio.collateral_value(collateral);
            maintenance += value * collateral.maintenance_haircut;
            initial += value * collateral.initial_haircut;
            initial += p.oracle.of(collateral.confidence.min(portfolio.spot_confidence), value);
        }
        (maintenance, initial)
    }
}

/// `value + worst × factor − contingency`: what is left of an account after a margin.
#[must_use]
pub fn aggregate(worst: f64, factor: f64, contingency: f64, mark_to_market: f64) -> f64 {
    worst * factor - contingency + mark_to_market
}

/// Discounted value at the marks' volatilities, where the spot is multiplied.
fn marked(expiry: &Expiry<'_>, spot: f64) -> f64 {
    expiry.value(spot, expiry.discount(), |leg: &OptionLeg| leg.vol)
}
