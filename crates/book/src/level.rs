//! Price levels: where they are stored and how they are found. Nothing else in the book looks one up, so that
//! another way of finding them can be put in front here.

use downdraft_index::{Iter, OrderedMap};
use downdraft_types::{Price, Qty, Side};
use slab::Slab;

use crate::pool::NIL;

/// The orders of one side at one price; it exists while it has an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    pub price: Price,
    /// The sum of its orders' quantities.
    pub total: Qty,
    /// The order with the highest priority.
    pub head: u32,
    pub tail: u32,
    /// How many orders it has.
    pub count: u32,
    pub side: Side,
}

const _: () = assert!(size_of::<Level>() == 32, "two levels share a cache line");

/// One side's levels by price.
#[derive(Clone)]
struct Ladder {
    side: Side,
    prices: OrderedMap<Price, u32>,
    /// The level matched first.
    best: u32,
}

pub(crate) struct Levels {
    slab: Slab<Level>,
    sides: [Ladder; 2],
    limit: u32,
}

impl Clone for Levels {
    fn clone(&self) -> Self {
        // A derived clone would keep only the length of the reservation.
        let mut slab = self.slab.clone();
        slab.reserve_exact(self.limit as usize - slab.len());
        Self { slab, sides: self.sides.clone(), limit: self.limit }
    }
}

impl Levels {
    pub fn with_capacity(limit: u32) -> Self {
        // Every level may be on one side.
        let sides = Side::BOTH.map(|side| {
            let prices = OrderedMap::with_capacity(limit as usize);
            Ladder { side, prices, best: NIL }
        });
        Self { slab: Slab::with_capacity(limit as usize), sides, limit }
    }

    pub fn len(&self) -> u32 {
        self.slab.len() as u32
    }

    pub const fn limit(&self) -> u32 {
        self.limit
    }

    #[inline]
    pub fn is_full(&self) -> bool {
        self.len() == self.limit
    }

    #[inline]
    pub fn get(&self, level: u32) -> &Level {
        &self.slab[level as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, level: u32) -> &mut Level {
        &mut self.slab[level as usize]
    }

    /// The level of `side` that is matched first.
    #[inline]
    pub fn best(&self, side: Side) -> Option<u32> {
        let best = self.ladder(side).best;
        (best != NIL).then_some(best)
    }

    #[inline]
    pub fn best_price(&self, side: Side) -> Option<Price> {
        self.best(side).map(|best| self.get(best).price)
    }

    /// The level of `side` at `price`.
    #[inline]
    pub fn find(&self, side: Side, price: Price) -> Option<u32> {
        let best = self.best(side)?;
        if self.get(best).price == price {
            return Some(best);
        }
        self.ladder(side).prices.get(&price)
    }

    /// An empty level where there is none; an order joins it before anyone looks.
    pub fn open(&mut self, side: Side, price: Price) -> u32 {
        assert!(!self.is_full(), "a level was promised when the order was accepted");
        let level = Level { price, total: Qty::ZERO, head: NIL, tail: NIL, count: 0, side };
        let level = self.slab.insert(level) as u32;
        let is_best = self.best_price(side).is_none_or(|best| side.opposite().accepts(best, price));
        let ladder = &mut self.sides[side as usize];
        let replaced = ladder.prices.insert(price, level).expect("each side has room for every level");
        assert!(replaced.is_none(), "a price has one level");
        if is_best {
            ladder.best = level;
        }
        level
    }

    /// Removes a level whose last order has left.
    pub fn close(&mut self, level: u32) {
        let Level { side, price, .. } = self.slab.remove(level as usize);
        let ladder = &mut self.sides[side as usize];
        ladder.prices.remove(&price);
        if ladder.best == level {
            ladder.best = ladder.first().unwrap_or(NIL);
        }
    }

    /// The levels of `side`, best first.
    pub fn walk(&self, side: Side) -> Walk<'_> {
        Walk { side, prices: self.ladder(side).prices.iter() }
    }

    /// Proves that each side's index names its levels.
    pub fn check(&self) {
        for ladder in &self.sides {
            ladder.prices.check_invariants();
            assert_eq!(ladder.best, ladder.first().unwrap_or(NIL), "invariant 4: the best level is cached");
            for (price, level) in ladder.prices.iter() {
                let level = self.slab.get(level as usize).expect("invariant 4: an indexed level exists");
                assert_eq!(
                    (level.price, level.side),
                    (price, ladder.side),
                    "invariant 4: a level is indexed by its price"
                );
            }
        }
        let indexed: usize = self.sides.iter().map(|ladder| ladder.prices.len()).sum();
        assert_eq!(indexed, self.slab.len(), "invariant 4: every level is indexed");
        if let [Some(bid), Some(ask)] = Side::BOTH.map(|side| self.best_price(side)) {
            assert!(bid < ask, "invariant 3: a book is never crossed at rest: {bid} bid, {ask} asked");
        }
    }

    #[inline]
    fn ladder(&self, side: Side) -> &Ladder {
        &self.sides[side as usize]
    }
}

impl Ladder {
    fn first(&self) -> Option<u32> {
        let entry = match self.side {
            Side::Buy => self.prices.last(),
            Side::Sell => self.prices.first(),
        };
        entry.map(|(_, level)| level)
    }
}

/// Levels of one side from the best.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    side: Side,
    prices: Iter<'a, Price, u32>,
}

impl Iterator for Walk<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let entry = match self.side {
            Side::Buy => self.prices.next_back(),
            Side::Sell => self.prices.next(),
        };
        entry.map(|(_, level)| level)
    }
}
