//! After construction the book allocates nothing, at full capacity either (invariant 10).

use downdraft_book::{Book, BookCapacity, NewOrder, Reject, Replacement, TradeAll};
use downdraft_testkit::alloc::{Counting, allocations};
use downdraft_testkit::book_commands::order_from;
use downdraft_types::{OrderId, Price, Qty, Side};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A generator of bytes that needs nothing: xorshift64*.
struct Bytes(u64);

impl Bytes {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }
}

const COMMANDS: u32 = 400_000;

/// Random commands over `width` prices; returns how many were refused for want of capacity.
fn churn(book: &mut Book, ids: &mut [OrderId], width: u64, seed: u64) -> u32 {
    let mut bytes = Bytes(seed);
    let (mut refused, mut next) = (0, 0);
    for _ in 0..COMMANDS {
        let [kind, shape, qty, owner, ..] = bytes.next().to_le_bytes();
        let price = Price((bytes.next() % width) as i64 - width as i64 / 2);
        let id = ids[bytes.next() as usize % ids.len()];
        match kind % 8 {
            0..=4 => {
                let order = NewOrder { limit: Some(price), ..order_from(shape, 0, qty % 24, owner) };
                match book.submit(&order, &mut TradeAll) {
                    Ok(outcome) => {
                        if let Some(id) = outcome.rested {
                            ids[next % ids.len()] = id;
                            next += 1;
                        }
                    }
                    Err(reject) => refused += u32::from(reject == Reject::CapacityReached),
                }
            }
            5 => _ = book.cancel(id),
            6 => {
                let stp = order_from(0, 0, 0, owner).stp;
                _ = book.replace(
                    id,
                    &Replacement { stp, ..Replacement::new(price, Qty(u64::from(qty % 24))) },
                    &mut TradeAll,
                );
            }
            _ => _ = book.reduce(id, Qty(u64::from(qty % 8))),
        }
    }
    refused
}

#[test]
fn the_counter_counts() {
    let before = allocations();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(allocations(), before + 1);
}

#[test]
fn nothing_allocates_within_capacity_or_at_it() {
    for (orders, levels, width) in [(100_000, 20_000, 4_000), (64, 40, 200), (500, 12, 300), (40, 500, 300)] {
        let mut book = Book::with_capacity(BookCapacity::new(orders, levels));
        let mut ids = vec![OrderId(u64::MAX); 256];
        let before = allocations();
        let refused = churn(&mut book, &mut ids, width, 0x9E37_79B9_7F4A_7C15);
        assert_eq!(allocations(), before, "{orders} orders, {levels} levels");
        assert_eq!(refused > 0, orders < 1_000, "the small books, and they alone, are filled");
        book.check_invariants();
    }
}

#[test]
fn filling_every_slot_and_level_allocates_nothing() {
    let n = 3_000;
    let mut book = Book::with_capacity(BookCapacity::new(n, n));
    let before = allocations();
    for round in 0..3_u32 {
        let side = if round % 2 == 0 { Side::Buy } else { Side::Sell };
        for i in 0..n {
            // A stride that is coprime to n, so that levels open in no order.
            let price = Price(i64::from((i * 1_013 + round) % n));
            book.submit(&NewOrder::limit(side, Qty(1), price, 1), &mut TradeAll).expect("room");
        }
        let extra = NewOrder::limit(side, Qty(1), Price(0), 1);
        assert_eq!(book.submit(&extra, &mut TradeAll), Err(Reject::CapacityReached));
        assert_eq!((book.order_count(), book.level_count()), (n, n));
        let sweep = NewOrder::market(side.opposite(), Qty(u64::from(n)), 2);
        book.submit(&sweep, &mut TradeAll).expect("a market order");
        assert_eq!((book.order_count(), book.level_count()), (0, 0));
    }
    // A clone brings its own reservation, and lives on it.
    assert_eq!(allocations(), before);
    let mut copy = book.clone();
    let before = allocations();
    for i in 0..n {
        copy.submit(&NewOrder::limit(Side::Buy, Qty(1), Price(i.into()), 1), &mut TradeAll).expect("room");
    }
    assert_eq!(allocations(), before, "in a clone");
}
