//! Where choices come from: a fuzzer's bytes, or a seed.

/// A source of small numbers.
#[derive(Clone, Debug)]
pub enum Dice<'a> {
    /// Bytes, read from the front. Zero for ever when they are used up.
    Bytes(&'a [u8]),
    /// The state of a SplitMix64 generator; it never ends.
    Seeded(u64),
}

impl Dice<'_> {
    /// Whether nothing is left to choose from.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.is_empty())
    }

    /// A number below `n`, which is at least 1.
    pub fn below(&mut self, n: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => {
                let width = if n <= 256 { 1 } else { 2 };
                let (taken, rest) = bytes.split_at(width.min(bytes.len()));
                *bytes = rest;
                taken.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)) % n
            }
            Self::Seeded(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ *state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
                (mixed ^ mixed >> 31) % n
            }
        }
    }

    /// True once in `n`.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == n - 1
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}
