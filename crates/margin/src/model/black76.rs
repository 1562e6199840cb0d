//! European options on a forward: price, Greeks, and the volatility that a price implies.
//!
//! With `v = σ√T`, `d1 = ln(F÷K)÷v + v÷2`, `d2 = d1 − v`, and `N` the normal distribution function (by `libm::erfc`):
//! call = `D(F·N(d1) − K·N(d2))`, put = `D(K·N(−d2) − F·N(−d1))`.
//!
//! Source: F. Black, *The pricing of commodity contracts* (1976); J. Hull, *Options, Futures, and Other Derivatives*.

use super::error::{ModelError, finite, not_negative, positive};

/// The right that an option gives: to buy or to sell.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Right {
    /// To buy at the strike.
    Call,
    /// To sell at the strike.
    Put,
}

impl Right {
    /// What exercise pays where the underlying is at `price`.
    #[must_use]
    pub fn payoff(self, price: f64, strike: f64) -> f64 {
        match self {
            Self::Call => (price - strike).max(0.0),
            Self::Put => (strike - price).max(0.0),
        }
    }
}

/// What an option's price depends on. Prices are in any one unit; time is in years of 365 days.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Terms {
    /// Price of the underlying for delivery at expiry.
    pub forward: f64,
    /// Price at which the right is exercised.
    pub strike: f64,
    /// Time to expiry, in years.
    pub years: f64,
    /// Volatility per square root of a year: 0.6 is 60%.
    pub vol: f64,
    /// What a unit of money at expiry is worth now.
    pub discount: f64,
}

/// An option's value and how it changes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Greeks {
    /// The price.
    pub value: f64,
    /// Per unit of the forward.
    pub delta: f64,
    /// Of delta, per unit of the forward.
    pub gamma: f64,
    /// Per unit of volatility (1.0, not a point).
    pub vega: f64,
    /// Per year that passes, with forward, volatility and discount unchanged.
    pub theta: f64,
}

/// The normal distribution function.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2)
}

/// The normal density.
#[must_use]
pub fn normal_pdf(x: f64) -> f64 {
    const ONE_OVER_ROOT_TWO_PI: f64 = 0.398_942_280_401_432_7;
    ONE_OVER_ROOT_TWO_PI * libm::exp(-0.5 * x * x)
}

impl Terms {
    /// Checks that a price means something.
    ///
    /// # Errors
    /// Where a number is not finite, is negative, or the forward is zero.
    pub fn check(&self) -> Result<(), ModelError> {
        positive("forward", self.forward)?;
        not_negative("strike", self.strike)?;
        not_negative("years", self.years)?;
        not_negative("vol", self.vol)?;
        not_negative("discount", self.discount).map(|_| ())
    }

    /// The price of one option. Without time or volatility it is what exercise would pay now, discounted; at a
    /// strike of zero a call is worth the forward.
    #[must_use]
    pub fn price(&self, right: Right) -> f64 {
        self.discount * undiscounted(self.forward, self.strike, self.total_vol(), right)
    }

    /// `σ√T`.
    fn total_vol(&self) -> f64 {
        self.vol * libm::sqrt(self.years)
    }

    /// The price and its derivatives. Without time or volatility the curvature is zero, and at the strike delta is
    /// that of an option out of the money.
    #[must_use]
    pub fn greeks(&self, right: Right) -> Greeks {
        let value = self.price(right);
        let Some((d1, _)) = d1_d2(self.forward, self.strike, self.total_vol()) else {
            let exercised = right.payoff(self.forward, self.strike) > 0.0;
            let slope = if right == Right::Call { 1.0 } else { -1.0 };
            let delta = if exercised { slope * self.discount } else { 0.0 };
            return Greeks { value, delta, gamma: 0.0, vega: 0.0, theta: 0.0 };
        };
        let (density, root) = (normal_pdf(d1), libm::sqrt(self.years));
        let delta = match right {
            Right::Call => normal_cdf(d1),
            Right::Put => -normal_cdf(-d1),
        };
        let vega = self.discount * self.forward * density * root;
        Greeks {
            value,
            delta: self.discount * delta,
            gamma: self.discount * density / (self.forward * self.vol * root),
            vega,
            theta: -vega * self.vol / (2.0 * self.years),
        }
    }
}

/// `None` where there is no volatility or no ratio of forward to strike: the option is worth its payoff.
fn d1_d2(forward: f64, strike: f64, total_vol: f64) -> Option<(f64, f64)> {
    let curved = total_vol > 0.0 && forward > 0.0 && strike > 0.0;
    curved.then(|| {
        let d1 = libm::log(forward / strike) / total_vol + 0.5 * total_vol;
        (d1, d1 - total_vol)
    })
}

/// The price before discounting, between its bounds: what exercise would pay, and the forward or the strike.
fn undiscounted(forward: f64, strike: f64, total_vol: f64, right: Right) -> f64 {
    let payoff = right.payoff(forward, strike);
    let Some((d1, d2)) = d1_d2(forward, strike, total_vol) else { return payoff };
    let (value, most) = match right {
        Right::Call => (forward * normal_cdf(d1) - strike * normal_cdf(d2), forward),
        Right::Put => (strike * normal_cdf(-d2) - forward * normal_cdf(-d1), strike),
    };
    value.max(payoff).min(most)
}

/// The volatility at which [`Terms::price`] is `price`; `terms.vol` is not looked at. Zero where the price is what
/// exercise would pay.
///
/// It is found on the side that is out of the money, where the price is a small number known to its last digit
/// rather than the difference of two large ones, by halving with Newton's step wherever that falls inside the
/// bracket: at most 200 steps, always the same ones.
///
/// # Errors
/// Where the terms are wrong (forward, strike, time and discount must be positive), or no volatility gives the
/// price: below what exercise would pay, or not below the forward (call) or strike (put).
pub fn implied_vol(terms: &Terms, right: Right, price: f64) -> Result<f64, ModelError> {
    let forward = positive("forward", terms.forward)?;
    let strike = positive("strike", terms.strike)?;
    let years = positive("years", terms.years)?;
    let undiscounted_price = finite("price", price)? / positive("discount", terms.discount)?;
    let payoff = right.payoff(forward, strike);
    let most = if right == Right::Call { forward } else { strike };
    if undiscounted_price < payoff || undiscounted_price >= most {
        let expected = "at least what exercise pays, and less than the forward (call) or strike (put), discounted";
        return Err(ModelError::new("price", price, expected));
    }
    // What exercise pays is the difference between a call and a put.
    let target = undiscounted_price - payoff;
    if target == 0.0 {
        return Ok(0.0);
    }
    let outside = if forward < strike { Right::Call } else { Right::Put };
    Ok(solve(forward, strike, outside, target) / libm::sqrt(years))
}

/// The total volatility at which an option out of the money is worth `target`.
fn solve(forward: f64, strike: f64, right: Right, target: f64) -> f64 {
    /// Past this the price is its upper bound to the last bit, whatever the strike.
    const MOST: f64 = 100.0;
    let (mut low, mut high) = (0.0, MOST);
    let mut guess = libm::sqrt(2.0 * libm::log(forward / strike).abs()).clamp(0.01, 1.0);
    for _ in 0..200 {
        let error = undiscounted(forward, strike, guess, right) - target;
        if error == 0.0 {
            return guess;
        }
        if error < 0.0 {
            low = guess
        } else {
            high = guess
        };
        let slope = d1_d2(forward, strike, guess).map_or(0.0, |(d1, _)| forward * normal_pdf(d1));
        let step = guess - error / slope;
        let next = if step > low && step < high { step } else { 0.5 * (low + high) };
        if next == guess || next <= low || next >= high {
            return guess;
        }
        guess = next;
    }
    guess
}
