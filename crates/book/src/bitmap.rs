//! Which places of a window are taken: a set of numbers below a power of two, searched a word at a time.
//!
//! ```text
//!   top   1 word     bit r: row r has a bit
//!   rows  64 words   bit w of row r: word 64 r + w has a bit
//!   words            one bit a place
//! ```

use alloc::vec;
use alloc::vec::Vec;

/// A set of numbers below 2^18.
#[derive(Clone)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    rows: Vec<u64>,
    top: u64,
}

impl Bitmap {
    /// An empty set of numbers below `width`, a power of two.
    pub fn new(width: u32) -> Self {
        let words = width.div_ceil(64) as usize;
        Self { words: vec![0; words], rows: vec![0; words.div_ceil(64)], top: 0 }
    }

    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.top == 0
    }

    #[inline]
    pub fn contains(&self, n: u32) -> bool {
        self.words[(n >> 6) as usize] >> (n & 63) & 1 == 1
    }

    #[inline]
    pub fn set(&mut self, n: u32) {
        let word = &mut self.words[(n >> 6) as usize];
        if *word == 0 {
            self.rows[(n >> 12) as usize] |= 1 << (n >> 6 & 63);
            self.top |= 1 << (n >> 12);
        }
        *word |= 1 << (n & 63);
    }

    #[inline]
    pub fn clear(&mut self, n: u32) {
        let word = &mut self.words[(n >> 6) as usize];
        *word &= !(1 << (n & 63));
        if *word == 0 {
            let row = &mut self.rows[(n >> 12) as usize];
            *row &= !(1 << (n >> 6 & 63));
            if *row == 0 {
                self.top &= !(1 << (n >> 12));
            }
        }
    }

    /// The smallest member at or above `n`, which is below the width.
    #[inline]
    pub fn at_or_above(&self, n: u32) -> Option<u32> {
        let word = n >> 6;
        let here = self.words[word as usize] & (u64::MAX << (n & 63));
        if here != 0 {
            return Some(word << 6 | here.trailing_zeros());
        }
        self.beyond(word)
    }

    /// The smallest member at or above `n`, or else the smallest of all.
    #[inline]
    pub fn at_or_around(&self, n: u32) -> Option<u32> {
        let word = n >> 6;
        let here = self.words[word as usize] & (u64::MAX << (n & 63));
        if here != 0 {
            return Some(word << 6 | here.trailing_zeros());
        }
        self.around(word)
    }

    #[inline(never)]
    fn around(&self, word: u32) -> Option<u32> {
        if self.is_empty() { None } else { self.beyond(word).or_else(|| self.at_or_above(0)) }
    }

    /// The smallest member in a word after `word`.
    #[inline]
    fn beyond(&self, word: u32) -> Option<u32> {
        let row = word >> 6;
        // Shifted twice, since a shift by 64 is none.
        let here = self.rows[row as usize] & (u64::MAX << (word & 63) << 1);
        let word = if here != 0 {
            row << 6 | here.trailing_zeros()
        } else {
            let rows = self.top & (u64::MAX << row << 1);
            if rows == 0 {
                return None;
            }
            let row = rows.trailing_zeros();
            row << 6 | self.rows[row as usize].trailing_zeros()
        };
        Some(word << 6 | self.words[word as usize].trailing_zeros())
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_sorted_set(
            width in prop::sample::select([64_u32, 128, 4_096, 8_192, 1 << 18].as_slice()),
            steps in prop::collection::vec((any::<bool>(), any::<u32>(), any::<u32>()), 0..400),
        ) {
            let (mut bitmap, mut set) = (Bitmap::new(width), BTreeSet::new());
            for (add, n, probe) in steps {
                let (n, probe) = (n % width.min(700), probe % width);
                if add {
                    bitmap.set(n);
                    set.insert(n);
                } else {
                    bitmap.clear(n);
                    set.remove(&n);
                }
                prop_assert_eq!(bitmap.contains(n), add);
                for probe in [probe, n, 0, width - 1] {
                    let above = set.range(probe..).next().copied();
                    prop_assert_eq!(bitmap.at_or_above(probe), above);
                    prop_assert_eq!(bitmap.at_or_around(probe), above.or_else(|| set.first().copied()));
                }
            }
            for n in set.iter().copied().collect::<Vec<_>>() {
                bitmap.clear(n);
            }
            prop_assert_eq!((bitmap.top, bitmap.at_or_above(0)), (0, None));
        }
    }
}
