//! Levels far from the touch, and a touch that moves and jumps: the window follows, and nothing is lost.

use downdraft_book::{Book, BookCapacity, NewOrder, TradeAll};
use downdraft_types::{Price, Qty, Side};

fn book(window: u32) -> Book {
    Book::with_capacity(BookCapacity { window, ..BookCapacity::new(4_096, 4_096) })
}

fn place(book: &mut Book, side: Side, price: i64) {
    book.submit(&NewOrder::limit(side, Qty(1), Price(price), 1), &mut TradeAll).expect("room");
}

#[test]
fn levels_are_found_wherever_they_are() {
    let mut book = book(64);
    let prices: Vec<i64> = [0, 1, 63, 64, 65, 1_000, 1 << 40, i64::MAX - 1, i64::MAX].to_vec();
    prices.iter().for_each(|price| place(&mut book, Side::Sell, *price));
    prices.iter().for_each(|price| place(&mut book, Side::Buy, -1 - *price));
    book.check_invariants();
    assert_eq!(book.depth(Side::Sell).map(|level| level.price.0).collect::<Vec<_>>(), prices);
    let bids: Vec<i64> = book.depth(Side::Buy).map(|level| -1 - level.price.0).collect();
    assert_eq!(bids, prices);
    let all = NewOrder::market(Side::Buy, Qty(99), 2);
    assert_eq!(book.submit(&all, &mut TradeAll).unwrap().filled, Qty(prices.len() as u64));
    book.check_invariants();
}

#[test]
fn the_window_follows_a_touch_that_drifts() {
    let mut book = book(64);
    let mut ids = std::collections::VecDeque::new();
    for step in 0..3_000_i64 {
        let order = NewOrder::limit(Side::Buy, Qty(1), Price(step * 3), 1);
        ids.push_back(book.submit(&order, &mut TradeAll).unwrap().rested.unwrap());
        if ids.len() > 100 {
            book.cancel(ids.pop_front().unwrap()).unwrap();
        }
        if step % 50 == 0 {
            book.check_invariants();
        }
    }
    assert_eq!(book.best_bid(), Some(Price(8_997)));
    assert_eq!(book.level_count(), 100);
}

#[test]
fn a_touch_that_jumps_to_and_fro_keeps_its_order() {
    let mut book = book(64);
    for round in 0..200_i64 {
        let far = if round % 2 == 0 { 1_000_000_000 } else { 0 };
        (0..10).for_each(|n| place(&mut book, Side::Sell, far + n * 7 + round % 5));
        let sweep = NewOrder::market(Side::Buy, Qty(10), 2);
        assert_eq!(book.submit(&sweep, &mut TradeAll).unwrap().filled, Qty(10));
        book.check_invariants();
    }
    assert_eq!(book.order_count(), 0);
}
