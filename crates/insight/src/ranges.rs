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

/// A set of accounts below a number: a bit each.
#[derive(Clone, Debug)]
pub(crate) struct AccountSet {
    words: Box<[u64]>,
    len: u64,
}

impl AccountSet {
    pub(crate) fn below(accounts: u32) -> Self {
        Self { words: vec![0; accounts.div_ceil(64) as usize].into_boxed_slice(), len: 0 }
    }

    /// Adds an account; one beyond the number, which only a journal could claim, is left out.
    pub(crate) fn insert(&mut self, account: AccountId) {
        let (word, bit) = (account.index() / 64, 1_u64 << (account.0 % 64));
        if let Some(word) = self.words.get_mut(word).filter(|word| **word & bit == 0) {
            *word |= bit;
            self.len += 1;
        }
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_count_once() {
        let mut set = AccountSet::below(65);
        [0, 64, 0, 63, 64, 4_000_000_000].map(AccountId).into_iter().for_each(|account| set.insert(account));
        assert_eq!(set.len(), 3);
    }

    #[test]
    fn a_range_knows_its_ends() {
        let mut range = None;
        [5, 9, -2, 3].into_iter().for_each(|value| Range::extend(&mut range, MarkPrice(value)));
        let [start, low, high, end] = [5, -2, 9, 3].map(MarkPrice);
        assert_eq!(range, Some(Range { start, low, high, end }));
    }
}
