use downdraft_book::{Cost, End, NewOrder, PostOnly, Reject, Replacement, SelfTradePrevention, TimeInForce, TradeAll};
use downdraft_types::{OrderId, Price, Qty, Side};

use crate::support::{Tape, book, depth, ioc, owners, rest, submit};

const NO_STP: SelfTradePrevention = SelfTradePrevention::None;

#[test]
fn fills_come_maker_by_maker_in_price_time_order() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 101, 5), (2, 100, 3), (3, 101, 5), (4, 100, 4)]);
    let mut tape = Tape::default();
    let outcome = submit(&mut book, &NewOrder::limit(Side::Buy, Qty(14), Price(101), 9), &mut tape);
    assert_eq!(tape.trades(), [(2, 100, 3), (4, 100, 4), (1, 101, 5), (3, 101, 2)]);
    assert_eq!((outcome.filled, outcome.end, outcome.rested), (Qty(14), End::Filled, None));
    assert_eq!(depth(&book, Side::Sell), [(101, 3)]);
}

#[test]
fn a_limit_order_rests_what_it_cannot_trade() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 3), (1, 102, 3)]);
    let outcome = submit(&mut book, &NewOrder::limit(Side::Buy, Qty(5), Price(101), 2), &mut Tape::default());
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(3), Qty(2), End::Rested));
    let order = book.order(outcome.rested.unwrap()).unwrap();
    assert_eq!((order.side, order.price, order.qty, order.owner), (Side::Buy, Price(101), Qty(2), 2));
    assert_eq!((book.best_bid(), book.best_ask()), (Some(Price(101)), Some(Price(102))));
}

#[test]
fn immediate_orders_do_not_rest() {
    let mut book = book();
    rest(&mut book, Side::Buy, [(1, 100, 3), (1, 90, 3)]);
    let outcome = submit(&mut book, &ioc(Side::Sell, 5, 95, NO_STP), &mut Tape::default());
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(3), Qty(2), End::Unfilled));
    let outcome = submit(&mut book, &NewOrder::market(Side::Sell, Qty(5), 9), &mut Tape::default());
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(3), Qty(2), End::Unfilled));
    assert_eq!((book.order_count(), book.level_count()), (0, 0));
    let outcome = submit(&mut book, &NewOrder::market(Side::Sell, Qty(5), 9), &mut Tape::default());
    assert_eq!((outcome.filled, outcome.end), (Qty(0), End::Unfilled));
}

#[test]
fn a_market_order_cannot_be_good_till_cancelled() {
    let order = NewOrder { tif: TimeInForce::Gtc, ..NewOrder::market(Side::Buy, Qty(1), 9) };
    assert_eq!(book().submit(&order, &mut TradeAll), Err(Reject::MarketCannotRest));
}

#[test]
fn fill_or_kill_takes_all_or_nothing() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 3), (2, 101, 3), (3, 103, 9)]);
    let fok = |qty, limit| NewOrder { tif: TimeInForce::Fok, limit, ..NewOrder::market(Side::Buy, Qty(qty), 9) };
    let within = Some(Price(102));
    assert_eq!(book.submit(&fok(7, within), &mut TradeAll), Err(Reject::CannotFill));
    assert_eq!(depth(&book, Side::Sell), [(100, 3), (101, 3), (103, 9)]);
    assert_eq!(submit(&mut book, &fok(6, within), &mut Tape::default()).end, End::Filled);
    assert_eq!(book.submit(&fok(10, None), &mut TradeAll), Err(Reject::CannotFill));
    assert_eq!(submit(&mut book, &fok(9, None), &mut Tape::default()).end, End::Filled);
    assert_eq!(book.order_count(), 0);
}

#[test]
fn post_only_is_refused_where_it_would_take() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 3)]);
    let post = |price| NewOrder { post_only: PostOnly::Reject, ..NewOrder::limit(Side::Buy, Qty(1), Price(price), 2) };
    assert_eq!(book.submit(&post(100), &mut TradeAll), Err(Reject::WouldTake));
    let own = NewOrder { owner: 1, stp: SelfTradePrevention::CancelOldest, ..post(100) };
    assert_eq!(book.submit(&own, &mut TradeAll), Err(Reject::WouldTake));
    let id = book.submit(&post(99), &mut TradeAll).unwrap().rested.unwrap();
    let replaced = book.replace(
        id,
        &Replacement { post_only: PostOnly::Reject, ..Replacement::new(Price(100), Qty(1)) },
        &mut TradeAll,
    );
    assert_eq!(replaced, Err(Reject::WouldTake));
    assert_eq!(book.order(id).unwrap().price, Price(99));
}

#[test]
fn a_partly_filled_order_is_cancelled_inside_its_level() {
    let mut book = book();
    let [first, second, third] = rest(&mut book, Side::Sell, [(1, 100, 5), (2, 100, 5), (3, 100, 5)]);
    submit(&mut book, &ioc(Side::Buy, 7, 100, NO_STP), &mut Tape::default());
    assert_eq!(book.cancel(first), Err(Reject::UnknownOrder));
    assert_eq!(book.cancel(second).unwrap().qty, Qty(3));
    book.check_invariants();
    assert_eq!(book.quantity_ahead(third), Some(Qty(0)));
    let mut tape = Tape::default();
    submit(&mut book, &ioc(Side::Buy, 9, 100, NO_STP), &mut tape);
    assert_eq!(tape.trades(), [(3, 100, 5)]);
}

#[test]
fn a_replacement_that_is_not_larger_keeps_its_place() {
    let mut book = book();
    let [first, second] = rest(&mut book, Side::Buy, [(1, 100, 5), (2, 100, 5)]);
    for qty in [5, 3] {
        let outcome = book.replace(first, &Replacement::new(Price(100), Qty(qty)), &mut TradeAll).unwrap();
        assert_eq!((outcome.rested, outcome.remaining, outcome.end), (Some(first), Qty(qty), End::Rested));
        assert_eq!(owners(&book, Side::Buy, 100), [1, 2]);
    }
    assert_eq!(depth(&book, Side::Buy), [(100, 8)]);
    assert_eq!(book.quantity_ahead(second), Some(Qty(3)));
}

#[test]
fn any_other_replacement_loses_its_place_and_keeps_its_id() {
    let mut book = book();
    let [first, second] = rest(&mut book, Side::Buy, [(1, 100, 5), (2, 100, 5)]);
    book.replace(first, &Replacement::new(Price(100), Qty(6)), &mut TradeAll).unwrap();
    assert_eq!(owners(&book, Side::Buy, 100), [2, 1]);
    book.replace(second, &Replacement::new(Price(99), Qty(1)), &mut TradeAll).unwrap();
    book.replace(second, &Replacement::new(Price(100), Qty(1)), &mut TradeAll).unwrap();
    book.check_invariants();
    assert_eq!(owners(&book, Side::Buy, 100), [1, 2]);
    assert_eq!(book.order(second).unwrap().qty, Qty(1));
}

#[test]
fn a_replacement_may_trade() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(3, 102, 4)]);
    let [id] = rest(&mut book, Side::Buy, [(1, 100, 5)]);
    let mut tape = Tape::default();
    let outcome = book.replace(id, &Replacement::new(Price(102), Qty(6)), &mut tape).unwrap();
    assert_eq!((outcome.filled, outcome.remaining, outcome.rested), (Qty(4), Qty(2), Some(id)));
    assert_eq!(tape.trades(), [(3, 102, 4)]);
    assert_eq!(depth(&book, Side::Buy), [(102, 2)]);
    rest(&mut book, Side::Sell, [(3, 103, 4)]);
    let outcome = book.replace(id, &Replacement::new(Price(103), Qty(4)), &mut tape).unwrap();
    assert_eq!((outcome.end, outcome.rested), (End::Filled, None));
    assert_eq!(book.cancel(id), Err(Reject::UnknownOrder));
    book.check_invariants();
}

#[test]
fn a_reduction_keeps_its_place_until_nothing_is_left() {
    let mut book = book();
    let [first, _] = rest(&mut book, Side::Buy, [(1, 100, 5), (2, 100, 5)]);
    assert_eq!(book.reduce(first, Qty(6)), Err(Reject::TooLarge));
    assert_eq!(book.reduce(first, Qty(0)), Err(Reject::ZeroQuantity));
    assert_eq!(book.reduce(first, Qty(2)).unwrap().qty, Qty(3));
    assert_eq!(owners(&book, Side::Buy, 100), [1, 2]);
    assert_eq!(book.reduce(first, Qty(3)).unwrap().qty, Qty(0));
    assert_eq!(owners(&book, Side::Buy, 100), [2]);
    assert_eq!(book.reduce(first, Qty(1)), Err(Reject::UnknownOrder));
    book.check_invariants();
}

#[test]
fn taking_is_priced_without_taking() {
    let mut book = book();
    rest(&mut book, Side::Buy, [(1, 100, 5), (2, 98, 5), (3, -3, 5)]);
    let cost = |qty, limit: Option<i64>| book.cost_to_take(Side::Sell, Qty(qty), limit.map(Price));
    assert_eq!(cost(7, None), Cost { filled: Qty(7), value: 696, worst: Some(Price(98)) });
    assert_eq!(cost(99, Some(99)), Cost { filled: Qty(5), value: 500, worst: Some(Price(100)) });
    assert_eq!(cost(99, None), Cost { filled: Qty(15), value: 975, worst: Some(Price(-3)) });
    assert_eq!(cost(5, Some(101)), Cost::default());
    assert_eq!(cost(0, None), Cost::default());
    assert_eq!(depth(&book, Side::Buy), [(100, 5), (98, 5), (-3, 5)]);
}

#[test]
fn stale_and_forged_ids_are_refused() {
    let mut book = book();
    let [old] = rest(&mut book, Side::Buy, [(1, 100, 5)]);
    book.cancel(old).unwrap();
    let [new] = rest(&mut book, Side::Buy, [(2, 100, 5)]);
    assert_eq!((new.slot(), new.generation()), (old.slot(), old.generation() + 1));
    let forged = OrderId::new(new.slot(), new.generation() + 1);
    for id in [old, forged, OrderId::new(15, 0), OrderId(u64::MAX)] {
        assert_eq!(book.order(id), None);
        assert_eq!(book.quantity_ahead(id), None);
        assert_eq!(book.cancel(id), Err(Reject::UnknownOrder));
        assert_eq!(book.reduce(id, Qty(1)), Err(Reject::UnknownOrder));
        let replaced = book.replace(id, &Replacement::new(Price(1), Qty(1)), &mut TradeAll);
        assert_eq!(replaced, Err(Reject::UnknownOrder));
    }
    book.cancel(new).unwrap();
    let next = OrderId::new(new.slot(), new.generation() + 1);
    assert_eq!(book.cancel(next), Err(Reject::UnknownOrder), "a slot that is free now");
}
