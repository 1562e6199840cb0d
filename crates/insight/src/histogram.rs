//! Percentiles of many spans of time in a fixed amount of memory.
//!
//! Buckets are as in HdrHistogram: each power of two is cut into 256, so a bucket is narrower than 1/256 of what is
//! in it (values below 512 ns have one each).

use downdraft_types::Span;

const PRECISION: u32 = 8;
const PARTS: usize = 1 << PRECISION;
const BUCKETS: usize = (64 - PRECISION as usize + 1) * PARTS;

/// Counts of spans by size. A percentile is at most 1/256 too large, and never too small.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    largest: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into_boxed_slice(), count: 0, largest: 0 }
    }
}

/// The bucket of a value.
const fn bucket(value: u64) -> usize {
    let bits = u64::BITS - value.leading_zeros();
    match bits.checked_sub(PRECISION + 1) {
        None => value as usize,
        Some(shift) => (shift as usize + 1) * PARTS + (value >> shift) as usize - PARTS,
    }
}

/// The largest value in a bucket.
const fn upper(bucket: usize) -> u64 {
    let octave = bucket / PARTS;
    if octave <= 1 {
        return bucket as u64;
    }
    let shift = octave as u32 - 1;
    (((bucket % PARTS + PARTS) as u64) << shift) + ((1 << shift) - 1)
}

impl Histogram {
    /// Counts a span.
    pub fn record(&mut self, span: Span) {
        self.buckets[bucket(span.0)] += 1;
        self.count += 1;
        self.largest = self.largest.max(span.0);
    }

    /// How many were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The largest counted; `None` of none.
    #[must_use]
    pub const fn max(&self) -> Option<Span> {
        if self.count == 0 { None } else { Some(Span(self.largest)) }
    }

    /// A span that `percent` in a hundred do not exceed (nearest rank); `None` of none.
    #[must_use]
    pub fn percentile(&self, percent: u32) -> Option<Span> {
        let rank = (u128::from(self.count) * u128::from(percent)).div_ceil(100).max(1);
        let mut before = 0_u128;
        let at_rank = |(place, count): (usize, &u64)| {
            before += u128::from(*count);
            (before >= rank).then_some(place)
        };
        let place = self.buckets.iter().enumerate().find_map(at_rank)?;
        Some(Span(upper(place).min(self.largest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|v| histogram.record(Span(*v)));
        histogram
    }

    #[test]
    fn buckets_cover_all_values_without_gaps() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
        assert_eq!(upper(BUCKETS - 1), u64::MAX);
        for place in 0..BUCKETS - 1 {
            assert_eq!(bucket(upper(place)), place);
            assert_eq!(bucket(upper(place) + 1), place + 1);
        }
    }

    #[test]
    fn equal_spans_are_exact() {
        let histogram = of(&[50_000_000; 7]);
        assert_eq!(histogram.percentile(50), Some(Span(50_000_000)));
        assert_eq!(histogram.percentile(99), Some(Span(50_000_000)));
        assert_eq!(of(&[]).percentile(50), None);
    }

    proptest! {
        #[test]
        fn a_percentile_is_at_most_a_256th_too_large(
            mut values in proptest::collection::vec(0_u64..1 << 40, 1..200),
            percent in 1_u32..=100,
        ) {
            let found = of(&values).percentile(percent).unwrap().0;
            values.sort_unstable();
            let exact = values[(values.len() * percent as usize).div_ceil(100) - 1];
            prop_assert!(exact <= found && found - exact <= exact / 256, "{exact} {found}");
        }
    }
}
