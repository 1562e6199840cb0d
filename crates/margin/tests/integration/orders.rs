//! What is asked before an order is accepted, or money leaves.

use crate::world::{A, CASH, FIRST, HOUSE, deposit, engine, holds, isolate, one, perpetual, trade};
use downdraft_margin::{InstrumentSpec, MaintenanceBasis, Margin, MarginError, Payoff};
use downdraft_types::{AccountId, CurrencyId, MarkPrice, Money, Ppm, Price, Qty, Side};

const SHORT_OF_MARGIN: Result<(), MarginError> = Err(MarginError::InsufficientMargin);

fn order(margin: &Margin, side: Side, qty: u64, price: i64) -> Result<(), MarginError> {
    margin.check_order(A, FIRST, side, Qty(qty), Price(price))
}

fn rest(margin: &mut Margin, side: Side, qty: u64, price: i64) {
    assert_eq!(order(margin, side, qty, price), Ok(()));
    margin.order_rested(A, FIRST, side, Qty(qty), Price(price));
}

/// 10% initial, 1% maintenance, mark 100.
fn with(money: i128) -> Margin {
    let mut margin = one(10_000, 100_000, 100);
    deposit(&mut margin, A, money);
    margin
}

#[test]
fn an_order_needs_its_initial_margin() {
    let margin = with(100);
    assert_eq!(order(&margin, Side::Buy, 10, 100), Ok(()));
    assert_eq!(order(&margin, Side::Buy, 11, 100), SHORT_OF_MARGIN);
    assert_eq!(order(&margin, Side::Sell, 10, 100), Ok(()));
    assert_eq!(order(&margin, Side::Sell, 11, 100), SHORT_OF_MARGIN);
}

/// Only the larger side counts: one of the two is closed by the other.
#[test]
fn open_orders_count_on_their_own_side() {
    let mut margin = with(100);
    rest(&mut margin, Side::Buy, 10, 100);
    assert_eq!(order(&margin, Side::Buy, 1, 100), SHORT_OF_MARGIN);
    rest(&mut margin, Side::Sell, 10, 100);
    assert_eq!(order(&margin, Side::Sell, 1, 100), SHORT_OF_MARGIN);
    assert_eq!(margin.free(A, CASH), Money(0));
    margin.order_left(A, FIRST, Side::Buy, (Qty(4), Qty(6)), Price(100));
    margin.order_left(A, FIRST, Side::Sell, (Qty(5), Qty(5)), Price(100));
    assert_eq!(margin.free(A, CASH), Money(40));
}

/// What an order would lose against the mark at once, and its fee, are asked for too.
#[test]
fn open_loss_and_fee() {
    let margin = with(100);
    // 10% of 9 × 101, and 9 × 1 lost.
    assert_eq!(order(&margin, Side::Buy, 9, 101), Ok(()));
    assert_eq!(order(&margin, Side::Buy, 9, 102), SHORT_OF_MARGIN);
    assert_eq!(order(&margin, Side::Sell, 10, 99), SHORT_OF_MARGIN);
    assert_eq!(order(&margin, Side::Sell, 9, 99), Ok(()));
    let mut margin = engine(&[InstrumentSpec { taker_fee: Ppm(1_000), ..perpetual(10_000, 100_000) }]);
    margin.set_mark(FIRST, MarkPrice(100));
    deposit(&mut margin, A, 100);
    assert_eq!(order(&margin, Side::Buy, 10, 100), SHORT_OF_MARGIN);
    deposit(&mut margin, A, 1);
    assert_eq!(order(&margin, Side::Buy, 10, 100), Ok(()));
}

/// Sold far below the mark, a position is worth more at the mark than at its limit, and margin is asked for there; an
/// inverse contract, bought far above it. Filled at its limit, an accepted order leaves its account healthy.
#[test]
fn beyond_the_mark_margin_is_asked_at_the_mark() {
    let mut linear = one(50_000, 100_000, 100);
    // 1 × 99 lost, and 10% of 100.
    deposit(&mut linear, A, 108);
    assert_eq!(order(&linear, Side::Sell, 1, 1), SHORT_OF_MARGIN);
    deposit(&mut linear, A, 1);
    assert_eq!(order(&linear, Side::Sell, 1, 1), Ok(()));
    trade(&mut linear, A, FIRST, -1, 1);
    assert_eq!(linear.fallen(), []);

    let inverse = InstrumentSpec { payoff: Payoff::Inverse, point_value: 100_000, ..perpetual(50_000, 100_000) };
    let mut margin = engine(&[inverse]);
    margin.set_mark(FIRST, MarkPrice(100));
    // Worth 1,000 at the mark and 200 at five times it: 800 lost, and 10% of 1,000.
    deposit(&mut margin, A, 899);
    assert_eq!(order(&margin, Side::Buy, 1, 500), SHORT_OF_MARGIN);
    deposit(&mut margin, A, 1);
    assert_eq!(order(&margin, Side::Buy, 1, 500), Ok(()));
    trade(&mut margin, A, FIRST, 1, -200);
    assert_eq!(margin.fallen(), []);
}

/// Below initial margin a position may shrink, at any price, and neither grow nor turn.
#[test]
fn in_distress_only_reducing_is_allowed() {
    let mut margin = with(100);
    holds(&mut margin, A, 10, 100, 0);
    margin.set_mark(FIRST, MarkPrice(95));
    assert!(margin.free(A, CASH).is_negative());
    assert_eq!(order(&margin, Side::Sell, 10, 50), Ok(()));
    assert_eq!(order(&margin, Side::Sell, 10, 1_000), Ok(()), "a limit far away closes, too");
    assert_eq!(order(&margin, Side::Sell, 11, 95), SHORT_OF_MARGIN);
    assert_eq!(order(&margin, Side::Buy, 1, 95), SHORT_OF_MARGIN);
    rest(&mut margin, Side::Sell, 6, 100);
    assert_eq!(order(&margin, Side::Sell, 4, 100), Ok(()));
    assert_eq!(order(&margin, Side::Sell, 5, 100), SHORT_OF_MARGIN, "together they would turn it");
    margin.set_mark(FIRST, MarkPrice(90));
    assert_eq!(order(&margin, Side::Sell, 1, 90), Err(MarginError::InLiquidation));
}

/// At a price below zero an order is worth as much as above it, and losing is still losing.
#[test]
fn negative_prices() {
    let mut margin = with(100);
    margin.set_mark(FIRST, MarkPrice(-100));
    for side in Side::BOTH {
        assert_eq!(order(&margin, side, 10, -100), Ok(()));
        assert_eq!(order(&margin, side, 11, -100), SHORT_OF_MARGIN);
    }
    assert_eq!(order(&margin, Side::Buy, 10, -99), SHORT_OF_MARGIN, "pays ten more than it is worth");
    assert_eq!(order(&margin, Side::Buy, 9, -101), Ok(()));
    assert_eq!(order(&margin, Side::Sell, 10, -101), SHORT_OF_MARGIN);
    assert_eq!(order(&margin, Side::Sell, 10, -99), Ok(()));
    rest(&mut margin, Side::Buy, 5, -100);
    assert_eq!(margin.free(A, CASH), Money(50));
    assert_eq!(order(&margin, Side::Buy, 6, -100), SHORT_OF_MARGIN);
}

#[test]
fn nobody_passes_the_largest_position() {
    let mut margin = engine(&[InstrumentSpec { max_position: Qty(10), ..perpetual(10_000, 100_000) }]);
    margin.set_mark(FIRST, MarkPrice(100));
    deposit(&mut margin, A, 1_000_000);
    rest(&mut margin, Side::Buy, 6, 100);
    assert_eq!(order(&margin, Side::Buy, 5, 100), Err(MarginError::PositionTooLarge));
    assert_eq!(order(&margin, Side::Buy, u64::MAX, 100), Err(MarginError::PositionTooLarge));
    trade(&mut margin, A, FIRST, 4, 400);
    assert_eq!(order(&margin, Side::Buy, 1, 100), Err(MarginError::PositionTooLarge));
    assert_eq!(order(&margin, Side::Sell, 14, 100), Ok(()));
    assert_eq!(order(&margin, Side::Sell, 15, 100), Err(MarginError::PositionTooLarge));
    assert_eq!(margin.check_block(A, FIRST, Side::Buy, Qty(1), Money(1)), Err(MarginError::PositionTooLarge));
    assert_eq!(margin.check_block(A, FIRST, Side::Sell, Qty(14), Money(1)), Ok(()));
}

#[test]
fn withdrawals_leave_initial_margin() {
    let mut margin = with(300);
    holds(&mut margin, A, 10, 100, 0);
    assert_eq!(margin.withdraw(A, CASH, Money(201)), SHORT_OF_MARGIN);
    margin.set_mark(FIRST, MarkPrice(90));
    // Equity 200, and 90 is asked for.
    assert_eq!(margin.withdraw(A, CASH, Money(111)), SHORT_OF_MARGIN);
    assert_eq!(margin.withdraw(A, CASH, Money(110)), Ok(()));
    assert!(margin.fallen().is_empty());
    for amount in [0, -1, i128::MAX] {
        assert_eq!(margin.withdraw(A, CASH, Money(amount)), Err(MarginError::NotPositive));
        assert_eq!(margin.deposit(A, CASH, Money(amount)), Err(MarginError::NotPositive));
    }
    assert_eq!(margin.deposit(AccountId(99), CASH, Money(1)), Err(MarginError::UnknownAccount));
    assert_eq!(margin.deposit(A, CurrencyId(9), Money(1)), Err(MarginError::UnknownCurrency));
}

/// Maintenance at entry does not fall with the mark as initial margin does: no withdrawal goes below it.
#[test]
fn withdrawals_leave_maintenance() {
    let basis = MaintenanceBasis::Entry;
    let mut margin = engine(&[InstrumentSpec { maintenance_basis: basis, ..perpetual(100_000, 100_000) }]);
    margin.set_mark(FIRST, MarkPrice(100));
    deposit(&mut margin, A, 800);
    trade(&mut margin, A, FIRST, 10, 1_000);
    margin.set_mark(FIRST, MarkPrice(50));
    assert_eq!(margin.withdraw(A, CASH, Money(201)), SHORT_OF_MARGIN);
    assert_eq!(margin.withdraw(A, CASH, Money(200)), Ok(()));
    assert!(margin.fallen().is_empty());
}

/// Leverage that an account chose asks for more, never for less than the tier.
#[test]
fn chosen_leverage() {
    let mut margin = with(100);
    isolate(&mut margin, A, 500_000);
    assert_eq!(order(&margin, Side::Buy, 2, 100), Ok(()));
    assert_eq!(order(&margin, Side::Buy, 3, 100), SHORT_OF_MARGIN);
    isolate(&mut margin, A, 1);
    assert_eq!(order(&margin, Side::Buy, 11, 100), SHORT_OF_MARGIN);
    assert!(margin.check_order(HOUSE, FIRST, Side::Buy, Qty(11), Price(100)).is_ok());
    for rate in [0, -1, 1_000_001] {
        let refused = margin.configure(A, FIRST, downdraft_margin::MarginMode::Cross, Some(Ppm(rate)));
        assert_eq!(refused, Err(MarginError::RateOutOfRange));
    }
}
