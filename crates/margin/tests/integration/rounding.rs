//! Which way each division rounds, and who benefits.

use crate::world::{
    A, B, CASH, FIRST, HOUSE, SECOND, cash, cross, deposit, engine, holds, imbalance, isolate, isolated, one,
    perpetual, position, trade, trade_with_fee,
};
use downdraft_margin::{Place, fee};
use downdraft_types::{Lots, MarkPrice, Money, Ppm, Qty};

/// Cost 10 over 3 lots: the first lots released round up, against the holder now, in its favour at the last.
#[test]
fn a_partial_close_rounds_against_the_holder_and_gives_it_back() {
    for (size, realised) in [(3, [6 - 4, 6 - 3, 6 - 3]), (-3, [-6 + 3, -6 + 3, -6 + 4])] {
        let mut margin = one(0, 10_000, 4);
        deposit(&mut margin, A, 100);
        trade(&mut margin, A, FIRST, size, 10);
        let close = -size.signum();
        let found = [0, 1, 2].map(|_| trade(&mut margin, A, FIRST, close, 6).change.realised.0);
        assert_eq!(found, realised, "size {size}");
        assert_eq!(position(&margin, A), (0, 0));
        assert_eq!(imbalance(&margin), 0);
    }
}

/// The value of a trade that flips is split in lots; the closed part gets the smaller share.
#[test]
fn a_flip_closes_at_the_floor_of_its_share() {
    let mut margin = one(0, 10_000, 4);
    deposit(&mut margin, A, 100);
    trade(&mut margin, A, FIRST, 1, 4);
    let change = trade(&mut margin, A, FIRST, -3, 11).change;
    assert_eq!((change.closed, change.opened), (Qty(1), Qty(2)));
    assert_eq!((change.realised, change.opened_value), (Money(3 - 4), Money(8)));
    assert_eq!(position(&margin, A), (-2, -8));
}

/// A payer pays the fraction of a unit, and a rebate loses it.
#[test]
fn fees_round_up() {
    assert_eq!(fee(Money(1_001), Ppm(1_000)), Money(2));
    assert_eq!(fee(Money(1_001), Ppm(-1_000)), Money(-1));
    assert_eq!(fee(Money(-1_001), Ppm(1_000)), Money(2), "on the value's size");
    let mut margin = one(0, 10_000, 4);
    deposit(&mut margin, A, 100);
    trade_with_fee(&mut margin, A, FIRST, 1, 4, 2);
    assert_eq!((cash(&margin, A), margin.ledger().balance(CASH, Place::Fees)), (98, Money(2)));
}

/// Payers pay the fraction and receivers forgo it; the residue account has both.
#[test]
fn funding_rounds_up_to_the_residue_account() {
    let mut margin = one(0, 10_000, 1_001);
    holds(&mut margin, A, 1, 1_001, 100);
    holds(&mut margin, B, -1, 1_001, 100);
    let mut paid = Vec::new();
    let residue = margin.pay_funding(FIRST, Ppm(1_000), |account, due| paid.push((account, due.0)));
    assert_eq!(paid, [(A, 2), (B, -1)]);
    assert_eq!((residue, margin.ledger().balance(CASH, Place::Residue)), (Money(1), Money(1)));
    assert_eq!((cash(&margin, A), cash(&margin, B)), (98, 101));
    assert_eq!(imbalance(&margin), 0);
}

/// Initial margin is rounded up: the account bears the fraction.
#[test]
fn initial_margin_rounds_up() {
    let mut margin = one(0, 10_000, 101);
    isolate(&mut margin, A, 100_000);
    deposit(&mut margin, A, 100);
    assert_eq!(trade(&mut margin, A, FIRST, 1, 101).margin_moved, Money(11));
    assert_eq!(margin.instrument(FIRST).initial_margin(Qty(0), Money(101), Some(Ppm(100_000))), Money(11));
}

/// A share of equity is rounded down, whatever its sign: a long's bankruptcy value up, a short's down.
#[test]
fn bankruptcy_asks_the_account_for_the_fraction() {
    for (money, long, short) in [(10, 1_000 - 3, 1_000 + 3), (-10, 1_000 + 4, 1_000 - 4)] {
        let mut margin = one(0, 10_000, 1_000);
        for (account, size) in [(A, 3_i64), (B, -3)] {
            let value = 3_000 - i128::from(size.signum()) * money;
            trade(&mut margin, account, FIRST, size, value);
            let expected = if size > 0 { long } else { short };
            assert_eq!(margin.bankruptcy_value(account, FIRST, Qty(1)), Money(expected), "size {size}, equity {money}");
            assert_eq!(margin.bankruptcy_value(account, FIRST, Qty(3)), Money(value), "all of it, exactly");
        }
    }
}

/// Equity is shared by maintenance margin; where nobody asks for any, by notional.
#[test]
fn equity_is_shared_by_maintenance_and_else_by_notional() {
    for (maintenance, expected) in [([10_000, 20_000], [33, 66]), ([0, 0], [50, 50])] {
        let mut margin = engine(&maintenance.map(|rate| perpetual(rate, 100_000)));
        for id in [FIRST, SECOND] {
            margin.set_mark(id, MarkPrice(1_000));
        }
        deposit(&mut margin, A, 100);
        trade(&mut margin, A, FIRST, 1, 1_000);
        trade(&mut margin, A, SECOND, -1, 1_000);
        let found = [FIRST, SECOND].map(|id| margin.equity_share(A, id).0);
        assert_eq!(found, expected);
    }
}

/// The margin released with a partial close is rounded down: it stays with the position.
#[test]
fn released_margin_rounds_down() {
    let mut margin = one(0, 10_000, 100);
    isolate(&mut margin, A, 33_333);
    deposit(&mut margin, A, 100);
    assert_eq!(trade(&mut margin, A, FIRST, 3, 300).margin_moved, Money(10));
    assert_eq!(trade(&mut margin, A, FIRST, -1, 100).margin_moved, Money(-3));
    assert_eq!(margin.balance(isolated(A)), Money(7));
    assert_eq!(trade(&mut margin, A, FIRST, -1, 100).margin_moved, Money(-3));
    assert_eq!(trade(&mut margin, A, FIRST, -1, 100).margin_moved, Money(-4));
    assert_eq!((cash(&margin, A), margin.balance(isolated(A))), (100, Money(0)));
}

/// What a shortage asks to be closed is rounded down, and never more than there is.
#[test]
fn lots_to_cover_a_shortage() {
    let mut margin = one(100_000, 100_000, 1_000);
    holds(&mut margin, A, 10, 1_000, 850);
    // Short by 150; a lot relieves 100, or 90 when it costs 10.
    assert_eq!(margin.lots_to_cover(A, FIRST, Ppm(0)), Qty(1));
    assert_eq!(margin.lots_to_cover(A, FIRST, Ppm(90_000)), Qty(10));
    assert_eq!(margin.lots_to_cover(A, FIRST, Ppm(200_000)), Qty(10), "closing makes it worse");
    deposit(&mut margin, A, 150);
    assert_eq!(margin.lots_to_cover(A, FIRST, Ppm(0)), Qty(0));
    assert!(margin.health(cross(HOUSE)).is_healthy());
}

/// A limit from a value is no worse for the taker than the value.
#[test]
fn a_limit_price_favours_the_taker() {
    let margin = one(0, 10_000, 100);
    let terms = margin.instrument(FIRST);
    let price = |value, side| terms.price_of(Qty(3), Money(value), side).0;
    use downdraft_types::Side::{Buy, Sell};
    assert_eq!((price(100, Buy), price(100, Sell)), (33, 34));
    assert_eq!((price(-100, Buy), price(-100, Sell)), (-34, -33));
    assert_eq!(terms.value_at(Lots(-3), MarkPrice(100)), Money(-300));
}

/// Closing at its limit value leaves the fund nothing, to the unit; a unit worse is more than it has.
#[test]
fn the_funds_limit_uses_up_its_balance() {
    use downdraft_types::{AccountId, Side};
    for (size, limit) in [(3_i64, 4 - 5), (-3, 5 + 3)] {
        let mut margin = one(0, 10_000, 3);
        deposit(&mut margin, AccountId::FUND, 5);
        trade(&mut margin, AccountId::FUND, FIRST, size, 10);
        assert_eq!(margin.fund_limit_value(FIRST, Qty(1)), Money(limit));
        let (side, worse) = if size > 0 { (Side::Sell, limit - 1) } else { (Side::Buy, limit + 1) };
        assert!(margin.fund_can_realise(FIRST, side, Qty(1), Money(limit)));
        assert!(!margin.fund_can_realise(FIRST, side, Qty(1), Money(worse)));
        trade(&mut margin, AccountId::FUND, FIRST, -size / 3, limit);
        assert_eq!(margin.fund(CASH), Money::ZERO);
    }
}
