//! What moves between cash and an isolated margin.

use crate::world::{
    A, CASH, FIRST, cash, cross, deposit, engine, imbalance, isolate, isolated, one, perpetual, position, tier, trade,
    trade_with_fee,
};
use downdraft_margin::{DeliveryFee, InstrumentSpec, Margin, MarginError, MarginMode, PoolState};
use downdraft_types::{MarkPrice, Money, Ppm, Price, Qty, Side};

/// Leverage 10, cash 1,000, 100 lots at 10.
fn long() -> Margin {
    let mut margin = one(50_000, 100_000, 10);
    isolate(&mut margin, A, 100_000);
    deposit(&mut margin, A, 1_000);
    trade(&mut margin, A, FIRST, 100, 1_000);
    margin
}

fn wallets(margin: &Margin) -> (i128, i128) {
    assert_eq!(imbalance(margin), 0);
    margin.check_risk_index();
    (cash(margin, A), margin.balance(isolated(A)).0)
}

#[test]
fn opening_draws_initial_margin() {
    let mut margin = long();
    assert_eq!(wallets(&margin), (900, 100));
    trade_with_fee(&mut margin, A, FIRST, 50, 500, 3);
    assert_eq!(wallets(&margin), (850, 147), "the fee is the margin's");
}

#[test]
fn a_partial_close_releases_its_share_and_its_profit() {
    let mut margin = long();
    margin.set_mark(FIRST, MarkPrice(12));
    trade(&mut margin, A, FIRST, -25, 300);
    assert_eq!(wallets(&margin), (900 + 25 + 50, 75));
    trade(&mut margin, A, FIRST, -75, 900);
    assert_eq!(wallets(&margin), (1_200, 0));
}

#[test]
fn a_loss_is_taken_from_what_is_released() {
    let mut margin = long();
    trade_with_fee(&mut margin, A, FIRST, -50, 460, 1);
    // Half of the margin, less 40 lost; the fee is paid from what stays.
    assert_eq!(wallets(&margin), (900 + 10, 49));
    margin.move_margin(A, FIRST, Money(100)).unwrap();
    trade(&mut margin, A, FIRST, -25, 125);
    // A loss of 125 exceeds the share of 74: nothing is released, the rest of the margin bears it.
    assert_eq!(wallets(&margin), (810, 24));
}

#[test]
fn a_flip_releases_the_old_margin_and_draws_the_new() {
    let mut margin = long();
    margin.set_mark(FIRST, MarkPrice(11));
    let settled = trade(&mut margin, A, FIRST, -150, 1_650);
    assert_eq!(settled.margin_moved, Money(55 - 200));
    assert_eq!((wallets(&margin), position(&margin, A)), ((1_045, 55), (-50, -550)));
}

#[test]
fn under_liquidation_nothing_is_released() {
    let mut margin = long();
    margin.set_mark(FIRST, MarkPrice(9));
    assert_eq!(margin.fallen(), [isolated(A)]);
    assert_eq!(trade(&mut margin, A, FIRST, -60, 600).margin_moved, Money::ZERO);
    assert_eq!(trade(&mut margin, A, FIRST, -40, 380).margin_moved, Money::ZERO);
    assert_eq!(wallets(&margin), (900, 80));
    assert_eq!(margin.release_isolated(isolated(A)), Money(80));
    margin.end_liquidation(isolated(A));
    assert_eq!((wallets(&margin), margin.state_of(isolated(A))), ((980, 0), PoolState::Sound));
}

#[test]
fn a_deficit_stays_in_its_pool() {
    let mut margin = long();
    margin.set_mark(FIRST, MarkPrice(8));
    trade(&mut margin, A, FIRST, -100, 800);
    assert_eq!(wallets(&margin), (900, -100));
    assert_eq!(margin.release_isolated(isolated(A)), Money::ZERO);
    assert_eq!(margin.state_of(cross(A)), PoolState::Sound);
}

/// Pieces of an order are margined at the rate of the whole position, as the order was judged.
#[test]
fn pieces_draw_at_the_rate_of_the_whole() {
    let tiers = vec![tier(0, 5_000, 10_000), tier(500, 100_000, 200_000)];
    let mut margin = engine(&[InstrumentSpec { tiers, ..perpetual(0, 0) }]);
    margin.set_mark(FIRST, MarkPrice(10));
    margin.configure(A, FIRST, MarginMode::Isolated, None).unwrap();
    deposit(&mut margin, A, 200);
    margin.check_order(A, FIRST, Side::Buy, Qty(100), Price(10)).unwrap();
    let drawn = [0; 10].map(|_| trade(&mut margin, A, FIRST, 10, 100).margin_moved.0);
    assert_eq!(drawn, [1, 1, 1, 1, 20, 20, 20, 20, 20, 20]);
    assert!(margin.fallen().is_empty());
}

/// Margin that was added by hand does not pay for more.
#[test]
fn added_margin_is_not_free_cash() {
    let mut margin = long();
    margin.move_margin(A, FIRST, Money(900)).unwrap();
    assert_eq!(wallets(&margin), (0, 1_000));
    let refused = margin.check_order(A, FIRST, Side::Buy, Qty(10), Price(10));
    assert_eq!(refused, Err(MarginError::InsufficientMargin));
}

/// Where cash is short, what was opened is margined less, and the cross pool stays whole.
#[test]
fn a_draw_stops_at_what_the_cross_pool_can_spare() {
    let mut margin = one(50_000, 100_000, 10);
    isolate(&mut margin, A, 100_000);
    deposit(&mut margin, A, 70);
    assert_eq!(trade(&mut margin, A, FIRST, 100, 1_000).margin_moved, Money(70));
    assert_eq!(wallets(&margin), (0, 70));
    assert_eq!(trade(&mut margin, A, FIRST, 100, 1_000).margin_moved, Money::ZERO);
    assert_eq!(margin.fallen(), [isolated(A)]);
}

#[test]
fn margin_moves_while_initial_margin_stays() {
    let mut margin = long();
    margin.move_margin(A, FIRST, Money(50)).unwrap();
    assert_eq!(margin.move_margin(A, FIRST, Money(-51)), Err(MarginError::InsufficientMargin));
    margin.move_margin(A, FIRST, Money(-50)).unwrap();
    assert_eq!(margin.move_margin(A, FIRST, Money(901)), Err(MarginError::InsufficientMargin));
    assert_eq!(margin.move_margin(A, FIRST, Money(0)), Err(MarginError::NotPositive));
    assert_eq!(margin.move_margin(A, FIRST, Money(i128::MIN)), Err(MarginError::NotPositive));
    assert_eq!(margin.configure(A, FIRST, MarginMode::Cross, None), Err(MarginError::PositionOpen));
    assert_eq!(wallets(&margin), (900, 100));
}

/// Cash that comes home at expiry reaches the account's cross triggers.
#[test]
fn expiry_brings_margin_home_to_the_cross_pool() {
    let mut margin = engine(&[perpetual(50_000, 100_000), perpetual(50_000, 100_000)]);
    for id in [FIRST, crate::world::SECOND] {
        margin.set_mark(id, MarkPrice(10));
    }
    isolate(&mut margin, A, 100_000);
    deposit(&mut margin, A, 300);
    trade(&mut margin, A, FIRST, 100, 1_000);
    trade(&mut margin, A, crate::world::SECOND, 100, 1_000);
    let before = margin.liquidation_price(A, crate::world::SECOND);
    margin.settle_all(FIRST, DeliveryFee::default(), |delivered| {
        assert!(delivered.realised.is_zero() && delivered.fee.is_zero() && !delivered.margin_moved.is_positive());
    });
    assert!(margin.liquidation_price(A, crate::world::SECOND) < before);
    assert_eq!(wallets(&margin), (300, 0));
    assert_eq!(margin.free(A, CASH), Money(200));
    assert_eq!(margin.configure(A, FIRST, MarginMode::Cross, Some(Ppm(100_000))), Ok(()));
}
