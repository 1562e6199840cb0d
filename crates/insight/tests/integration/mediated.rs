//! Mediated ancestry, one way after the other: A falls by an outside sale, and B later, through others.

use crate::drive::Drive;
use crate::golden::{MAKER, OUTSIDE, PERP, WINNERS, market, order, policy};
use downdraft_insight::genealogy::{Ancestry, Mediated, Via};
use downdraft_types::{EventId, OrderId, Ppm, Price, Qty, Side, Span, Time};
use downdraft_venue::{
    Absorption, CauseKind, Command, Event, LiquidationMode, LiquidationPolicy, MarkPolicy, MarkRule, OrderRef, Takeover,
};

/// A falls at 98 and is sold at 97; B falls at 95.
fn a_has_fallen() -> Drive {
    let mut drive = market(30_000, [40, 70, 500], 1_000, policy());
    drive.run(order(OUTSIDE, Side::Sell, 20, None));
    assert_eq!(drive.analyzer().forest().len(), 1);
    drive
}

/// The maker's bid at a price.
fn bid_at(drive: &Drive, price: i64) -> OrderId {
    let book = drive.venue.market(PERP).unwrap().book();
    book.orders_at(Side::Buy, Price(price)).next().expect("a bid").id
}

fn cancel(drive: &Drive, price: i64) -> Command {
    Command::CancelOrder { account: MAKER, order: OrderRef::Id(PERP, bid_at(drive, price)) }
}

/// What the second liquidation goes back to; the first is a root.
fn second(drive: Drive) -> Option<Mediated> {
    let forest = drive.analyzer().forest();
    assert_eq!((forest.len(), forest.nodes[0].parent_by(Ancestry::Any)), (2, None));
    assert_eq!(forest.nodes[1].parent, None, "nothing direct");
    let (summary, ..) = drive.finish();
    let with_parent = u64::from(forest.nodes[1].mediated.is_some());
    assert_eq!((summary.cascade.roots, summary.cascade.mediated.roots), (2, 2 - with_parent));
    forest.nodes[1].mediated
}

fn later(drive: &mut Drive, millis: u64) {
    drive.now = Time(drive.now.0 + millis * 1_000_000);
}

#[test]
fn a_maker_that_was_hit_withdraws_and_the_next_sale_falls_through() {
    let mut drive = a_has_fallen();
    later(&mut drive, 500);
    drive.act(None, cancel(&drive, 96));
    later(&mut drive, 500);
    drive.run(order(OUTSIDE, Side::Sell, 10, None));
    assert_eq!(second(drive), Some(Mediated { parent: 1, via: Via::Withdrawal }));
}

#[test]
fn a_bid_that_is_moved_down_is_withdrawn() {
    let mut drive = a_has_fallen();
    let named = OrderRef::Id(PERP, bid_at(&drive, 96));
    drive.act(None, Command::ReplaceOrder { account: MAKER, order: named, price: Price(91), qty: Qty(10) });
    drive.run(order(OUTSIDE, Side::Sell, 10, None));
    assert_eq!(second(drive), Some(Mediated { parent: 1, via: Via::Withdrawal }));
}

#[test]
fn a_bid_that_comes_back_leaves_no_gap() {
    let mut drive = a_has_fallen();
    drive.act(None, cancel(&drive, 96));
    drive.act(None, order(MAKER, Side::Buy, 10, Some(96)));
    drive.run(order(OUTSIDE, Side::Sell, 20, None));
    assert_eq!(second(drive), None);
}

#[test]
fn after_the_window_it_is_no_reaction() {
    let mut drive = a_has_fallen();
    later(&mut drive, 1_001);
    drive.act(None, cancel(&drive, 96));
    drive.run(order(OUTSIDE, Side::Sell, 10, None));
    assert_eq!(second(drive), None);
}

#[test]
fn an_outside_command_is_no_reaction() {
    let mut drive = a_has_fallen();
    drive.run(cancel(&drive, 96));
    drive.run(order(OUTSIDE, Side::Sell, 10, None));
    assert_eq!(second(drive), None);
}

/// Who bought from A sells on.
#[test]
fn whoever_a_liquidation_dealt_with_may_react() {
    let mut drive = market(30_000, [40, 70, 500], 1_000, policy());
    drive.run(cancel(&drive, 97));
    drive.run(order(WINNERS, Side::Buy, 10, Some(97)));
    drive.run(order(OUTSIDE, Side::Sell, 20, None));
    later(&mut drive, 1_000);
    drive.act(None, order(WINNERS, Side::Sell, 20, None));
    assert_eq!(second(drive), Some(Mediated { parent: 1, via: Via::Reaction }));
}

/// Someone whom nobody touched, but who says why.
#[test]
fn a_command_may_name_its_cause() {
    let mut drive = a_has_fallen();
    let moved = |(id, _, event): &(EventId, Option<u32>, Event)| {
        matches!(event, Event::MarkMoved { kind: CauseKind::Trade, .. }).then_some(*id)
    };
    let cause = drive.steps.last().unwrap().events.iter().find_map(moved);
    assert!(cause.is_some(), "the step moved the mark");
    later(&mut drive, 60_000);
    drive.act(cause, order(OUTSIDE, Side::Sell, 20, None));
    assert_eq!(second(drive), Some(Mediated { parent: 1, via: Via::Named }));
}

/// The fund takes A over at its bankruptcy price and sells it later.
#[test]
fn the_fund_sells_what_it_took_over() {
    let interval = Span::from_secs(2);
    let mode = LiquidationMode::BankruptcyLimit { rest: Takeover::Absorbed(Absorption::by_fund(Ppm::ONE, interval)) };
    let mut drive = market(30_000, [25, 75, 500], 1_000, LiquidationPolicy { mode, ..policy() });
    drive.run(order(OUTSIDE, Side::Sell, 40, None));
    drive.run_until(Time(4_000_000_000), 100);
    assert_eq!(second(drive), Some(Mediated { parent: 1, via: Via::Fund }));
}

/// An averaged mark: B is above its line when A's order is done, and below it two samples later.
#[test]
fn an_averaged_mark_falls_by_the_clock() {
    let run = |weight: Ppm| {
        let mut drive = market(30_000, [45, 51, 500], 1_000, policy());
        drive.run(order(MAKER, Side::Sell, 10, Some(100)));
        let rule = MarkRule::EmaMid { interval: Span::from_millis(100), weight };
        drive.run(Command::SetMarkPolicy { instrument: PERP, policy: MarkPolicy { rule, frozen: false } });
        drive.run_until(Time(drive.now.0 + 150_000_000), 10);
        // The middle goes from 99.5 to 97.5 and the average after it. A falls at 98 and takes another level; the
        // average is below 97.5 two samples later, and B falls at 97.
        drive.run(order(OUTSIDE, Side::Sell, 40, None));
        drive.run_until(Time(drive.now.0 + 3_000_000_000), 100);
        drive
    };
    let forest = run(Ppm(500_000)).analyzer().forest();
    assert_eq!((forest.len(), forest.nodes[0].mediated), (2, None), "no forced trade came before the first");
    assert_eq!(forest.nodes[1].mediated, Some(Mediated { parent: 1, via: Via::Clock }));
    assert_eq!(forest.nodes[1].triggered.since(forest.nodes[0].triggered), Span::from_millis(200));
    // A heavier newest sample: a shorter memory, but a faster mark.
    assert_eq!(run(Ppm::ONE).analyzer().forest().nodes[1].mediated.map(|m| m.via), Some(Via::Clock));
}
