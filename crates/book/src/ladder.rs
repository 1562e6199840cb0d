//! The price levels of one side: where they are stored and how they are found. Nothing else in the book looks
//! one up.
//!
//! Prices are seen as *ranks*, so that both sides are alike: the lower a rank, the sooner it is matched. An ask's
//! rank is its price, a bid's the complement of it.
//!
//! ```text
//!   rank  ────►  away from the other side
//!     far      │ window: a level for each rank, a ring by rank modulo width │      far
//!   B+tree     │ bitmap tells which are in use                              │    B+tree
//! ```
//!
//! The window begins a quarter of its width before the best rank. When the best rank has left its first half and
//! as much work has been done beyond the window as moving it would cost, it moves; so moving is paid for by what
//! made it necessary, and a price that jumps to and fro moves nothing.

use alloc::vec;
use alloc::vec::Vec;

use downdraft_index::{Iter, OrderedMap};
use downdraft_types::{Price, Qty, Side};

use crate::bitmap::Bitmap;
use crate::pool::NIL;

/// The orders of one side at one price; it is open while it has an order. Aligned as orders are.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Level {
    /// The sum of its orders' quantities.
    pub total: Qty,
    /// What its icebergs have beside: `total + reserve` is at most 2^64 − 1.
    pub reserve: Qty,
    /// The order with the highest priority.
    pub head: u32,
    pub tail: u32,
    /// How many orders it has.
    pub count: u32,
}

const _: () = assert!(size_of::<Level>() == 32, "two levels share a cache line");

impl Level {
    const CLOSED: Self = Self { total: Qty::ZERO, reserve: Qty::ZERO, head: NIL, tail: NIL, count: 0 };

    /// Its total with `qty` lots more; `None` where lots could no longer be counted.
    #[inline]
    pub const fn room(&self, qty: Qty) -> Option<Qty> {
        // Neither sum wraps: what it has is at most 2^64 − 1, and `qty` at most what that leaves.
        let spare = !self.total.0.wrapping_add(self.reserve.0);
        if qty.0 > spare { None } else { Some(Qty(self.total.0.wrapping_add(qty.0))) }
    }

    /// All lots its orders have.
    #[inline]
    pub fn lots(&self) -> Qty {
        self.total + self.reserve
    }
}

/// The rank of a price on a side.
#[inline]
pub(crate) const fn rank(side: Side, price: Price) -> i64 {
    price.0 ^ mirror(side)
}

/// The price of a rank on a side.
#[inline]
pub(crate) const fn price(side: Side, rank: i64) -> Price {
    Price(rank ^ mirror(side))
}

#[inline]
const fn mirror(side: Side) -> i64 {
    match side {
        Side::Buy => -1,
        Side::Sell => 0,
    }
}

/// Levels by rank.
pub(crate) struct Ladder {
    /// The window's, then those beyond it.
    levels: Vec<Level>,
    used: Bitmap,
    /// The window's first rank.
    base: i64,
    /// Its width: zero, or a power of two.
    width: u64,
    /// Levels open, within and beyond.
    len: u32,
    /// The lowest rank of an open level.
    best: i64,
    far: OrderedMap<i64, u32>,
    /// The lowest rank beyond the window, [`i64::MAX`] where there is none.
    far_best: i64,
    /// A closed level beyond the window; its `tail` is the next.
    far_free: u32,
    /// Orders that joined a level beyond the window since it moved.
    strain: u32,
    /// When to think of moving it again.
    think_at: u32,
    capacity: usize,
}

/// Orders beyond the window before it is first thought of moving it.
const FIRST_THOUGHT: u32 = 16;

impl Clone for Ladder {
    fn clone(&self) -> Self {
        // A derived clone would keep only the length of the reservation.
        let mut levels = Vec::with_capacity(self.capacity);
        levels.extend_from_slice(&self.levels);
        Self { levels, used: self.used.clone(), far: self.far.clone(), ..*self }
    }
}

impl Ladder {
    /// An empty ladder for `limit` levels, `width` ranks of them dense.
    pub fn with_capacity(limit: u32, width: u32) -> Self {
        let capacity = (width + limit) as usize;
        let mut levels = Vec::with_capacity(capacity);
        levels.extend(vec![Level::CLOSED; width as usize]);
        Self {
            levels,
            used: Bitmap::new(width),
            base: 0,
            width: u64::from(width),
            len: 0,
            best: i64::MAX,
            far: OrderedMap::with_capacity(limit as usize),
            far_best: i64::MAX,
            far_free: NIL,
            strain: 0,
            think_at: FIRST_THOUGHT,
            capacity,
        }
    }

    #[inline]
    pub const fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub fn get(&self, at: u32) -> &Level {
        &self.levels[at as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, at: u32) -> &mut Level {
        &mut self.levels[at as usize]
    }

    /// The level of a rank in the window, open or not.
    #[inline(always)]
    pub fn near_mut(&mut self, rank: i64) -> Option<&mut Level> {
        let at = self.near_at(rank)?;
        self.levels.get_mut(at as usize)
    }

    /// The rank matched first.
    #[inline]
    pub fn best(&self) -> Option<i64> {
        (self.len != 0).then_some(self.best)
    }

    /// Whether a rank at or below `limit` has a level.
    #[inline]
    pub fn reaches(&self, limit: i64) -> bool {
        self.best <= limit && self.len != 0
    }

    /// The open level of a rank.
    #[inline]
    pub fn find(&self, rank: i64) -> Option<u32> {
        match self.near_at(rank) {
            Some(at) => (self.get(at).count != 0).then_some(at),
            None => self.find_far(rank),
        }
    }

    /// The level of a rank that has one.
    #[inline]
    pub fn at(&self, rank: i64) -> u32 {
        match self.near_at(rank) {
            Some(at) => at,
            None => self.find_far(rank).expect("an order's level is open"),
        }
    }

    /// The place of a rank in the window, open or not.
    #[inline]
    pub fn near_at(&self, rank: i64) -> Option<u32> {
        let within = (rank.wrapping_sub(self.base) as u64) < self.width;
        within.then_some((rank as u64 & self.width.wrapping_sub(1)) as u32)
    }

    fn find_far(&self, rank: i64) -> Option<u32> {
        if self.far.is_empty() { None } else { self.far.get(&rank) }
    }

    /// Opens the level of a rank that has none; an order joins it before anyone looks.
    #[inline]
    pub fn open(&mut self, rank: i64) -> u32 {
        if self.len == 0 {
            self.base = self.base_for(rank);
        }
        if self.len == 0 || rank < self.best {
            self.best = rank;
        }
        self.len += 1;
        match self.near_at(rank) {
            Some(at) => {
                self.used.set(at);
                at
            }
            None => self.enter_far(rank, Level::CLOSED),
        }
    }

    /// Says that an order joined the level at `at`, whose place may change now.
    #[inline]
    pub fn joined(&mut self, at: u32) {
        if u64::from(at) >= self.width {
            self.joined_far();
        }
    }

    #[cold]
    fn joined_far(&mut self) {
        self.strain = self.strain.saturating_add(1);
        if self.strain >= self.think_at {
            self.think();
        }
    }

    /// The level of a rank beyond the window, opened where it was not; whether it was open.
    pub fn open_far(&mut self, rank: i64) -> (u32, bool) {
        let at = self.free_far_level();
        let there = self.far.insert_new(rank, at).expect("the map has room for every level");
        if let Some(there) = there {
            let next = self.far_free;
            self.levels[at as usize].tail = next;
            self.far_free = at;
            return (there, true);
        }
        self.far_best = self.far_best.min(rank);
        self.best = if self.len == 0 { rank } else { self.best.min(rank) };
        self.len += 1;
        (at, false)
    }

    /// Closes the level of a rank whose only order has left.
    #[inline]
    pub fn close_alone(&mut self, rank: i64) {
        match self.near_at(rank) {
            Some(at) => self.close_near(rank, at),
            None => self.close_far(rank),
        }
    }

    /// Closes a level whose last order has left.
    #[inline]
    pub fn close(&mut self, rank: i64, at: u32) {
        if u64::from(at) < self.width { self.close_near(rank, at) } else { self.close_far(rank) }
    }

    #[inline(always)]
    fn close_near(&mut self, rank: i64, at: u32) {
        self.len -= 1;
        self.levels[at as usize] = Level::CLOSED;
        self.used.clear(at);
        if rank == self.best {
            // No rank of the window is lower, so the next one around the ring is the next higher one.
            let near = self.used.at_or_around(at).map_or(i64::MAX, |next| {
                let steps = next.wrapping_sub(at) & (self.width as u32).wrapping_sub(1);
                rank.wrapping_add(i64::from(steps))
            });
            self.best = near.min(self.far_best);
        }
    }

    #[inline(never)]
    fn close_far(&mut self, rank: i64) {
        self.len -= 1;
        self.leave_far(rank);
        if rank == self.best {
            self.best = self.near_from(rank).unwrap_or(i64::MAX).min(self.far_best);
        }
    }

    /// The lowest rank at or above `from` that is open within the window.
    #[inline]
    fn near_from(&self, from: i64) -> Option<i64> {
        if self.used.is_empty() {
            return None;
        }
        let from = from.max(self.base);
        if from.wrapping_sub(self.base) as u64 >= self.width {
            return None;
        }
        let mask = self.width - 1;
        let (home, place) = ((self.base as u64 & mask) as u32, (from as u64 & mask) as u32);
        let found = match self.used.at_or_above(place) {
            // Past the end of the ring it goes on at its start, up to where the window begins.
            None if place >= home => self.used.at_or_above(0).filter(|found| *found < home),
            Some(found) if place < home && found >= home => None,
            found => found,
        };
        found.map(|found| self.base.wrapping_add((u64::from(found.wrapping_sub(home)) & mask) as i64))
    }

    /// Levels in the order in which they are matched.
    pub fn walk(&self) -> Walk<'_> {
        let mut far = self.far.iter();
        Walk { ladder: self, near: self.near_from(i64::MIN), next_far: far.next(), far }
    }

    /// The window's base where `rank` is the best.
    fn base_for(&self, rank: i64) -> i64 {
        let last = i64::MAX.wrapping_sub(self.width.saturating_sub(1) as i64);
        rank.saturating_sub((self.width / 4) as i64).min(last)
    }

    /// Moves the window if that is due. Counting what would enter costs at most the strain there was.
    fn think(&mut self) {
        let offset = self.best.wrapping_sub(self.base) as u64;
        let base = self.base_for(self.best);
        let misplaced = self.best < self.base || offset >= self.width / 2;
        let near = self.len as usize - self.far.len();
        let budget = (self.strain as usize).saturating_sub(near);
        if misplaced && base != self.base && self.entering(base).take(budget + 1).count() <= budget {
            self.recentre(base);
        } else {
            self.think_at = self.strain.saturating_mul(2);
        }
    }

    /// The far levels that a window at `base` would hold.
    fn entering(&self, base: i64) -> impl Iterator<Item = (i64, u32)> {
        let width = self.width;
        self.far.range_from(&base).take_while(move |(rank, _)| (rank.wrapping_sub(base) as u64) < width)
    }

    fn recentre(&mut self, base: i64) {
        (self.strain, self.think_at) = (0, FIRST_THOUGHT);
        let mut from = self.base;
        while let Some(rank) = self.near_from(from) {
            if rank.wrapping_sub(base) as u64 >= self.width {
                let at = self.near_at(rank).expect("a rank of the window");
                let level = core::mem::replace(self.get_mut(at), Level::CLOSED);
                self.used.clear(at);
                self.enter_far(rank, level);
            }
            let Some(next) = rank.checked_add(1) else { break };
            from = next;
        }
        self.base = base;
        loop {
            let entering = self.entering(base).next();
            let Some((rank, at)) = entering else { break };
            let level = *self.get(at);
            self.leave_far(rank);
            let at = self.near_at(rank).expect("a rank of the window");
            *self.get_mut(at) = level;
            self.used.set(at);
        }
    }

    /// A closed level beyond the window.
    fn free_far_level(&mut self) -> u32 {
        match self.far_free {
            NIL => {
                assert!(self.levels.len() < self.capacity, "a level was promised when the order was accepted");
                self.levels.push(Level::CLOSED);
                self.levels.len() as u32 - 1
            }
            at => {
                self.far_free = core::mem::replace(self.get_mut(at), Level::CLOSED).tail;
                at
            }
        }
    }

    fn enter_far(&mut self, rank: i64, level: Level) -> u32 {
        let at = self.free_far_level();
        *self.get_mut(at) = level;
        let replaced = self.far.insert(rank, at).expect("the map has room for every level");
        assert!(replaced.is_none(), "a rank has one level");
        self.far_best = self.far_best.min(rank);
        at
    }

    fn leave_far(&mut self, rank: i64) {
        let at = self.far.remove(&rank).expect("a level beyond the window is indexed");
        let next = self.far_free;
        *self.get_mut(at) = Level { tail: next, ..Level::CLOSED };
        self.far_free = at;
        if rank == self.far_best {
            self.far_best = self.far.first().map_or(i64::MAX, |(rank, _)| rank);
        }
    }

    /// Proves that window, bitmap, map and best rank agree.
    pub fn check(&self) {
        self.far.check_invariants();
        let near = self.levels[..self.width as usize].iter().enumerate().filter(|(at, level)| {
            let used = self.used.contains(*at as u32);
            assert_eq!(used, level.count != 0, "invariant 4: the bitmap tells which levels are open");
            used
        });
        assert_eq!(near.count() + self.far.len(), self.len as usize, "invariant 4: levels are counted");
        for (rank, at) in self.far.iter() {
            assert!(self.near_at(rank).is_none(), "invariant 4: what is within the window is in it");
            assert!(self.get(at).count != 0, "invariant 4: an indexed level is open");
        }
        let mut last = None;
        for (rank, _) in self.walk() {
            assert!(last < Some(rank), "invariant 4: levels are in order");
            last = Some(rank);
        }
        assert_eq!(self.walk().count(), self.len as usize, "invariant 4: every level is met");
        let first = self.walk().next().map(|(rank, _)| rank);
        assert_eq!(self.best(), first, "invariant 4: the best level is cached");
        assert_eq!(self.far_best, self.far.first().map_or(i64::MAX, |(rank, _)| rank), "invariant 4: far best");
    }
}

/// Rank and place of each level, best first.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    ladder: &'a Ladder,
    near: Option<i64>,
    next_far: Option<(i64, u32)>,
    far: Iter<'a, i64, u32>,
}

impl Iterator for Walk<'_> {
    type Item = (i64, u32);

    #[inline]
    fn next(&mut self) -> Option<(i64, u32)> {
        match (self.near, self.next_far) {
            (Some(near), far) if far.is_none_or(|(far, _)| near < far) => {
                self.near = near.checked_add(1).and_then(|next| self.ladder.near_from(next));
                Some((near, self.ladder.near_at(near).expect("a rank of the window")))
            }
            (_, far) => {
                self.next_far = self.far.next();
                far
            }
        }
    }
}
