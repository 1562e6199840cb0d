//! Falling, insolvency, and what makes a pool sound again.

use crate::world::{A, B, CASH, FIRST, cash, cross, deposit, holds, isolate, isolated, one, trade};
use downdraft_margin::{Margin, MarginError, PoolState};
use downdraft_types::{MarkPrice, Money, Price, Qty, Side};

/// Flat, with a deficit of 20 that nobody bore.
fn insolvent() -> Margin {
    let mut margin = one(10_000, 100_000, 100);
    holds(&mut margin, A, 10, 100, 100);
    margin.set_mark(FIRST, MarkPrice(88));
    trade(&mut margin, A, FIRST, -10, 880);
    assert_eq!((margin.fallen(), cash(&margin, A)), (&[cross(A)][..], -20));
    margin.clear_fallen();
    margin.leave_insolvent(cross(A));
    margin
}

#[test]
fn a_deposit_that_covers_a_deficit_makes_its_pool_sound() {
    let mut margin = insolvent();
    deposit(&mut margin, A, 19);
    assert_eq!(margin.state_of(cross(A)), PoolState::Insolvent);
    assert_eq!(margin.withdraw(A, CASH, Money(1)), Err(MarginError::InLiquidation));
    let order = |margin: &Margin| margin.check_order(A, FIRST, Side::Buy, Qty(1), Price(88));
    assert_eq!(order(&margin), Err(MarginError::InLiquidation));
    deposit(&mut margin, A, 1);
    assert_eq!(margin.state_of(cross(A)), PoolState::Sound);
    assert_eq!(order(&margin), Err(MarginError::InsufficientMargin));
    assert!(margin.fallen().is_empty());
    margin.check_risk_index();
}

/// At the trigger a pool is below maintenance, one increment before it is not; both sides.
#[test]
fn a_pool_falls_at_its_trigger_and_not_before() {
    for size in [10_i64, -10] {
        let mut margin = one(10_000, 100_000, 1_000);
        holds(&mut margin, A, size, 1_000, 1_000);
        let trigger = margin.liquidation_price(A, FIRST).unwrap().0;
        margin.set_mark(FIRST, MarkPrice(trigger + size.signum()));
        assert!(margin.fallen().is_empty() && margin.health(cross(A)).is_healthy());
        margin.set_mark(FIRST, MarkPrice(trigger));
        assert_eq!(margin.fallen(), [cross(A)]);
        assert!(!margin.health(cross(A)).is_healthy() && margin.is_liquidating(cross(A)));
        margin.set_mark(FIRST, MarkPrice(trigger - size.signum()));
        assert_eq!(margin.fallen(), [cross(A)], "it is reported once");
    }
}

/// Equity equal to maintenance is enough; with no maintenance at all, so is nothing.
#[test]
fn the_edge_is_healthy() {
    let mut margin = one(10_000, 10_000, 100);
    holds(&mut margin, A, 10, 100, 10);
    assert!(margin.fallen().is_empty());
    let mut margin = one(0, 10_000, 100);
    holds(&mut margin, A, 10, 100, 10);
    margin.set_mark(FIRST, MarkPrice(99));
    assert!(margin.fallen().is_empty(), "equity 0");
    margin.set_mark(FIRST, MarkPrice(98));
    assert_eq!(margin.fallen(), [cross(A)]);
}

#[test]
fn the_nearest_trigger_comes_first_and_ties_go_by_account() {
    let mut margin = one(10_000, 100_000, 1_000);
    for (account, money) in [(B, 500), (A, 500), (crate::world::C, 700)] {
        holds(&mut margin, account, 10, 1_000, money);
    }
    margin.set_mark(FIRST, MarkPrice(900));
    assert_eq!(margin.fallen(), [cross(A), cross(B), cross(crate::world::C)]);
    let mut margin = one(10_000, 100_000, 1_000);
    holds(&mut margin, A, 10, 1_000, 700);
    holds(&mut margin, B, 10, 1_000, 500);
    margin.set_mark(FIRST, MarkPrice(900));
    assert_eq!(margin.fallen(), [cross(B), cross(A)]);
    margin.sort_fallen();
    assert_eq!(margin.fallen(), [cross(A), cross(B)]);
}

#[test]
fn ending_a_liquidation_looks_afresh() {
    let mut margin = one(10_000, 100_000, 100);
    holds(&mut margin, A, 10, 100, 100);
    margin.set_mark(FIRST, MarkPrice(90));
    margin.clear_fallen();
    margin.end_liquidation(cross(A));
    assert_eq!(margin.fallen(), [cross(A)], "nothing has changed");
    margin.clear_fallen();
    deposit(&mut margin, A, 100);
    assert!(margin.is_liquidating(cross(A)), "a deposit alone does not end it");
    margin.end_liquidation(cross(A));
    assert!(margin.fallen().is_empty());
    margin.check_risk_index();
}

/// A spared pool is not reported again, trades freely, and comes back under the index once it is sound.
#[test]
fn a_spared_pool_is_left_alone_until_it_is_sound() {
    let mut margin = one(10_000, 100_000, 100);
    holds(&mut margin, A, 10, 100, 100);
    margin.set_mark(FIRST, MarkPrice(90));
    margin.clear_fallen();
    margin.spare(cross(A));
    margin.set_mark(FIRST, MarkPrice(85));
    assert!(margin.fallen().is_empty());
    assert_eq!(margin.check_order(A, FIRST, Side::Sell, Qty(10), Price(80)), Ok(()));
    deposit(&mut margin, A, 100);
    assert_eq!(margin.state_of(cross(A)), PoolState::Sound);
    margin.check_risk_index();
    margin.set_mark(FIRST, MarkPrice(80));
    assert_eq!(margin.fallen(), [cross(A)]);
}

#[test]
fn the_pools_of_an_account_fall_apart() {
    let mut margin = one(10_000, 100_000, 100);
    isolate(&mut margin, A, 100_000);
    deposit(&mut margin, A, 200);
    trade(&mut margin, A, FIRST, 10, 1_000);
    margin.set_mark(FIRST, MarkPrice(80));
    assert_eq!(margin.fallen(), [isolated(A)]);
    assert_eq!((margin.state_of(cross(A)), cash(&margin, A)), (PoolState::Sound, 100));
    assert_eq!(margin.withdraw(A, CASH, Money(100)), Ok(()));
}
