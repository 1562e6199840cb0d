//! Who is eligible for deleveraging, in which order and for how much; who bears a deficit, and how far.

use crate::world::{A, B, C, CASH, FIRST, HOUSE, deposit, holds, one, trade};
use downdraft_margin::{AdlPolicy, AdlPrice, AdlRanking, Eligibility, Margin, Socialising};
use downdraft_types::{AccountId, MarkPrice, Money, Qty, Side};

const D: AccountId = AccountId(4);
const QUEUE: AdlPolicy = ranked(AdlRanking::ProfitTimesLeverage);
const SHARES: AdlPolicy = ranked(AdlRanking::ProRata);

const fn ranked(ranking: AdlRanking) -> AdlPolicy {
    AdlPolicy { ranking, profitable_only: true, price: AdlPrice::Bankruptcy }
}

/// Entered shorts of `size` lots at `price` with `money`; the mark is 100 and comes last.
fn shorts(shorts: &[(AccountId, i64, i64, i128)]) -> Margin {
    let mut margin = one(10_000, 100_000, 100);
    for &(account, size, price, money) in shorts {
        holds(&mut margin, account, -size, price, money);
    }
    margin
}

/// The plan for closing a long of A at `value` for all lots: who, and how much.
fn plan(margin: &mut Margin, qty: u64, policy: AdlPolicy, value: i128) -> Vec<(AccountId, i128)> {
    let found = margin.plan_deleveraging(A, FIRST, Side::Buy, Qty(qty), Eligibility::Policy(policy, Money(value)));
    let plan: Vec<_> = planned(margin);
    assert_eq!(plan.iter().map(|(_, lots)| lots).sum::<i128>(), i128::from(found.0));
    plan
}

fn planned(margin: &Margin) -> Vec<(AccountId, i128)> {
    (0..).map_while(|n| margin.planned(n)).map(|(account, _, lots)| (account, lots)).collect()
}

#[test]
fn the_most_profitable_and_levered_come_first() {
    // Profit 20% at leverage 2; the same profit with more money; 50%.
    let mut margin = shorts(&[(B, 10, 125, 250), (C, 10, 125, 750), (D, 10, 200, 500)]);
    let found = plan(&mut margin, 15, QUEUE, 1_500);
    assert_eq!(found, [(B, 10), (D, 5), (C, 0)]);
}

/// 125 ÷ 100 × 1000 ÷ 500; the same with more money; 200 ÷ 100 × 1000 ÷ 1500.
#[test]
fn account_value_ranks_price_ratio_and_leverage() {
    let by = ranked(AdlRanking::AccountValue);
    let mut margin = shorts(&[(B, 10, 125, 250), (C, 10, 125, 750), (D, 10, 200, 500)]);
    assert_eq!(plan(&mut margin, 15, by, 1_500), [(B, 10), (D, 5), (C, 0)]);
    // 1.25 × 2 against 2 × 1; by profit × leverage, 20% × 2 against 50% × 1.
    let mut margin = shorts(&[(B, 10, 125, 250), (D, 10, 200, 0)]);
    assert_eq!(plan(&mut margin, 5, by, 500)[0], (B, 5));
    assert_eq!(plan(&mut margin, 5, QUEUE, 500)[0], (D, 5));
}

/// Equity 500, 1000 and 1500 behind ten lots each.
#[test]
fn equity_shares_stop_at_the_size() {
    let by = ranked(AdlRanking::ProRataEquity);
    let mut margin = shorts(&[(B, 10, 125, 250), (C, 10, 125, 750), (D, 10, 200, 500)]);
    assert_eq!(plan(&mut margin, 12, by, 1_200), [(B, 2), (C, 4), (D, 6)]);
    // One lot more: 2.17, 4.33, 6.5.
    assert_eq!(plan(&mut margin, 13, by, 1_300), [(B, 2), (C, 4), (D, 7)]);
    // D's share of 24 would be 12; the 14 that are left go one to two.
    assert_eq!(plan(&mut margin, 24, by, 2_400), [(B, 5), (C, 9), (D, 10)]);
    assert_eq!(plan(&mut margin, 30, by, 3_000), [(B, 10), (C, 10), (D, 10)]);
    assert_eq!(plan(&mut margin, 31, by, 3_100), [(B, 10), (C, 10), (D, 10)]);
}

#[test]
fn a_drawn_start_goes_round() {
    let by = |seed| ranked(AdlRanking::RandomStart { seed });
    let mut margin = shorts(&[(B, 4, 125, 100), (C, 4, 125, 100), (D, 4, 125, 100)]);
    assert_eq!(plan(&mut margin, 5, by(0), 500), [(B, 4), (C, 1), (D, 0)]);
    assert_eq!(plan(&mut margin, 5, by(1), 500), [(C, 4), (D, 1), (B, 0)]);
    assert_eq!(plan(&mut margin, 5, by(5), 500), [(D, 4), (B, 1), (C, 0)]);
    let starts: std::collections::BTreeSet<AccountId> =
        (0..32).map(|nonce| plan(&mut margin, 1, by(7).drawn(nonce), 100)[0].0).collect();
    assert_eq!(starts.len(), 3, "every one of them comes first at some time");
    assert_eq!(by(7).drawn(3), by(7).drawn(3));
    assert_eq!(QUEUE.drawn(3), QUEUE);
}

/// Equal ranks go by account number.
#[test]
fn ties_go_by_account() {
    let mut margin = shorts(&[(C, 4, 125, 100), (B, 4, 125, 100), (D, 4, 125, 100)]);
    assert_eq!(plan(&mut margin, 9, QUEUE, 900), [(B, 4), (C, 4), (D, 1)]);
}

#[test]
fn losers_the_liquidated_and_the_fund_are_not_eligible() {
    let mut margin = shorts(&[(B, 10, 90, 1_000), (C, 10, 110, 1_000), (D, 10, 110, 0)]);
    trade(&mut margin, AccountId::FUND, FIRST, -5, 550);
    // The bankruptcy price of a short in profit is above the mark; asked at the mark, all are eligible by price.
    assert_eq!(plan(&mut margin, 30, QUEUE, 3_000), [(D, 10), (C, 10)]);
    let any = AdlPolicy { profitable_only: false, ..QUEUE };
    assert_eq!(plan(&mut margin, 30, any, 3_000), [(D, 10), (C, 10), (B, 10)]);
    margin.set_mark(FIRST, MarkPrice(109));
    assert!(margin.is_liquidating(crate::world::cross(D)));
    assert_eq!(plan(&mut margin, 30, QUEUE, 30 * 109), [(C, 10)]);
    margin.plan_deleveraging(A, FIRST, Side::Buy, Qty(30), Eligibility::Anyone);
    assert_eq!(planned(&margin).len(), 4, "at the mark, anyone, the fund too");
}

/// A counterparty whose own bankruptcy price is worse than the price asked is passed over; equal is enough.
#[test]
fn nobody_is_closed_beyond_its_own_bankruptcy() {
    // Equity 10 × 5 + 40: bankrupt at 109.
    let mut margin = shorts(&[(B, 10, 105, 40)]);
    assert_eq!(plan(&mut margin, 4, QUEUE, 4 * 109), [(B, 4)]);
    assert_eq!(plan(&mut margin, 4, QUEUE, 4 * 109 + 1), []);
    // And longs, closed against a short of A.
    let mut margin = one(10_000, 100_000, 100);
    holds(&mut margin, B, 10, 95, 40);
    let found = |margin: &mut Margin, value| {
        let asked = Eligibility::Policy(QUEUE, Money(value));
        margin.plan_deleveraging(A, FIRST, Side::Sell, Qty(4), asked)
    };
    assert_eq!((found(&mut margin, 4 * 91), found(&mut margin, 4 * 91 - 1)), (Qty(4), Qty(0)));
}

/// By size, rounded down; what is left goes to the largest remainders, then by account; in account order.
#[test]
fn shares_are_exact() {
    let rich = 10_000;
    let mut margin = shorts(&[(D, 5, 110, rich), (B, 3, 110, rich), (C, 2, 110, rich)]);
    assert_eq!(plan(&mut margin, 7, SHARES, 700), [(B, 2), (C, 1), (D, 4)]);
    assert_eq!(plan(&mut margin, 10, SHARES, 1_000), [(B, 3), (C, 2), (D, 5)]);
    assert_eq!(plan(&mut margin, 99, SHARES, 9_900), [(B, 3), (C, 2), (D, 5)], "no more than there is");
    let mut margin = shorts(&[(D, 5, 110, rich), (C, 5, 110, rich), (B, 5, 110, rich)]);
    assert_eq!(plan(&mut margin, 2, SHARES, 200), [(B, 1), (C, 1), (D, 0)]);
}

fn socialise(margin: &mut Margin, deficit: i128) -> (i128, Vec<(AccountId, i128)>) {
    let borne = margin.plan_socialising(A, FIRST, Money(deficit), Socialising::Winners).0;
    (borne, planned(margin))
}

/// Winners bear a deficit in proportion to their profit, to the unit, and never beyond it.
#[test]
fn socialised_loss_is_capped_by_profit() {
    let mut margin = shorts(&[(B, 10, 110, 1_000), (C, 10, 105, 1_000), (D, 10, 95, 1_000)]);
    assert_eq!(margin.position(HOUSE, FIRST).unwrap().cost(), Money(3_100));
    assert_eq!(socialise(&mut margin, 100), (100, vec![(B, 67), (C, 33)]));
    assert_eq!(socialise(&mut margin, 1), (1, vec![(B, 1), (C, 0)]));
    assert_eq!(socialise(&mut margin, 1_000), (150, vec![(B, 100), (C, 50)]));
    assert_eq!(socialise(&mut margin, 0).0, 0);
    let without_b = margin.plan_socialising(B, FIRST, Money(100), Socialising::Winners);
    assert_eq!(without_b, Money(50), "the one whose deficit it is does not pay");
}

/// A winner whose pool has lost elsewhere pays no more than the pool is worth.
#[test]
fn socialised_loss_is_capped_by_equity() {
    let mut margin =
        crate::world::engine(&[crate::world::perpetual(10_000, 100_000), crate::world::perpetual(10_000, 100_000)]);
    margin.set_mark(FIRST, MarkPrice(100));
    margin.set_mark(crate::world::SECOND, MarkPrice(100));
    deposit(&mut margin, B, 1_000);
    trade(&mut margin, B, crate::world::SECOND, 10, 1_970);
    trade(&mut margin, B, FIRST, -10, 1_100);
    assert_eq!(margin.health(crate::world::cross(B)).equity, Money(130));
    assert_eq!(socialise(&mut margin, 500).0, 100);
    margin.set_mark(crate::world::SECOND, MarkPrice(92));
    assert_eq!(margin.health(crate::world::cross(B)).equity, Money(50));
    assert_eq!(socialise(&mut margin, 500).0, 50);
    assert_eq!(margin.cash(A, CASH), Money::ZERO);
}
