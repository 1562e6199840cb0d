//! How long single operations take, by kind: the clock is read before and after each, and what reading it costs
//! is taken off.

use downdraft_testkit::order_flow::{Engine, Kind, Op, Trade, apply};
use quanta::Clock;
use std::fmt;
use std::hint::black_box;

/// Readings of the clock to measure the clock with.
const READINGS: usize = 100_000;

/// Percentiles by kind of operation.
#[derive(Clone, Debug)]
pub struct Latencies {
    kinds: Vec<(Kind, Percentiles)>,
    /// Wall-clock time of all market orders, in ns.
    pub market_ns: f64,
}

/// Of one kind of operation, in ns of the wall clock, each less what reading the clock costs.
#[derive(Clone, Copy, Debug)]
pub struct Percentiles {
    /// How many operations.
    pub count: usize,
    /// Half of them take no longer.
    pub p50: f64,
    /// 99 of a hundred take no longer.
    pub p99: f64,
    /// 999 of a thousand take no longer.
    pub p999: f64,
    /// The longest, whatever interrupted it.
    pub max: f64,
}

impl Percentiles {
    fn of(mut ticks: Vec<u64>, nanos: impl Fn(u64) -> f64) -> Self {
        ticks.sort_unstable();
        let at = |part: f64| nanos(ticks[((ticks.len() - 1) as f64 * part) as usize]);
        Self { count: ticks.len(), p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p99, p999, max, .. } = self;
        write!(f, "{p50:>7.0} {p99:>7.0} {p999:>7.0} {max:>9.0}")
    }
}

impl Latencies {
    /// Of the kinds that occur.
    #[must_use]
    pub fn kinds(&self) -> &[(Kind, Percentiles)] {
        &self.kinds
    }

    /// Runs operations whose new orders are numbered from `number`, and times each.
    pub fn of<E: Engine>(engine: &mut E, mut number: u32, ops: &[Op<E::Handle>]) -> Self {
        let clock = Clock::new();
        let mut taken = Vec::with_capacity(ops.len());
        let mut value = 0_i64;
        for op in ops {
            let filled = |trade: Trade| value = value.wrapping_add(trade.price ^ i64::from(trade.lots));
            let before = clock.raw();
            apply(engine, number, op, filled);
            taken.push(clock.raw().saturating_sub(before));
            number += u32::from(op.is_new());
        }
        black_box(value);
        let reading = cost_of_reading(&clock);
        let nanos = |ticks: u64| clock.delta_as_nanos(0, ticks.saturating_sub(reading)) as f64;
        let of = |kind| {
            let taken = ops.iter().zip(&taken).filter(|(op, _)| op.kind() == kind).map(|(_, ticks)| *ticks);
            taken.collect::<Vec<_>>()
        };
        let kinds = Kind::ALL.map(|kind| (kind, of(kind))).into_iter().filter(|(_, taken)| !taken.is_empty());
        let kinds = kinds.map(|(kind, taken)| (kind, Percentiles::of(taken, nanos))).collect();
        Self { kinds, market_ns: of(Kind::Market).into_iter().map(nanos).sum() }
    }
}

/// Half of the times that the clock is read twice in a row, there are no more ticks between.
fn cost_of_reading(clock: &Clock) -> u64 {
    let mut between = Vec::with_capacity(READINGS);
    for _ in 0..READINGS {
        let before = clock.raw();
        between.push(clock.raw().saturating_sub(before));
    }
    between.sort_unstable();
    between[READINGS / 2]
}
