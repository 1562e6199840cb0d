//! Mass cancels, expiry, groups of owners, and batches.

use downdraft_book::{
    Command, Display, Done, End, NewOrder, Reject, SelfTradePrevention, StopOrder, TimeInForce, TradeAll, Trigger,
    TriggerBy, Which,
};
use downdraft_types::{Price, Qty, Side, Time};

use crate::support::{Tape, depth, full, rest, submit};

fn stop(side: Side, owner: u32) -> StopOrder {
    StopOrder { trigger: Trigger::At(Price(50)), by: TriggerBy::Last, order: NewOrder::market(side, Qty(1), owner) }
}

#[test]
fn an_owners_orders_are_cancelled_oldest_first() {
    let mut book = full();
    rest(&mut book, Side::Buy, [(1, 100, 1), (2, 101, 2), (1, 102, 3)]);
    let hidden = NewOrder { display: Display::Hidden, ..NewOrder::limit(Side::Sell, Qty(4), Price(110), 1) };
    book.submit(&hidden, &mut TradeAll).unwrap();
    book.submit_stop(&stop(Side::Sell, 1)).unwrap();
    let mut tape = Tape::default();
    assert_eq!(book.cancel_all(Which::Owner(1), &mut tape), Ok(4));
    assert_eq!(tape.losses(), [(1, 1, 0), (1, 3, 0), (1, 4, 0), (1, 1, 0)]);
    assert_eq!(depth(&book, Side::Buy), [(101, 2)]);
    assert_eq!(book.cancel_all(Which::Owner(99), &mut tape), Err(Reject::UnknownOwner));
    book.check_invariants();
}

#[test]
fn a_side_and_the_whole_book_are_cancelled_best_first() {
    let mut book = full();
    rest(&mut book, Side::Buy, [(1, 100, 1), (2, 101, 2)]);
    rest(&mut book, Side::Sell, [(3, 110, 3), (2, 109, 4)]);
    book.submit_stop(&stop(Side::Buy, 4)).unwrap();
    let mut tape = Tape::default();
    assert_eq!(book.cancel_all(Which::OwnerSide(2, Side::Sell), &mut tape), Ok(1));
    assert_eq!(book.cancel_all(Which::Side(Side::Buy), &mut tape), Ok(3));
    assert_eq!(tape.losses(), [(2, 4, 0), (2, 2, 0), (1, 1, 0), (4, 1, 0)]);
    assert_eq!(book.cancel_all(Which::All, &mut tape), Ok(1));
    assert_eq!((book.order_count(), book.level_count()), (0, 0));
}

#[test]
fn orders_expire_when_their_time_has_come() {
    let mut book = full();
    for (owner, time) in [(1, 20), (2, 10), (3, 20)] {
        let tif = TimeInForce::Gtd(Time(time));
        let order = NewOrder { tif, ..NewOrder::limit(Side::Buy, Qty(1), Price(100), owner) };
        book.submit(&order, &mut TradeAll).unwrap();
    }
    let mut tape = Tape::default();
    assert_eq!([9, 10, 5, 20].map(|now| book.expire(Time(now), &mut tape)), [0, 1, 0, 2]);
    assert_eq!(tape.cancelled.iter().map(|gone| gone.owner).collect::<Vec<_>>(), [2, 1, 3]);
    let late = NewOrder { tif: TimeInForce::Gtd(Time(20)), ..NewOrder::limit(Side::Buy, Qty(1), Price(100), 1) };
    assert_eq!(book.submit(&late, &mut TradeAll), Err(Reject::Expired));
}

#[test]
fn a_group_of_owners_does_not_trade_with_itself() {
    let mut book = full();
    book.set_group(3, 1).unwrap();
    rest(&mut book, Side::Sell, [(1, 100, 5)]);
    let stp = SelfTradePrevention::CancelBoth;
    let bid = |owner| NewOrder { stp, ..NewOrder::limit(Side::Buy, Qty(5), Price(100), owner) };
    assert_eq!(submit(&mut book, &bid(3), &mut Tape::default()).end, End::SelfTrade);
    rest(&mut book, Side::Sell, [(1, 100, 5)]);
    assert_eq!(submit(&mut book, &bid(2), &mut Tape::default()).end, End::Filled);
    assert_eq!(book.set_group(99, 1), Err(Reject::UnknownOwner));
}

#[test]
fn a_batch_does_what_its_commands_do() {
    let mut book = full();
    let [id] = rest(&mut book, Side::Sell, [(1, 100, 5)]);
    let commands = [
        Command::Submit(NewOrder::limit(Side::Buy, Qty(2), Price(100), 2)),
        Command::Reduce(id, Qty(1)),
        Command::Cancel(id),
        Command::Cancel(id),
    ];
    let mut answers = Vec::new();
    book.apply_all(&commands, &mut TradeAll, |_, done| answers.push(done));
    assert!(matches!(answers[0], Ok(Done::Matched(outcome)) if outcome.filled == Qty(2)));
    assert!(matches!(answers[1], Ok(Done::Left(order)) if order.qty == Qty(2)));
    assert!(matches!(answers[2], Ok(Done::Left(order)) if order.qty == Qty(2)));
    assert_eq!(answers[3], Err(Reject::UnknownOrder));
}

/// A count at the end of its range would overflow with the next order.
#[test]
fn a_snapshot_that_counts_too_high_is_refused() {
    let mut bytes = full().save();
    let end = bytes.len() - 4;
    // Magic, version, capacities, phase, clock, and three prices that are not there.
    let counts = 6 + 2 + 7 * 4 + 1 + 8 + 1 + 1 + 1;
    for count in 0..4 {
        let mut changed = bytes.clone();
        changed[counts + 8 * count..][..8].copy_from_slice(&u64::MAX.to_le_bytes());
        let crc = crc32fast::hash(&changed[..end]).to_le_bytes();
        changed[end..].copy_from_slice(&crc);
        let refused = downdraft_book::Book::restore(&changed).err();
        assert_eq!(refused, Some(downdraft_book::SnapshotError::Contradiction("a count that no book reaches")));
    }
    bytes[end] ^= 1;
    assert!(matches!(downdraft_book::Book::restore(&bytes), Err(downdraft_book::SnapshotError::Checksum(..))));
    assert_eq!(downdraft_book::Book::restore(b"ddb").err(), Some(downdraft_book::SnapshotError::NotASnapshot));
}

#[test]
fn the_last_moment_is_a_time_like_any_other() {
    let mut book = full();
    let tif = TimeInForce::Gtd(Time::MAX);
    book.submit(&NewOrder { tif, ..NewOrder::limit(Side::Buy, Qty(1), Price(100), 1) }, &mut TradeAll).unwrap();
    book.check_invariants();
    let mut copy = downdraft_book::Book::restore(&book.save()).unwrap();
    assert_eq!([u64::MAX - 1, u64::MAX].map(|now| copy.expire(Time(now), &mut TradeAll)), [0, 1]);
}
