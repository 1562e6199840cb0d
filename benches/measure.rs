//! How the benches measure: short criterion runs, and contenders side by side for ratios.
#![allow(clippy::disallowed_methods, reason = "a bench times things")]

use criterion::Criterion;
use std::time::{Duration, Instant};

/// Rounds of [`side_by_side`].
const ROUNDS: u32 = 7;

/// Criterion with few samples, so that all benches together take minutes.
#[must_use]
pub fn criterion() -> Criterion {
    let short = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(300));
    short.measurement_time(Duration::from_millis(1_500)).configure_from_args()
}

/// The time one call takes.
pub fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
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
