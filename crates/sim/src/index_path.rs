//! The reference price: a process outside our own book, and how it becomes an index.
//!
//! ```text
//!  path (scripted, recorded, jump-diffusion) ─► blend with our own mid ─► MarkPrice ─► oracle ─► venue
//! ```
//!
//! A path is a sequence of (time, price) with times strictly increasing; a price is in units of the quote
//! currency per unit of the base, and holds until the next.

mod diffusion;
mod oracle;

pub use diffusion::JumpDiffusion;
use downdraft_types::{MarkPrice, Span, Time};
pub use oracle::{Oracle, OracleRules, Report};
use serde::{Deserialize, Serialize};

use crate::random::Stream;
use diffusion::Walk;

/// A point of a path.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct PathPoint(
    /// When, in nanoseconds.
    pub Time,
    /// The price from then on.
    pub f64,
);

/// How a scripted path goes from one point to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Shape {
    /// The price jumps at each point.
    Step,
    /// The price is interpolated in a straight line and reported at the points and at every multiple of an
    /// interval between them.
    Linear {
        /// The interval, in nanoseconds.
        #[serde(rename = "interval_ns")]
        interval: Span,
    },
}

/// The reference price as a scenario states it.
///
/// ```
/// # use downdraft_sim::index_path::PathSpec;
/// let text = r#"
///     kind = "scripted"
///     shape = { kind = "linear", interval_ns = 1_000_000 }
///     points = [[0, 100.0], [60_000_000_000, 85.0]]
/// "#;
/// let path: PathSpec = toml::from_str(text)?;
/// assert_eq!(path.validate(), Ok(()));
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PathSpec {
    /// A path drawn by hand.
    Scripted {
        /// What lies between the points.
        shape: Shape,
        /// The points, in order of time.
        points: Vec<PathPoint>,
    },
    /// A recorded series: every price holds until the next.
    Recorded {
        /// The prices, in order of time.
        points: Vec<PathPoint>,
    },
    /// A seeded random walk with jumps.
    JumpDiffusion(JumpDiffusion),
}

impl PathSpec {
    /// Checks the parameters.
    ///
    /// # Errors
    /// Says which field is wrong, what was found and what was expected.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Self::Scripted { shape, points } => {
                if *shape == (Shape::Linear { interval: Span::ZERO }) {
                    return Err("shape.interval_ns: found 0, expected above 0".to_owned());
                }
                validate_points(points)
            }
            Self::Recorded { points } => validate_points(points),
            Self::JumpDiffusion(walk) => walk.validate(),
        }
    }
}

fn validate_points(points: &[PathPoint]) -> Result<(), String> {
    if points.is_empty() {
        return Err("points: found none, expected at least one".to_owned());
    }
    for (index, &PathPoint(_, price)) in points.iter().enumerate() {
        if !(price > 0.0 && price.is_finite()) {
            return Err(format!("points[{index}]: found price {price}, expected a finite number above 0"));
        }
    }
    for (index, pair) in points.windows(2).enumerate() {
        let (earlier, later) = (pair[0].0, pair[1].0);
        if later <= earlier {
            return Err(format!("points[{}]: found time {} ns, expected after {} ns", index + 1, later.0, earlier.0));
        }
    }
    Ok(())
}

/// A reference price being followed.
#[derive(Clone, Debug)]
pub struct IndexPath {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Points { points: Vec<PathPoint>, interval: Option<Span> },
    Walk(Box<Walk>),
}

impl IndexPath {
    /// Starts a path. Only a jump-diffusion uses `stream`; the whole path is a function of it.
    ///
    /// # Errors
    /// As [`PathSpec::validate`].
    pub fn new(spec: PathSpec, stream: Stream) -> Result<Self, String> {
        spec.validate()?;
        let source = match spec {
            PathSpec::Scripted { shape: Shape::Step, points } | PathSpec::Recorded { points } => {
                Source::Points { points, interval: None }
            }
            PathSpec::Scripted { shape: Shape::Linear { interval }, points } => {
                Source::Points { points, interval: Some(interval) }
            }
            PathSpec::JumpDiffusion(walk) => Source::Walk(Box::new(Walk::new(walk, stream))),
        };
        Ok(Self { source })
    }

    /// The first price, which is the one to start from.
    #[must_use]
    pub fn first(&self) -> (Time, f64) {
        match &self.source {
            Source::Points { points, .. } => (points[0].0, points[0].1),
            Source::Walk(walk) => walk.first(),
        }
    }

    /// The first price strictly after `time`, `None` where the path has ended.
    ///
    /// The answer depends on `time` alone. Asking in order of time is quick; a random walk that is asked about
    /// an earlier time walks again from its start.
    pub fn next_after(&mut self, time: Time) -> Option<(Time, f64)> {
        match &mut self.source {
            Source::Points { points, interval } => next_point(points, *interval, time),
            Source::Walk(walk) => walk.next_after(time),
        }
    }
}

fn next_point(points: &[PathPoint], interval: Option<Span>, time: Time) -> Option<(Time, f64)> {
    let index = points.partition_point(|point| point.0 <= time);
    let &PathPoint(until, to) = points.get(index)?;
    let Some((interval, previous)) = interval.zip(index.checked_sub(1)) else {
        return Some((until, to));
    };
    let PathPoint(since, from) = points[previous];
    match next_multiple(time, interval) {
        Some(sample) if sample < until => {
            let part = sample.since(since).0 as f64 / until.since(since).0 as f64;
            Some((sample, from + (to - from) * part))
        }
        _ => Some((until, to)),
    }
}

/// The first multiple of `interval` strictly after `time`, `None` past the last moment.
fn next_multiple(time: Time, interval: Span) -> Option<Time> {
    let periods = (time.0 / interval.0).checked_add(1)?;
    periods.checked_mul(interval.0).map(Time)
}

/// `(1 − coupling) × exogenous + coupling × own_mid`: 0 is an index that our own book cannot move, 1 one that
/// nothing else moves. While our book has no mid, the index is exogenous.
#[must_use]
pub fn blend(coupling: f64, exogenous: f64, own_mid: Option<f64>) -> f64 {
    own_mid.map_or(exogenous, |mid| (1.0 - coupling) * exogenous + coupling * mid)
}

/// A price in mark increments, of which one unit of price has `per_unit` (marks per tick ÷ tick size). Rounded to
/// the nearest, ties to even, which favours neither longs nor shorts; `None` where that is no `i64`.
#[must_use]
pub fn to_mark_price(price: f64, per_unit: f64) -> Option<MarkPrice> {
    let marks = libm::rint(price * per_unit);
    // −2^63 is a `f64`, 2^63 − 1 is not; not-a-number fails both.
    let limit = (1_u64 << 63) as f64;
    (marks >= -limit && marks < limit).then_some(MarkPrice(marks as i64))
}
