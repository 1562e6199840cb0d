//! Statistics of samples: quantiles, expected shortfall, standard errors, intervals. Order statistics are exact
//! integers; what has to be divided is rounded up, so that a loss is never understated, or is a float of a model.

/// A level such as 99%, in thousandths: above 0, below 1000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Level(pub u32);

/// The normal quantile of a two-sided 95% interval.
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// The smallest sample that at least the level's part of the samples does not exceed (nearest rank, Hyndman and Fan's
/// first definition). `sorted` ascends; `None` of none.
#[must_use]
pub fn quantile<T: Copy>(sorted: &[T], level: Level) -> Option<T> {
    let rank = (sorted.len() as u64 * u64::from(level.0)).div_ceil(1_000).max(1);
    sorted.get(usize::try_from(rank).ok()? - 1).copied()
}

/// The mean of the largest samples, as many as the level leaves; of the last of them the part that is left counts
/// (Acerbi, Tasche: *Expected shortfall*, 2002). Rounded up. `sorted` ascends; `None` of none.
#[must_use]
pub fn expected_shortfall(sorted: &[i128], level: Level) -> Option<i128> {
    let largest = *sorted.last()?;
    // Samples in the tail, in thousandths.
    let tail = sorted.len() as i128 * i128::from(1_000_u32.saturating_sub(level.0));
    if tail <= 0 {
        return Some(largest);
    }
    let mut left = tail;
    let mut sum = 0_i128;
    for sample in sorted.iter().rev() {
        let part = left.min(1_000);
        sum = sum.saturating_add(sample.saturating_mul(part));
        left -= part;
        if left == 0 {
            break;
        }
    }
    Some(downdraft_types::arith::ceil_div(sum, tail))
}

/// The mean, rounded up; `None` of none.
#[must_use]
pub fn mean(samples: &[i128]) -> Option<i128> {
    let count = i128::try_from(samples.len()).ok().filter(|count| *count > 0)?;
    let sum = samples.iter().fold(0_i128, |sum, sample| sum.saturating_add(*sample));
    Some(downdraft_types::arith::ceil_div(sum, count))
}

/// The standard error of the mean of samples: 0 of fewer than two.
#[must_use]
pub fn standard_error(samples: &[i128]) -> f64 {
    let count = samples.len() as f64;
    if samples.len() < 2 {
        return 0.0;
    }
    let mean = samples.iter().map(|sample| *sample as f64).sum::<f64>() / count;
    let squares: f64 = samples.iter().map(|sample| (*sample as f64 - mean) * (*sample as f64 - mean)).sum();
    libm::sqrt(squares / (count - 1.0) / count)
}

/// A figure with an interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Where the interval begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

/// A share of runs, `hits` of `runs`, with its 95% interval (Wilson 1927). `None` of no runs.
#[must_use]
pub fn share(hits: u64, runs: u64) -> Option<Interval> {
    if runs == 0 {
        return None;
    }
    let (n, z) = (runs as f64, NORMAL_95);
    let p = hits as f64 / n;
    let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * libm::sqrt(p * (1.0 - p) / n + z * z / (4.0 * n * n));
    // At the ends the interval's own bound is 0 or 1, which rounding might miss.
    let low = if hits == 0 { 0.0 } else { centre - half };
    let high = if hits == runs { 1.0 } else { centre + half };
    Some(Interval { value: p, low, high })
}

/// A ratio of sums over runs, each a pair (part, whole), with its 95% interval across runs: parts of one run depend on
/// each other, runs do not (Cochran: *Sampling Techniques*, 1977, section 2.11). `None` where the wholes sum to zero;
/// the interval of one run is the figure alone.
#[must_use]
pub fn ratio(pairs: &[(u64, u64)]) -> Option<Interval> {
    let (parts, wholes) =
        pairs.iter().fold((0_u64, 0_u64), |(parts, wholes), (part, whole)| (parts + part, wholes + whole));
    if wholes == 0 {
        return None;
    }
    let value = parts as f64 / wholes as f64;
    let count = pairs.len() as f64;
    if pairs.len() < 2 {
        return Some(Interval { value, low: value, high: value });
    }
    let residuals = pairs.iter().map(|(part, whole)| *part as f64 - value * *whole as f64);
    let squares: f64 = residuals.map(|residual| residual * residual).sum();
    let mean = wholes as f64 / count;
    let error = libm::sqrt(squares / (count - 1.0) / count) / mean;
    Some(Interval { value, low: value - NORMAL_95 * error, high: value + NORMAL_95 * error })
}

/// Spearman's rank correlation of pairs, ties by their middle rank, with its 95% interval (Fisher's transformation with
/// the variance of Fieller, Hartley and Pearson 1957). `None` with fewer than four pairs, or where one side of all is
/// the same.
#[must_use]
pub fn rank_correlation(pairs: &[(f64, f64)]) -> Option<Interval> {
    let count = i128::try_from(pairs.len()).ok().filter(|count| *count > 3)?;
    let [first, second] = [pairs.iter().map(|p| p.0).collect(), pairs.iter().map(|p| p.1).collect()].map(twice_ranks);
    // The mean of ranks from 1 is half of this; twice the ranks are whole, and so are all sums.
    let mean = count + 1;
    let product = |a: &[i128], b: &[i128]| -> i128 { a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum() };
    let variances = [product(&first, &first), product(&second, &second)];
    if variances.contains(&0) {
        return None;
    }
    let value = product(&first, &second) as f64 / libm::sqrt(variances[0] as f64 * variances[1] as f64);
    let value = value.clamp(-1.0, 1.0);
    let half = NORMAL_95 * libm::sqrt(1.06 / (count as f64 - 3.0));
    let centre = libm::atanh(value);
    Some(Interval { value, low: libm::tanh(centre - half), high: libm::tanh(centre + half) })
}

/// Twice the rank of each from 1; those that are equal share the middle of theirs.
fn twice_ranks(samples: Vec<f64>) -> Vec<i128> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by(|a, b| samples[*a].total_cmp(&samples[*b]));
    let mut ranks = vec![0; samples.len()];
    let mut below = 0;
    for equal in order.chunk_by(|a, b| samples[*a].total_cmp(&samples[*b]).is_eq()) {
        let twice = (2 * below + equal.len() + 1) as i128;
        equal.iter().for_each(|place| ranks[*place] = twice);
        below += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let samples: Vec<i128> = (1..=10).map(|n| n * 10).collect();
        for (level, expected) in
            [(500, 50), (501, 60), (900, 90), (950, 100), (990, 100), (1, 10), (100, 10), (101, 20)]
        {
            assert_eq!(quantile(&samples, Level(level)), Some(expected), "{level}");
        }
        assert_eq!(quantile(&[7], Level(500)), Some(7));
        assert_eq!(quantile::<i128>(&[], Level(500)), None);
        let hundred: Vec<i128> = (1..=100).collect();
        assert_eq!(quantile(&hundred, Level(990)), Some(99));
    }

    #[test]
    fn expected_shortfall_by_hand() {
        let samples: Vec<i128> = (1..=10).map(|n| n * 10).collect();
        // The largest two of ten.
        assert_eq!(expected_shortfall(&samples, Level(800)), Some(95));
        // The largest one and half of the next: (100 + 45) / 1.5 = 96.67, rounded up.
        assert_eq!(expected_shortfall(&samples, Level(850)), Some(97));
        // Less than one sample: the largest.
        assert_eq!(expected_shortfall(&samples, Level(990)), Some(100));
        // A half of three: (30 + 20 / 2) / 1.5 = 26.67.
        assert_eq!(expected_shortfall(&[10, 20, 30], Level(500)), Some(27));
        assert_eq!(expected_shortfall(&[-3, -1], Level(1)), Some(-1));
        assert_eq!(expected_shortfall(&[], Level(500)), None);
    }

    #[test]
    fn expected_shortfall_is_at_least_the_quantile() {
        let samples: Vec<i128> = (0..57).map(|n: i128| n * n % 41).collect();
        let mut sorted = samples;
        sorted.sort_unstable();
        for level in (1..1_000).map(Level) {
            assert!(expected_shortfall(&sorted, level) >= quantile(&sorted, level), "{level:?}");
        }
    }

    #[test]
    fn standard_errors_by_hand() {
        // Variance 5/3 of 4 samples.
        assert_eq!(standard_error(&[1, 2, 3, 4]), libm::sqrt(5.0 / 12.0));
        assert_eq!(standard_error(&[9]), 0.0);
        assert_eq!(mean(&[1, 2]), Some(2));
        assert_eq!(mean(&[-1, -2]), Some(-1));
    }

    #[test]
    fn shares_by_hand() {
        // Wilson's interval for 8 of 10 is 0.4902 to 0.9433.
        let found = share(8, 10).unwrap();
        assert!((found.low - 0.4902).abs() < 1e-4 && (found.high - 0.9433).abs() < 1e-4, "{found:?}");
        assert_eq!((share(0, 5).unwrap().low, share(5, 5).unwrap().high, share(0, 0)), (0.0, 1.0, None));
    }

    #[test]
    fn rank_correlations_by_hand() {
        // No ties: 1 − 6 Σd² ÷ (n(n² − 1)), with d = 0, 1, 1, 1, 1 of five: 0.8.
        let pairs = [(1.0, 10.0), (2.0, 31.0), (3.0, 30.0), (4.0, 50.0), (5.0, 49.5)];
        let found = rank_correlation(&pairs).unwrap();
        assert!((found.value - 0.8).abs() < 1e-15, "{found:?}");
        // atanh(0.8) = 1.0986; the half width is 1.95996 × √(1.06 ÷ 2) = 1.42687.
        assert!((found.low - libm::tanh(-0.328_26)).abs() < 1e-4, "{found:?}");
        assert!((found.high - libm::tanh(2.525_48)).abs() < 1e-4, "{found:?}");
        // Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 ÷ √(4.5 × 5).
        let tied = rank_correlation(&[(1.0, 1.0), (7.0, 2.0), (7.0, 3.0), (9.0, 4.0)]).unwrap();
        assert!((tied.value - 4.5 / libm::sqrt(22.5)).abs() < 1e-15, "{tied:?}");
        let reversed = rank_correlation(&[(1.0, 4.0), (2.0, 3.0), (3.0, 2.0), (4.0, 1.0)]).unwrap();
        assert_eq!((reversed.value, reversed.low, reversed.high), (-1.0, -1.0, -1.0));
        assert_eq!(rank_correlation(&[(1.0, 4.0); 9]), None);
        assert_eq!(rank_correlation(&[(1.0, 4.0), (2.0, 3.0), (3.0, 2.0)]), None);
    }

    #[test]
    fn ratios_by_hand() {
        // Ratio 6/12; residuals 1 − 1.5, 5 − 4.5 … : (1, 3), (5, 9).
        let found = ratio(&[(1, 3), (5, 9)]).unwrap();
        let error = libm::sqrt((0.25 + 0.25) / 1.0 / 2.0) / 6.0;
        assert_eq!(found.value, 0.5);
        assert!((found.high - (0.5 + NORMAL_95 * error)).abs() < 1e-12, "{found:?}");
        assert_eq!(ratio(&[(0, 0)]), None);
        assert_eq!(ratio(&[(1, 4)]), Some(Interval { value: 0.25, low: 0.25, high: 0.25 }));
    }
}
