//! Icebergs, hidden orders, minimum quantities, market-to-limit and post-only that slides.

use downdraft_book::{
    BookCapacity, Display, End, NewOrder, PostOnly, Reject, Replacement, SelfTradePrevention, TimeInForce, TradeAll,
};
use downdraft_types::{Price, Qty, Side, Time};

use crate::support::{Tape, depth, full, owners, rest, submit};

fn ask(qty: u64, price: i64, owner: u32) -> NewOrder {
    NewOrder::limit(Side::Sell, Qty(qty), Price(price), owner)
}

fn iceberg(qty: u64, price: i64, owner: u32, peak: u64) -> NewOrder {
    NewOrder { display: Display::Iceberg(Qty(peak)), ..ask(qty, price, owner) }
}

fn hidden(qty: u64, price: i64, owner: u32) -> NewOrder {
    NewOrder { display: Display::Hidden, ..ask(qty, price, owner) }
}

fn buy(qty: u64) -> NewOrder {
    NewOrder::market(Side::Buy, Qty(qty), 9)
}

#[test]
fn an_iceberg_shows_its_next_lots_at_the_back() {
    let mut book = full();
    let id = book.submit(&iceberg(25, 100, 1, 10), &mut TradeAll).unwrap().rested.unwrap();
    rest(&mut book, Side::Sell, [(2, 100, 5)]);
    assert_eq!(depth(&book, Side::Sell), [(100, 15)]);
    let mut tape = Tape::default();
    submit(&mut book, &buy(12), &mut tape);
    assert_eq!(tape.trades(), [(1, 100, 10), (2, 100, 2)]);
    assert_eq!(owners(&book, Side::Sell, 100), [2, 1]);
    let order = book.order(id).unwrap();
    assert_eq!((order.qty, order.displayed), (Qty(15), Qty(10)));
    let mut tape = Tape::default();
    submit(&mut book, &buy(99), &mut tape);
    assert_eq!(tape.trades(), [(2, 100, 3), (1, 100, 10), (1, 100, 5)]);
    assert_eq!(book.order_count(), 0);
}

#[test]
fn an_icebergs_reserve_shrinks_first() {
    let mut book = full();
    let id = book.submit(&iceberg(25, 100, 1, 10), &mut TradeAll).unwrap().rested.unwrap();
    assert_eq!(book.reduce(id, Qty(12)).unwrap().displayed, Qty(10));
    assert_eq!(book.reduce(id, Qty(6)).unwrap().displayed, Qty(7));
    book.replace(id, &Replacement::new(Price(101), Qty(30)), &mut TradeAll).unwrap();
    assert_eq!(depth(&book, Side::Sell), [(101, 10)]);
    assert_eq!(book.order(id).unwrap().qty, Qty(30));
    assert_eq!(book.cancel(id).unwrap().qty, Qty(30));
}

#[test]
fn an_iceberg_shows_enough() {
    let mut book = full();
    for (qty, peak) in [(10, 0), (10, 11), (1_025, 1)] {
        assert_eq!(book.submit(&iceberg(qty, 100, 1, peak), &mut TradeAll), Err(Reject::BadDisplay));
    }
    let id = book.submit(&iceberg(1_024, 100, 1, 1), &mut TradeAll).unwrap().rested.unwrap();
    let replaced = book.replace(id, &Replacement::new(Price(100), Qty(1_025)), &mut TradeAll);
    assert_eq!(replaced, Err(Reject::BadDisplay));
    let order = NewOrder { tif: TimeInForce::Ioc, ..iceberg(10, 100, 1, 5) };
    assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::BadDisplay));
}

#[test]
fn hidden_orders_come_after_what_is_displayed() {
    let mut book = full();
    let id = book.submit(&hidden(5, 100, 1), &mut TradeAll).unwrap().rested.unwrap();
    book.submit(&iceberg(8, 100, 2, 4), &mut TradeAll).unwrap();
    book.submit(&hidden(5, 99, 3), &mut TradeAll).unwrap();
    assert_eq!(depth(&book, Side::Sell), [(100, 4)]);
    assert_eq!(book.best_ask(), Some(Price(100)));
    assert_eq!(book.position(id).map(|position| (position.orders, position.qty)), Some((1, Qty(8))));
    let mut tape = Tape::default();
    submit(&mut book, &buy(99), &mut tape);
    assert_eq!(tape.trades(), [(3, 99, 5), (2, 100, 4), (2, 100, 4), (1, 100, 5)]);
}

#[test]
fn hidden_orders_count_where_an_order_would_trade() {
    let mut book = full();
    book.submit(&hidden(5, 100, 1), &mut TradeAll).unwrap();
    let bid = NewOrder::limit(Side::Buy, Qty(1), Price(100), 2);
    let post = NewOrder { post_only: PostOnly::Reject, ..bid };
    assert_eq!(book.submit(&post, &mut TradeAll), Err(Reject::WouldTake));
    assert_eq!(book.cost_to_take(Side::Buy, Qty(9), None).filled, Qty(5));
    let fok = |qty| NewOrder { tif: TimeInForce::Fok, ..buy(qty) };
    assert_eq!(book.check(&fok(6)), Err(Reject::CannotFill));
    assert_eq!(book.check(&fok(5)), Ok(()));
}

#[test]
fn a_post_only_order_slides_to_where_it_does_not_trade() {
    let mut book = full();
    rest(&mut book, Side::Sell, [(1, 100, 5)]);
    let slide = |price| NewOrder { post_only: PostOnly::Slide, ..NewOrder::limit(Side::Buy, Qty(1), Price(price), 2) };
    book.submit(&slide(105), &mut TradeAll).unwrap();
    book.submit(&slide(98), &mut TradeAll).unwrap();
    assert_eq!(depth(&book, Side::Buy), [(99, 1), (98, 1)]);
    let mut edge = full();
    rest(&mut edge, Side::Sell, [(1, i64::MIN, 5)]);
    assert_eq!(edge.submit(&slide(0), &mut TradeAll), Err(Reject::WouldTake));
}

#[test]
fn a_minimum_quantity_is_filled_at_once_or_the_order_refused() {
    let mut book = full();
    rest(&mut book, Side::Sell, [(1, 100, 5), (2, 101, 5)]);
    let order =
        |qty, min, limit| NewOrder { min_qty: Qty(min), ..NewOrder::limit(Side::Buy, Qty(qty), Price(limit), 3) };
    assert_eq!(book.submit(&order(20, 6, 100), &mut TradeAll), Err(Reject::CannotFill));
    assert_eq!(book.submit(&order(5, 6, 100), &mut TradeAll), Err(Reject::TooLarge));
    let outcome = submit(&mut book, &order(20, 6, 101), &mut Tape::default());
    assert_eq!((outcome.filled, outcome.end), (Qty(10), End::Rested));
}

#[test]
fn market_to_limit_rests_at_the_price_it_took() {
    let mut book = full();
    let order = NewOrder::market_to_limit(Side::Buy, Qty(8), 3);
    assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::NoReference));
    rest(&mut book, Side::Sell, [(1, 100, 5), (2, 101, 5)]);
    let outcome = submit(&mut book, &order, &mut Tape::default());
    assert_eq!((outcome.filled, outcome.remaining), (Qty(5), Qty(3)));
    assert_eq!((depth(&book, Side::Buy), book.best_ask()), (vec![(100, 3)], Some(Price(101))));
    let both = NewOrder { to_limit: true, ..ask(1, 100, 3) };
    assert_eq!(book.submit(&both, &mut TradeAll), Err(Reject::LimitAlready));
}

#[test]
fn self_trade_prevention_removes_an_iceberg_with_its_reserve() {
    let mut book = full();
    book.submit(&iceberg(20, 100, 9, 5), &mut TradeAll).unwrap();
    rest(&mut book, Side::Sell, [(1, 100, 5)]);
    let mut tape = Tape::default();
    let stp = SelfTradePrevention::CancelOldest;
    submit(&mut book, &NewOrder { stp, ..buy(7) }, &mut tape);
    assert_eq!((tape.losses(), tape.trades()), (vec![(9, 20, 0)], vec![(1, 100, 5)]));
    book.submit(&iceberg(20, 100, 9, 5), &mut TradeAll).unwrap();
    let mut tape = Tape::default();
    let stp = SelfTradePrevention::Decrement;
    let outcome = submit(&mut book, &NewOrder { stp, ..buy(7) }, &mut tape);
    assert_eq!((tape.losses(), outcome.decremented), (vec![(9, 5, 15), (9, 2, 13)], Qty(7)));
}

#[test]
fn each_feature_has_a_capacity_of_its_own() {
    let mut book = downdraft_book::Book::with_capacity(BookCapacity::new(10, 10));
    let timed = NewOrder { tif: TimeInForce::Gtd(Time(1)), ..ask(1, 100, 1) };
    for order in [iceberg(2, 100, 1, 1), hidden(1, 100, 1), timed] {
        assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::CapacityReached));
    }
    let mut book = downdraft_book::Book::with_capacity(BookCapacity { hidden_levels: 1, ..BookCapacity::new(10, 1) });
    book.submit(&hidden(1, 100, 1), &mut TradeAll).unwrap();
    rest(&mut book, Side::Sell, [(1, 105, 1)]);
    // It would meet a hidden order only, which leaves no displayed level for the rest of it.
    let bid = NewOrder::limit(Side::Buy, Qty(5), Price(100), 2);
    assert_eq!(book.submit(&bid, &mut TradeAll), Err(Reject::CapacityReached));
    assert!(book.submit(&NewOrder { tif: TimeInForce::Ioc, ..bid }, &mut TradeAll).is_ok());
}
