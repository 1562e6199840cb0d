//! Settlement by the mean of the index over a window, and what delivery costs.

use crate::stage::{Stage, spec};
use downdraft_margin::{InstrumentKind, InstrumentSpec};
use downdraft_types::{InstrumentId, MarkPrice, Ppm, Span, Time};
use downdraft_venue::{Command, DeliveryFee, Event, Rejection, SettlementPolicy};

const EXPIRY: u64 = 1_000;
const DATED: InstrumentId = InstrumentId(0);

fn dated() -> InstrumentSpec {
    spec(InstrumentKind::Dated { expiry: Time(EXPIRY) })
}

fn policy(window: u64, sample: u64, rate: i64, cap: Option<i64>) -> Command {
    let fee = DeliveryFee { rate: Ppm(rate), cap: cap.map(Ppm) };
    let policy = Some(SettlementPolicy { window: Span(window), sample: Span(sample), fee });
    Command::SetSettlement { instrument: DATED, policy }
}

/// 1 is long 30 lots at 100, 2 and 9 are short of them.
fn stage() -> Stage {
    let mut stage = Stage::new(&[(dated(), 100)]);
    [1, 2].into_iter().for_each(|account| stage.deposit(account, 10_000));
    stage.block(0, 1, 2, 10, 1_000);
    stage.block(0, 1, 9, 20, 2_000);
    stage
}

fn settlement_mark(stage: &Stage) -> Option<MarkPrice> {
    stage.runner.events().iter().find_map(|(_, _, event)| match event {
        Event::Expired { mark, .. } => Some(*mark),
        _ => None,
    })
}

#[test]
fn the_settlement_price_is_the_mean_of_the_window() {
    let mut stage = stage();
    // Readings at 880, 940 and 1000, of what the index was then.
    stage.must(policy(180, 60, 0, None));
    for (time, index) in [(500, 400), (850, 110), (880, 120), (900, 90), (939, 80), (941, 107), (999, 108)] {
        stage.until(time);
        stage.index(0, index);
    }
    stage.until(EXPIRY);
    // The reading at 880 was made before the report of that moment: 110. Then 80 and 108: 298 ÷ 3.
    assert_eq!(settlement_mark(&stage), Some(MarkPrice(99)));
    assert_eq!((stage.cash(1), stage.cash(2)), (10_000 - 30, 10_000 + 10));
    stage.audit();
}

/// A quote at the last moment moves a settlement at the mark, and hardly one by the mean.
#[test]
fn a_spike_at_expiry_counts_for_one_reading() {
    let settled = |window| {
        let mut stage = stage();
        stage.must(policy(window, if window == 0 { 0 } else { 10 }, 0, None));
        stage.index(0, 100);
        stage.until(EXPIRY - 1);
        stage.index(0, 160);
        stage.until(EXPIRY);
        stage.audit();
        settlement_mark(&stage)
    };
    assert_eq!(settled(0), Some(MarkPrice(160)));
    assert_eq!(settled(600), Some(MarkPrice(101)));
}

#[test]
fn delivery_is_charged_to_both_sides_and_conserved() {
    let mut stage = stage();
    // 0.25% of 30 × 101 is 7.575, of 10 × 101 2.525, of 20 × 101 5.05: each rounded up.
    stage.must(policy(0, 0, 2_500, None));
    stage.index(0, 101);
    stage.until(EXPIRY);
    assert_eq!((stage.cash(1), stage.cash(2)), (10_000 + 30 - 8, 10_000 - 10 - 3));
    assert_eq!(stage.fees(), 8 + 3 + 6);
    stage.audit();
}

#[test]
fn a_cap_is_rounded_down() {
    let mut stage = stage();
    // 0.2% of 3030 is 6.06, of 1010 2.02, of 2020 4.04.
    stage.must(policy(0, 0, 2_500, Some(2_000)));
    stage.index(0, 101);
    stage.until(EXPIRY);
    assert_eq!(stage.fees(), 6 + 2 + 4);
    stage.audit();
}

#[test]
fn a_fee_can_be_what_an_account_cannot_pay() {
    let mut stage = Stage::new(&[(dated(), 100)]);
    stage.deposit(1, 60);
    stage.block(0, 1, 9, 10, 1_000);
    stage.must(policy(0, 0, 100_000, None));
    stage.index(0, 100);
    stage.until(EXPIRY);
    // 100 of 60: the deficit of 40 goes down the waterfall, and nothing is lost.
    assert_eq!(stage.fallen(), [1]);
    stage.audit();
}

#[test]
fn without_an_index_the_mark_stands() {
    let mut stage = stage();
    stage.must(policy(100, 10, 0, None));
    stage.until(EXPIRY);
    assert_eq!(settlement_mark(&stage), Some(MarkPrice(100)));
}

#[test]
fn policies_that_mean_nothing_are_refused() {
    let mut stage = Stage::new(&[(dated(), 100), (spec(InstrumentKind::Perpetual), 100)]);
    for (window, sample, rate, cap) in
        [(100, 30, 0, None), (10, 0, 0, None), (0, 0, -1, None), (0, 0, 0, Some(1_000_001))]
    {
        assert_eq!(stage.refused(policy(window, sample, rate, cap)), Rejection::InvalidPolicy);
    }
    let policy = |instrument| {
        let fee = DeliveryFee::default();
        let policy = Some(SettlementPolicy { window: Span(100), sample: Span(10), fee });
        Command::SetSettlement { instrument: InstrumentId(instrument), policy }
    };
    assert_eq!(stage.refused(policy(1)), Rejection::InvalidPolicy, "a perpetual");
    assert_eq!(stage.refused(policy(2)), Rejection::UnknownInstrument);
    stage.until(EXPIRY - 90);
    assert_eq!(stage.refused(policy(0)), Rejection::InvalidPolicy, "the window has begun");
    stage.until(EXPIRY);
    assert_eq!(stage.refused(policy(0)), Rejection::Expired);
}

/// A policy set anew starts its window anew; the clock of the old one is stale.
#[test]
fn a_changed_policy_averages_its_own_window() {
    let mut stage = stage();
    stage.must(policy(900, 100, 0, None));
    stage.index(0, 50);
    stage.until(450);
    stage.must(policy(200, 100, 0, None));
    stage.index(0, 90);
    stage.until(950);
    stage.index(0, 100);
    stage.until(EXPIRY);
    assert_eq!(settlement_mark(&stage), Some(MarkPrice(95)));
    stage.audit();
}
