//! Protections: the price band at order entry, and the circuit breaker.

use crate::policy::Breaker;
use downdraft_types::arith::{ceil_div, floor_div};
use downdraft_types::{MarkPrice, Ppm, Price, Span, Time};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

const ONE: i128 = 1_000_000;

/// The lowest and the highest tick at which orders may be placed: those no further than `width` of the mark from it.
/// A market order to sell is limited at the lowest, one to buy at the highest. Both are rounded inward, so that a
/// tick is within them exactly when `|tick − mark| <= width × |mark|`; where none is that near, the lowest is above
/// the highest and no order is.
///
/// # Panics
/// Where `mark_scale` is zero.
pub fn band_limits(mark: MarkPrice, width: Ppm, mark_scale: u32) -> (Price, Price) {
    let centre = i128::from(mark.0) * ONE;
    let reach = i128::from(mark.0).abs() * i128::from(width.0);
    let tick = i128::from(mark_scale) * ONE;
    (fit(ceil_div(centre - reach, tick)), fit(floor_div(centre + reach, tick)))
}

fn fit(ticks: i128) -> Price {
    Price(i64::try_from(ticks).unwrap_or(if ticks < 0 { i64::MIN } else { i64::MAX }))
}

/// How many candidates for an extreme a window holds before it coalesces them.
const CAPACITY: usize = 256;
/// Into how many parts a crowded window is divided.
const PARTS: u64 = 128;

/// Watches for a move of the mark of at least `movement` from its highest or lowest within `window`, both ends
/// included.
///
/// Memory is reserved once. The extremes are exact while at most 256 turning points lie in the window. Beyond that,
/// those within one 128th of the window become one, the most extreme at the time of the latest: it may count up to
/// that much longer, so the breaker may trip a little early and never late.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BreakerWindow {
    highest: Extreme<true>,
    lowest: Extreme<false>,
}

impl BreakerWindow {
    /// An empty window. This is the one call that allocates.
    pub fn new() -> Self {
        Self { highest: Extreme::new(), lowest: Extreme::new() }
    }

    /// Takes the mark at `now`, not before the last one taken; whether the breaker trips. Comparison is exact: it
    /// trips when |mark − extreme| ÷ |extreme| reaches `movement`, and never without a move.
    ///
    /// # Panics
    /// Where time goes back (invariant 5).
    pub fn observe(&mut self, now: Time, mark: MarkPrice, breaker: &Breaker) -> bool {
        let highest = self.highest.push(now, mark.0, breaker.window);
        let lowest = self.lowest.push(now, mark.0, breaker.window);
        let moved = |from: i64| {
            let distance = (i128::from(mark.0) - i128::from(from)).abs();
            distance > 0 && distance * ONE >= i128::from(from).abs() * i128::from(breaker.movement.0)
        };
        moved(highest) || moved(lowest)
    }

    /// Forgets all marks: after a halt the next is the first.
    pub fn reset(&mut self) {
        self.highest.samples.clear();
        self.lowest.samples.clear();
    }
}

/// The highest (or lowest) of a sliding window: the samples that no later one exceeds, so the first is the extreme.
#[derive(Debug)]
struct Extreme<const HIGH: bool> {
    samples: VecDeque<(Time, i64)>,
}

impl<const HIGH: bool> Extreme<HIGH> {
    fn new() -> Self {
        Self { samples: VecDeque::with_capacity(CAPACITY) }
    }

    /// Adds a sample and returns the extreme of the window that ends with it.
    fn push(&mut self, now: Time, value: i64, window: Span) -> i64 {
        assert!(self.samples.back().is_none_or(|last| last.0 <= now), "invariant 5: time never goes back");
        while self.samples.front().is_some_and(|first| now.since(first.0) > window) {
            self.samples.pop_front();
        }
        while self.samples.back().is_some_and(|last| !Self::exceeds(last.1, value)) {
            self.samples.pop_back();
        }
        if self.samples.len() == CAPACITY {
            self.coalesce(window);
        }
        self.samples.push_back((now, value));
        self.samples[0].1
    }

    const fn exceeds(a: i64, b: i64) -> bool {
        if HIGH { a > b } else { a < b }
    }

    /// Makes one sample of those within the same part of the window; at most 130 are left, as each but the first and
    /// last part is whole. The parts lie on a fixed grid, so coalescing again adds no further delay.
    fn coalesce(&mut self, window: Span) {
        let part = window.0.div_ceil(PARTS).max(1);
        let mut kept = 0;
        for next in 1..self.samples.len() {
            let (time, value) = self.samples[next];
            if self.samples[kept].0.0 / part == time.0 / part {
                // The earlier is the more extreme; it now counts as long as the later would have.
                self.samples[kept].0 = time;
            } else {
                kept += 1;
                self.samples[kept] = (time, value);
            }
        }
        self.samples.truncate(kept + 1);
        assert!(self.samples.len() < CAPACITY, "a window has no more than 130 parts");
    }
}

/// A clone has the full capacity, so that it does not allocate later either.
impl<const HIGH: bool> Clone for Extreme<HIGH> {
    fn clone(&self) -> Self {
        let mut clone = Self::new();
        clone.samples.extend(&self.samples);
        clone
    }
}

impl<const HIGH: bool> PartialEq for Extreme<HIGH> {
    fn eq(&self, other: &Self) -> bool {
        self.samples == other.samples
    }
}

impl<const HIGH: bool> Eq for Extreme<HIGH> {}

impl<const HIGH: bool> Hash for Extreme<HIGH> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.samples.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_band_is_rounded_inward() {
        let limits = |mark, width, scale| {
            let (lowest, highest) = band_limits(MarkPrice(mark), Ppm(width), scale);
            (lowest.0, highest.0)
        };
        // Mark 100.25 ticks ± 1%: 99.2475 to 101.2525.
        assert_eq!(limits(401, 10_000, 4), (100, 101));
        assert_eq!(limits(1_000, 100_000, 10), (90, 110), "the very ends are within");
        assert_eq!(limits(-1_000, 100_000, 10), (-110, -90));
        assert_eq!(limits(1_005, 1_000, 10), (101, 100), "no tick is that near");
        assert_eq!(limits(i64::MAX, 1_000_000, 1), (0, i64::MAX));
    }

    proptest! {
        #[test]
        fn a_tick_is_admitted_exactly_within_the_width(
            mark in -3_000_i64..3_000,
            scale in 1_u32..9,
            width in 0_i64..600_000,
            tick in -500_i64..500,
        ) {
            let (lowest, highest) = band_limits(MarkPrice(mark), Ppm(width), scale);
            let distance = (i128::from(tick) * i128::from(scale) - i128::from(mark)).abs();
            let admitted = lowest.0 <= tick && tick <= highest.0;
            prop_assert_eq!(admitted, distance * ONE <= i128::from(mark.abs()) * i128::from(width));
        }
    }

    const fn breaker(movement: i64, window: u64) -> Breaker {
        Breaker { movement: Ppm(movement), window: Span(window), halt: Span(0) }
    }

    fn trips(window: &mut BreakerWindow, time: u64, mark: i64, breaker: &Breaker) -> bool {
        window.observe(Time(time), MarkPrice(mark), breaker)
    }

    #[test]
    fn trips_on_touch_either_way_and_forgets() {
        let (mut window, tenth) = (BreakerWindow::new(), breaker(100_000, 50));
        assert!(!trips(&mut window, 0, 1_000, &tenth));
        assert!(!trips(&mut window, 10, 901, &tenth));
        assert!(trips(&mut window, 50, 900, &tenth), "1000 is still in the window, and 900 is 10% off");
        assert!(!trips(&mut window, 51, 900, &tenth), "1000 has left it");
        assert!(trips(&mut window, 60, 990, &tenth), "up from 900");
        window.reset();
        assert!(!trips(&mut window, 61, 2_000, &tenth));
        assert!(!trips(&mut window, 62, 2_000, &breaker(0, 50)), "no move, no halt");
    }

    /// Every mark of the window, looked at one by one.
    fn naive(marks: &[(u64, i64)], breaker: &Breaker) -> bool {
        let &(now, mark) = marks.last().unwrap();
        let within: Vec<i64> = marks.iter().filter(|m| now - m.0 <= breaker.window.0).map(|m| m.1).collect();
        let extremes = [within.iter().max().unwrap(), within.iter().min().unwrap()];
        extremes.into_iter().any(|&from| {
            from != mark
                && i128::from((from - mark).abs()) * ONE >= i128::from(from.abs()) * i128::from(breaker.movement.0)
        })
    }

    proptest! {
        #[test]
        fn exact_while_there_is_room(
            steps in proptest::collection::vec((0_u64..30, 900_i64..1_100), 1..250),
            movement in 0_i64..150_000,
        ) {
            let (breaker, mut window, mut marks, mut now) = (breaker(movement, 200), BreakerWindow::new(), vec![], 0);
            for (step, mark) in steps {
                now += step;
                marks.push((now, mark));
                prop_assert_eq!(trips(&mut window, now, mark, &breaker), naive(&marks, &breaker));
            }
        }
    }

    #[test]
    fn a_crowded_window_trips_early_by_a_part_of_it_and_never_late() {
        // A fall of 1 a step: every mark is a turning point, and 4096 lie in the window.
        let (window_length, part) = (4_096, 32);
        for movement in [40_000_i64, 41_500, 43_000] {
            let (mut window, mut late, mut early) = (BreakerWindow::new(), 0, 0);
            for time in 0..20_000_u64 {
                let mark = |t: u64| 100_000 - i64::try_from(t).unwrap();
                let tripped = trips(&mut window, time, mark(time), &breaker(movement, window_length));
                let moved = |length: u64| {
                    let from = mark(time.saturating_sub(length));
                    from > mark(time) && (from - mark(time)) * 1_000_000 >= from * movement
                };
                late += u32::from(moved(window_length) && !tripped);
                early += u32::from(tripped && !moved(window_length + part));
                assert!(window.highest.samples.len() <= CAPACITY && window.highest.samples.capacity() == CAPACITY);
            }
            assert_eq!((late, early), (0, 0));
        }
    }

    #[test]
    fn equal_histories_hash_alike() {
        let hash = |window: &BreakerWindow| {
            let mut hasher = xxhash_rust::xxh3::Xxh3::new();
            window.hash(&mut hasher);
            hasher.finish()
        };
        let (mut fresh, mut used) = (BreakerWindow::new(), BreakerWindow::new());
        (0..400).for_each(|t| _ = trips(&mut used, t, 7, &breaker(1, 3)));
        used.reset();
        assert_eq!(hash(&fresh), hash(&used));
        trips(&mut fresh, 500, 8, &breaker(1, 3));
        assert_ne!(hash(&fresh), hash(&used));
        assert_eq!(hash(&fresh), hash(&fresh.clone()));
    }
}
