//! A series in bounded memory that keeps its extremes: changes fall into buckets of equally many, each with its
//! first, lowest, highest and last value, and neighbours are merged whenever there are too many of them.

use downdraft_types::Time;

/// Some neighbouring changes of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bucket {
    pub from: Time,
    pub to: Time,
    pub first: i128,
    pub low: i128,
    pub high: i128,
    pub last: i128,
}

impl Bucket {
    const fn new(time: Time, value: i128) -> Self {
        Self { from: time, to: time, first: value, low: value, high: value, last: value }
    }

    fn extend(&mut self, next: &Self) {
        self.to = next.to;
        self.low = self.low.min(next.low);
        self.high = self.high.max(next.high);
        self.last = next.last;
    }
}

/// Changes of a value over time.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    buckets: Vec<Bucket>,
    limit: usize,
    /// Changes in a full bucket, and in the last one.
    per: u64,
    filled: u64,
}

impl Series {
    /// A series of at most `limit` buckets, an even number.
    pub(crate) fn new(limit: usize) -> Self {
        assert!(limit >= 2 && limit.is_multiple_of(2), "neighbours are merged in pairs");
        Self { buckets: Vec::new(), limit, per: 1, filled: 0 }
    }

    /// Notes the value after a change; an equal one is none.
    pub(crate) fn push(&mut self, time: Time, value: i128) {
        let next = Bucket::new(time, value);
        match self.buckets.last_mut() {
            Some(last) if last.last == value => {}
            Some(last) if self.filled < self.per => {
                last.extend(&next);
                self.filled += 1;
            }
            _ => {
                if self.buckets.len() == self.limit {
                    self.halve();
                }
                self.buckets.push(next);
                self.filled = 1;
            }
        }
    }

    /// Merges pairs until there are at most `most` buckets.
    pub(crate) fn thin(&mut self, most: usize) {
        while self.buckets.len() > most.max(2) {
            self.halve();
        }
    }

    pub(crate) fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    fn halve(&mut self) {
        let merged = self.buckets.chunks(2).map(|pair| {
            let mut bucket = pair[0];
            pair[1..].iter().for_each(|next| bucket.extend(next));
            bucket
        });
        self.buckets = merged.collect();
        self.per *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_are_merged_by_hand() {
        let mut series = Series::new(2);
        [5, 9, 1, 4].into_iter().zip(1..).for_each(|(value, at)| series.push(Time(at), value));
        let bucket = |from, to, [first, low, high, last]: [i128; 4]| Bucket {
            from: Time(from),
            to: Time(to),
            first,
            low,
            high,
            last,
        };
        assert_eq!(series.buckets(), [bucket(1, 2, [5, 5, 9, 9]), bucket(3, 4, [1, 1, 4, 4])]);
    }

    proptest! {
        /// However long it gets: bounded, in order, and with the first, lowest, highest and last value of all.
        #[test]
        fn extremes_survive(values in proptest::collection::vec(-1000_i128..1000, 1..700), half in 1_usize..20) {
            let mut series = Series::new(half * 2);
            values.iter().zip(0..).for_each(|(value, at)| series.push(Time(at), *value));
            let thinned = |most| { let mut s = series.clone(); s.thin(most); s };
            for series in [series.clone(), thinned(half), thinned(1)] {
                let buckets = series.buckets();
                prop_assert!(buckets.len() <= half * 2);
                prop_assert!(buckets.windows(2).all(|pair| pair[0].to < pair[1].from));
                prop_assert_eq!(buckets[0].first, values[0]);
                prop_assert_eq!(buckets.iter().map(|b| b.low).min(), values.iter().min().copied());
                prop_assert_eq!(buckets.iter().map(|b| b.high).max(), values.iter().max().copied());
                prop_assert_eq!(buckets.last().map(|b| b.last), values.last().copied());
            }
        }
    }
}
