//! The published worked examples that the models are to reproduce: whole numbers exactly, others within the example's
//! tolerance, or rounded as they were published. Units are those of each source, converted here.

mod options;
mod prices;
mod row;
mod rules;
mod whole;

use row::{Outcome, Row};
use std::collections::BTreeMap;

#[derive(Clone, Copy)]
enum Plan {
    Compute(fn(&Row) -> Outcome),
    /// Whose tests compute it.
    Elsewhere(&'static str),
    OutOfScope(&'static str),
}

const ENGINE: Plan = Plan::Elsewhere("the engine: tests/integration/vectors");
const VENUE: Plan = Plan::Elsewhere("the venue: its mark rules, and the workspace's golden cascades");
const LENDING: Plan = Plan::OutOfScope("lending and auctions");

/// By prefix of the id: examples that no model here computes.
const OTHERS: [(&str, Plan); 21] = [
    ("dydx.bankruptcy.", ENGINE),
    ("dydx.fillable.", ENGINE),
    ("dydx.if_delta.", ENGINE),
    ("dydx.oimf.", ENGINE),
    ("dydx.oimf_rate.", ENGINE),
    ("dydx.funding_clamp.", ENGINE),
    ("dydx.funding_index.", ENGINE),
    ("dydx.premium.", ENGINE),
    ("dydx.adl.", ENGINE),
    ("sat.insurance.", ENGINE),
    ("bitmex.funding.", ENGINE),
    ("drift.fill.", ENGINE),
    ("vega.funding.", ENGINE),
    ("vega.posr.", ENGINE),
    ("binance.mark.", VENUE),
    ("golden.lob_cascade.", VENUE),
    ("maker.", LENDING),
    ("aave3.", LENDING),
    ("comet.", LENDING),
    ("liquity.", LENDING),
    ("derive.dutch.", LENDING),
];

fn plan(id: &str) -> Option<Plan> {
    let other = || OTHERS.iter().find(|(prefix, _)| id.starts_with(prefix)).map(|(_, plan)| *plan);
    let check = options::check(id).or_else(|| prices::check(id)).or_else(|| rules::check(id));
    check.map(Plan::Compute).or_else(other)
}

/// Published examples in one form; `further.json` holds those that came after `margin.json`.
const FILES: [&str; 2] = [include_str!("../../vectors/margin.json"), include_str!("../../vectors/further.json")];

fn rows() -> Vec<Row> {
    let read = |file| serde_json::from_str::<Vec<serde_json::Value>>(file).unwrap();
    FILES.into_iter().flat_map(read).map(Row::new).collect()
}

#[derive(Default)]
struct Count {
    passed: usize,
    others: BTreeMap<&'static str, usize>,
}

#[test]
fn published_examples() {
    let (mut counts, mut failures) = (BTreeMap::<String, Count>::new(), Vec::new());
    for row in rows() {
        let count = counts.entry(row.system()).or_default();
        match plan(&row.id) {
            None => failures.push(format!("{}: in scope, and computed by nothing", row.id)),
            Some(Plan::Elsewhere(reason) | Plan::OutOfScope(reason)) => *count.others.entry(reason).or_default() += 1,
            Some(Plan::Compute(check)) => match check(&row) {
                Ok(()) => count.passed += 1,
                Err(found) => failures.push(format!("{}: {found}", row.id)),
            },
        }
    }
    report(&counts);
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(rows().len(), 176 + 150, "both files were read whole");
}

fn report(counts: &BTreeMap<String, Count>) {
    for (system, count) in counts {
        println!("{system}: {} passed", count.passed);
        for (reason, n) in &count.others {
            println!("    {n} not here: {reason}");
        }
    }
    let passed: usize = counts.values().map(|count| count.passed).sum();
    let others: usize = counts.values().flat_map(|count| count.others.values()).sum();
    println!("{passed} passed, {others} covered elsewhere or out of scope");
}

/// The comparison bites: no example passes with another expectation.
#[test]
fn altered_examples_fail() {
    for row in rows() {
        if let Some(Plan::Compute(check)) = plan(&row.id) {
            assert!(check(&row.altered()).is_err(), "{} passes with another expectation", row.id);
        }
    }
}
