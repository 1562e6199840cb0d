//! Statistics of series: volatility, variance ratio, and branching fitted to counts.

use libm::sqrt;

/// The root of the mean square of returns, about zero; `None` of none.
#[must_use]
pub fn volatility(returns: &[i64]) -> Option<f64> {
    (!returns.is_empty()).then(|| sqrt(squares(returns.iter().map(|r| i128::from(*r))) / returns.len() as f64))
}

/// The variance ratio of returns over `q` steps: the mean square of their overlapping sums of `q`, over `q` times the
/// mean square of the returns. 1 of a random walk, below it where moves revert, above where they go on. `None` with
/// fewer than 2 `q` returns, or where nothing moved.
///
/// Source: Lo and MacKinlay 1988, without drift and without their correction for bias.
#[must_use]
pub fn variance_ratio(returns: &[i64], q: usize) -> Option<f64> {
    if q == 0 || returns.len() < 2 * q {
        return None;
    }
    let single = squares(returns.iter().map(|r| i128::from(*r))) / returns.len() as f64;
    let sums = returns.windows(q).map(|window| window.iter().map(|r| i128::from(*r)).sum::<i128>());
    let several = squares(sums) / (returns.len() - q + 1) as f64;
    (single > 0.0).then(|| several / (q as f64 * single))
}

/// Sum of squares, in order.
fn squares(values: impl Iterator<Item = i128>) -> f64 {
    values.map(|value| value as f64 * value as f64).sum()
}

/// Counts of events in windows of equal length, by their moments.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// How many windows.
    pub windows: u64,
    /// The sum of the counts.
    pub sum: u128,
    /// The sum of their squares.
    pub squares: u128,
}

impl Counts {
    /// Adds a window.
    pub fn add(&mut self, count: u64) {
        self.windows += 1;
        self.sum += u128::from(count);
        self.squares = self.squares.saturating_add(u128::from(count) * u128::from(count));
    }

    /// Adds windows without an event.
    pub const fn add_empty(&mut self, windows: u64) {
        self.windows = self.windows.saturating_add(windows);
    }

    /// The branching ratio of a Hawkes process with these counts, 1 − √(mean ÷ variance), 0 where the variance does
    /// not exceed the mean; `None` with fewer than two windows or no event. The windows must be much longer than an
    /// event's influence lasts, and the process stationary: a single burst reads as a high ratio.
    ///
    /// Source: Hardiman and Bouchaud 2014.
    #[must_use]
    pub fn hawkes(&self) -> Option<f64> {
        if self.windows < 2 || self.sum == 0 {
            return None;
        }
        let windows = self.windows as f64;
        let mean = self.sum as f64 / windows;
        // n·Σx² − (Σx)² is exact in integers; a difference of two large floats would not be.
        let spread = self.squares.saturating_mul(u128::from(self.windows)).saturating_sub(self.sum * self.sum);
        let variance = spread as f64 / windows / (windows - 1.0);
        Some(if variance > mean { 1.0 - sqrt(mean / variance) } else { 0.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_and_a_bounce_are_told_apart() {
        assert_eq!(variance_ratio(&[1; 20], 5), Some(5.0), "five steps one way");
        let bounce: Vec<i64> = (0..20).map(|n| if n % 2 == 0 { 3 } else { -3 }).collect();
        assert_eq!(variance_ratio(&bounce, 2), Some(0.0), "each step is taken back");
        assert_eq!(variance_ratio(&bounce, 1), Some(1.0));
        assert_eq!(
            (variance_ratio(&[0; 9], 2), variance_ratio(&[1; 3], 2), variance_ratio(&[], 0)),
            (None, None, None)
        );
        assert_eq!((volatility(&[3, -4, 0, 0]), volatility(&[])), (Some(2.5), None));
    }

    /// A deterministic generator: the tests need many draws, not good ones.
    struct Draws(u64);

    impl Draws {
        fn unit(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn poisson(&mut self, mean: f64) -> u64 {
            let (limit, mut product, mut count) = (libm::exp(-mean), self.unit(), 0);
            while product > limit {
                product *= self.unit();
                count += 1;
            }
            count
        }
    }

    /// Clusters of a branching process in each window, without delay: the estimate finds the ratio again.
    #[test]
    fn the_branching_of_simulated_clusters_is_found() {
        for ratio in [0.0, 0.3, 0.7] {
            let mut draws = Draws(7);
            let mut counts = Counts::default();
            for _ in 0..20_000 {
                let (mut alive, mut count) = (draws.poisson(2.0), 0);
                while alive > 0 {
                    count += alive;
                    alive = (0..alive).map(|_| draws.poisson(ratio)).sum();
                }
                counts.add(count);
            }
            let found = counts.hawkes().unwrap();
            assert!((found - ratio).abs() < 0.02, "{found} for {ratio}");
        }
    }

    #[test]
    fn few_counts_say_nothing() {
        let mut counts = Counts::default();
        counts.add(5);
        assert_eq!(counts.hawkes(), None);
        counts.add(5);
        assert_eq!(counts.hawkes(), Some(0.0), "no variance at all");
        let mut empty = Counts::default();
        empty.add_empty(9);
        assert_eq!(empty.hawkes(), None);
    }
}
