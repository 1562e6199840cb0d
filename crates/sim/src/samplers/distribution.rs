//! Distributions as a scenario names them.

use core::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{chosen, standard_normal_below, standard_normal_quantile};
use crate::random::Draw;

/// The smallest and the largest probability a draw can come up with.
const EXTREMES: RangeInclusive<f64> = f64::EPSILON / 2.0..=1.0 - f64::EPSILON / 2.0;

/// A distribution of real numbers, in the unit of the field it stands in.
///
/// An optional bound truncates: samples beyond it cannot occur and the rest keep their proportions. Bounds
/// enclose the distribution's centre.
///
/// ```
/// # use downdraft_sim::samplers::Distribution;
/// #[derive(serde::Deserialize)]
/// struct Population {
///     size: Distribution,
/// }
/// let text = r#"size = { kind = "log-normal", median = 10, sigma = 0.5 }"#;
/// let population: Population = toml::from_str(text)?;
/// assert_eq!(population.size, Distribution::LogNormal { median: 10.0, sigma: 0.5, maximum: None });
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Distribution {
    /// Always the same.
    Constant {
        /// The value.
        value: f64,
    },
    /// Equally likely between two bounds.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal, between bounds where given.
    Normal {
        /// Mean, before truncation.
        mean: f64,
        /// Standard deviation, before truncation.
        deviation: f64,
        /// Lower bound, below the mean.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        minimum: Option<f64>,
        /// Upper bound, above the mean.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maximum: Option<f64>,
    },
    /// `median × exp(sigma × Z)` with a standard normal `Z`.
    LogNormal {
        /// Median, before truncation.
        median: f64,
        /// Standard deviation of the logarithm.
        sigma: f64,
        /// Upper bound, above the median.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maximum: Option<f64>,
    },
    /// Exponential.
    Exponential {
        /// Mean, before truncation.
        mean: f64,
        /// Upper bound, above the mean.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maximum: Option<f64>,
    },
    /// Power law: P(X > x) = (minimum ÷ x)^alpha.
    Pareto {
        /// The smallest value.
        minimum: f64,
        /// Exponent of the tail.
        alpha: f64,
        /// Upper bound, above the minimum.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        maximum: Option<f64>,
    },
    /// One of a list.
    Choice {
        /// The values, in order of growing quantiles.
        values: Vec<f64>,
        /// How likely each is, relative to the others.
        weights: Vec<f64>,
    },
}

impl Distribution {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        match *self {
            Self::Constant { value } => finite("value", value),
            Self::Uniform { low, high } => {
                finite("low", low)?;
                within("high", high, low, "at least low")?;
                finite("high − low", high - low)
            }
            Self::Normal { mean, deviation, minimum, maximum } => {
                finite("mean", mean)?;
                within("deviation", deviation, 0.0, "at least 0")?;
                below("minimum", minimum, mean)?;
                beyond("maximum", maximum, mean, "above the mean")
            }
            Self::LogNormal { median, sigma, maximum } => {
                positive("median", median)?;
                within("sigma", sigma, 0.0, "at least 0")?;
                beyond("maximum", maximum, median, "above the median")
            }
            Self::Exponential { mean, maximum } => {
                positive("mean", mean)?;
                beyond("maximum", maximum, mean, "above the mean")
            }
            Self::Pareto { minimum, alpha, maximum } => {
                positive("minimum", minimum)?;
                positive("alpha", alpha)?;
                beyond("maximum", maximum, minimum, "above the minimum")
            }
            Self::Choice { ref values, ref weights } => validate_choice(values, weights),
        }?;
        self.validate_extremes()
    }

    /// What is finite in theory may overflow in practice.
    fn validate_extremes(&self) -> Result<(), String> {
        let (low, high) = (self.quantile(*EXTREMES.start()), self.quantile(*EXTREMES.end()));
        if low.is_finite() && high.is_finite() {
            return Ok(());
        }
        Err(format!("samples: found {low} to {high}, expected parameters that keep them finite"))
    }

    /// A sample, from one random number.
    #[inline]
    #[must_use]
    pub fn sample(&self, draw: &mut Draw) -> f64 {
        self.quantile(draw.unit_open())
    }

    /// The value that a share `p` of samples falls below.
    ///
    /// # Panics
    /// Where `p` is not inside (0, 1), or the parameters are ones that [`Distribution::validate`] refuses.
    #[must_use]
    pub fn quantile(&self, p: f64) -> f64 {
        assert!(p > 0.0 && p < 1.0, "probability of a quantile: found {p}, expected inside (0, 1)");
        match *self {
            Self::Constant { value } => value,
            Self::Uniform { low, high } => (low + (high - low) * p).min(high),
            Self::Normal { mean, deviation, minimum, maximum } => {
                let share = |bound: f64| standard_normal_below((bound - mean) / deviation);
                let z = between(p, minimum.map_or(0.0, share), maximum.map_or(1.0, share));
                let sample = mean + deviation * z;
                sample.max(minimum.unwrap_or(sample)).min(maximum.unwrap_or(sample))
            }
            Self::LogNormal { median, sigma, maximum } => {
                let share = |bound: f64| standard_normal_below(libm::log(bound / median) / sigma);
                let z = between(p, 0.0, maximum.map_or(1.0, share));
                capped(median * libm::exp(sigma * z), maximum)
            }
            Self::Exponential { mean, maximum } => {
                let share = maximum.map_or(1.0, |bound| -libm::expm1(-bound / mean));
                capped(-mean * libm::log1p(-p * share), maximum)
            }
            Self::Pareto { minimum, alpha, maximum } => {
                let share = maximum.map_or(1.0, |bound| -libm::expm1(alpha * libm::log(minimum / bound)));
                capped(minimum * libm::exp(-libm::log1p(-p * share) / alpha), maximum)
            }
            Self::Choice { ref values, ref weights } => values[chosen(weights, p)],
        }
    }
}

/// The normal quantile of the probability `p` of the way from `low` to `high`.
fn between(p: f64, low: f64, high: f64) -> f64 {
    // Rounding may reach an end, which has no finite quantile.
    standard_normal_quantile((low + p * (high - low)).clamp(f64::MIN_POSITIVE, *EXTREMES.end()))
}

/// Rounding may pass the bound by a bit.
fn capped(sample: f64, maximum: Option<f64>) -> f64 {
    maximum.map_or(sample, |bound| sample.min(bound))
}

fn validate_choice(values: &[f64], weights: &[f64]) -> Result<(), String> {
    if values.is_empty() {
        return Err("values: found none, expected at least one".to_owned());
    }
    if weights.len() != values.len() {
        return Err(format!("weights: found {}, expected one per value, that is {}", weights.len(), values.len()));
    }
    for (index, (&value, &weight)) in values.iter().zip(weights).enumerate() {
        finite(&format!("values[{index}]"), value)?;
        within(&format!("weights[{index}]"), weight, 0.0, "at least 0")?;
    }
    positive("sum of weights", weights.iter().sum())
}

fn finite(field: &str, found: f64) -> Result<(), String> {
    check(found.is_finite(), field, found, "a finite number")
}

fn positive(field: &str, found: f64) -> Result<(), String> {
    check(found > 0.0 && found.is_finite(), field, found, "a finite number above 0")
}

fn within(field: &str, found: f64, least: f64, expected: &str) -> Result<(), String> {
    check(found >= least && found.is_finite(), field, found, &format!("a finite number, {expected}"))
}

fn beyond(field: &str, found: Option<f64>, centre: f64, expected: &str) -> Result<(), String> {
    let Some(found) = found else { return Ok(()) };
    check(found > centre && found.is_finite(), field, found, &format!("a finite number {expected}"))
}

fn below(field: &str, found: Option<f64>, mean: f64) -> Result<(), String> {
    let Some(found) = found else { return Ok(()) };
    check(found < mean && found.is_finite(), field, found, "a finite number below the mean")
}

fn check(holds: bool, field: &str, found: f64, expected: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{field}: found {found}, expected {expected}")) }
}
