//! Where a price began, how far it went, and where it ended.

use downdraft_types::{AccountId, MarkPrice};

/// First, lowest, highest and last of a series.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Range {
    pub start: MarkPrice,
    pub low: MarkPrice,
    pub high: MarkPrice,
    pub end: MarkPrice,
}

impl Range {
    /// Takes the next value into a range that may not have begun.
    pub(crate) fn extend(range: &mut Option<Self>, value: MarkPrice) {
        let range = range.get_or_insert(Self { start: value, low: value, high: value, end: value });
        range.low = range.low.min(value);
        range.high = range.high.max(value);
        range.end = value;
    }
}

/// A set of accounts: a bit each.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccountSet {
    words: Vec<u64>,
    len: u64,
}

impl AccountSet {
    pub(crate) fn insert(&mut self, account: AccountId) {
        let (word, bit) = (account.index() / 64, 1_u64 << (account.0 % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if self.words[word] & bit == 0 {
            self.words[word] |= bit;
            self.len += 1;
        }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }
}
