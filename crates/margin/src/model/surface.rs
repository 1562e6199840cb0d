//! A volatility surface, and the ways in which it moves.
//!
//! ```text
//!   σ(k, T) = √(w ÷ T),  w = a + b(ρ(k − m) + √((k − m)² + s²)),  k = ln(K ÷ F)
//! ```
//!
//! Source of the smile: J. Gatheral, *A parsimonious arbitrage-free implied volatility parameterization* (2004); Derive
//! publishes its marks in this form. Sources of the moves: Deribit and Derive portfolio margin (by term), Derive PMRM v2
//! (skew).

use super::error::{ModelError, at_least, finite, not_negative, positive};

/// Seconds in a year of 365 days, as all option models here count.
pub const YEAR_SECONDS: f64 = 31_536_000.0;

/// Seconds in the 30 days at which a shock by term is neither scaled up nor down.
const MONTH_SECONDS: f64 = 2_592_000.0;

/// One expiry's smile: total variance by log-moneyness.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Smile {
    years: f64,
    level: f64,
    slope: f64,
    tilt: f64,
    shift: f64,
    bend: f64,
}

impl Smile {
    /// The smile `a + b(ρ(k − m) + √((k − m)² + s²))` of total variance at `years`: `[a, b, ρ, m, s]`.
    ///
    /// # Errors
    /// Where a number is not finite, `years` or `s` is not positive, `b` negative, `ρ` outside ±1, or variance would
    /// be negative at the bottom.
    pub fn new(years: f64, [level, slope, tilt, shift, bend]: [f64; 5]) -> Result<Self, ModelError> {
        positive("years", years)?;
        finite("a", level)?;
        not_negative("b", slope)?;
        finite("m", shift)?;
        positive("s", bend)?;
        if !(tilt > -1.0 && tilt < 1.0) {
            return Err(ModelError::new("rho", tilt, "a number between -1 and 1"));
        }
        let least = level + slope * bend * libm::sqrt(1.0 - tilt * tilt);
        at_least("a + b s sqrt(1 - rho^2)", least, 0.0, "a least variance of at least 0")?;
        Ok(Self { years, level, slope, tilt, shift, bend })
    }

    /// Time of the expiry, in years.
    #[must_use]
    pub const fn years(&self) -> f64 {
        self.years
    }

    /// Total variance at log-moneyness `k`.
    #[must_use]
    pub fn variance(&self, k: f64) -> f64 {
        let off = k - self.shift;
        self.level + self.slope * (self.tilt * off + libm::sqrt(off * off + self.bend * self.bend))
    }

    /// Volatility at log-moneyness `k`.
    #[must_use]
    pub fn vol(&self, k: f64) -> f64 {
        libm::sqrt(self.variance(k).max(0.0) / self.years)
    }
}

/// Smiles of several expiries, in order of time. Between them total variance is linear in time at equal
/// log-moneyness; before the first and after the last, volatility is that of the nearest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Surface<'a> {
    smiles: &'a [Smile],
}

impl<'a> Surface<'a> {
    /// # Errors
    /// Where there is no smile, or times do not rise.
    pub fn new(smiles: &'a [Smile]) -> Result<Self, ModelError> {
        if smiles.is_empty() {
            return Err(ModelError::new("smiles", 0.0, "at least one smile"));
        }
        let falls = smiles.windows(2).position(|pair| pair[0].years >= pair[1].years);
        match falls {
            Some(i) => Err(ModelError::at("smiles", i + 1, smiles[i + 1].years, "a time after the one before it")),
            None => Ok(Self { smiles }),
        }
    }

    /// Volatility at log-moneyness `k` for an expiry in `years`.
    #[must_use]
    pub fn vol(&self, k: f64, years: f64) -> f64 {
        let (first, last) = (self.smiles[0], self.smiles[self.smiles.len() - 1]);
        if years <= first.years {
            return first.vol(k);
        }
        if years >= last.years {
            return last.vol(k);
        }
        let above = self.smiles.iter().position(|s| s.years >= years).unwrap_or(self.smiles.len() - 1);
        let (near, far) = (self.smiles[above - 1], self.smiles[above]);
        let part = (years - near.years) / (far.years - near.years);
        let variance = near.variance(k) * (1.0 - part) + far.variance(k) * part;
        libm::sqrt(variance.max(0.0) / years)
    }
}

/// A change of volatility that depends on the term: the relative change is `range × (30 days ÷ max(t, floor))^power`,
/// with one power up to 30 days and another beyond.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TermShock {
    /// Relative change at 30 days when volatility rises: 0.5 is half as much again.
    pub up: f64,
    /// Relative change at 30 days when it falls.
    pub down: f64,
    /// Power for terms of at most 30 days.
    pub short_power: f64,
    /// Power for longer terms.
    pub long_power: f64,
    /// Terms shorter than this, in seconds, count as this, and any as at least a second.
    pub floor_seconds: f64,
}

impl TermShock {
    /// # Errors
    /// Where a number is negative or not finite.
    pub fn check(&self) -> Result<(), ModelError> {
        not_negative("up", self.up)?;
        not_negative("down", self.down)?;
        not_negative("short_power", self.short_power)?;
        not_negative("long_power", self.long_power)?;
        not_negative("floor_seconds", self.floor_seconds).map(|_| ())
    }

    /// How much larger the change is than at 30 days.
    #[must_use]
    pub fn scale(&self, seconds: f64) -> f64 {
        let power = if seconds <= MONTH_SECONDS { self.short_power } else { self.long_power };
        libm::pow(MONTH_SECONDS / seconds.max(self.floor_seconds).max(1.0), power)
    }

    /// The factor by which volatility rises.
    #[must_use]
    pub fn factor_up(&self, seconds: f64) -> f64 {
        1.0 + self.up * self.scale(seconds)
    }

    /// The factor by which it falls: never below zero.
    #[must_use]
    pub fn factor_down(&self, seconds: f64) -> f64 {
        (1.0 - self.down * self.scale(seconds)).max(0.0)
    }
}

/// Wings that rise or fall: the factor is `1 ± cap × min(1, |k| ÷ k*)`, where the cap is `base + slope × √T` and
/// `k* = max(least, √T × width × (vol + vol_slope × √T))` is about where the surface flattens.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SkewShock {
    /// Cap at no time, of the linear shock (one wing up, the other down).
    pub linear_base: f64,
    /// Change of that cap per square root of a year.
    pub linear_slope: f64,
    /// Cap at no time, of the absolute shock (both wings up).
    pub absolute_base: f64,
    /// Change of that cap per square root of a year.
    pub absolute_slope: f64,
    /// The least `k*`.
    pub least_width: f64,
    /// How many standard deviations off the surface flattens.
    pub width: f64,
    /// The volatility of that standard deviation at no time.
    pub vol: f64,
    /// Its change per square root of a year.
    pub vol_slope: f64,
}

impl SkewShock {
    /// # Errors
    /// Where a number is not finite, or the least width is negative.
    pub fn check(&self) -> Result<(), ModelError> {
        for (field, found) in [
            ("linear_base", self.linear_base),
            ("linear_slope", self.linear_slope),
            ("absolute_base", self.absolute_base),
            ("absolute_slope", self.absolute_slope),
            ("width", self.width),
            ("vol", self.vol),
            ("vol_slope", self.vol_slope),
        ] {
            finite(field, found)?;
        }
        not_negative("least_width", self.least_width).map(|_| ())
    }

    /// The log-moneyness beyond which the factor no longer changes.
    #[must_use]
    pub fn flattens_at(&self, years: f64) -> f64 {
        let root = libm::sqrt(years);
        (root * self.width * (self.vol + root * self.vol_slope)).max(self.least_width)
    }

    /// The factor at log-moneyness `k` where one wing rises and the other falls.
    #[must_use]
    pub fn linear(&self, k: f64, years: f64) -> f64 {
        let cap = self.linear_base + self.linear_slope * libm::sqrt(years);
        factor(k, cap, self.flattens_at(years))
    }

    /// The factor at log-moneyness `k` where both wings rise.
    #[must_use]
    pub fn absolute(&self, k: f64, years: f64) -> f64 {
        let cap = self.absolute_base + self.absolute_slope * libm::sqrt(years);
        factor(k.abs(), cap, self.flattens_at(years))
    }
}

/// The source takes the smaller of the two on the right wing and the larger on the left, whatever the cap's sign. A
/// surface that flattens at no distance (only at expiry, where volatility is worth nothing) does not move.
fn factor(k: f64, cap: f64, flattens_at: f64) -> f64 {
    let change = if flattens_at > 0.0 { k * cap / flattens_at } else { 0.0 };
    let capped = if k >= 0.0 { change.min(cap) } else { change.max(-cap) };
    (1.0 + capped).max(0.0)
}

/// A move of the whole surface.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Move {
    /// Every volatility changes by the same amount.
    Parallel(f64),
    /// Every volatility is multiplied by the same factor.
    Factor(f64),
    /// Up, more for near expiries.
    TermUp(TermShock),
    /// Down, more for near expiries.
    TermDown(TermShock),
    /// One wing up, the other down.
    SkewLinear(SkewShock),
    /// Both wings up.
    SkewAbsolute(SkewShock),
}

impl Move {
    /// What `vol`, at log-moneyness `k` and an expiry in `years`, becomes. Never negative.
    #[must_use]
    pub fn apply(&self, vol: f64, k: f64, years: f64) -> f64 {
        let seconds = years * YEAR_SECONDS;
        let moved = match self {
            Self::Parallel(change) => vol + change,
            Self::Factor(factor) => vol * factor,
            Self::TermUp(shock) => vol * shock.factor_up(seconds),
            Self::TermDown(shock) => vol * shock.factor_down(seconds),
            Self::SkewLinear(shock) => vol * shock.linear(k, years),
            Self::SkewAbsolute(shock) => vol * shock.absolute(k, years),
        };
        moved.max(0.0)
    }
}
