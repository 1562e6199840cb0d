//! Every liquidation mode with every waterfall policy, on one shock: who bears the losses, as tables to review.

use crate::outcome::{Outcome, outcome, scenario};
use downdraft_types::Money;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A shock in a thin book.
struct World {
    scenario: &'static str,
    /// A fund that is soon empty, and a tier within reach.
    sets: [&'static str; 2],
    decimals: u32,
    golden: &'static str,
}

const LINEAR: World = World {
    scenario: "fund-exhausted",
    sets: ["fund.USDT=300", "instruments.BTC-PERP.tiers.1.floor=20000"],
    decimals: 6,
    golden: include_str!("../golden/waterfall/fund-exhausted.txt"),
};

const INVERSE: World = World {
    scenario: "coin-margined",
    sets: ["fund.BTC=0.005", "instruments.BTCUSD.tiers.1.floor=0.3"],
    decimals: 8,
    golden: include_str!("../golden/waterfall/coin-margined.txt"),
};

/// A fast fall, liquidations that come late, and high leverage: losses go all the way down.
const SHOCK: [&str; 8] = [
    "duration=10s",
    "actors.flow.book.levels.count=2000",
    "actors.crowd.count=300",
    "actors.crowd.counterparties.count=60",
    "liquidation.latency=250ms",
    "liquidation.orders_per_second=1000",
    "actors.seller.interval=20ms",
    "actors.crowd.leverage.median=20",
];

type Changes = &'static [(&'static str, &'static str)];

const MODES: [(&str, Changes); 6] = [
    ("market", &[("mode", "market")]),
    ("by tier", &[("mode", "partial"), ("step", "tier")]),
    ("by halves", &[("mode", "partial"), ("step", "{ fraction = \"50%\" }")]),
    ("limit, ADL", &[("mode", "bankruptcy-limit"), ("rest", "adl")]),
    ("limit, fund", &[("mode", "bankruptcy-limit"), ("rest", "{ fund = { fraction = \"25%\", interval = \"1s\" } }")]),
    (
        "limit, vault",
        &[("mode", "bankruptcy-limit"), ("rest", "{ vault = { fraction = \"25%\", interval = \"1s\" } }")],
    ),
];

const SLOWLY: &str = "fraction = \"25%\", interval = \"1s\", book_part = \"10%\"";

/// What differs from the scenario's: residual margin to the fund; fund, then ADL by profit × leverage at the bankruptcy
/// price, then winners.
const POLICIES: [(&str, Changes); 22] = [
    ("as written", &[]),
    ("residual: trader", &[("residual", "trader")]),
    ("residual: fund, 0.5%", &[("residual", "{ fund_capped = \"0.5%\" }")]),
    ("residual: vault", &[("residual", "vault")]),
    ("backstop: vault", &[("backstop", "{ below = \"66.6667%\", vault = { SLOWLY } }")]),
    ("backstop: fund", &[("backstop", "{ below = \"100%\", fund = { SLOWLY } }")]),
    ("fund short: deficit", &[("on_fund_short", "deficit")]),
    ("… all holders pay", &[("on_fund_short", "deficit"), ("socialise", "funding")]),
    ("… nobody pays", &[("on_fund_short", "deficit"), ("socialise", "nobody")]),
    ("ADL before fund", &[("deficit_order", "adl-fund")]),
    ("ranking: account value", &[("adl.ranking", "account-value")]),
    ("ranking: size", &[("adl.ranking", "pro-rata")]),
    ("ranking: equity", &[("adl.ranking", "pro-rata-equity")]),
    ("ranking: random start", &[("adl.ranking", "random-start")]),
    ("ADL: mark", &[("adl.price", "mark")]),
    ("… all holders pay", &[("adl.price", "mark"), ("socialise", "funding")]),
    ("… nobody pays", &[("adl.price", "mark"), ("socialise", "nobody")]),
    ("ADL: mark before", &[("adl.price", "previous-mark")]),
    ("ADL: index before", &[("adl.price", "previous-oracle")]),
    ("ADL: entry", &[("adl.price", "entry")]),
    ("… rest to the trader", &[("adl.price", "entry"), ("residual", "trader")]),
    ("closed to the end", &[("between", "close-all")]),
];

const HEADER: &str = "mode         | policy                 | fallen | closed | taken over |     deficits |         fund |     conceded |    overshoot |   socialised |    uncovered |     to vault\n";

impl World {
    fn outcome(&self, mode: Changes, policy: Changes) -> Outcome {
        let changes: BTreeMap<_, _> = mode.iter().chain(policy).copied().collect();
        let policies =
            changes.iter().map(|(key, value)| format!("liquidation.{key}={}", value.replace("SLOWLY", SLOWLY)));
        let sets: Vec<String> = self.sets.into_iter().chain(SHOCK).map(str::to_owned).chain(policies).collect();
        outcome(scenario(self.scenario, &sets.iter().map(String::as_str).collect::<Vec<_>>()), None)
    }

    /// Overshoot is what counterparties gave up beyond the deficits.
    fn table(&self) -> String {
        let mut rows = String::from(HEADER);
        for (mode, how) in MODES {
            for (policy, changes) in POLICIES {
                let found = self.outcome(how, changes);
                let borne = found.drawn + found.conceded - found.overshoot + found.socialised + found.uncovered;
                assert_eq!(found.deficits, borne, "{} {mode} {policy}: to the unit", self.scenario);
                write!(
                    rows,
                    "{mode:<12} | {policy:<22} | {:>6} | {:>6} | {:>10}",
                    found.liquidations, found.deleveraged, found.taken_over
                )
                .unwrap();
                let by_the_fund_or_adl = [found.deficits, found.drawn, found.conceded, found.overshoot];
                for money in by_the_fund_or_adl.into_iter().chain([found.socialised, found.uncovered, found.to_vault]) {
                    write!(rows, " | {:>12}", self.amount(money)).unwrap();
                }
                rows.push('\n');
            }
        }
        rows
    }

    /// Whole units and hundredths, or of a coin ten-thousandths.
    fn amount(&self, money: Money) -> String {
        let shown = self.decimals / 2 - 1;
        let parts = money.0 / 10_i128.pow(self.decimals - shown);
        let unit = 10_i128.pow(shown);
        format!("{}.{:0width$}", parts / unit, (parts % unit).abs(), width = shown as usize)
    }

    fn is_as_reviewed(&self) {
        let table = self.table();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let file = format!("{}/tests/golden/waterfall/{}.txt", env!("CARGO_MANIFEST_DIR"), self.scenario);
            std::fs::write(file, &table).unwrap();
            return;
        }
        for (found, expected) in table.lines().zip(self.golden.lines()) {
            assert_eq!(found, expected, "UPDATE_GOLDEN=1 writes the table anew: review what changes");
        }
        assert_eq!(table.lines().count(), self.golden.lines().count());
    }
}

#[test]
fn losses_in_money_are_borne_as_reviewed() {
    LINEAR.is_as_reviewed();
}

#[test]
fn losses_in_coin_are_borne_as_reviewed() {
    INVERSE.is_as_reviewed();
}
