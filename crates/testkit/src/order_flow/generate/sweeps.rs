//! Sweeps of hundreds of levels, and their refill.

use super::market::{MIDDLE, Market};
use crate::order_flow::Op;
use downdraft_types::Side;

/// Levels a side.
const LEVELS: i64 = 1_000;
/// Orders a level.
const ORDERS: usize = 5;

impl Market {
    pub fn fill_for_sweeps(&mut self) {
        for away in 0..LEVELS {
            for _ in 0..ORDERS {
                self.place_at(Side::Buy, MIDDLE - away);
                self.place_at(Side::Sell, MIDDLE + 1 + away);
            }
        }
    }

    /// A taker through 100 to 500 levels, and new orders on what it emptied, in random order; between one in ten
    /// of them a resting order is placed anew. Ends early at `count` operations.
    pub fn sweep(&mut self, count: usize) {
        let (side, levels) = (self.side(), 100 + self.dice.below(401) as usize);
        let maker = side.opposite();
        let (mut lots, mut holes) = (0, Vec::new());
        for (price, queue) in self.oracle.depth(maker).take(levels) {
            lots += self.oracle.lots(queue);
            holes.extend(std::iter::repeat_n(price, queue.len()));
        }
        self.apply(Op::Market { side, qty: u32::try_from(lots).expect("a sweep is small") });
        for last in (1..holes.len()).rev() {
            holes.swap(last, self.dice.below(last as u64 + 1) as usize);
        }
        for price in holes {
            if self.dice.below(10) == 0 {
                self.place_anew(count);
            }
            if self.measured() < count {
                self.place_at(maker, price);
            }
        }
    }

    fn place_anew(&mut self, count: usize) {
        if self.measured() + 2 <= count
            && let Some(order) = self.living.any(&mut self.dice)
        {
            let known = self.oracle.order(order);
            self.apply(Op::Cancel(order));
            self.place_at(known.side, known.price);
        }
    }

    fn place_at(&mut self, side: Side, price: i64) {
        let qty = self.lots();
        self.apply(Op::Place { side, price, qty });
    }
}
