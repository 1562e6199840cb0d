//! Every liquidation mode with every waterfall policy, on one shock: who bears the losses, as a table to review.

use crate::outcome::{Outcome, outcome, scenario};
use downdraft_types::Money;
use std::collections::BTreeMap;

const GOLDEN: &str = include_str!("../golden/waterfall.txt");

/// Contracts: a scenario, and what makes its fund too small.
const CONTRACTS: [(&str, &str, u32); 2] =
    [("fund-exhausted", "fund.USDT=3000", 6), ("coin-margined", "fund.BTC=0.3", 8)];

const MODES: [(&str, &[&str]); 5] = [
    ("market", &["liquidation.mode=market"]),
    ("partial, by tier", &["liquidation.mode=partial", "liquidation.step=tier"]),
    ("partial, a fifth", &["liquidation.mode=partial", "liquidation.step={ fraction = \"20%\" }"]),
    ("limit, then ADL", &["liquidation.mode=bankruptcy-limit", "liquidation.rest=adl"]),
    (
        "limit, then fund",
        &["liquidation.mode=bankruptcy-limit", "liquidation.rest={ fund = { fraction = \"25%\", interval = \"1s\" } }"],
    ),
];

const SHORT: [&str; 2] = ["adl", "deficit"];

const RANKINGS: [&str; 5] = ["profit-times-leverage", "account-value", "pro-rata", "pro-rata-equity", "random-start"];

/// What differs from orders limited at the bankruptcy price, their rest deleveraged at it, with the same small fund.
const POLICIES: [(&str, &[&str]); 16] = [
    ("as above", &[]),
    ("residual to the fund", &["liquidation.residual=fund"]),
    ("… at most 0.5%", &["liquidation.residual={ fund_capped = \"0.5%\" }"]),
    ("residual to a vault", &["liquidation.residual=vault"]),
    (
        "backstop, a vault",
        &[
            "liquidation.backstop={ below = \"66.6667%\", vault = { fraction = \"25%\", interval = \"1s\", book_part = \"10%\" } }",
        ],
    ),
    (
        "backstop, the fund",
        &[
            "liquidation.backstop={ below = \"100%\", fund = { fraction = \"25%\", interval = \"1s\", book_part = \"10%\" } }",
        ],
    ),
    ("rest to a vault", &["liquidation.rest={ vault = { fraction = \"25%\", interval = \"1s\" } }"]),
    ("ADL at the mark", &["liquidation.adl.price=mark"]),
    ("… all holders pay", &["liquidation.adl.price=mark", "liquidation.socialise=funding"]),
    ("… nobody pays", &["liquidation.adl.price=mark", "liquidation.socialise=nobody"]),
    ("ADL at the mark before", &["liquidation.adl.price=previous-mark"]),
    ("ADL at the index before", &["liquidation.adl.price=previous-oracle"]),
    ("ADL at entry", &["liquidation.adl.price=entry"]),
    ("… to the fund", &["liquidation.adl.price=entry", "liquidation.residual=fund"]),
    ("market, ADL first", &["liquidation.mode=market", "liquidation.deficit_order=adl-fund"]),
    (
        "a fifth, to the end",
        &["liquidation.mode=partial", "liquidation.step={ fraction = \"20%\" }", "liquidation.between=close-all"],
    ),
];

/// By policy: overshoot is what counterparties gave up beyond the deficits.
fn policies() -> String {
    let mut rows = String::from(
        "contract       | policy                  |  fallen |  closed | taken over | deficits      | fund          | conceded      | overshoot     | socialised    | uncovered     | to the vault\n",
    );
    for (name, fund, decimals) in CONTRACTS {
        for (policy, changes) in POLICIES {
            let mut sets = BTreeMap::from([("liquidation.mode", "bankruptcy-limit"), ("liquidation.rest", "adl")]);
            sets.extend(changes.iter().filter_map(|change| change.split_once('=')));
            if sets["liquidation.mode"] != "bankruptcy-limit" {
                sets.remove("liquidation.rest");
            }
            let sets: Vec<String> = sets.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let sets: Vec<&str> =
                [fund, "actors.crowd.count=600"].into_iter().chain(sets.iter().map(String::as_str)).collect();
            let found = outcome(scenario(name, &sets), None);
            let borne = found.drawn + found.conceded - found.overshoot + found.socialised + found.uncovered;
            assert_eq!(found.deficits, borne, "{name} {policy}: to the unit");
            let money = [
                found.deficits,
                found.drawn,
                found.conceded,
                found.overshoot,
                found.socialised,
                found.uncovered,
                found.to_vault,
            ];
            let money = money.map(|money| format!("{:>13}", amount(money, decimals))).join(" | ");
            let (fallen, closed, taken) = (found.liquidations, found.deleveraged, found.taken_over);
            rows += &format!("{name:<14} | {policy:<23} | {fallen:>7} | {closed:>7} | {taken:>10} | {money}\n");
        }
    }
    rows
}

fn run((name, fund, _): (&str, &str, u32), mode: &[&str], short: &str, ranking: &str) -> Outcome {
    let short = format!("liquidation.on_fund_short={short}");
    let ranking = format!("liquidation.adl.ranking={ranking}");
    let mut sets = vec![fund, "actors.crowd.count=600", &short, &ranking];
    sets.extend(mode);
    outcome(scenario(name, &sets), None)
}

/// Whole units and hundredths of a currency.
fn amount(money: Money, decimals: u32) -> String {
    let hundredths = money.0 / 10_i128.pow(decimals - 2);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn table() -> String {
    let mut rows = String::from(
        "contract       | mode             | fund short | ADL ranking           |  fallen |  closed | deficits      | fund          | conceded      | socialised    | uncovered\n",
    );
    for contract in CONTRACTS {
        for (mode, sets) in MODES {
            // A limited order needs no fund to match.
            let shorts = if mode.starts_with("limit") { &SHORT[..1] } else { &SHORT };
            for &short in shorts {
                // Where nothing is deleveraged before the waterfall, rankings differ in nothing.
                let rankings = if short == "adl" { &RANKINGS[..] } else { &RANKINGS[..1] };
                for ranking in rankings {
                    let found = run(contract, sets, short, ranking);
                    let borne = found.drawn + found.conceded + found.socialised + found.uncovered;
                    assert_eq!(found.deficits, borne, "{contract:?} {mode} {short} {ranking}: to the unit");
                    let money = [found.deficits, found.drawn, found.conceded, found.socialised, found.uncovered];
                    let money = money.map(|money| format!("{:>13}", amount(money, contract.2))).join(" | ");
                    let (fallen, closed) = (found.liquidations, found.deleveraged);
                    rows += &format!(
                        "{:<14} | {mode:<16} | {short:<10} | {ranking:<21} | {fallen:>7} | {closed:>7} | {money}\n",
                        contract.0
                    );
                }
            }
        }
    }
    rows
}

/// `UPDATE_GOLDEN=1` writes the table anew: review what changes.
#[test]
fn losses_are_borne_as_reviewed() {
    let table = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/waterfall.txt"), &table).unwrap();
        return;
    }
    for (found, expected) in table.lines().zip(GOLDEN.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(table.lines().count(), GOLDEN.lines().count());
}

/// The table of policies is printed; what it must hold is checked of each.
#[test]
fn every_policy_reconciles_to_the_unit() {
    let table = policies();
    println!("{table}");
    assert_eq!(table.lines().count(), 1 + CONTRACTS.len() * POLICIES.len());
}
