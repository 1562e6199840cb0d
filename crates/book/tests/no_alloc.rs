//! After construction the book allocates nothing, at full capacity either (invariant 10).

use downdraft_book::{
    Book, BookCapacity, Display, NewOrder, Reject, Replacement, StopOrder, TimeInForce, TradeAll, Trigger, TriggerBy,
    Which,
};
use downdraft_testkit::alloc::{Counting, allocations};
use downdraft_testkit::book_commands::order_from;
use downdraft_types::{OrderId, Price, Qty, Side, Time};

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

/// A step of a book with every feature, from random bytes.
fn step(book: &mut Book, ids: &mut [OrderId], bytes: &mut Bytes, at: u32) {
    let [kind, shape, qty, owner, special, amount, ..] = bytes.next().to_le_bytes();
    let price = Price(i64::from(bytes.next() as u8) - 128 + if kind & 64 == 0 { 0 } else { 1_000_000 });
    let which = bytes.next() as usize % ids.len();
    let order = NewOrder { limit: Some(price), ..order_from(shape, 0, qty % 24, owner) };
    let order = match special % 6 {
        0 => NewOrder { display: Display::Iceberg(Qty(1 + u64::from(amount % 5))), ..order },
        1 => NewOrder { display: Display::Hidden, ..order },
        2 => NewOrder { tif: TimeInForce::Gtd(Time(u64::from(at) + u64::from(amount))), ..order },
        _ => order,
    };
    match kind % 32 {
        0..=15 => {
            if let Some(id) = book.submit(&order, &mut TradeAll).ok().and_then(|outcome| outcome.rested) {
                ids[which] = id;
            }
        }
        16..=18 => {
            let by = if amount & 1 == 0 { TriggerBy::Last } else { TriggerBy::Mark };
            let trails = Trigger::Trailing { offset: u64::from(amount % 16) };
            let trigger = if special & 1 == 0 { Trigger::At(price) } else { trails };
            if let Ok(id) = book.submit_stop(&StopOrder { trigger, by, order }) {
                ids[which] = id;
            }
        }
        19..=22 => _ = book.cancel(ids[which]),
        23 => _ = book.cancel_stop(ids[which]),
        24 => _ = book.replace(ids[which], &Replacement::new(price, Qty(u64::from(qty % 24))), &mut TradeAll),
        25 => book.set_mark(price),
        26..=27 => _ = book.fire(&mut TradeAll),
        28 => _ = book.expire(Time(u64::from(at)), &mut TradeAll),
        29 => _ = book.cancel_all(Which::OwnerSide(u32::from(amount % 4), order.side), &mut TradeAll),
        30 => _ = book.open_auction(),
        _ => _ = book.uncross(None, &mut TradeAll),
    }
}

#[test]
fn no_feature_allocates() {
    for (orders, levels) in [(20_000, 4_000), (48, 24)] {
        let all = BookCapacity {
            window: 128,
            owners: 4,
            extras: orders / 2,
            hidden_levels: levels / 2,
            stops: orders / 2,
            ..BookCapacity::new(orders, levels)
        };
        let mut book = Book::with_capacity(all);
        let mut ids = vec![OrderId(u64::MAX); 512];
        let mut bytes = Bytes(0x9E37_79B9_7F4A_7C15);
        let before = allocations();
        for at in 0..COMMANDS {
            step(&mut book, &mut ids, &mut bytes, at);
        }
        assert_eq!(allocations(), before, "{orders} orders, {levels} levels");
        book.check_invariants();
        assert!(book.order_count() > 10, "{book:?}");
    }
}
