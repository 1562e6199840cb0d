//! Features used together: what each promises alone must hold beside the others.

use downdraft_book::{
    Book, BookCapacity, Display, NewOrder, PostOnly, Reject, Replacement, SelfTradePrevention, StopOrder, TimeInForce,
    TradeAll, Trigger, TriggerBy,
};
use downdraft_types::{OrderId, Price, Qty, Side, Time};

use crate::support::Tape;

fn book() -> Book {
    let capacity = BookCapacity { owners: 10, extras: 20, hidden_levels: 20, stops: 20, ..BookCapacity::new(50, 50) };
    Book::with_capacity(capacity)
}

fn submit(book: &mut Book, order: &NewOrder) -> OrderId {
    book.submit(order, &mut TradeAll).expect("accepted").rested.expect("rests")
}

/// A restored book, which must be the one that was saved.
fn restored(book: &Book) -> Book {
    let bytes = book.save();
    let copy = Book::restore(&bytes).expect("a snapshot just taken");
    copy.check_invariants();
    assert!(copy.save() == bytes);
    copy
}

#[test]
fn an_iceberg_that_expires_is_amended_in_an_auction_and_slides_after_it() {
    let mut book = book();
    book.open_auction().expect("continuous trading so far");
    let sliding = NewOrder {
        display: Display::Iceberg(Qty(3)),
        post_only: PostOnly::Slide,
        stp: SelfTradePrevention::CancelOldest,
        tif: TimeInForce::Gtd(Time(100)),
        ..NewOrder::limit(Side::Buy, Qty(10), Price(105), 1)
    };
    assert_eq!(book.submit(&sliding, &mut TradeAll), Err(Reject::InAuction));
    let id = submit(&mut book, &NewOrder { post_only: PostOnly::Off, ..sliding });
    submit(&mut book, &NewOrder::limit(Side::Sell, Qty(25), Price(100), 1));
    submit(&mut book, &NewOrder { display: Display::Hidden, ..NewOrder::limit(Side::Buy, Qty(7), Price(105), 2) });
    book.replace(id, &Replacement::new(Price(106), Qty(12)), &mut TradeAll).expect("collected anew");
    let mut book = restored(&book);
    let mut expired = book.clone();
    assert_eq!((expired.expire(Time(100), &mut TradeAll), expired.order(id)), (1, None));
    // Nineteen bids against 25 asks from 100 to 105, six asks left over: the lowest price. Owner 1 meets itself.
    let mut tape = Tape::default();
    let done = book.uncross(None, &mut tape).expect("an auction").expect("the sides cross");
    assert_eq!((done.price, done.volume, done.imbalance), (Price(100), 19, -6));
    let crosses: Vec<_> = tape.crosses.iter().map(|cross| (cross.bid_owner, cross.ask_owner, cross.qty.0)).collect();
    assert_eq!(crosses, [(1, 1, 3), (1, 1, 3), (1, 1, 3), (1, 1, 3), (2, 1, 7)]);
    let id = submit(&mut book, &sliding);
    let order = book.order(id).expect("rests");
    assert_eq!((order.price, order.displayed, order.qty), (Price(99), Qty(3), Qty(10)));
    restored(&book);
}

#[test]
fn due_and_pending_stops_wait_through_an_auction_that_is_saved_and_restored() {
    let mut book = book();
    for (price, lots) in [(100, 5), (99, 5), (98, 5), (97, 5), (96, 20)] {
        submit(&mut book, &NewOrder::limit(Side::Buy, Qty(lots), Price(price), 9));
    }
    let stop = |trigger, owner| {
        let order = NewOrder::market(Side::Sell, Qty(6), owner);
        StopOrder { trigger, by: TriggerBy::Last, order }
    };
    for (price, owner) in [(99, 1), (98, 2), (97, 3)] {
        book.submit_stop(&stop(Trigger::At(Price(price)), owner)).expect("room");
    }
    book.submit(&NewOrder::market(Side::Sell, Qty(1), 8), &mut TradeAll).expect("a bid");
    book.submit_stop(&stop(Trigger::Trailing { offset: 1 }, 4)).expect("a price to trail");
    book.submit(&NewOrder::market(Side::Sell, Qty(5), 8), &mut TradeAll).expect("bids");
    assert_eq!(book.due_stops(), 2);
    book.open_auction().expect("continuous trading so far");
    assert_eq!(book.fire(&mut TradeAll), None);
    let mut book = restored(&book);
    book.uncross(None, &mut TradeAll).expect("an auction");
    // At 99 owner 1 was first; its sweep to 98 makes owner 2 due, behind owner 4, whose sweep to 97 makes 3 due.
    let mut fired = Vec::new();
    while let Some(stop) = book.fire(&mut TradeAll) {
        fired.push((stop.order.owner, stop.result.map(|outcome| outcome.filled), book.last()));
        book = restored(&book);
    }
    let at = |owner, last| (owner, Ok(Qty(6)), Some(Price(last)));
    assert_eq!(fired, [at(1, 98), at(4, 97), at(2, 96), at(3, 96)]);
}

#[test]
fn a_minimum_counts_reserves_and_hidden_orders_as_far_as_the_owner_lets_them_trade() {
    let mut book = book();
    submit(&mut book, &NewOrder { display: Display::Hidden, ..NewOrder::limit(Side::Sell, Qty(4), Price(100), 1) });
    let iceberg = Display::Iceberg(Qty(1));
    submit(&mut book, &NewOrder { display: iceberg, ..NewOrder::limit(Side::Sell, Qty(6), Price(100), 2) });
    let bid = |min: u64, owner, stp| NewOrder {
        min_qty: Qty(min),
        stp,
        ..NewOrder::limit(Side::Buy, Qty(20), Price(100), owner)
    };
    let (newest, oldest) = (SelfTradePrevention::CancelNewest, SelfTradePrevention::CancelOldest);
    // Another owner meets all ten; the hidden order's owner the six ahead of it; the iceberg's, without it, four.
    for (most, owner, stp) in [(10, 3, newest), (6, 1, newest), (4, 2, oldest)] {
        assert_eq!(book.check(&bid(most, owner, stp)), Ok(()));
        assert_eq!(book.check(&bid(most + 1, owner, stp)), Err(Reject::CannotFill));
        let mut copy = restored(&book);
        let outcome = copy.submit(&bid(most, owner, stp), &mut TradeAll).expect("as checked");
        assert_eq!(outcome.filled, Qty(most));
    }
}

#[test]
fn trailing_stops_reach_over_the_whole_range_of_prices() {
    let mut book = book();
    let trailing = |side, offset| {
        let order = NewOrder::market(side, Qty(1), 1);
        StopOrder { trigger: Trigger::Trailing { offset }, by: TriggerBy::Mark, order }
    };
    book.set_mark(Price(i64::MAX));
    // A trigger beyond the range of prices is shown at its end, and not crossed there.
    let buy = book.submit_stop(&trailing(Side::Buy, 1)).expect("a mark");
    let sell = book.submit_stop(&trailing(Side::Sell, u64::MAX)).expect("a mark");
    let trigger = |book: &Book, id| book.stop(id).map(|stop| stop.trigger_price);
    assert_eq!((trigger(&book, buy), trigger(&book, sell)), (Some(Price(i64::MAX)), Some(Price(i64::MIN))));
    assert_eq!(book.due_stops(), 0);
    book.set_mark(Price(i64::MIN));
    assert_eq!((book.due_stops(), trigger(&book, buy)), (1, Some(Price(i64::MIN + 1))));
    let mut book = restored(&book);
    book.set_mark(Price(i64::MAX));
    assert_eq!(book.due_stops(), 2);
    let first = book.fire(&mut TradeAll).expect("due");
    assert_eq!(first.id, sell);
}
