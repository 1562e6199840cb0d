//! Invariants 3 and 4, proved by walking every link.

use downdraft_types::{Qty, Side};

use crate::book::Book;
use crate::pool::NIL;

impl Book {
    /// Proves that the book is not crossed (invariant 3), and that level totals, queues and the order pool agree
    /// and queues are in time order (invariant 4). O(n); for tests and fuzzing.
    ///
    /// Time order is told by a 32-bit arrival number, so neighbours in a queue must be less than 2^31 arrivals
    /// apart.
    ///
    /// # Panics
    /// Where an invariant is broken.
    pub fn check_invariants(&self) {
        self.levels.check();
        self.pool.check();
        let orders: u32 =
            Side::BOTH.iter().flat_map(|side| self.levels.walk(*side)).map(|level| self.check_queue(level)).sum();
        assert_eq!(orders, self.order_count(), "invariant 4: every live order is in one queue");
    }

    /// Walks a level's queue and returns its length.
    fn check_queue(&self, at: u32) -> u32 {
        let level = self.levels.get(at);
        let (mut count, mut total, mut before) = (0, Qty::ZERO, NIL);
        for slot in self.queue(level.head) {
            let order = self.pool.get(slot);
            assert!(!order.qty.is_zero(), "invariant 4: a resting order has a quantity");
            assert_eq!(order.level, at, "invariant 4: an order names its level");
            assert_eq!(order.prev, before, "invariant 4: a queue is linked both ways");
            if before != NIL {
                let gap = order.arrival.wrapping_sub(self.pool.get(before).arrival);
                assert!(gap != 0 && gap < 1 << 31, "invariant 4: a queue is in time order");
            }
            count += 1;
            assert!(count <= level.count, "invariant 4: a queue ends");
            total += order.qty;
            before = slot;
        }
        assert!(count > 0, "invariant 4: a level has an order");
        assert_eq!(
            (level.tail, level.count, level.total),
            (before, count, total),
            "invariant 4: a level sums its queue"
        );
        count
    }
}

#[cfg(test)]
mod tests {
    use downdraft_types::Price;

    use super::*;
    use crate::{BookCapacity, NewOrder, TradeAll};

    /// Three bids at 10 and one at 9.
    fn book() -> Book {
        let mut book = Book::with_capacity(BookCapacity { orders: 8, levels: 4 });
        for (price, owner) in [(10, 1), (10, 2), (10, 3), (9, 4)] {
            let order = NewOrder::limit(Side::Buy, Qty(5), Price(price), owner);
            book.submit(&order, &mut TradeAll).expect("room");
        }
        book.check_invariants();
        book
    }

    #[test]
    #[should_panic(expected = "sums its queue")]
    fn a_wrong_total_is_seen() {
        let mut book = book();
        book.levels.get_mut(0).total += Qty(1);
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
        book.pool.get_mut(1).arrival = 7;
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "every live order is in one queue")]
    fn a_lost_order_is_seen() {
        let mut book = book();
        book.pool.take(9);
        book.pool.get_mut(4).level = 0;
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "never crossed")]
    fn a_crossed_book_is_seen() {
        let mut book = book();
        let level = book.levels.open(Side::Sell, Price(10));
        let slot = book.pool.take(5);
        let order = book.pool.get_mut(slot);
        (order.qty, order.level) = (Qty(1), level);
        let level = book.levels.get_mut(level);
        (level.head, level.tail, level.count, level.total) = (slot, slot, 1, Qty(1));
        book.check_invariants();
    }

    #[test]
    #[should_panic(expected = "the free list ends")]
    fn a_ring_of_free_slots_is_seen() {
        let mut book = book();
        let id = book.pool.id(0);
        book.cancel(id).expect("resting");
        book.pool.get_mut(0).next = 0;
        book.check_invariants();
    }
}
