//! The risk ladder of one instrument: every position's triggers, by mark price.
//!
//! ```text
//!   longs fire when the mark falls to their trigger        shorts fire when it rises to theirs
//!   … 91  93  93  95 │ mark 100 │ 104  107 …
//! ```
//!
//! Moving the mark visits only the triggers it crosses. The ladder *is* the liquidation heat map. A position of a pool
//! whose equity depends on several prices may wait on both sides.

use downdraft_index::OrderedMap;
use downdraft_types::{AccountId, MarkPrice, Side};
use smallvec::SmallVec;

/// A trigger's place: (trigger, account, slot of the position).
type Key = (i64, u32, u32);

/// Slots of positions whose triggers were reached at once.
pub(crate) type Reached = SmallVec<[u32; 64]>;

/// Triggers of an instrument's positions. Ties are broken by account number, then, where several pools of an account
/// wait in one ladder, by slot.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// Those that fire when the mark falls, their triggers negated, so that the first is the one that fires first.
    longs: OrderedMap<Key, ()>,
    /// Those that fire when it rises.
    shorts: OrderedMap<Key, ()>,
}

impl Ladder {
    pub(crate) fn with_capacity(positions: usize) -> Self {
        Self { longs: OrderedMap::with_capacity(positions), shorts: OrderedMap::with_capacity(positions) }
    }

    /// Long triggers are stored negated; `i64::MIN` has no negation and, as a mark, is never reached.
    fn key(side: Side, trigger: i64, account: AccountId, slot: u32) -> Key {
        match side {
            Side::Buy => (trigger.checked_neg().unwrap_or(i64::MAX), account.0, slot),
            Side::Sell => (trigger, account.0, slot),
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut OrderedMap<Key, ()> {
        match side {
            Side::Buy => &mut self.longs,
            Side::Sell => &mut self.shorts,
        }
    }

    pub(crate) fn insert(&mut self, side: Side, trigger: i64, account: AccountId, slot: u32) {
        let key = Self::key(side, trigger, account, slot);
        let replaced = self.side_mut(side).insert(key, ()).expect("the ladder has room for every position");
        assert!(replaced.is_none(), "one trigger per position and side");
    }

    pub(crate) fn remove(&mut self, side: Side, trigger: i64, account: AccountId, slot: u32) {
        let removed = self.side_mut(side).remove(&Self::key(side, trigger, account, slot));
        assert!(removed.is_some(), "a position's trigger is in the ladder");
    }

    /// The position slot whose trigger `mark` has reached, nearest trigger first, longs before shorts.
    #[inline]
    pub(crate) fn reached(&self, mark: MarkPrice) -> Option<u32> {
        match (self.longs.first(), self.shorts.first()) {
            (Some(((negated, _, slot), ())), _) if mark.0 <= -negated => Some(slot),
            (_, Some(((trigger, _, slot), ()))) if mark.0 >= trigger => Some(slot),
            _ => None,
        }
    }

    /// Takes out triggers that `mark` has reached, nearest first, longs before shorts: on which side, and in `slots` whose.
    /// There may be more.
    #[inline]
    pub(crate) fn take_reached(&mut self, mark: MarkPrice, slots: &mut Reached) -> Option<Side> {
        self.reached(mark)?;
        let mut take = |map: &mut OrderedMap<Key, ()>, is_reached: &dyn Fn(i64) -> bool| {
            map.remove_leading(|(key, _, slot), ()| {
                let reached = is_reached(*key);
                if reached {
                    slots.push(*slot);
                }
                reached
            })
        };
        if take(&mut self.longs, &|negated| mark.0 <= -negated) > 0 {
            return Some(Side::Buy);
        }
        take(&mut self.shorts, &|trigger| mark.0 >= trigger);
        Some(Side::Sell)
    }

    /// Triggers of positions on `side`, nearest first: `(trigger, account)`.
    pub fn triggers(&self, side: Side) -> impl Iterator<Item = (MarkPrice, AccountId)> + '_ {
        self.entries(side).map(|(trigger, account, _)| (trigger, account))
    }

    /// As [`Ladder::triggers`], with the position's slot: its place in [`Margin::positions`](crate::Margin::positions).
    pub fn entries(&self, side: Side) -> impl Iterator<Item = (MarkPrice, AccountId, u32)> + '_ {
        let map = match side {
            Side::Buy => &self.longs,
            Side::Sell => &self.shorts,
        };
        map.iter().map(move |((key, account, slot), ())| {
            let trigger = if side == Side::Buy { -key } else { key };
            (MarkPrice(trigger), AccountId(account), slot)
        })
    }

    /// How many triggers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.longs.len() + self.shorts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.longs.is_empty() && self.shorts.is_empty()
    }
}
