//! The order of a queue's entries: a radix heap of slot numbers with vector buckets.
//!
//! ```text
//!  base ──► due        entries at the base itself, first in first out
//!           bucket 0   times that differ from the base in bit 0
//!           bucket 1   … in bit 1 and no higher one
//!             ⋮
//!           bucket 63
//! ```
//!
//! Every time in a bucket is earlier than every time in the next, so the next entry is in the lowest occupied
//! one. Taking it moves the base to that entry's time and deals the rest of its bucket to lower ones; an entry
//! descends at most 64 times. Entries of one time always share a bucket, and dealing keeps their order, so ties
//! leave as they came. (Ahuja, Mehlhorn, Orlin, Tarjan: Faster algorithms for the shortest path problem, 1990.)

use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
struct Entry {
    time: u64,
    slot: u32,
}

#[derive(Clone, Debug)]
struct Bucket {
    /// The earliest time among the entries, or earlier where marked stale; the last moment while empty.
    earliest: u64,
    entries: Vec<Entry>,
}

impl Bucket {
    const fn new() -> Self {
        Self { earliest: u64::MAX, entries: Vec::new() }
    }

    #[inline]
    fn push(&mut self, entry: Entry) {
        self.earliest = self.earliest.min(entry.time);
        self.entries.push(entry);
    }

    #[inline]
    fn clear(&mut self) {
        self.earliest = u64::MAX;
        self.entries.clear();
    }
}

/// Slots in order of time, then of arrival. Cancelled slots stay until met: callers pass `keep`, which tells a
/// live slot from a cancelled one and frees the latter.
#[derive(Clone, Debug)]
pub(super) struct Radix {
    /// The time last taken; no entry is earlier.
    base: u64,
    /// Slots due at the base. The first is never a cancelled one.
    due: VecDeque<u32>,
    buckets: Box<[Bucket; 64]>,
    /// Buckets with entries.
    occupied: u64,
    /// Buckets in which some entry was cancelled.
    tainted: u64,
    /// Buckets whose earliest entry may have been cancelled.
    stale: u64,
}

impl Radix {
    pub(super) fn new(base: u64) -> Self {
        Self {
            base,
            due: VecDeque::new(),
            buckets: Box::new(std::array::from_fn(|_| Bucket::new())),
            occupied: 0,
            tainted: 0,
            stale: 0,
        }
    }

    #[inline]
    pub(super) const fn base(&self) -> u64 {
        self.base
    }

    /// Adds a slot due at the base.
    #[inline]
    pub(super) fn push_due(&mut self, slot: u32) {
        self.due.push_back(slot);
    }

    /// Adds a slot due at `time`, which is not before the base.
    #[inline]
    pub(super) fn push(&mut self, time: u64, slot: u32) {
        debug_assert!(time >= self.base);
        match bucket_of(time, self.base) {
            None => self.push_due(slot),
            Some(index) => {
                self.buckets[index].push(Entry { time, slot });
                self.occupied |= 1 << index;
            }
        }
    }

    /// Notes that a slot due at `time` was cancelled.
    pub(super) fn note_cancelled(&mut self, time: u64, keep: impl FnMut(u32) -> bool) {
        match bucket_of(time, self.base) {
            None => self.trim_due(keep),
            Some(index) => {
                self.tainted |= 1 << index;
                if time == self.buckets[index].earliest {
                    self.stale |= 1 << index;
                }
            }
        }
    }

    /// The time of the next slot. The base stays.
    #[inline]
    pub(super) fn earliest(&mut self, keep: impl FnMut(u32) -> bool) -> Option<u64> {
        if !self.due.is_empty() {
            return Some(self.base);
        }
        let index = self.lowest(self.stale, keep)?;
        Some(self.buckets[index].earliest)
    }

    /// Takes the next slot and moves the base to its time.
    #[inline]
    pub(super) fn pop(&mut self, mut keep: impl FnMut(u32) -> bool) -> Option<u32> {
        if let Some(slot) = self.due.pop_front() {
            self.trim_due(keep);
            return Some(slot);
        }
        let index = self.lowest(self.tainted, &mut keep)?;
        Some(self.advance(index))
    }

    /// Frees every cancelled slot.
    pub(super) fn sweep(&mut self, mut keep: impl FnMut(u32) -> bool) {
        self.due.retain(|&slot| keep(slot));
        let mut tainted = self.tainted;
        while tainted != 0 {
            self.purge(tainted.trailing_zeros() as usize, &mut keep);
            tainted &= tainted - 1;
        }
    }

    /// The lowest bucket with a live entry; buckets in `suspect` are purged on the way.
    #[inline]
    fn lowest(&mut self, suspect: u64, mut keep: impl FnMut(u32) -> bool) -> Option<usize> {
        while self.occupied != 0 {
            let index = self.occupied.trailing_zeros() as usize;
            if suspect >> index & 1 == 0 {
                return Some(index);
            }
            self.purge(index, &mut keep);
            if self.occupied >> index & 1 == 1 {
                return Some(index);
            }
        }
        None
    }

    /// Moves the base to the earliest time of the lowest bucket, which holds live entries only, and takes the
    /// first slot due then.
    #[inline]
    fn advance(&mut self, index: usize) -> u32 {
        let (lower, bucket) = self.buckets.split_at_mut(index);
        let bucket = &mut bucket[0];
        self.base = bucket.earliest;
        self.occupied &= !(1 << index);
        let mut first = None;
        for &Entry { time, slot } in &bucket.entries {
            match bucket_of(time, self.base) {
                Some(index) => {
                    lower[index].push(Entry { time, slot });
                    self.occupied |= 1 << index;
                }
                None if first.is_none() => first = Some(slot),
                None => self.due.push_back(slot),
            }
        }
        bucket.clear();
        first.expect("the earliest entry of a bucket is due at its own time")
    }

    #[inline]
    fn trim_due(&mut self, mut keep: impl FnMut(u32) -> bool) {
        while let Some(&slot) = self.due.front() {
            if keep(slot) {
                return;
            }
            self.due.pop_front();
        }
    }

    #[cold]
    fn purge(&mut self, index: usize, mut keep: impl FnMut(u32) -> bool) {
        let bucket = &mut self.buckets[index];
        bucket.entries.retain(|entry| keep(entry.slot));
        let bit = 1 << index;
        self.tainted &= !bit;
        self.stale &= !bit;
        bucket.earliest = bucket.entries.iter().map(|entry| entry.time).min().unwrap_or(u64::MAX);
        if bucket.entries.is_empty() {
            self.occupied &= !bit;
        }
    }

    /// Every `(time, slot)` held, cancelled ones too, after checking the structure. O(n).
    pub(super) fn check_invariants(&self, live: impl Fn(u32) -> bool) -> Vec<(u64, u32)> {
        let mut held: Vec<_> = self.due.iter().map(|&slot| (self.base, slot)).collect();
        assert!(self.due.front().is_none_or(|&slot| live(slot)), "a cancelled slot leads those due");
        for (index, bucket) in self.buckets.iter().enumerate() {
            let bit = |mask: u64| mask >> index & 1 == 1;
            assert_eq!(bit(self.occupied), !bucket.entries.is_empty(), "bucket {index} and its bit disagree");
            assert!(!bit(self.stale) || bit(self.tainted), "bucket {index} is stale without a cancelled entry");
            for entry in &bucket.entries {
                let home = bucket_of(entry.time, self.base);
                assert!(entry.time > self.base && home == Some(index), "an entry is outside its bucket");
                assert!(bit(self.tainted) || live(entry.slot), "bucket {index} holds an unnoted cancelled slot");
                assert!(bit(self.stale) || entry.time >= bucket.earliest, "bucket {index} begins earlier than stated");
            }
            held.extend(bucket.entries.iter().map(|entry| (entry.time, entry.slot)));
        }
        held
    }
}

/// The bucket for `time`: the highest bit in which it differs from the base, `None` where it is the base.
#[inline]
const fn bucket_of(time: u64, base: u64) -> Option<usize> {
    match (time ^ base).checked_ilog2() {
        Some(bit) => Some(bit as usize),
        None => None,
    }
}
