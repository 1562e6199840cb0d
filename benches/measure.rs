//! How the benches measure: the thread's CPU time, in short criterion runs, and contenders side by side for ratios.
//!
//! CPU time, since a machine that does other things as well would be measured along with us otherwise.

use cpu_time::ThreadTime;
use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use std::time::Duration;

/// Rounds of contenders in turn.
pub const ROUNDS: u32 = 7;

/// The CPU time of the measuring thread.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = ThreadTime;
    type Value = Duration;

    fn start(&self) -> ThreadTime {
        ThreadTime::now()
    }

    fn end(&self, started: ThreadTime) -> Duration {
        started.elapsed()
    }

    fn add(&self, a: &Duration, b: &Duration) -> Duration {
        *a + *b
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Criterion with few samples, so that all benches together take minutes.
#[must_use]
pub fn criterion() -> Criterion<CpuTime> {
    let short = Criterion::default().with_measurement(CpuTime).sample_size(10);
    let short = short.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1_500));
    short.configure_from_args()
}

/// The CPU time that one call takes.
pub fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let started = ThreadTime::now();
    std::hint::black_box(work());
    started.elapsed()
}

/// One of several ways to do the same work: its name, and what takes the time of one run.
pub type Contender<'a> = (&'a str, &'a mut dyn FnMut() -> Duration);

/// Runs all contenders in turn, several times, and prints the best of each per element and as a ratio to the last.
///
/// Turns make the ratio hold on a machine whose speed wanders.
pub fn side_by_side(title: &str, elements: u64, contenders: &mut [Contender<'_>]) {
    let mut best = vec![Duration::MAX; contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, run), best) in contenders.iter_mut().zip(&mut best) {
            *best = run().min(*best);
        }
    }
    let per_element = |time: &Duration| time.as_secs_f64() * 1e9 / elements as f64;
    let reference = best.last().map_or(f64::NAN, per_element);
    let figures = contenders.iter().zip(&best).map(|((name, _), time)| {
        let nanos = per_element(time);
        format!("{name} {nanos:.1} ns ({:.2}×)", nanos / reference)
    });
    println!("{title}: {}", figures.collect::<Vec<_>>().join(", "));
}
