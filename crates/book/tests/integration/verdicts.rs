//! What a matcher may answer before each match.

use downdraft_book::{CancelCause, End, NewOrder, SelfTradePrevention, TimeInForce, Verdict};
use downdraft_types::{Price, Qty, Side};

use crate::support::{Tape, book, depth, ioc, owners, rest, submit};

const NO_STP: SelfTradePrevention = SelfTradePrevention::None;

#[test]
fn stop_drops_the_rest_of_a_resting_order_too() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 5), (2, 101, 5)]);
    let mut tape = Tape::answering(&[Verdict::Trade, Verdict::Stop]);
    let outcome = submit(&mut book, &NewOrder::limit(Side::Buy, Qty(8), Price(105), 9), &mut tape);
    assert_eq!((outcome.filled, outcome.remaining, outcome.rested), (Qty(5), Qty(3), None));
    assert_eq!(outcome.end, End::Stopped);
    assert_eq!(tape.asked.iter().map(|p| (p.price.0, p.qty.0)).collect::<Vec<_>>(), [(100, 5), (101, 3)]);
    assert_eq!((depth(&book, Side::Sell), book.best_bid()), (vec![(101, 5)], None));
}

#[test]
fn trade_at_most_asks_again_about_what_is_left() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 5), (2, 100, 5)]);
    let mut tape = Tape::answering(&[Verdict::TradeAtMost(Qty(2)), Verdict::CancelMaker, Verdict::TradeAtMost(Qty(9))]);
    let outcome = submit(&mut book, &ioc(Side::Buy, 6, 100, NO_STP), &mut tape);
    assert_eq!(tape.asked.iter().map(|p| (p.owner, p.qty.0)).collect::<Vec<_>>(), [(1, 5), (1, 3), (2, 4)]);
    assert_eq!((tape.trades(), tape.losses()), (vec![(1, 100, 2), (2, 100, 4)], vec![(1, 3, 0)]));
    assert_eq!(tape.cancelled[0].cause, CancelCause::Verdict);
    assert_eq!(outcome.end, End::Filled);
    assert_eq!(owners(&book, Side::Sell, 100), [2]);
}

#[test]
fn trade_at_most_nothing_stops() {
    let mut book = book();
    rest(&mut book, Side::Buy, [(1, 100, 5)]);
    let mut tape = Tape::answering(&[Verdict::TradeAtMost(Qty(0))]);
    let outcome = submit(&mut book, &ioc(Side::Sell, 6, 100, NO_STP), &mut tape);
    assert_eq!((outcome.filled, outcome.end), (Qty(0), End::Stopped));
    assert_eq!(depth(&book, Side::Buy), [(100, 5)]);
}

#[test]
fn fill_or_kill_reports_what_its_matcher_left_of_it() {
    let mut book = book();
    rest(&mut book, Side::Buy, [(1, 100, 5), (2, 99, 5)]);
    let fok = NewOrder { tif: TimeInForce::Fok, ..NewOrder::market(Side::Sell, Qty(10), 9) };
    let mut stopped = book.clone();
    let outcome = submit(&mut stopped, &fok, &mut Tape::answering(&[Verdict::Trade, Verdict::Stop]));
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(5), Qty(5), End::Stopped));
    let outcome = submit(&mut book, &fok, &mut Tape::answering(&[Verdict::CancelMaker]));
    assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(5), Qty(5), End::Unfilled));
}

#[test]
fn an_order_whose_makers_are_all_cancelled_rests() {
    let mut book = book();
    rest(&mut book, Side::Sell, [(1, 100, 5), (2, 101, 5)]);
    let mut tape = Tape::answering(&[Verdict::CancelMaker; 2]);
    let outcome = submit(&mut book, &NewOrder::limit(Side::Buy, Qty(8), Price(105), 9), &mut tape);
    assert_eq!((outcome.filled, outcome.end), (Qty(0), End::Rested));
    assert_eq!((depth(&book, Side::Buy), book.best_ask()), (vec![(105, 8)], None));
}
