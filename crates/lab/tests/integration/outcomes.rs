//! Each built-in scenario shows what its summary says, under audit. The events behind a claim are counted here, not
//! by the analysis that users see.

use crate::outcome::{Outcome, outcome, scenario};
use downdraft_types::Money;

fn of(name: &str) -> Outcome {
    let outcome = outcome(scenario(name, &[]), None);
    let borne = outcome.drawn + outcome.conceded - outcome.overshoot + outcome.socialised + outcome.uncovered;
    assert_eq!(outcome.deficits, borne, "{name}: every deficit is borne by someone, to the unit");
    outcome
}

#[test]
fn flash_crash_cascades_down_the_whole_waterfall() {
    let outcome = of("flash-crash");
    assert!(outcome.liquidations > 500 && outcome.with_parent > 200, "{outcome:?}");
    assert!(outcome.drawn.is_positive() && outcome.deleveraged > 0, "{outcome:?}");
    assert!(outcome.forced_fills > outcome.liquidations / 2, "sold in the book, not by decree: {outcome:?}");
}

#[test]
fn depth_alone_cuts_the_loop() {
    let (thin, deep) = (of("thin-book"), of("deep-book"));
    assert!(2 * thin.with_parent > thin.liquidations, "{thin:?}");
    assert!(deep.liquidations > 0 && deep.with_parent == 0, "{deep:?}");
    // The step of the published curve before it still has one.
    let before = outcome(scenario("deep-book", &["depth=3.55"]), None);
    assert!(before.with_parent > 0, "{before:?}");
}

#[test]
fn deep_and_thin_differ_in_depth_alone() {
    let mut deep = scenario("deep-book", &["depth=1"]);
    let thin = scenario("thin-book", &[]);
    (deep.name, deep.summary, deep.text) = (thin.name.clone(), thin.summary.clone(), thin.text.clone());
    assert_eq!(deep, thin);
}

#[test]
fn a_mark_that_ignores_the_book_has_no_loop() {
    let outcome = of("exogenous-mark");
    assert!(outcome.liquidations > 100 && outcome.with_parent == 0, "{outcome:?}");
    assert!(outcome.forced_fills > 100, "{outcome:?}");
}

#[test]
fn suppressed_liquidates_nobody() {
    let outcome = of("suppressed");
    assert_eq!((outcome.liquidations, outcome.forced_fills, outcome.deficits), (0, 0, Money::ZERO));
}

#[test]
fn a_frozen_mark_comes_in_waves() {
    let outcome = of("frozen-mark");
    assert!(outcome.liquidations > 500 && outcome.with_parent > 0, "{outcome:?}");
    assert_ne!(outcome, of("thin-book"));
}

#[test]
fn an_empty_fund_leads_to_deleveraging() {
    let outcome = of("fund-exhausted");
    assert!(outcome.deleveraged > 0 && outcome.conceded.is_positive(), "{outcome:?}");
    assert_eq!(outcome.socialised + outcome.uncovered, Money::ZERO);
}

#[test]
fn without_winners_to_deleverage_losses_are_socialised() {
    let outcome = of("adl-exhausted");
    assert!(outcome.deleveraged > 0 && outcome.socialised.is_positive(), "{outcome:?}");
}

#[test]
fn the_breaker_halts() {
    let outcome = of("halted");
    assert!(outcome.halts >= 1 && outcome.liquidations > 0, "{outcome:?}");
}

#[test]
fn collateral_that_falls_with_the_position_liquidates_more() {
    let coin = of("coin-margined");
    assert!(coin.liquidations > 1_000 && 2 * coin.with_parent > coin.liquidations, "{coin:?}");
    // A shock that only just reaches the first lines, in either contract.
    let small = |name, size| outcome(scenario(name, &[size]), None).liquidations;
    let (coin, linear) =
        (small("coin-margined", "actors.seller.size=9000000"), small("thin-book", "actors.seller.size=150"));
    assert!(linear > 20 && coin > linear + linear / 5, "{coin} inverse, {linear} linear");
}

/// The same shock with margin that stays, and with margin that rises no faster than a hundredth of a percent a second.
#[test]
fn margin_that_follows_volatility_feeds_the_fall() {
    let rising = of("procyclical-margin");
    let with = |set| outcome(scenario("procyclical-margin", &[set]), None);
    let steady = with("instruments.BTC-PERP.dynamic_margin.most=0.5%");
    let slow = with("instruments.BTC-PERP.dynamic_margin.rise=0.01%");
    assert!(steady.liquidations > 0 && rising.liquidations > 20 * steady.liquidations, "{rising:?} {steady:?}");
    assert!(slow.liquidations >= steady.liquidations && 4 * slow.liquidations < rising.liquidations, "{slow:?}");
    assert!(2 * rising.with_parent > rising.liquidations, "{rising:?}");
}

#[test]
fn given_positions_cascade() {
    let outcome = of("my-venue");
    assert!(outcome.liquidations >= 3 && outcome.with_parent >= 1, "{outcome:?}");
}
