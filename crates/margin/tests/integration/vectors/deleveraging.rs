//! Who is deleveraged, and who bears a loss: queue against pro-rata.

use super::case::{Case, Outcome, int, same};
use crate::world::{A, C, FIRST, HOUSE, deposit, holds, one, trade};
use downdraft_margin::{AdlPolicy, AdlRanking, Eligibility, Socialising};
use downdraft_types::{AccountId, MarkPrice, Money, Qty, Side};

pub fn check(id: &str) -> Option<fn(&Case) -> Outcome> {
    (id == "adl.queue_vs_prorata").then_some(queue_against_pro_rata)
}

/// Three shorts of one lot, each with its profit, against a bankrupt long. The queue closes whole positions until
/// their profit covers the deficit; in proportion, it is covered to the unit.
fn queue_against_pro_rata(case: &Case) -> Outcome {
    let mut margin = one(0, 10_000, 1_000);
    let profits: Vec<i128> = case.input("pnl_ranked").as_array().expect("a list").iter().map(int).collect();
    let winners: Vec<AccountId> = (C.0..).map(AccountId).take(profits.len()).collect();
    for (account, profit) in winners.iter().zip(&profits) {
        deposit(&mut margin, *account, 1_000);
        trade(&mut margin, *account, FIRST, -1, 1_000 + profit);
    }
    margin.set_mark(FIRST, MarkPrice(1_000));
    let deficit = case.int("deficit");
    holds(&mut margin, A, 2, 1_000, deficit);
    assert!(!winners.contains(&HOUSE));
    let policy = AdlPolicy { ranking: AdlRanking::ProfitTimesLeverage, profitable_only: true, ..AdlPolicy::default() };
    let queue = case.expected()["queue"].as_array().expect("a list").iter().map(int).collect::<Vec<_>>();
    let profit_of = |account: AccountId| profits[account.index() - C.index()];
    let (mut closed, mut covered, mut lots) = (vec![0; profits.len()], 0, 0);
    while covered < deficit {
        lots += 1;
        margin.plan_deleveraging(A, FIRST, Side::Buy, Qty(lots), Eligibility::Policy(policy, Money(1_000)));
        let (account, ..) = margin.planned(usize::try_from(lots).expect("small") - 1).expect("someone is left");
        closed[account.index() - C.index()] = profit_of(account);
        covered += profit_of(account);
    }
    same(closed, queue)?;
    same(covered - deficit, int(&case.expected()["queue_overshoot"]))?;
    same(margin.plan_socialising(A, FIRST, Money(deficit), Socialising::Winners).0, deficit)?;
    let shares: Vec<i128> = (0..profits.len()).map(|n| margin.planned(n).expect("a share").2).collect();
    same(shares, case.expected()["prorata"].as_array().expect("a list").iter().map(int).collect())
}
