//! Samplers on `libm`: the same bits on every platform, in debug and in release.
//!
//! Where a sampler has an inverse distribution function it uses it, on exactly one random number, so a larger
//! number gives a larger sample and a change of parameters moves samples without reshuffling them. Only
//! [`Draw::below`] and [`Draw::poisson`] of a large mean reject and draw again.

mod distribution;
mod normal;

pub use distribution::Distribution;
pub use normal::{standard_normal_below, standard_normal_quantile};

use crate::random::Draw;

/// The largest mean of [`Draw::poisson`]: beyond it whole numbers are too coarse as `f64`.
pub const POISSON_LARGEST_MEAN: f64 = 1e15;

impl Draw {
    /// Uniform in [0, 1): a multiple of 2^-53.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in (0, 1]: a multiple of 2^-53.
    #[inline]
    pub fn unit_positive(&mut self) -> f64 {
        ((self.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in (0, 1), symmetric about one half: an odd multiple of 2^-53.
    #[inline]
    pub fn unit_open(&mut self) -> f64 {
        (self.next_u64() >> 11 | 1) as f64 / (1_u64 << 53) as f64
    }

    /// A uniform whole number below `n`, every one equally likely. (Lemire: Fast random integer generation in an
    /// interval, 2019.)
    ///
    /// # Panics
    /// Where `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "a whole number below 0 was asked for");
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            let low = product as u64;
            // Of the 2^64 numbers, the first 2^64 mod n in each stretch of n are surplus.
            if low >= n || low >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// True with probability `p`; always where `p` is 1 or more, never where it is 0 or less.
    #[inline]
    pub fn bernoulli(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Exponential with the given mean: the time to the next of events that come at rate 1 ÷ mean.
    #[inline]
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.unit_positive())
    }

    /// Standard normal.
    #[inline]
    pub fn standard_normal(&mut self) -> f64 {
        standard_normal_quantile(self.unit_open())
    }

    /// `median × exp(sigma × Z)` with a standard normal `Z`.
    #[inline]
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.standard_normal())
    }

    /// Pareto: P(X > x) = (minimum ÷ x)^alpha.
    #[inline]
    pub fn pareto(&mut self, minimum: f64, alpha: f64) -> f64 {
        minimum * libm::pow(self.unit_positive(), -1.0 / alpha)
    }

    /// How many trials of probability `p` fail before the first that succeeds; at most `u64::MAX`.
    ///
    /// # Panics
    /// Where `p` is not in (0, 1].
    #[inline]
    pub fn geometric(&mut self, p: f64) -> u64 {
        assert!(p > 0.0 && p <= 1.0, "probability of a geometric count: found {p}, expected above 0, at most 1");
        // A conversion to an integer saturates, and −0 ÷ −∞ is 0.
        (libm::log(self.unit_positive()) / libm::log1p(-p)) as u64
    }

    /// Poisson with the given mean.
    ///
    /// Below a mean of 10 by inversion, one random number; from there by Hörmann's transformed rejection (The
    /// transformed rejection method for generating Poisson random variables, 1993), two numbers a trial.
    ///
    /// # Panics
    /// Where the mean is negative, above [`POISSON_LARGEST_MEAN`] or not a number.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        let legal = (0.0..=POISSON_LARGEST_MEAN).contains(&mean);
        assert!(legal, "mean of a Poisson count: found {mean}, expected 0 to {POISSON_LARGEST_MEAN}");
        if mean < 10.0 { self.poisson_by_inversion(mean) } else { self.poisson_by_rejection(mean) }
    }

    fn poisson_by_inversion(&mut self, mean: f64) -> u64 {
        let target = self.unit();
        let mut count = 0_u64;
        let mut term = libm::exp(-mean);
        let mut sum = term;
        // Ends at the latest when the terms are too small to change the sum.
        while target >= sum {
            count += 1;
            term *= mean / count as f64;
            if sum + term == sum {
                break;
            }
            sum += term;
        }
        count
    }

    fn poisson_by_rejection(&mut self, mean: f64) -> u64 {
        let log_mean = libm::log(mean);
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.024_83 * b;
        let log_inverse_alpha = libm::log(1.1239 + 1.1328 / (b - 3.4));
        let sure = 0.9277 - 3.6224 / (b - 2.0);
        loop {
            let u = self.unit() - 0.5;
            let v = self.unit_positive();
            let margin = 0.5 - u.abs();
            let k = ((2.0 * a / margin + b) * u + mean + 0.43).floor();
            if margin >= 0.07 && v <= sure {
                return k as u64;
            }
            if k < 0.0 || (margin < 0.013 && v > margin) {
                continue;
            }
            let left = libm::log(v) + log_inverse_alpha - libm::log(a / (margin * margin) + b);
            if left <= k * log_mean - mean - libm::lgamma(k + 1.0) {
                return k as u64;
            }
        }
    }

    /// The index of one of `weights`, in proportion to them.
    ///
    /// # Panics
    /// Where their sum is not positive and finite.
    pub fn choose(&mut self, weights: &[f64]) -> usize {
        chosen(weights, self.unit_open())
    }
}

/// The first index at which the running sum of the weights passes `p` of their total.
fn chosen(weights: &[f64], p: f64) -> usize {
    let total: f64 = weights.iter().sum();
    assert!(total > 0.0 && total.is_finite(), "sum of weights: found {total}, expected positive and finite");
    let target = p * total;
    let mut sum = 0.0;
    let mut last = 0;
    for (index, &weight) in weights.iter().enumerate() {
        sum += weight;
        if weight > 0.0 {
            last = index;
            if sum > target {
                break;
            }
        }
    }
    last
}
