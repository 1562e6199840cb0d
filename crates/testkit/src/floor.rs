//! The bare floor under an order book: what matching costs when nothing is checked and everything is known.
//!
//! An array of levels by price, a bitmap of the occupied ones, and orders in linked lists whose slots the caller
//! remembers. No owners, no generations, no reports but fills, arithmetic that wraps, and a small range of prices:
//! a measure for a book, not a book to use.
//!
//! ```text
//!   bitmap (64 × 64 × 64 prices) ──► level: head, tail, total ──► node ⇄ node ⇄ node
//! ```

use downdraft_types::Side;

/// Prices are below this.
pub const PRICES: u32 = 1 << 18;

const NIL: u32 = u32::MAX;

/// A book without checks.
#[derive(Clone, Debug)]
pub struct Floor {
    levels: Vec<Level>,
    nodes: Vec<Node>,
    free: Vec<u32>,
    occupied: Bitmap,
    /// The highest price bid, −1 where there is none.
    bid: i32,
    /// The lowest price asked, [`PRICES`] where there is none.
    ask: i32,
}

#[derive(Clone, Copy, Debug)]
struct Level {
    head: u32,
    tail: u32,
    total: u64,
}

/// An order; two to a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
struct Node {
    /// The caller's.
    number: u32,
    price: u32,
    qty: u32,
    prev: u32,
    next: u32,
}

impl Floor {
    /// An empty floor with room for `orders`; it grows past them.
    #[must_use]
    pub fn with_capacity(orders: usize) -> Self {
        Self {
            levels: vec![Level { head: NIL, tail: NIL, total: 0 }; PRICES as usize],
            nodes: Vec::with_capacity(orders),
            free: Vec::with_capacity(orders),
            occupied: Bitmap::new(),
            bid: -1,
            ask: PRICES as i32,
        }
    }

    /// The best price of a side.
    #[must_use]
    pub fn best(&self, side: Side) -> Option<u32> {
        let price = match side {
            Side::Buy => self.bid,
            Side::Sell => self.ask,
        };
        (price >= 0 && price < PRICES as i32).then_some(price as u32)
    }

    /// Lots at a price.
    #[must_use]
    pub fn total(&self, price: u32) -> u64 {
        self.levels[price as usize].total
    }

    /// Matches an order within its limit and returns what is left of it. `filled` hears of each maker's number,
    /// price and lots traded.
    #[inline]
    pub fn take(&mut self, side: Side, limit: u32, qty: u32, mut filled: impl FnMut(u32, u32, u32)) -> u32 {
        let mut left = qty;
        let limit = limit as i32;
        match side {
            Side::Buy => {
                while left > 0 && self.ask <= limit {
                    let price = self.ask as u32;
                    left = self.take_level(price, left, &mut filled);
                    if self.levels[price as usize].head == NIL {
                        self.occupied.clear(price);
                        self.ask = self.occupied.at_or_above(price).map_or(PRICES as i32, |p| p as i32);
                    }
                }
            }
            Side::Sell => {
                while left > 0 && self.bid >= limit {
                    let price = self.bid as u32;
                    left = self.take_level(price, left, &mut filled);
                    if self.levels[price as usize].head == NIL {
                        self.occupied.clear(price);
                        self.bid = self.occupied.at_or_below(price).map_or(-1, |p| p as i32);
                    }
                }
            }
        }
        left
    }

    /// Takes from one level's queue; the caller looks after an emptied level.
    #[inline]
    fn take_level(&mut self, price: u32, mut left: u32, filled: &mut impl FnMut(u32, u32, u32)) -> u32 {
        let level = &mut self.levels[price as usize];
        let (mut slot, mut total) = (level.head, level.total);
        loop {
            let node = &mut self.nodes[slot as usize];
            let lots = left.min(node.qty);
            filled(node.number, price, lots);
            left = left.wrapping_sub(lots);
            total = total.wrapping_sub(u64::from(lots));
            if lots < node.qty {
                (node.qty, node.prev) = (node.qty.wrapping_sub(lots), NIL);
                break;
            }
            self.free.push(slot);
            slot = node.next;
            if slot == NIL {
                level.tail = NIL;
                break;
            }
            if left == 0 {
                self.nodes[slot as usize].prev = NIL;
                break;
            }
        }
        (level.head, level.total) = (slot, total);
        left
    }

    /// Rests an order, which must not cross, at the end of its level's queue; returns its slot.
    #[inline]
    pub fn rest(&mut self, number: u32, side: Side, price: u32, qty: u32) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.nodes.push(Node { number, price, qty, prev: NIL, next: NIL });
            self.nodes.len() as u32 - 1
        });
        self.join(slot, number, side, price, qty);
        slot
    }

    /// Takes `by` lots, fewer than it has, off the order in a slot, which keeps its place.
    #[inline]
    pub fn reduce(&mut self, slot: u32, by: u32) {
        let node = &mut self.nodes[slot as usize];
        node.qty = node.qty.wrapping_sub(by);
        let level = &mut self.levels[node.price as usize];
        level.total = level.total.wrapping_sub(u64::from(by));
    }

    /// Removes the order in a slot.
    #[inline]
    pub fn cancel(&mut self, slot: u32) {
        self.leave(slot);
        self.free.push(slot);
    }

    /// Gives the order in a slot a new limit and quantity: it matches, and what is left rests in the same slot.
    #[inline]
    pub fn replace(&mut self, slot: u32, side: Side, price: u32, qty: u32, filled: impl FnMut(u32, u32, u32)) {
        let number = self.leave(slot);
        match self.take(side, price, qty, filled) {
            0 => self.free.push(slot),
            left => self.join(slot, number, side, price, left),
        }
    }

    #[inline]
    fn join(&mut self, slot: u32, number: u32, side: Side, price: u32, qty: u32) {
        let level = &mut self.levels[price as usize];
        let before = level.tail;
        self.nodes[slot as usize] = Node { number, price, qty, prev: before, next: NIL };
        level.tail = slot;
        level.total = level.total.wrapping_add(u64::from(qty));
        if before != NIL {
            self.nodes[before as usize].next = slot;
            return;
        }
        level.head = slot;
        self.occupied.set(price);
        match side {
            Side::Buy => self.bid = self.bid.max(price as i32),
            Side::Sell => self.ask = self.ask.min(price as i32),
        }
    }

    /// Takes the order in a slot out of its queue and returns its number.
    #[inline]
    fn leave(&mut self, slot: u32) -> u32 {
        let Node { number, price, qty, prev, next } = self.nodes[slot as usize];
        let level = &mut self.levels[price as usize];
        level.total = level.total.wrapping_sub(u64::from(qty));
        match prev {
            NIL => level.head = next,
            prev => self.nodes[prev as usize].next = next,
        }
        match next {
            NIL => level.tail = prev,
            next => self.nodes[next as usize].prev = prev,
        }
        if level.head == NIL {
            self.occupied.clear(price);
            if price as i32 == self.bid {
                self.bid = self.occupied.at_or_below(price).map_or(-1, |p| p as i32);
            } else if price as i32 == self.ask {
                self.ask = self.occupied.at_or_above(price).map_or(PRICES as i32, |p| p as i32);
            }
        }
        number
    }
}

/// A set of prices: each bit of a row says whether a word of the row below has any.
#[derive(Clone, Debug)]
struct Bitmap {
    top: u64,
    middle: [u64; 64],
    bottom: Box<[u64]>,
}

impl Bitmap {
    fn new() -> Self {
        Self { top: 0, middle: [0; 64], bottom: vec![0; 64 * 64].into() }
    }

    #[inline]
    fn set(&mut self, price: u32) {
        let (word, row) = ((price >> 6) as usize, (price >> 12) as usize);
        self.bottom[word] |= 1 << (price & 63);
        self.middle[row] |= 1 << (word & 63);
        self.top |= 1 << row;
    }

    #[inline]
    fn clear(&mut self, price: u32) {
        let (word, row) = ((price >> 6) as usize, (price >> 12) as usize);
        self.bottom[word] &= !(1 << (price & 63));
        if self.bottom[word] == 0 {
            self.middle[row] &= !(1 << (word & 63));
            if self.middle[row] == 0 {
                self.top &= !(1 << row);
            }
        }
    }

    #[inline]
    fn at_or_above(&self, price: u32) -> Option<u32> {
        let (word, row) = (price >> 6, price >> 12);
        let here = self.bottom[word as usize] & (u64::MAX << (price & 63));
        if here != 0 {
            return Some(word << 6 | here.trailing_zeros());
        }
        // Shifted twice, since a shift by 64 is none.
        let beside = self.middle[row as usize] & (u64::MAX << (word & 63) << 1);
        let word = if beside != 0 {
            row << 6 | beside.trailing_zeros()
        } else {
            let rows = self.top & (u64::MAX << row << 1);
            if rows == 0 {
                return None;
            }
            let row = rows.trailing_zeros();
            row << 6 | self.middle[row as usize].trailing_zeros()
        };
        Some(word << 6 | self.bottom[word as usize].trailing_zeros())
    }

    #[inline]
    fn at_or_below(&self, price: u32) -> Option<u32> {
        let last = |bits: u64| 63 - bits.leading_zeros();
        let (word, row) = (price >> 6, price >> 12);
        let here = self.bottom[word as usize] & (u64::MAX >> (63 - (price & 63)));
        if here != 0 {
            return Some(word << 6 | last(here));
        }
        let beside = self.middle[row as usize] & !(u64::MAX << (word & 63));
        let word = if beside != 0 {
            row << 6 | last(beside)
        } else {
            let rows = self.top & !(u64::MAX << row);
            if rows == 0 {
                return None;
            }
            let row = last(rows);
            row << 6 | last(self.middle[row as usize])
        };
        Some(word << 6 | last(self.bottom[word as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_sim::random::Streams;
    use std::collections::BTreeSet;

    #[test]
    fn the_bitmap_is_a_sorted_set() {
        let (mut bitmap, mut set) = (Bitmap::new(), BTreeSet::new());
        let mut dice = Streams::new(1).stream("bitmap", "prices").draw(0);
        for round in 0..20_000_u32 {
            let price = if dice.below(2) == 0 { dice.below(u64::from(PRICES)) as u32 } else { dice.below(200) as u32 };
            // First it fills, then it empties.
            if dice.below(if round < 10_000 { 3 } else { 1 }) == 0 {
                let price = set.range(price..).next().copied().unwrap_or(price);
                bitmap.clear(price);
                set.remove(&price);
            } else {
                bitmap.set(price);
                set.insert(price);
            }
            let probe = dice.below(u64::from(PRICES)) as u32;
            for probe in [probe, price, 0, PRICES - 1] {
                assert_eq!(bitmap.at_or_above(probe), set.range(probe..).next().copied());
                assert_eq!(bitmap.at_or_below(probe), set.range(..=probe).next_back().copied());
            }
        }
        assert!(set.len() < 5_000, "the set was emptied again");
    }
}
