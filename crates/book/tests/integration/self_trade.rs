//! Owner 9 meets its own order between those of 1 and 2, all at 100.

use downdraft_book::{Book, CancelCause, End, NewOrder, Outcome, Reject, SelfTradePrevention, TimeInForce, TradeAll};
use downdraft_types::{Price, Qty, Side};

use crate::support::{Tape, book, ioc, owners, rest, submit};

fn meet(qty: u64, stp: SelfTradePrevention) -> (Book, Outcome, Tape) {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 5), (9, 100, 5), (2, 100, 5)]);
    let mut tape = Tape::default();
    let outcome = submit(&mut book, &ioc(Side::Buy, qty, 100, stp), &mut tape);
    assert!(tape.cancelled.iter().all(|cancelled| cancelled.cause == CancelCause::SelfTrade));
    assert!(stp == SelfTradePrevention::None || tape.asked.iter().all(|proposal| proposal.owner != 9));
    (book, outcome, tape)
}

#[test]
fn none_lets_them_trade() {
    let (_, outcome, tape) = meet(12, SelfTradePrevention::None);
    assert_eq!(tape.trades(), [(1, 100, 5), (9, 100, 5), (2, 100, 2)]);
    assert_eq!(outcome.end, End::Filled);
}

#[test]
fn cancel_newest_drops_the_taker() {
    let (book, outcome, tape) = meet(12, SelfTradePrevention::CancelNewest);
    assert_eq!((tape.trades(), tape.losses()), (vec![(1, 100, 5)], vec![]));
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(5), Qty(7), End::SelfTrade));
    assert_eq!(owners(&book, Side::Sell, 100), [9, 2]);
}

#[test]
fn cancel_newest_does_not_rest_either() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(9, 100, 5)]);
    let stp = SelfTradePrevention::CancelNewest;
    let order = NewOrder { stp, ..NewOrder::limit(Side::Buy, Qty(3), Price(100), 9) };
    let outcome = submit(&mut book, &order, &mut Tape::default());
    assert_eq!((outcome.remaining, outcome.rested, outcome.end), (Qty(3), None, End::SelfTrade));
    assert_eq!(book.order_count(), 1);
}

#[test]
fn cancel_oldest_removes_the_maker_and_goes_on() {
    let (book, outcome, tape) = meet(12, SelfTradePrevention::CancelOldest);
    assert_eq!((tape.trades(), tape.losses()), (vec![(1, 100, 5), (2, 100, 5)], vec![(9, 5, 0)]));
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(10), Qty(2), End::Unfilled));
    assert_eq!(book.order_count(), 0);
}

#[test]
fn cancel_both_removes_the_maker_and_drops_the_taker() {
    let (book, outcome, tape) = meet(12, SelfTradePrevention::CancelBoth);
    assert_eq!((tape.trades(), tape.losses()), (vec![(1, 100, 5)], vec![(9, 5, 0)]));
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(5), Qty(7), End::SelfTrade));
    assert_eq!(owners(&book, Side::Sell, 100), [2]);
}

#[test]
fn decrement_takes_the_smaller_from_both() {
    let (book, outcome, tape) = meet(12, SelfTradePrevention::Decrement);
    assert_eq!((tape.trades(), tape.losses()), (vec![(1, 100, 5), (2, 100, 2)], vec![(9, 5, 0)]));
    assert_eq!((outcome.filled, outcome.decremented, outcome.end), (Qty(7), Qty(5), End::Filled));
    assert_eq!(owners(&book, Side::Sell, 100), [2]);

    let (book, outcome, tape) = meet(7, SelfTradePrevention::Decrement);
    assert_eq!((tape.trades(), tape.losses()), (vec![(1, 100, 5)], vec![(9, 2, 3)]));
    assert_eq!((outcome.decremented, outcome.remaining, outcome.end), (Qty(2), Qty(0), End::SelfTrade));
    assert_eq!(book.depth(Side::Sell).next().unwrap().qty, Qty(8));
    assert_eq!(owners(&book, Side::Sell, 100), [9, 2]);
}

#[test]
fn fill_or_kill_counts_what_it_could_trade() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 5), (9, 100, 5), (2, 101, 5)]);
    let fok = |qty, stp| NewOrder { tif: TimeInForce::Fok, stp, ..NewOrder::market(Side::Buy, Qty(qty), 9) };
    let check = |qty, stp| book.check(&fok(qty, stp));
    assert_eq!(check(15, SelfTradePrevention::None), Ok(()));
    assert_eq!(check(10, SelfTradePrevention::CancelOldest), Ok(()));
    assert_eq!(check(11, SelfTradePrevention::CancelOldest), Err(Reject::CannotFill));
    for stp in [SelfTradePrevention::CancelNewest, SelfTradePrevention::CancelBoth, SelfTradePrevention::Decrement] {
        assert_eq!(check(5, stp), Ok(()));
        assert_eq!(check(6, stp), Err(Reject::CannotFill));
    }
    let outcome = book.submit(&fok(10, SelfTradePrevention::CancelOldest), &mut TradeAll).unwrap();
    assert_eq!((outcome.filled, outcome.end), (Qty(10), End::Filled));
}
