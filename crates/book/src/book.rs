//! The book: its commands, and how an order joins and leaves a queue.

use core::fmt;

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::decide::Plan;
use crate::level::Levels;
use crate::matcher::Matcher;
use crate::matching::{Taken, Taker};
use crate::order::{End, NewOrder, Outcome, Reject, Resting, SelfTradePrevention, TimeInForce};
use crate::pool::{NIL, Pool};

/// What a book reserves at construction, and cannot exceed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BookCapacity {
    /// Resting orders.
    pub orders: u32,
    /// Price levels with an order, both sides together.
    pub levels: u32,
}

/// A price-time limit order book.
///
/// Every command is decided before anything changes: a [`Reject`] leaves the book as it was, and what has been
/// accepted cannot fail.
#[derive(Clone)]
pub struct Book {
    pub(crate) levels: Levels,
    pub(crate) pool: Pool,
    /// How many orders have joined a queue, modulo 2^32.
    arrivals: u32,
}

impl Book {
    /// An empty book with everything reserved: about 32 bytes per order and 80 per level.
    ///
    /// # Panics
    /// Where a capacity is 2^32 − 1, which stands for "none" inside.
    #[must_use]
    pub fn with_capacity(capacity: BookCapacity) -> Self {
        assert!(capacity.orders < NIL && capacity.levels < NIL, "a book holds fewer than 2^32 − 1 orders and levels");
        Self { levels: Levels::with_capacity(capacity.levels), pool: Pool::with_capacity(capacity.orders), arrivals: 0 }
    }

    /// Matches an order, and rests what is left of it where it is good till cancelled.
    ///
    /// # Errors
    /// Whatever [`Book::check`] says.
    pub fn submit<M: Matcher>(&mut self, order: &NewOrder, matcher: &mut M) -> Result<Outcome, Reject> {
        let plan = self.decide(order)?;
        // From here on the order cannot fail.
        if let Plan::Rest { price, level } = plan {
            let id = self.rest(order.owner, order.side, price, level, order.qty);
            return Ok(resting(id, order.qty));
        }
        let taker = Taker { side: order.side, limit: order.limit, stp: order.stp, owner: order.owner };
        let taken = self.take(&taker, order.qty, matcher);
        let rested = match (order.limit, taken.end) {
            // It has crossed, so its own side has no level at its price yet.
            (Some(limit), None) if order.tif == TimeInForce::Gtc => {
                Some(self.rest(order.owner, order.side, limit, None, taken.left))
            }
            _ => None,
        };
        Ok(outcome(taken, rested))
    }

    /// Takes an order out of the book and returns what was left of it.
    ///
    /// # Errors
    /// [`Reject::UnknownOrder`].
    pub fn cancel(&mut self, id: OrderId) -> Result<Resting, Reject> {
        let slot = self.pool.find(id).ok_or(Reject::UnknownOrder)?;
        let resting = self.resting(slot);
        self.leave(slot);
        self.pool.release(slot);
        Ok(resting)
    }

    /// Gives an order a new price and quantity (`qty` is what is to rest or trade from now on).
    ///
    /// At the same price, a quantity that is not larger keeps its place. Anything else loses it: the order is
    /// matched as if it had just arrived, good till cancelled, and what is left rests under the same id.
    ///
    /// # Errors
    /// Whatever [`Book::check_replace`] says.
    pub fn replace<M: Matcher>(
        &mut self,
        id: OrderId,
        price: Price,
        qty: Qty,
        post_only: bool,
        stp: SelfTradePrevention,
        matcher: &mut M,
    ) -> Result<Outcome, Reject> {
        let slot = self.decide_replace(id, price, qty, post_only)?;
        let Resting { side, owner, price: old_price, qty: old_qty, .. } = self.resting(slot);
        // From here on the replacement cannot fail.
        if price == old_price && qty <= old_qty {
            self.shrink(slot, old_qty - qty);
            return Ok(resting(id, qty));
        }
        self.leave(slot);
        let taken = self.take(&Taker { side, limit: Some(price), stp, owner }, qty, matcher);
        let rested = if taken.end.is_none() {
            let level = self.levels.find(side, price).unwrap_or_else(|| self.levels.open(side, price));
            self.join(slot, level, taken.left);
            Some(id)
        } else {
            self.pool.release(slot);
            None
        };
        Ok(outcome(taken, rested))
    }

    /// Takes `by` lots off an order, which keeps its place: a partial cancel, or an execution that names its
    /// order. Returns the order with what is left of it; at zero it has left the book.
    ///
    /// # Errors
    /// [`Reject::UnknownOrder`], [`Reject::ZeroQuantity`], and [`Reject::TooLarge`] where it has fewer lots.
    pub fn reduce(&mut self, id: OrderId, by: Qty) -> Result<Resting, Reject> {
        let slot = self.pool.find(id).ok_or(Reject::UnknownOrder)?;
        let resting = self.resting(slot);
        if by.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        let left = resting.qty.checked_sub(by).ok_or(Reject::TooLarge)?;
        self.take_off(slot, by);
        Ok(Resting { qty: left, ..resting })
    }

    /// A new order at the end of `level`, or of a level of its own.
    fn rest(&mut self, owner: u32, side: Side, price: Price, level: Option<u32>, qty: Qty) -> OrderId {
        let level = level.unwrap_or_else(|| self.levels.open(side, price));
        let slot = self.pool.take(owner);
        self.join(slot, level, qty);
        self.pool.id(slot)
    }

    /// Puts the order in `slot` at the end of a level's queue.
    fn join(&mut self, slot: u32, at: u32, qty: Qty) {
        let level = self.levels.get_mut(at);
        let before = level.tail;
        level.total += qty;
        level.count += 1;
        level.tail = slot;
        match before {
            NIL => level.head = slot,
            before => self.pool.get_mut(before).next = slot,
        }
        let order = self.pool.get_mut(slot);
        (order.qty, order.level, order.prev, order.next) = (qty, at, before, NIL);
        order.arrival = self.arrivals;
        self.arrivals = self.arrivals.wrapping_add(1);
    }

    /// Takes the order in `slot` out of its queue; the slot stays taken.
    fn leave(&mut self, slot: u32) {
        let order = *self.pool.get(slot);
        let level = self.levels.get_mut(order.level);
        level.total -= order.qty;
        level.count -= 1;
        if level.count == 0 {
            self.levels.close(order.level);
            return;
        }
        match order.prev {
            NIL => level.head = order.next,
            before => self.pool.get_mut(before).next = order.next,
        }
        match order.next {
            NIL => level.tail = order.prev,
            after => self.pool.get_mut(after).prev = order.prev,
        }
    }

    /// Takes `by` lots off the order in `slot`, which has more.
    fn shrink(&mut self, slot: u32, by: Qty) {
        let order = self.pool.get_mut(slot);
        order.qty -= by;
        self.levels.get_mut(order.level).total -= by;
    }

    /// Takes `by` lots off the order in `slot` and removes it if none are left.
    #[inline]
    pub(crate) fn take_off(&mut self, slot: u32, by: Qty) {
        if by < self.pool.get(slot).qty {
            self.shrink(slot, by);
        } else {
            self.leave(slot);
            self.pool.release(slot);
        }
    }
}

const fn resting(id: OrderId, qty: Qty) -> Outcome {
    let none = Qty::ZERO;
    Outcome { filled: none, decremented: none, remaining: qty, rested: Some(id), end: End::Rested }
}

fn outcome(taken: Taken, rested: Option<OrderId>) -> Outcome {
    let Taken { left, filled, decremented, end } = taken;
    let end = end.unwrap_or(if rested.is_some() { End::Rested } else { End::Unfilled });
    Outcome { filled, decremented, remaining: left, rested, end }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("orders", &self.order_count())
            .field("levels", &self.level_count())
            .field("best_bid", &self.best_bid())
            .field("best_ask", &self.best_ask())
            .finish_non_exhaustive()
    }
}
