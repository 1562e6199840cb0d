//! Looking into the book without changing it.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::book::{Book, BookCapacity};
use crate::level::Walk;
use crate::matching::Taker;
use crate::order::{Resting, SelfTradePrevention};
use crate::pool::{NIL, Pool};

/// A price level as seen from outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DepthLevel {
    /// Its price.
    pub price: Price,
    /// The sum of its orders' quantities.
    pub qty: Qty,
    /// How many orders it has.
    pub orders: u32,
}

/// What taking a quantity would come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cost {
    /// Lots the book holds for it, at most the quantity asked for.
    pub filled: Qty,
    /// Σ price × lots over them, in ticks × lots.
    pub value: i128,
    /// The last price reached; `None` where nothing would trade.
    pub worst: Option<Price>,
}

impl Book {
    /// The highest price bid.
    #[inline]
    #[must_use]
    pub fn best_bid(&self) -> Option<Price> {
        self.best(Side::Buy)
    }

    /// The lowest price asked.
    #[inline]
    #[must_use]
    pub fn best_ask(&self) -> Option<Price> {
        self.best(Side::Sell)
    }

    /// The best price of a side.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<Price> {
        self.levels.best_price(side)
    }

    /// The levels of a side, best first.
    #[must_use]
    pub fn depth(&self, side: Side) -> Depth<'_> {
        Depth { book: self, levels: self.levels.walk(side) }
    }

    /// The level of a side at a price.
    #[must_use]
    pub fn level(&self, side: Side, price: Price) -> Option<DepthLevel> {
        self.levels.find(side, price).map(|level| self.depth_level(level))
    }

    /// The orders of a side at a price, highest priority first.
    #[must_use]
    pub fn orders_at(&self, side: Side, price: Price) -> OrdersAt<'_> {
        let head = self.levels.find(side, price).map_or(NIL, |level| self.levels.get(level).head);
        OrdersAt { book: self, queue: self.queue(head) }
    }

    /// A resting order.
    #[inline]
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<Resting> {
        self.pool.find(id).map(|slot| self.resting(slot))
    }

    /// Lots that trade before the order does at its price. Linear in the orders ahead of it.
    #[must_use]
    pub fn quantity_ahead(&self, id: OrderId) -> Option<Qty> {
        let slot = self.pool.find(id)?;
        let head = self.levels.get(self.pool.get(slot).level).head;
        Some(self.queue(head).take_while(|ahead| *ahead != slot).map(|ahead| self.pool.get(ahead).qty).sum())
    }

    /// What a taker on `side` would pay or get for `qty` lots within `limit`, whoever owns them.
    #[must_use]
    pub fn cost_to_take(&self, side: Side, qty: Qty, limit: Option<Price>) -> Cost {
        let taker = Taker { side, limit, stp: SelfTradePrevention::None, owner: 0 };
        let mut cost = Cost::default();
        for level in self.levels.walk(side.opposite()).map(|level| self.levels.get(level)) {
            if cost.filled == qty || !taker.accepts(level.price) {
                break;
            }
            let lots = level.total.min(qty - cost.filled);
            cost.filled += lots;
            // At most 2^64 − 1 lots in all, at prices within 2^63: the sum stays within 2^127.
            cost.value += i128::from(level.price.0) * i128::from(lots.0);
            cost.worst = Some(level.price);
        }
        cost
    }

    /// Orders resting.
    #[inline]
    #[must_use]
    pub const fn order_count(&self) -> u32 {
        self.pool.len()
    }

    /// Price levels with an order, both sides together.
    #[inline]
    #[must_use]
    pub fn level_count(&self) -> u32 {
        self.levels.len()
    }

    /// What the book reserved at construction.
    #[must_use]
    pub const fn capacity(&self) -> BookCapacity {
        BookCapacity { orders: self.pool.limit(), levels: self.levels.limit() }
    }

    pub(crate) fn resting(&self, slot: u32) -> Resting {
        let order = self.pool.get(slot);
        let level = self.levels.get(order.level);
        Resting { id: self.pool.id(slot), side: level.side, price: level.price, qty: order.qty, owner: order.owner }
    }

    pub(crate) const fn queue(&self, head: u32) -> Queue<'_> {
        Queue { pool: &self.pool, next: head }
    }

    fn depth_level(&self, level: u32) -> DepthLevel {
        let level = self.levels.get(level);
        DepthLevel { price: level.price, qty: level.total, orders: level.count }
    }
}

/// Slots of a level's orders in priority.
#[derive(Clone)]
pub(crate) struct Queue<'a> {
    pool: &'a Pool,
    next: u32,
}

impl Iterator for Queue<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        let slot = self.next;
        (slot != NIL).then(|| {
            self.next = self.pool.get(slot).next;
            slot
        })
    }
}

/// Levels of a side, best first: [`Book::depth`].
#[derive(Clone)]
pub struct Depth<'a> {
    book: &'a Book,
    levels: Walk<'a>,
}

impl Iterator for Depth<'_> {
    type Item = DepthLevel;

    fn next(&mut self) -> Option<DepthLevel> {
        self.levels.next().map(|level| self.book.depth_level(level))
    }
}

/// Orders of a level in priority: [`Book::orders_at`].
#[derive(Clone)]
pub struct OrdersAt<'a> {
    book: &'a Book,
    queue: Queue<'a>,
}

impl Iterator for OrdersAt<'_> {
    type Item = Resting;

    fn next(&mut self) -> Option<Resting> {
        self.queue.next().map(|slot| self.book.resting(slot))
    }
}
