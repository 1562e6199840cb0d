//! An oracle: when a price that moves all the time becomes a report that a venue hears of.
//!
//! A report is sent when the price has moved by a threshold since the last report, or when a heartbeat has
//! passed, and arrives after a latency. (Chainlink data feeds: deviation threshold and heartbeat.)

use downdraft_types::{MarkPrice, Ppm, Span, Time};
use serde::{Deserialize, Serialize};

use crate::latency::{Channel, Latency};
use crate::random::Stream;

/// When an oracle reports, and how late.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleRules {
    /// A report is sent at the latest this long after the one before, in nanoseconds.
    #[serde(rename = "heartbeat_ns")]
    pub heartbeat: Span,
    /// A report is sent when the price differs from the last reported one by this much of it or more, in parts
    /// per million; 0 reports every price observed.
    #[serde(rename = "deviation_ppm")]
    pub deviation: Ppm,
    /// From observation to the venue's door.
    #[serde(default)]
    pub latency: Latency,
}

impl OracleRules {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        if self.heartbeat == Span::ZERO {
            return Err("heartbeat_ns: found 0, expected above 0".to_owned());
        }
        if self.deviation.is_negative() {
            return Err(format!("deviation_ppm: found {}, expected at least 0", self.deviation));
        }
        self.latency.validate().map_err(|error| format!("latency.{error}"))
    }
}

/// A price on its way to a venue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    /// When the price was observed.
    pub observed: Time,
    /// When it reaches the venue: never before an earlier report.
    pub arrives: Time,
    /// The price.
    pub price: MarkPrice,
}

/// An oracle of one price.
#[derive(Clone, Debug)]
pub struct Oracle {
    rules: OracleRules,
    latency: Stream,
    channel: Channel,
    last: Option<(Time, MarkPrice)>,
}

impl Oracle {
    /// An oracle that has not reported yet; `latency` are the draws of its reports' delays.
    ///
    /// # Errors
    /// As [`OracleRules::validate`].
    pub fn new(rules: OracleRules, latency: Stream) -> Result<Self, String> {
        rules.validate()?;
        Ok(Self { rules, latency, channel: Channel::default(), last: None })
    }

    /// Shows the oracle the price at `time`; times do not go back. The first price is always reported.
    pub fn observe(&mut self, time: Time, price: MarkPrice) -> Option<Report> {
        if self.last.is_some_and(|(sent, last)| !self.is_due(time.since(sent), last, price)) {
            return None;
        }
        self.last = Some((time, price));
        let delay = self.rules.latency.sample(&mut self.latency.next_draw());
        let arrives = self.channel.deliver(time.saturating_add(delay));
        Some(Report { observed: time, arrives, price })
    }

    /// When the heartbeat is due, whatever the price: the time to show it the price again. `None` before the
    /// first report and past the last moment.
    #[must_use]
    pub fn next_heartbeat(&self) -> Option<Time> {
        let (sent, _) = self.last?;
        sent.0.checked_add(self.rules.heartbeat.0).map(Time)
    }

    /// Exact: |price − last| ÷ |last| is compared by cross-multiplying.
    fn is_due(&self, age: Span, last: MarkPrice, price: MarkPrice) -> bool {
        let moved = i128::from(price.0).abs_diff(i128::from(last.0)) * Ppm::ONE.0.unsigned_abs() as u128;
        let threshold = u128::from(last.0.unsigned_abs()) * u128::from(self.rules.deviation.0.unsigned_abs());
        age >= self.rules.heartbeat || moved >= threshold
    }
}
