//! Invariants 3 and 4, proved by walking every link.

use downdraft_types::{Qty, Side};

use crate::book::Book;
use crate::pool::{NIL, Tag};
use crate::queue::Place;

impl Book {
    /// Proves that the book is not crossed (invariant 3) unless orders are being collected, and that levels, queues,
    /// the order pool, owner lists, extras and stops agree, and queues are in time order where arrivals are kept,
    /// which is with owner lists (invariant 4). O(n); for tests and fuzzing.
    ///
    /// # Panics
    /// Where an invariant is broken.
    pub fn check_invariants(&self) {
        self.ladders.iter().for_each(crate::ladder::Ladder::check);
        self.pool.check();
        self.stops.check();
        let queued: u32 = Side::BOTH.iter().flat_map(|side| self.walk_all(*side)).map(|at| self.check_queue(at)).sum();
        assert_eq!(
            queued + self.stops.triggers.len(),
            self.order_count(),
            "invariant 4: every live order is in one queue, or a stop"
        );
        self.stops.slots(None).for_each(|slot| assert!(self.is_stop(slot), "invariant 4: a stop is one"));
        let live = |slot: &u32| !self.pool.get(*slot).qty.is_zero();
        let slots = || (0..self.pool.slots().len() as u32).filter(live);
        self.extras.check(slots().filter(|slot| self.pool.get(*slot).tag.has(Tag::EXTRA)));
        let owner_of = |slot: u32| live(&slot).then(|| (self.pool.get(slot).owner, self.pool.get(slot).tag.side()));
        self.owners.check(owner_of, self.order_count());
        assert!(self.collecting || !self.is_crossed(), "invariant 3: a book is never crossed at rest");
    }

    /// Whether a bid is at or above an ask.
    pub(crate) fn is_crossed(&self) -> bool {
        let best = |side| self.front(side, i64::MAX).map(Place::price);
        best(Side::Buy).zip(best(Side::Sell)).is_some_and(|(bid, ask)| bid >= ask)
    }

    /// Walks a level's queue and returns its length.
    fn check_queue(&self, place: Place) -> u32 {
        let level = self.level_at(place);
        let (mut count, mut total, mut reserve, mut before) = (0, Qty::ZERO, Qty::ZERO, NIL);
        for slot in self.queue(level.head) {
            let order = self.pool.get(slot);
            assert!(!order.qty.is_zero() && !self.is_stop(slot), "invariant 4: a resting order has a quantity");
            assert_eq!(self.place(order), place, "invariant 4: an order names its level");
            assert_eq!(order.prev, before, "invariant 4: a queue is linked both ways");
            if before != NIL {
                let in_order = self.owners.arrival(before) < self.owners.arrival(slot);
                assert!(in_order || !self.owners.are_listed(), "invariant 4: a queue is in time order");
            }
            count += 1;
            assert!(count <= level.count, "invariant 4: a queue ends");
            total += order.qty;
            reserve += self.lots(slot) - order.qty;
            before = slot;
        }
        assert!(count > 0, "invariant 4: a level has an order");
        assert_eq!(
            (level.tail, level.count, level.total, level.reserve),
            (before, count, total, reserve),
            "invariant 4: a level sums its queue"
        );
        count
    }
}

#[cfg(test)]
mod tests {
    use downdraft_types::Price;

    use super::*;
    use crate::ladder::rank;
    use crate::{BookCapacity, NewOrder, TradeAll};

    /// Three bids at 10 and one at 9.
    fn book() -> Book {
        let mut book = Book::with_capacity(BookCapacity { owners: 10, ..BookCapacity::new(8, 4) });
        for (price, owner) in [(10, 1), (10, 2), (10, 3), (9, 4)] {
            let order = NewOrder::limit(Side::Buy, Qty(5), Price(price), owner);
            book.submit(&order, &mut TradeAll).expect("room");
        }
        book.check_invariants();
        book
    }

    fn level(book: &mut Book) -> &mut crate::ladder::Level {
        let at = book.ladders[0].find(rank(Side::Buy, Price(10))).expect("three bids");
        book.ladders[0].get_mut(at)
    }

    #[test]
    #[should_panic(expected = "sums its queue")]
    fn a_wrong_total_is_seen() {
        let mut book = book();
        level(&mut book).total += Qty(1);
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "linked both ways")]
    fn a_stale_back_link_is_seen() {
        let mut book = book();
        book.pool.get_mut(2).prev = 0;
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "in time order")]
    fn a_jumped_queue_is_seen() {
        let mut book = book();
        book.owners.arrive(1);
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "every live order is in one queue")]
    fn a_lost_order_is_seen() {
        let mut book = book();
        let slot = book.pool.take(9, 0);
        book.pool.get_mut(slot).qty = Qty(1);
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "never crossed")]
    fn a_crossed_book_is_seen() {
        let mut book = book();
        let order = NewOrder::limit(Side::Sell, Qty(1), Price(10), 5);
        book.collecting = true;
        book.submit(&order, &mut TradeAll).expect("collected");
        book.check_invariants();
        book.collecting = false;
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "the free list ends")]
    fn a_ring_of_free_slots_is_seen() {
        let mut book = book();
        let id = book.pool.id(0);
        book.cancel(id).expect("resting");
        book.pool.get_mut(0).prev = 0;
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "its owner's orders")]
    fn an_order_in_another_owners_list_is_seen() {
        let mut book = book();
        book.pool.get_mut(1).owner = 7;
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "which levels are open")]
    fn a_level_without_its_bit_is_seen() {
        let mut book = book();
        level(&mut book).count = 0;
        book.check_invariants();
    }
}
