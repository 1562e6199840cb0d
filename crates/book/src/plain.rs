//! The short ways: a plain limit order that only rests, and a cancel of one, which is most of what a book is asked.
//!
//! They do what `decide`, `admit` and `remove` would, with scalars in registers; whatever is out of the ordinary is
//! left alone, and goes the long way.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::book::Book;
use crate::ladder::rank;
use crate::matcher::{CancelCause, Cancelled, LevelChange, Matcher};
use crate::order::Resting;
use crate::pool::{NIL, Order, Tag};
use crate::queue::Place;

/// An order is not what a short way is for; nothing has changed.
pub(crate) struct Unfit;

impl Book {
    /// Rests a plain order near the touch that crosses nothing, which is what most orders are; another is left
    /// alone. Scalars in and out, so that they stay in registers.
    #[inline(always)]
    pub(crate) fn rest_plain<M: Matcher>(
        &mut self,
        side: Side,
        qty: Qty,
        limit: Price,
        owner: u32,
        matcher: &mut M,
    ) -> Result<OrderId, Unfit> {
        if self.owners.are_listed() {
            return self.rest_listed(side, qty, limit, owner, matcher);
        }
        self.rest_near::<M, false>(side, qty, limit, owner, matcher)
    }

    /// As [`Book::rest_plain`], where owners have lists.
    #[inline(never)]
    fn rest_listed<M: Matcher>(
        &mut self,
        side: Side,
        qty: Qty,
        limit: Price,
        owner: u32,
        matcher: &mut M,
    ) -> Result<OrderId, Unfit> {
        if !self.owners.knows(owner) {
            return Err(Unfit);
        }
        self.rest_near::<M, true>(side, qty, limit, owner, matcher)
    }

    #[inline(always)]
    fn rest_near<M: Matcher, const LISTED: bool>(
        &mut self,
        side: Side,
        qty: Qty,
        limit: Price,
        owner: u32,
        matcher: &mut M,
    ) -> Result<OrderId, Unfit> {
        let rank = rank(side, limit);
        if qty.is_zero() || self.crosses(side, rank) {
            return Err(Unfit);
        }
        let Self { pool, ladders, owners, .. } = self;
        let Some(level) = ladders[side as usize].near_mut(rank) else {
            return self.rest_far::<M, LISTED>(side, qty, limit, owner, matcher);
        };
        if level.count == 0 {
            return self.rest_alone::<M, LISTED>(side, qty, limit, owner, matcher);
        }
        let total = level.room(qty).ok_or(Unfit)?;
        let prev = level.tail;
        let order = Order { qty, price: limit, prev, next: NIL, owner, tag: Tag(side as u32) };
        let (slot, tag) = pool.put(order).ok_or(Unfit)?;
        level.total = total;
        // There are at most 2^31 orders.
        level.count = level.count.wrapping_add(1);
        level.tail = slot;
        if LISTED {
            owners.append(owner, side, slot);
            owners.note_arrival(slot);
        }
        let id = OrderId::new(slot, tag.generation());
        matcher.rested(&Resting { id, side, price: limit, qty, displayed: qty, owner });
        matcher.level(&LevelChange { side, price: limit, qty: total, orders: level.count });
        Ok(id)
    }

    /// As [`Book::rest_plain`], beyond the window.
    #[inline(never)]
    fn rest_far<M: Matcher, const LISTED: bool>(
        &mut self,
        side: Side,
        qty: Qty,
        limit: Price,
        owner: u32,
        matcher: &mut M,
    ) -> Result<OrderId, Unfit> {
        let (ladder, rank) = (side as usize, rank(side, limit));
        if self.is_crowded(ladder) || self.ladders[ladder].len() == 0 || self.pool.is_full() {
            return Err(Unfit);
        }
        let (at, was_open) = self.ladders[ladder].open_far(rank);
        if was_open && self.ladders[ladder].get(at).room(qty).is_none() {
            return Err(Unfit);
        }
        let slot = self.pool.take(owner, side as u32);
        let tag = self.pool.get(slot).tag;
        if LISTED {
            self.owners.append(owner, side, slot);
        }
        self.append(slot, Place { ladder, rank, at }, tag, qty, qty, matcher);
        Ok(OrderId::new(slot, tag.generation()))
    }

    /// As [`Book::rest_plain`], with a level of its own.
    #[inline(never)]
    fn rest_alone<M: Matcher, const LISTED: bool>(
        &mut self,
        side: Side,
        qty: Qty,
        limit: Price,
        owner: u32,
        matcher: &mut M,
    ) -> Result<OrderId, Unfit> {
        let (ladder, rank) = (side as usize, rank(side, limit));
        // The empty book has no window yet.
        if self.is_crowded(ladder) || self.ladders[ladder].len() == 0 {
            return Err(Unfit);
        }
        let order = Order { qty, price: limit, prev: NIL, next: NIL, owner, tag: Tag(side as u32) };
        let (slot, tag) = self.pool.put(order).ok_or(Unfit)?;
        let ladder = &mut self.ladders[ladder];
        let at = ladder.open(rank);
        let level = ladder.get_mut(at);
        (level.total, level.count, level.head, level.tail) = (qty, 1, slot, slot);
        if LISTED {
            self.owners.append(owner, side, slot);
            self.owners.note_arrival(slot);
        }
        let id = OrderId::new(slot, tag.generation());
        matcher.rested(&Resting { id, side, price: limit, qty, displayed: qty, owner });
        matcher.level(&LevelChange { side, price: limit, qty, orders: 1 });
        Ok(id)
    }

    /// Removes a displayed order without an extra on request; another is left alone.
    #[inline(always)]
    pub(crate) fn remove_plain<M: Matcher>(&mut self, id: OrderId, matcher: &mut M) -> Result<(), Unfit> {
        if self.owners.are_listed() {
            return self.remove_listed(id, matcher);
        }
        self.remove_near::<M, false>(id, matcher)
    }

    /// As [`Book::remove_plain`], where owners have lists.
    #[inline(never)]
    fn remove_listed<M: Matcher>(&mut self, id: OrderId, matcher: &mut M) -> Result<(), Unfit> {
        self.remove_near::<M, true>(id, matcher)
    }

    #[inline(always)]
    fn remove_near<M: Matcher, const LISTED: bool>(&mut self, id: OrderId, matcher: &mut M) -> Result<(), Unfit> {
        let Self { pool, ladders, owners, .. } = self;
        let [bids, asks, ..] = ladders;
        let level_of = |order: &Order| {
            let side = order.tag.side();
            let ladder = if side == Side::Buy { bids } else { asks };
            ladder.near_mut(rank(side, order.price)).filter(|level| level.count > 1)
        };
        let Some((order, level)) = pool.take_out(id, level_of) else {
            return self.remove_alone::<M, LISTED>(id, matcher);
        };
        let Order { qty, price, prev, next, owner, tag } = order;
        let (side, cause) = (tag.side(), CancelCause::Requested);
        matcher.cancelled(&Cancelled { maker: id, owner, price, qty, remaining: Qty::ZERO, cause });
        level.total -= qty;
        // It has others.
        level.count = level.count.wrapping_sub(1);
        pool.link(prev, next, &mut level.head, &mut level.tail);
        matcher.level(&LevelChange { side, price, qty: level.total, orders: level.count });
        if LISTED {
            owners.unlink(owner, side, id.slot());
        }
        Ok(())
    }

    /// As [`Book::remove_plain`], where the order has a level of its own, or one beyond the window.
    #[inline(never)]
    fn remove_alone<M: Matcher, const LISTED: bool>(&mut self, id: OrderId, matcher: &mut M) -> Result<(), Unfit> {
        let slot = self.pool.find(id).ok_or(Unfit)?;
        let order = *self.pool.get(slot);
        let Order { qty, price, owner, tag, .. } = order;
        if tag.has(Tag::EXTRA) {
            return Err(Unfit);
        }
        let cause = CancelCause::Requested;
        matcher.cancelled(&Cancelled { maker: id, owner, price, qty, remaining: Qty::ZERO, cause });
        self.unlink(&order, matcher);
        if LISTED {
            self.owners.unlink(owner, tag.side(), slot);
        }
        self.pool.release(slot);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use downdraft_types::{Price, Qty, Side};

    use crate::pool::Tag;
    use crate::{Book, BookCapacity, NewOrder, Reject, TimeInForce, TradeAll};

    fn ask(book: &mut Book, owner: u32) -> Result<u32, Reject> {
        let order = NewOrder::limit(Side::Sell, Qty(2), Price(10), owner);
        book.submit(&order, &mut TradeAll).map(|outcome| outcome.rested.expect("nothing to meet").slot())
    }

    /// Three orders at one price, the one in the middle the last that its slot can have.
    fn worn_in_the_middle() -> Book {
        let mut book = Book::with_capacity(BookCapacity::new(3, 10));
        assert_eq!([1, 2, 3].map(|owner| ask(&mut book, owner)), [Ok(0), Ok(1), Ok(2)]);
        book.pool.get_mut(1).tag = Tag::new(Tag::LAST, Side::Sell as u32);
        book.check_invariants();
        book
    }

    #[test]
    fn a_worn_slot_is_retired_by_a_cancel() {
        let mut book = worn_in_the_middle();
        let id = book.pool.id(1);
        assert_eq!(book.cancel(id).map(|order| (order.owner, order.qty)), Ok((2, Qty(2))));
        assert_eq!(book.cancel(id), Err(Reject::UnknownOrder));
        book.check_invariants();
        assert_eq!((ask(&mut book, 4), book.order_count()), (Err(Reject::CapacityReached), 2));
    }

    #[test]
    fn a_worn_slot_is_retired_by_a_sweep_and_the_others_are_taken_last_filled_first() {
        let mut book = worn_in_the_middle();
        let id = book.pool.id(1);
        let bid = NewOrder { tif: TimeInForce::Ioc, ..NewOrder::limit(Side::Buy, Qty(9), Price(10), 9) };
        assert_eq!(book.submit(&bid, &mut TradeAll).map(|outcome| outcome.filled), Ok(Qty(6)));
        assert_eq!(book.cancel(id), Err(Reject::UnknownOrder));
        book.check_invariants();
        assert_eq!([4, 5, 6].map(|owner| ask(&mut book, owner)), [Ok(2), Ok(0), Err(Reject::CapacityReached)]);
        book.check_invariants();
    }
}
