//! What of a pool's equity answers for a position, what all holders of an instrument bear, and who may take over.

use crate::world::{A, B, C, CASH, FIRST, HOUSE, SECOND, deposit, engine, holds, isolate, one, perpetual, trade};
use downdraft_margin::{EquityShare, Margin, MarginError, Socialising};
use downdraft_types::{AccountId, MarkPrice, Money, Qty, Side};

/// Ten lots each at 100, with maintenance 10 and 30, and 80 of money.
#[test]
fn equity_is_shared_by_maintenance_by_notional_or_not() {
    let mut margin = engine(&[perpetual(10_000, 100_000), perpetual(30_000, 100_000)]);
    for id in [FIRST, SECOND] {
        margin.set_mark(id, MarkPrice(100));
    }
    deposit(&mut margin, A, 80);
    trade(&mut margin, A, FIRST, 10, 1_000);
    trade(&mut margin, A, SECOND, 10, 1_000);
    let asked = |margin: &Margin| [FIRST, SECOND].map(|id| margin.bankruptcy_value(A, id, Qty(10)).0);
    assert_eq!(asked(&margin), [980, 940], "by maintenance, 20 and 60");
    margin.set_equity_share(EquityShare::Notional);
    assert_eq!(asked(&margin), [960, 960]);
    margin.set_equity_share(EquityShare::Whole);
    assert_eq!(asked(&margin), [920, 920], "whichever comes first");
    // A deficit of 80, likewise.
    margin.set_mark(SECOND, MarkPrice(84));
    let asked = |margin: &Margin| [FIRST, SECOND].map(|id| margin.bankruptcy_value(A, id, Qty(10)).0);
    assert_eq!(asked(&margin), [1_080, 920]);
    margin.set_equity_share(EquityShare::Notional);
    // 80 × 1000 ÷ 1840 and 80 × 840 ÷ 1840, the account's share rounded against it.
    assert_eq!(asked(&margin), [1_044, 877]);
}

fn borne(margin: &mut Margin, deficit: i128) -> (i128, Vec<(AccountId, i128)>) {
    let borne = margin.plan_socialising(A, FIRST, Money(deficit), Socialising::Holders).0;
    (borne, (0..).map_while(|n| margin.planned(n)).map(|(account, _, amount)| (account, amount)).collect())
}

/// Shorts of 10 and 5, and the house's long of 15: 31 is 10.33, 5.17 and 15.5.
#[test]
fn all_holders_bear_a_deficit_by_size() {
    let mut margin = one(10_000, 100_000, 100);
    holds(&mut margin, B, -10, 100, 1_000);
    holds(&mut margin, C, -5, 100, 1_000);
    assert_eq!(borne(&mut margin, 31), (31, vec![(B, 10), (C, 5), (HOUSE, 16)]));
    assert_eq!(margin.plan_socialising(A, FIRST, Money(31), Socialising::Nobody), Money(0));
    // Nobody bears more than its pool is worth: the others bear the rest, by size.
    let mut margin = one(10_000, 100_000, 100);
    holds(&mut margin, B, -10, 100, 10);
    holds(&mut margin, C, -5, 100, 1_000);
    assert_eq!(borne(&mut margin, 38), (38, vec![(B, 10), (C, 7), (HOUSE, 21)]));
    // The fund's own position bears nothing.
    trade(&mut margin, AccountId::FUND, FIRST, 20, 2_000);
    assert_eq!(borne(&mut margin, 38).1.len(), 3);
}

#[test]
fn a_vault_takes_what_leaves_it_at_maintenance() {
    let mut margin = one(100_000, 200_000, 100);
    deposit(&mut margin, B, 40);
    let can = |margin: &Margin, cost: i128| margin.vault_can_take(B, FIRST, Side::Buy, Qty(10), Money(cost));
    // Maintenance 100: 40 and a discount of 60.
    assert!(can(&margin, 940) && !can(&margin, 941));
    // It falls itself: 40 against 50.
    trade(&mut margin, B, FIRST, -5, 500);
    assert!(margin.is_liquidating(crate::world::cross(B)) && !can(&margin, 900));
    deposit(&mut margin, C, 1_000);
    isolate(&mut margin, C, 200_000);
    assert!(!margin.vault_can_take(C, FIRST, Side::Buy, Qty(1), Money(0)), "an isolated position is its owner's");
    assert!(!margin.vault_can_take(AccountId::FUND, FIRST, Side::Buy, Qty(1), Money(0)), "a fund is no vault");
    let too_large = Qty(1_000_000_000_001);
    assert!(!margin.vault_can_take(HOUSE, FIRST, Side::Buy, too_large, Money(0)), "beyond the largest position");
}

#[test]
fn funds_are_accounts_with_nothing_at_stake() {
    let mut margin = one(10_000, 100_000, 100);
    assert_eq!(margin.fund_of(FIRST), AccountId::FUND);
    assert_eq!(margin.appoint_fund(FIRST, AccountId(99)), Err(MarginError::UnknownAccount));
    holds(&mut margin, A, 1, 100, 100);
    assert_eq!(margin.appoint_fund(FIRST, A), Err(MarginError::PositionOpen));
    isolate(&mut margin, C, 200_000);
    assert_eq!(margin.appoint_fund(FIRST, C), Err(MarginError::PositionOpen));
    deposit(&mut margin, B, 50);
    assert_eq!(margin.appoint_fund(FIRST, B), Ok(()));
    assert!(margin.is_fund(B) && margin.fund_of(FIRST) == B && margin.is_fund(AccountId::FUND));
    assert!(margin.fund_covers(B, CASH, Money(50)) && !margin.fund_covers(B, CASH, Money(51)));
    // While it holds a position, it stays the fund.
    trade(&mut margin, B, FIRST, 1, 90);
    assert_eq!(margin.appoint_fund(FIRST, AccountId::FUND), Err(MarginError::PositionOpen));
    assert!(!margin.is_liquidating(crate::world::cross(B)), "a fund is never liquidated");
    margin.set_mark(FIRST, MarkPrice(1));
    assert!(!margin.is_liquidating(crate::world::cross(B)));
}
