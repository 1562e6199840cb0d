//! Derive's first portfolio margin: the worst of a grid of spot and volatility moves, or the basis contingency, and
//! static contingencies on top.
//!
//! ```text
//!   worst = min(basis contingency, min over scenarios of Σ expiry (discounted shocked value − value) + spot and perp)
//!   MM = value + worst − static
//!   IM = value + (worst − static)(factor + depeg) − oracle
//! ```
//!
//! Source: `derivexyz/v2-core`, `PMRMLib.sol`; parameters of its `test/config-test.sol`.

use super::book::{
    BasisContingency, Collateral, Depeg, Expiry, NetMargin, OptionLeg, OracleContingency, Portfolio, Scenario, VolMove,
};
use super::error::{ModelError, not_negative, positive};
use super::surface::TermShock;

/// The rule's numbers. Percentages are fractions of notional at spot.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Parameters<'a> {
    /// The grid. Skew moves and dampening belong to the second version.
    pub scenarios: &'a [Scenario],
    /// Basis contingency.
    pub basis: BasisContingency,
    /// Volatility moves by term.
    pub vol: TermShock,
    /// What initial margin multiplies the worst loss by.
    pub initial_factor: f64,
    /// Factor of a shocked value that is positive, before it is discounted by time.
    pub static_discount: f64,
    /// Factor of the interest rate in that discount.
    pub rate_factor: f64,
    /// Added to the interest rate in it, per year.
    pub rate_add: f64,
    /// What a depeg adds to the factor of initial margin.
    pub depeg: Depeg,
    /// Contingency on unsure feeds, of initial margin.
    pub oracle: OracleContingency,
    /// Contingency on the underlying held.
    pub base: f64,
    /// Contingency on perpetuals.
    pub perp: f64,
    /// Contingency on naked short options.
    pub option: f64,
}

const fn at(spot: f64) -> [Scenario; 3] {
    [Scenario::new(spot, VolMove::Up), Scenario::new(spot, VolMove::None), Scenario::new(spot, VolMove::Down)]
}

/// The grid as deployed: seven spot moves by three volatility moves.
pub const SCENARIOS: [[Scenario; 3]; 7] = [at(1.15), at(1.1), at(1.05), at(1.0), at(0.95), at(0.9), at(0.85)];

/// The parameters as deployed.
pub const DERIVE: Parameters<'static> = Parameters {
    scenarios: SCENARIOS.as_flattened(),
    basis: BasisContingency { up: 1.05, down: 0.95, add: 0.25, multiply: 0.01 },
    vol: TermShock { up: 0.45, down: 0.3, short_power: 0.3, long_power: 0.13, floor_seconds: 86_400.0 },
    initial_factor: 1.3,
    static_discount: 0.95,
    rate_factor: 4.0,
    rate_add: 0.05,
    depeg: Depeg { threshold: 0.98, factor: 2.0 },
    oracle: OracleContingency { threshold: 0.6, factor: 0.5 },
    base: 0.02,
    perp: 0.02,
    option: 0.01,
};

/// The model, its parameters checked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DerivePm1<'a>(Parameters<'a>);

impl<'a> DerivePm1<'a> {
    /// # Errors
    /// Where there is no scenario, one moves the skew, or a number is not finite or out of range.
    pub fn new(parameters: Parameters<'a>) -> Result<Self, ModelError> {
        if parameters.scenarios.is_empty() {
            return Err(ModelError::new("scenarios", 0.0, "at least one scenario"));
        }
        for (i, scenario) in parameters.scenarios.iter().enumerate() {
            scenario.check(i)?;
            if !matches!(scenario.vol, VolMove::Up | VolMove::None | VolMove::Down) || scenario.dampening != 1.0 {
                let expected = "volatility up, down or unmoved, undamped";
                return Err(ModelError::at("scenarios", i, scenario.dampening, expected));
            }
        }
        parameters.basis.check()?;
        parameters.vol.check()?;
        positive("initial_factor", parameters.initial_factor)?;
        not_negative("static_discount", parameters.static_discount)?;
        not_negative("rate_factor", parameters.rate_factor)?;
        not_negative("rate_add", parameters.rate_add)?;
        parameters.depeg.check()?;
        parameters.oracle.check()?;
        not_negative("base", parameters.base)?;
        not_negative("perp", parameters.perp)?;
        not_negative("option", parameters.option)?;
        Ok(Self(parameters))
    }

    /// The account's margins. `collaterals` are the underlying held as spot, in units; their haircuts are not looked
    /// at, the contingency on the underlying is.
    ///
    /// # Errors
    /// Where the portfolio has a number that is not finite or out of range.
    pub fn margin(&self, portfolio: &Portfolio<'_>) -> Result<NetMargin, ModelError> {
        portfolio.check()?;
        let p = &self.0;
        let options = options_value(portfolio);
        let held = portfolio.collaterals.iter().fold(0.0, |sum, c| sum + portfolio.collateral_value(c));
        let mark_to_market = options + held + portfolio.perp_value + portfolio.cash;
        let (worst, index) = self.worst(portfolio, options);
        let loss = worst - self.static_contingency(portfolio);
        let factor = p.initial_factor + p.depeg.of(portfolio.stable);
        Ok(NetMargin {
            initial: mark_to_market + loss * factor - self.oracle_contingency(portfolio),
            maintenance: mark_to_market + loss,
            mark_to_market,
            worst: index,
        })
    }

    fn worst(&self, portfolio: &Portfolio<'_>, now: f64) -> (f64, Option<usize>) {
        let mut worst = (self.basis_contingency(portfolio), None);
        for (i, scenario) in self.0.scenarios.iter().enumerate() {
            let profit = self.profit_from(now, portfolio, scenario);
            if profit < worst.0 {
                worst = (profit, Some(i));
            }
        }
        worst
    }

    /// Profit (negative: loss) in one scenario.
    #[must_use]
    pub fn profit(&self, portfolio: &Portfolio<'_>, scenario: &Scenario) -> f64 {
        self.profit_from(options_value(portfolio), portfolio, scenario)
    }

    /// The same, where the options' value is known.
    fn profit_from(&self, now: f64, portfolio: &Portfolio<'_>, scenario: &Scenario) -> f64 {
        let moved = scenario.spot - 1.0;
        let counted = |expiry: &Expiry<'_>| {
            let vol = match scenario.vol {
                VolMove::Up => self.0.vol.factor_up(expiry.seconds),
                VolMove::Down => self.0.vol.factor_down(expiry.seconds),
                _ => 1.0,
            };
            let shocked = value(expiry, scenario.spot, vol);
            if shocked > 0.0 { shocked * self.discount(expiry) } else { shocked }
        };
        let options = portfolio.expiries.iter().fold(0.0, |sum, e| sum + counted(e)) - now;
        let held = portfolio.collaterals.iter().fold(0.0, |sum, c| sum + portfolio.collateral_value(c));
        options + held * moved + portfolio.perps * portfolio.perp_price * moved
    }

    /// What a positive value at expiry counts for.
    fn discount(&self, expiry: &Expiry<'_>) -> f64 {
        let rate = expiry.floored_rate() * self.0.rate_factor + self.0.rate_add;
        self.0.static_discount * libm::exp(-rate * expiry.years())
    }

    /// The basis contingency, negative or zero.
    #[must_use]
    pub fn basis_contingency(&self, portfolio: &Portfolio<'_>) -> f64 {
        let of = |e: &Expiry<'_>| self.0.basis.of(e.years(), value(e, 1.0, 1.0), |spot| value(e, spot, 1.0));
        portfolio.expiries.iter().fold(0.0, |sum, e| sum + of(e))
    }

    fn static_contingency(&self, portfolio: &Portfolio<'_>) -> f64 {
        let options = portfolio.expiries.iter().fold(0.0, |sum, e| sum + e.naked_shorts());
        let units = portfolio.perps.abs() * self.0.perp + base(portfolio) * self.0.base + options * self.0.option;
        units * portfolio.spot
    }

    fn oracle_contingency(&self, portfolio: &Portfolio<'_>) -> f64 {
        let confidence = portfolio.confidence();
        let plain = portfolio.perps.abs() + base(portfolio);
        let of = |e: &Expiry<'_>| self.0.oracle.of(confidence.min(e.confidence), e.gross() * portfolio.spot);
        let options = portfolio.expiries.iter().fold(0.0, |sum, e| sum + of(e));
        self.0.oracle.of(confidence, plain * portfolio.spot) + options
    }
}

/// Value of the options at their marks.
fn options_value(portfolio: &Portfolio<'_>) -> f64 {
    portfolio.expiries.iter().fold(0.0, |sum, e| sum + value(e, 1.0, 1.0))
}

/// Units of the underlying held.
fn base(portfolio: &Portfolio<'_>) -> f64 {
    portfolio.collaterals.iter().fold(0.0, |sum, c: &Collateral| sum + c.amount)
}

/// Undiscounted value where the spot and every volatility are multiplied.
fn value(expiry: &Expiry<'_>, spot: f64, vol: f64) -> f64 {
    expiry.value(spot, 1.0, |leg: &OptionLeg| leg.vol * vol)
}
