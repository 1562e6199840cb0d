//! Stops, and the auction.

use downdraft_book::{End, NewOrder, PostOnly, Reject, StopOrder, TimeInForce, TradeAll, Trigger, TriggerBy};
use downdraft_types::{Price, Qty, Side};

use crate::support::{Tape, depth, full, ioc, rest, submit};

const NO_STP: downdraft_book::SelfTradePrevention = downdraft_book::SelfTradePrevention::None;

fn sell_stop(trigger: Trigger, by: TriggerBy, qty: u64, owner: u32) -> StopOrder {
    StopOrder { trigger, by, order: NewOrder::market(Side::Sell, Qty(qty), owner) }
}

#[test]
fn a_stop_loss_cascade_takes_a_step_for_each_stop() {
    let mut book = full();
    rest(&mut book, Side::Buy, [(1, 100, 1), (1, 99, 1), (1, 98, 1), (1, 97, 1)]);
    for (trigger, owner) in [(98, 4), (100, 2), (99, 3)] {
        let stop = sell_stop(Trigger::At(Price(trigger)), TriggerBy::Last, 1, owner);
        book.submit_stop(&stop).unwrap();
    }
    // The first sale crosses one trigger; each stop that fires, the next.
    submit(&mut book, &ioc(Side::Sell, 1, 100, NO_STP), &mut Tape::default());
    let mut fired = Vec::new();
    while let Some(stop) = book.fire(&mut TradeAll) {
        fired.push((stop.order.owner, book.last(), book.due_stops()));
    }
    assert_eq!(fired, [(2, Some(Price(99)), 1), (3, Some(Price(98)), 1), (4, Some(Price(97)), 0)]);
}

#[test]
fn a_stop_limit_keeps_its_id_when_it_rests() {
    let mut book = full();
    rest(&mut book, Side::Buy, [(1, 90, 5)]);
    let order = NewOrder::limit(Side::Sell, Qty(3), Price(95), 2);
    let stop = StopOrder { trigger: Trigger::At(Price(96)), by: TriggerBy::Mark, order };
    let id = book.submit_stop(&stop).unwrap();
    assert_eq!((book.order(id), book.cancel(id)), (None, Err(Reject::NotTriggered)));
    book.set_mark(Price(96));
    assert!(book.stop(id).unwrap().due);
    let fired = book.fire(&mut TradeAll).unwrap();
    assert_eq!(fired.result.unwrap().rested, Some(id));
    assert_eq!(depth(&book, Side::Sell), [(95, 3)]);
    assert_eq!(book.cancel_stop(id), Err(Reject::UnknownOrder));
    assert_eq!(book.cancel(id).unwrap().qty, Qty(3));
}

#[test]
fn what_a_stop_becomes_may_be_refused() {
    let mut book = full();
    let order = NewOrder { tif: TimeInForce::Fok, ..NewOrder::market(Side::Sell, Qty(3), 2) };
    let id = book.submit_stop(&StopOrder { order, ..sell_stop(Trigger::At(Price(5)), TriggerBy::Mark, 3, 2) }).unwrap();
    book.set_mark(Price(4));
    assert_eq!(book.fire(&mut TradeAll).unwrap().result, Err(Reject::CannotFill));
    assert_eq!((book.stop(id), book.order_count()), (None, 0));
}

#[test]
fn a_trailing_stop_needs_a_price_to_trail() {
    let mut book = full();
    let stop = sell_stop(Trigger::Trailing { offset: 3 }, TriggerBy::Mark, 1, 2);
    assert_eq!(book.submit_stop(&stop), Err(Reject::NoReference));
    book.set_mark(Price(100));
    let id = book.submit_stop(&stop).unwrap();
    book.set_mark(Price(108));
    assert_eq!(book.stop(id).unwrap().trigger_price, Price(105));
    book.set_mark(Price(106));
    assert_eq!(book.due_stops(), 0);
    book.set_mark(Price(105));
    assert_eq!(book.cancel_stop(id).map(|stop| stop.due), Ok(true));
    assert_eq!((book.due_stops(), book.order_count()), (0, 0));
}

#[test]
fn an_auction_trades_at_one_price_in_price_time_order() {
    let mut book = full();
    rest(&mut book, Side::Buy, [(1, 100, 5)]);
    book.open_auction().unwrap();
    assert_eq!(book.open_auction(), Err(Reject::InAuction));
    for (side, owner, price, lots) in [
        (Side::Buy, 2, 103, 4),
        (Side::Buy, 3, 103, 4),
        (Side::Sell, 4, 99, 5),
        (Side::Sell, 5, 101, 2),
        (Side::Sell, 6, 104, 9),
    ] {
        let outcome = book.submit(&NewOrder::limit(side, Qty(lots), Price(price), owner), &mut TradeAll).unwrap();
        assert_eq!(outcome.end, End::Rested);
    }
    book.check_invariants();
    let mut tape = Tape::default();
    let result = book.uncross(None, &mut tape).unwrap().unwrap();
    // Seven lots trade from 101 to 103, one bid left over at each: the highest.
    assert_eq!((result.price, result.volume, result.imbalance), (Price(103), 7, 1));
    let crosses: Vec<_> = tape.crosses.iter().map(|at| (at.bid_owner, at.ask_owner, at.price.0, at.qty.0)).collect();
    assert_eq!(crosses, [(2, 4, 103, 4), (3, 4, 103, 1), (3, 5, 103, 2)]);
    assert_eq!((depth(&book, Side::Buy), depth(&book, Side::Sell)), (vec![(103, 1), (100, 5)], vec![(104, 9)]));
    assert_eq!((book.last(), book.is_collecting()), (Some(Price(103)), false));
    assert_eq!(book.uncross(None, &mut tape), Err(Reject::NotInAuction));
    book.check_invariants();
}

#[test]
fn what_could_only_trade_at_once_is_refused_while_orders_are_collected() {
    let mut book = full();
    book.open_auction().unwrap();
    let limit = NewOrder::limit(Side::Buy, Qty(2), Price(100), 1);
    for order in [
        NewOrder::market(Side::Buy, Qty(1), 1),
        NewOrder::market_to_limit(Side::Buy, Qty(1), 1),
        NewOrder { tif: TimeInForce::Ioc, ..limit },
        NewOrder { min_qty: Qty(1), ..limit },
        NewOrder { post_only: PostOnly::Reject, ..limit },
    ] {
        assert_eq!(book.submit(&order, &mut TradeAll), Err(Reject::InAuction));
    }
    book.submit_stop(&sell_stop(Trigger::At(Price(100)), TriggerBy::Mark, 1, 2)).unwrap();
    book.set_mark(Price(90));
    assert_eq!((book.due_stops(), book.fire(&mut TradeAll)), (1, None));
    assert_eq!(book.uncross(None, &mut TradeAll), Ok(None));
    assert!(book.fire(&mut TradeAll).is_some());
}
