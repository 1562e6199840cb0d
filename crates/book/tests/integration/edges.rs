//! The ends of the number line, and full books.

use downdraft_book::{Cost, End, NewOrder, Reject, Replacement, SelfTradePrevention, TradeAll};
use downdraft_types::{Price, Qty, Side};

use crate::support::{Tape, book, depth, ioc, rest, sized, submit};

const NO_STP: SelfTradePrevention = SelfTradePrevention::None;

#[test]
fn every_price_is_legal() {
    let mut book = book();
    rest(&mut book, Side::Buy, [(1, i64::MIN, 5), (1, 0, 5)]);
    rest(&mut book, Side::Sell, [(2, i64::MAX, 5), (2, 1, 5)]);
    assert_eq!(depth(&book, Side::Buy), [(0, 5), (i64::MIN, 5)]);
    assert_eq!(depth(&book, Side::Sell), [(1, 5), (i64::MAX, 5)]);
    let mut tape = Tape::default();
    submit(&mut book, &ioc(Side::Sell, 6, i64::MIN, NO_STP), &mut tape);
    submit(&mut book, &ioc(Side::Buy, 6, i64::MAX, NO_STP), &mut tape);
    assert_eq!(tape.trades(), [(1, 0, 5), (1, i64::MIN, 1), (2, 1, 5), (2, i64::MAX, 1)]);
}

#[test]
fn the_largest_costs_are_exact() {
    for (side, price) in [(Side::Buy, i64::MIN), (Side::Sell, i64::MAX)] {
        let mut book = book();
        rest(&mut book, side, [(1, price, u64::MAX)]);
        let cost = book.cost_to_take(side.opposite(), Qty(u64::MAX), None);
        let value = i128::from(price) * i128::from(u64::MAX);
        assert_eq!(cost, Cost { filled: Qty(u64::MAX), value, worst: Some(Price(price)) });
    }
}

#[test]
fn a_level_holds_what_64_bits_count() {
    let mut book = book();
    let [large] = rest(&mut book, Side::Buy, [(1, 10, u64::MAX - 1)]);
    let order = NewOrder::limit(Side::Buy, Qty(2), Price(10), 1);
    assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::LevelFull));
    let [small] = rest(&mut book, Side::Buy, [(1, 10, 1)]);
    let replaced = book.replace(small, &Replacement::new(Price(10), Qty(2)), &mut TradeAll);
    assert_eq!(replaced, Err(Reject::LevelFull));
    // An order's own lots make room for it.
    let [alone] = rest(&mut book, Side::Buy, [(1, 9, 7)]);
    assert!(book.replace(alone, &Replacement::new(Price(9), Qty(u64::MAX)), &mut TradeAll).is_ok());
    let replaced = book.replace(large, &Replacement::new(Price(9), Qty(1)), &mut TradeAll);
    assert_eq!(replaced, Err(Reject::LevelFull));
    // Taking counts across levels whose totals together exceed 64 bits.
    assert_eq!(book.cost_to_take(Side::Sell, Qty(u64::MAX), None).filled, Qty(u64::MAX));
    book.check_invariants();
}

#[test]
fn zero_quantities_are_refused() {
    let mut book = book();
    let [id] = rest(&mut book, Side::Buy, [(1, 10, 5)]);
    let order = NewOrder::limit(Side::Buy, Qty(0), Price(10), 1);
    assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::ZeroQuantity));
    let replaced = book.replace(id, &Replacement::new(Price(11), Qty(0)), &mut TradeAll);
    assert_eq!(replaced, Err(Reject::ZeroQuantity));
}

#[test]
fn a_full_pool_refuses_what_would_rest_and_takes_what_crosses() {
    let mut book = sized(2, 2);
    rest(&mut book, Side::Sell, [(1, 10, 5), (2, 11, 5)]);
    let bid = |qty, price| NewOrder::limit(Side::Buy, Qty(qty), Price(price), 3);
    assert_eq!(book.submit(&bid(1, 9), &mut TradeAll), Err(Reject::CapacityReached));
    // It empties a maker and a level, and takes their place.
    let outcome = submit(&mut book, &bid(6, 10), &mut Tape::default());
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(5), Qty(1), End::Rested));
    assert_eq!((book.order_count(), book.level_count()), (2, 2));
    let taker = NewOrder::market(Side::Buy, Qty(1), 3);
    assert_eq!(submit(&mut book, &taker, &mut Tape::default()).end, End::Filled);
}

#[test]
fn full_levels_refuse_a_new_price() {
    let mut book = sized(8, 2);
    let [alone, shared, _] = rest(&mut book, Side::Buy, [(1, 10, 5), (1, 9, 5), (1, 9, 5)]);
    let bid = |price| NewOrder::limit(Side::Buy, Qty(1), Price(price), 3);
    assert_eq!(book.submit(&bid(8), &mut TradeAll), Err(Reject::CapacityReached));
    assert!(book.submit(&bid(9), &mut TradeAll).is_ok());
    let moved = book.replace(shared, &Replacement::new(Price(8), Qty(5)), &mut TradeAll);
    assert_eq!(moved, Err(Reject::CapacityReached));
    // An order alone at its price takes its level along.
    assert!(book.replace(alone, &Replacement::new(Price(8), Qty(5)), &mut TradeAll).is_ok());
    assert_eq!(depth(&book, Side::Buy), [(9, 11), (8, 5)]);
    book.check_invariants();
}

#[test]
fn an_empty_capacity_refuses_every_resting_order() {
    for (orders, levels) in [(0, 0), (0, 1), (1, 0)] {
        let mut book = sized(orders, levels);
        let order = NewOrder::limit(Side::Buy, Qty(1), Price(1), 1);
        assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::CapacityReached));
        assert_eq!(submit(&mut book, &NewOrder::market(Side::Buy, Qty(1), 1), &mut Tape::default()).end, End::Unfilled);
    }
}
