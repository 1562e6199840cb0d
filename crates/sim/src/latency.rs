//! How long a message is under way.
//!
//! Each actor has one latency for the orders it sends and one for the market data it receives. A message's delay
//! is drawn on its own, but a channel is first in first out, as a session over TCP or a sequenced multicast feed
//! is: a message that drew a short delay behind one that drew a long delay arrives with it, not before it.

use downdraft_types::{Span, Time};
use serde::{Deserialize, Serialize};

use crate::random::Draw;

/// A distribution of delays.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Latency {
    /// Always the same.
    Constant {
        /// The delay, in nanoseconds.
        #[serde(rename = "delay_ns")]
        delay: Span,
    },
    /// Every whole nanosecond between two bounds, both included, is equally likely.
    Uniform {
        /// The shortest delay, in nanoseconds.
        #[serde(rename = "low_ns")]
        low: Span,
        /// The longest delay, in nanoseconds.
        #[serde(rename = "high_ns")]
        high: Span,
    },
    /// `median × exp(sigma × Z)` with a standard normal `Z`, rounded to the nearest nanosecond.
    LogNormal {
        /// The median, in nanoseconds.
        #[serde(rename = "median_ns")]
        median: Span,
        /// Standard deviation of the logarithm.
        sigma: f64,
        /// The longest delay, in nanoseconds: longer ones are cut to it.
        #[serde(rename = "cap_ns", default, skip_serializing_if = "Option::is_none")]
        cap: Option<Span>,
    },
}

impl Default for Latency {
    /// No delay.
    fn default() -> Self {
        Self::constant(Span::ZERO)
    }
}

impl Latency {
    /// The same delay for every message.
    #[must_use]
    pub const fn constant(delay: Span) -> Self {
        Self::Constant { delay }
    }

    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        match *self {
            Self::Constant { .. } => Ok(()),
            Self::Uniform { low, high } if high < low => {
                Err(format!("high_ns: found {}, expected at least low_ns, that is {}", high.0, low.0))
            }
            Self::Uniform { .. } => Ok(()),
            Self::LogNormal { median, .. } if median == Span::ZERO => {
                Err("median_ns: found 0, expected above 0".to_owned())
            }
            Self::LogNormal { sigma, .. } if !(sigma >= 0.0 && sigma.is_finite()) => {
                Err(format!("sigma: found {sigma}, expected a finite number, at least 0"))
            }
            Self::LogNormal { median, cap: Some(cap), .. } if cap < median => {
                Err(format!("cap_ns: found {}, expected at least median_ns, that is {}", cap.0, median.0))
            }
            Self::LogNormal { .. } => Ok(()),
        }
    }

    /// The delay of one message, at most 2^64 − 1 ns.
    ///
    /// # Panics
    /// With parameters that [`Latency::validate`] refuses.
    #[inline]
    #[must_use]
    pub fn sample(&self, draw: &mut Draw) -> Span {
        match *self {
            Self::Constant { delay } => delay,
            Self::Uniform { low, high } => {
                assert!(low <= high, "latency: {high} is below {low}");
                let above = match (high.0 - low.0).checked_add(1) {
                    Some(choices) => draw.below(choices),
                    None => draw.next_u64(),
                };
                Span(low.0 + above)
            }
            Self::LogNormal { median, sigma, cap } => {
                // A conversion to an integer saturates.
                let delay = Span(libm::rint(draw.log_normal(median.0 as f64, sigma)) as u64);
                cap.map_or(delay, |cap| delay.min(cap))
            }
        }
    }
}

/// The latencies of one actor.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Latencies {
    /// From the actor's decision to the venue's door.
    pub orders: Latency,
    /// Market data: from an event at the venue to the actor.
    #[serde(rename = "market_data")]
    pub data: Latency,
}

impl Latencies {
    /// Checks both.
    ///
    /// # Errors
    /// As [`Latency::validate`], with the field's path.
    pub fn validate(&self) -> Result<(), String> {
        self.orders.validate().map_err(|error| format!("orders.{error}"))?;
        self.data.validate().map_err(|error| format!("market_data.{error}"))
    }
}

/// One direction of one actor's connection: messages arrive in the order in which they were sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Channel {
    last: Time,
}

impl Channel {
    /// When a message arrives that would arrive at `due` on its own: never before an earlier message of this
    /// channel. Messages that arrive at one instant keep their order in the event queue, whose ties are first in
    /// first out.
    #[inline]
    pub fn deliver(&mut self, due: Time) -> Time {
        self.last = self.last.max(due);
        self.last
    }
}
