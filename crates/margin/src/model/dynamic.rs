//! Margin rates that follow the market: realised volatility, open interest, the book's depth; and the schedule on which
//! a rate may change, with a cap on its speed.
//!
//! ```text
//!   prices ──Ewma──► volatility ──ByVolatility──┐
//!   open interest ──Ramp────────────────────────┼─ largest ─► target ──Schedule──► rate in force
//!   depth ──ByDepth─────────────────────────────┘
//! ```
//!
//! Sources: J.P. Morgan and Reuters, *RiskMetrics* (exponential weights); dYdX v4 (open interest); BIS and CPMI-IOSCO,
//! *Review of margining practices* (procyclicality, speed of change).

use super::error::{ModelError, not_negative, positive};
use super::surface::YEAR_SECONDS;
use downdraft_types::arith::mul_div_ceil;
use downdraft_types::{Ppm, Span, Time};

/// Nanoseconds in a second: the unit of [`Time`].
const SECOND_NANOS: f64 = 1e9;

/// Realised volatility with exponential weights in time, for observations at any times.
///
/// With `r = ln(p_i ÷ p_{i−1})`, `Δ = t_i − t_{i−1}` in seconds, and `w = 2^(−Δ ÷ half-life)`:
///
/// ```text
///   v_i = w × v_{i−1} + (1 − w) × r² ÷ Δ          variance per second
///   σ = √(v × 31 536 000)                          per square root of a year
/// ```
///
/// Returns are not centred. Equally spaced observations give RiskMetrics' form with λ = w.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ewma {
    half_life: f64,
    variance: f64,
    last: Option<(Time, f64)>,
}

impl Ewma {
    /// Starts at `vol` per square root of a year, before any price is known. The half-life is in seconds.
    ///
    /// # Errors
    /// Where the half-life is not positive, or the volatility negative.
    pub fn new(half_life: f64, vol: f64) -> Result<Self, ModelError> {
        positive("half_life", half_life)?;
        let vol = not_negative("vol", vol)?;
        Ok(Self { half_life, variance: vol * vol / YEAR_SECONDS, last: None })
    }

    /// Takes a price in.
    ///
    /// # Errors
    /// Where the price is not positive, or the time not later than that of the one before; nothing is changed then.
    pub fn observe(&mut self, at: Time, price: f64) -> Result<(), ModelError> {
        positive("price", price)?;
        if let Some((before, last)) = self.last {
            if at <= before {
                return Err(ModelError::new("at", at.0 as f64, "a time after that of the price before"));
            }
            let elapsed = at.since(before).0 as f64 / SECOND_NANOS;
            let kept = libm::exp2(-elapsed / self.half_life);
            let change = libm::log(price / last);
            self.variance = kept * self.variance + (1.0 - kept) * (change * change / elapsed);
        }
        self.last = Some((at, price));
        Ok(())
    }

    /// All of its state, to the bit.
    #[must_use]
    pub fn bits(&self) -> ([u64; 2], Option<(Time, u64)>) {
        ([self.half_life.to_bits(), self.variance.to_bits()], self.last.map(|(at, price)| (at, price.to_bits())))
    }

    /// Volatility per square root of a year.
    #[must_use]
    pub fn vol(&self) -> f64 {
        libm::sqrt(self.variance * YEAR_SECONDS)
    }
}

/// A rate's bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Bounds {
    /// Never below this.
    pub least: Ppm,
    /// Never above this.
    pub most: Ppm,
}

impl Bounds {
    /// # Errors
    /// Where they are out of order, or not from 0 to 100%.
    pub fn check(&self) -> Result<(), ModelError> {
        if !(0..=Ppm::ONE.0).contains(&self.least.0) {
            return Err(ModelError::new("least", self.least.0 as f64, "from 0 to 1000000 ppm"));
        }
        if !(self.least.0..=Ppm::ONE.0).contains(&self.most.0) {
            return Err(ModelError::new("most", self.most.0 as f64, "from least to 1000000 ppm"));
        }
        Ok(())
    }

    fn clamp(&self, rate: i128) -> Ppm {
        let (least, most) = (i128::from(self.least.0), i128::from(self.most.0));
        Ppm(i64::try_from(rate.clamp(least, most)).unwrap_or(self.most.0))
    }
}

/// A rate in proportion to volatility: `base × vol ÷ reference`, rounded up to a part per million.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ByVolatility {
    /// The rate at the reference volatility.
    pub base: Ppm,
    /// The reference volatility, per square root of a year.
    pub reference: f64,
    /// Bounds of the rate.
    pub bounds: Bounds,
}

impl ByVolatility {
    /// # Errors
    /// Where a number is not positive, or the bounds are wrong.
    pub fn check(&self) -> Result<(), ModelError> {
        positive("base", self.base.0 as f64)?;
        positive("reference", self.reference)?;
        self.bounds.check()
    }

    /// The rate at `vol`; the largest where it is not a number.
    #[must_use]
    pub fn rate(&self, vol: f64) -> Ppm {
        let rate = libm::ceil(self.base.0 as f64 * vol / self.reference);
        // A cast saturates; not a number would become zero, the wrong way.
        if rate.is_nan() { self.bounds.most } else { self.bounds.clamp(rate as i128) }
    }
}

/// A rate that rises linearly from one measure to another: open interest, or a position's notional. Exact, rounded up
/// to a part per million.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Ramp {
    /// Up to here the least rate applies.
    pub from: i128,
    /// From here on, the largest.
    pub to: i128,
    /// Bounds of the rate.
    pub bounds: Bounds,
}

impl Ramp {
    /// # Errors
    /// Where `from` is negative, `to` not above it or beyond 2^100, or the bounds are wrong.
    pub fn check(&self) -> Result<(), ModelError> {
        if self.from < 0 {
            return Err(ModelError::new("from", self.from as f64, "at least 0"));
        }
        if self.to <= self.from || self.to > 1 << 100 {
            return Err(ModelError::new("to", self.to as f64, "above from, and at most 2^100"));
        }
        self.bounds.check()
    }

    /// The rate at `measure`.
    #[must_use]
    pub fn rate(&self, measure: i128) -> Ppm {
        let above = measure.clamp(self.from, self.to) - self.from;
        let rise = i128::from(self.bounds.most.0 - self.bounds.least.0);
        let rate = i128::from(self.bounds.least.0) + mul_div_ceil(rise, above, (self.to - self.from).max(1));
        self.bounds.clamp(rate)
    }
}

/// A rate in inverse proportion to the book's depth: `base × reference ÷ depth`, rounded up to a part per million. An
/// empty book asks for the largest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ByDepth {
    /// The rate at the reference depth.
    pub base: Ppm,
    /// The reference depth, in lots or money, as the measure is.
    pub reference: i128,
    /// Bounds of the rate.
    pub bounds: Bounds,
}

impl ByDepth {
    /// # Errors
    /// Where a number is not positive, the reference beyond 2^100, or the bounds are wrong.
    pub fn check(&self) -> Result<(), ModelError> {
        if !(1..=Ppm::ONE.0).contains(&self.base.0) {
            return Err(ModelError::new("base", self.base.0 as f64, "from 1 to 1000000 ppm"));
        }
        if !(1..=1 << 100).contains(&self.reference) {
            return Err(ModelError::new("reference", self.reference as f64, "from 1 to 2^100"));
        }
        self.bounds.check()
    }

    /// The rate at `depth`.
    #[must_use]
    pub fn rate(&self, depth: i128) -> Ppm {
        if depth <= 0 {
            return self.bounds.most;
        }
        self.bounds.clamp(mul_div_ceil(self.base.0.into(), self.reference, depth))
    }
}

/// When a rate may change, and how far at a time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Schedule {
    /// Changes happen at multiples of this.
    pub period: Span,
    /// The largest rise at a time.
    pub rise: Ppm,
    /// The largest fall at a time.
    pub fall: Ppm,
}

/// A rate in force, and when it may change next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Stepped {
    schedule: Schedule,
    rate: Ppm,
    next: Time,
}

impl Stepped {
    /// A rate in force from `now` until the first multiple of the period after it.
    ///
    /// # Errors
    /// Where the period is zero, a step is negative, or the rate not from 0 to 100%.
    pub fn new(schedule: Schedule, rate: Ppm, now: Time) -> Result<Self, ModelError> {
        if schedule.period == Span::ZERO {
            return Err(ModelError::new("period", 0.0, "above 0"));
        }
        for (field, found) in [("rise", schedule.rise), ("fall", schedule.fall), ("rate", rate)] {
            if !(0..=Ppm::ONE.0).contains(&found.0) {
                return Err(ModelError::new(field, found.0 as f64, "from 0 to 1000000 ppm"));
            }
        }
        Ok(Self { schedule, rate, next: after(now, schedule.period) })
    }

    /// The rate in force.
    #[must_use]
    pub const fn rate(&self) -> Ppm {
        self.rate
    }

    /// When it may change next.
    #[must_use]
    pub const fn next(&self) -> Time {
        self.next
    }

    /// Moves the rate toward `target` if it is time: one step, however many periods have passed. `Some` new rate where
    /// it changed.
    pub fn step(&mut self, now: Time, target: Ppm) -> Option<Ppm> {
        if now < self.next {
            return None;
        }
        self.next = after(now, self.schedule.period);
        let (least, most) = (self.rate.0 - self.schedule.fall.0, self.rate.0 + self.schedule.rise.0);
        let rate = Ppm(target.0.clamp(least, most).clamp(0, Ppm::ONE.0));
        let changed = rate != self.rate;
        self.rate = rate;
        changed.then_some(rate)
    }
}

/// The first multiple of `period` after `now`; the end of time where there is none.
fn after(now: Time, period: Span) -> Time {
    let count = now.0 / period.0 + 1;
    Time(count.saturating_mul(period.0))
}
