//! Geometric Brownian motion with log-normal jumps that come at random. (Merton: Option pricing when underlying
//! stock returns are discontinuous, 1976.)

use downdraft_types::{Span, Time};
use serde::{Deserialize, Serialize};

use crate::random::Stream;

const NANOS_PER_DAY: f64 = 86_400e9;
/// Markets that never close count 365 days to the year.
const NANOS_PER_YEAR: f64 = 365.0 * NANOS_PER_DAY;

/// Parameters of a jump-diffusion.
///
/// Over an interval of `dt` years the logarithm of the price moves by
/// `(drift − volatility²/2) dt + volatility √dt Z + Σ (jump_mean + jump_deviation Zᵢ)`, with as many jumps as a
/// Poisson count says. The drift is not compensated for jumps.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JumpDiffusion {
    /// Price at time zero.
    pub start: f64,
    /// Between one price and the next, in nanoseconds.
    #[serde(rename = "interval_ns")]
    pub interval: Span,
    /// Drift per year of 365 days: 0.1 is 10%.
    #[serde(default)]
    pub drift: f64,
    /// Volatility per square root of a year of 365 days: 0.8 is 80%.
    pub volatility: f64,
    /// Expected jumps per day.
    #[serde(default)]
    pub jumps_per_day: f64,
    /// Mean of a jump's logarithm: −0.05 is about 5% down.
    #[serde(default)]
    pub jump_mean: f64,
    /// Standard deviation of a jump's logarithm.
    #[serde(default)]
    pub jump_deviation: f64,
}

/// More jumps than this in an interval are a diffusion in disguise, and cost a sample each.
const MOST_JUMPS_PER_INTERVAL: f64 = 1_000.0;

impl JumpDiffusion {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        check(self.start > 0.0, "start", self.start, "above 0")?;
        if self.interval == Span::ZERO {
            return Err("interval_ns: found 0, expected above 0".to_owned());
        }
        check(true, "drift", self.drift, "any")?;
        check(self.volatility >= 0.0, "volatility", self.volatility, "at least 0")?;
        check(self.jumps_per_day >= 0.0, "jumps_per_day", self.jumps_per_day, "at least 0")?;
        check(true, "jump_mean", self.jump_mean, "any")?;
        check(self.jump_deviation >= 0.0, "jump_deviation", self.jump_deviation, "at least 0")?;
        let jumps = self.jumps_per_interval();
        let most = format!("at most {MOST_JUMPS_PER_INTERVAL} jumps per interval (here {jumps})");
        check(jumps <= MOST_JUMPS_PER_INTERVAL, "jumps_per_day", self.jumps_per_day, &most)
    }

    fn jumps_per_interval(&self) -> f64 {
        self.jumps_per_day * (self.interval.0 as f64 / NANOS_PER_DAY)
    }
}

fn check(holds: bool, field: &str, found: f64, expected: &str) -> Result<(), String> {
    if holds && found.is_finite() {
        return Ok(());
    }
    Err(format!("{field}: found {found}, expected a finite number, {expected}"))
}

/// A jump-diffusion being walked, step by step; step `n` uses draw `n` of the stream.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    parameters: JumpDiffusion,
    stream: Stream,
    /// Steps taken, and the logarithm of price ÷ start after them.
    step: u64,
    log: f64,
}

impl Walk {
    pub(super) const fn new(parameters: JumpDiffusion, stream: Stream) -> Self {
        Self { parameters, stream, step: 0, log: 0.0 }
    }

    pub(super) const fn first(&self) -> (Time, f64) {
        (Time::ZERO, self.parameters.start)
    }

    /// As [`super::IndexPath::next_after`]. A price that leaves the range of positive `f64` ends the path.
    pub(super) fn next_after(&mut self, time: Time) -> Option<(Time, f64)> {
        let interval = self.parameters.interval;
        let due = super::next_multiple(time, interval)?;
        let target = due.0 / interval.0;
        if target < self.step {
            (self.step, self.log) = (0, 0.0);
        }
        while self.step < target {
            self.log += self.increment(self.step);
            self.step += 1;
        }
        let price = self.parameters.start * libm::exp(self.log);
        (price > 0.0 && price.is_finite()).then_some((due, price))
    }

    fn increment(&self, step: u64) -> f64 {
        let JumpDiffusion { interval, drift, volatility, jump_mean, jump_deviation, .. } = self.parameters;
        let years = interval.0 as f64 / NANOS_PER_YEAR;
        let mut draw = self.stream.draw(step);
        let mut log = (drift - volatility * volatility / 2.0) * years;
        log += volatility * years.sqrt() * draw.standard_normal();
        for _ in 0..draw.poisson(self.parameters.jumps_per_interval()) {
            log += jump_mean + jump_deviation * draw.standard_normal();
        }
        log
    }
}
