//! The published worked examples, computed through the engine and compared: whole numbers exactly, others within
//! the example's tolerance (and one mark increment, where a price is asked for: the engine answers with the first
//! mark that is past the line).
//!
//! Units are those of each source; they are converted here, not in the engine.

mod case;
mod deleveraging;
mod dydx;
mod elsewhere;
mod inverse;
mod linear;
mod rates;
mod waterfall;

use case::{Case, Outcome};
use std::collections::BTreeMap;

/// What computes the example, or the reason why nothing here does.
fn plan(id: &str) -> Option<Plan> {
    let check = dydx::check(id)
        .or_else(|| linear::check(id))
        .or_else(|| inverse::check(id))
        .or_else(|| rates::check(id))
        .or_else(|| waterfall::check(id))
        .or_else(|| deleveraging::check(id));
    check.map(Plan::Compute).or_else(|| elsewhere::reason(id).map(Plan::Elsewhere))
}

#[derive(Clone, Copy)]
enum Plan {
    Compute(fn(&Case) -> Outcome),
    Elsewhere(&'static str),
}

#[derive(Default)]
struct Count {
    passed: usize,
    elsewhere: BTreeMap<&'static str, usize>,
}

/// Published examples in one form; `further.json` holds those that came after `margin.json`.
const FILES: [&str; 2] = [include_str!("../../vectors/margin.json"), include_str!("../../vectors/further.json")];

fn cases() -> Vec<Case> {
    let read = |file| serde_json::from_str::<Vec<serde_json::Value>>(file).expect("the file of examples is JSON");
    FILES.into_iter().flat_map(read).map(Case::new).collect()
}

/// The comparison bites: no example passes with another expectation.
#[test]
fn altered_examples_fail() {
    for case in cases() {
        if let Some(Plan::Compute(check)) = plan(&case.id) {
            assert!(check(&case.altered()).is_err(), "{} passes with another expectation", case.id);
        }
    }
}

#[test]
fn published_examples() {
    let cases = cases();
    let (mut counts, mut failures) = (BTreeMap::<String, Count>::new(), Vec::new());
    for case in &cases {
        let count = counts.entry(case.system()).or_default();
        match plan(&case.id) {
            None => failures.push(format!("{}: neither computed here nor classified", case.id)),
            Some(Plan::Elsewhere(reason)) => *count.elsewhere.entry(reason).or_default() += 1,
            Some(Plan::Compute(check)) => match check(case) {
                Ok(()) => count.passed += 1,
                Err(found) => failures.push(format!("{}: {found}", case.id)),
            },
        }
    }
    for (system, count) in &counts {
        println!("{system}: {} passed", count.passed);
        for (reason, n) in &count.elsewhere {
            println!("    {n} not covered here: {reason}");
        }
    }
    let passed: usize = counts.values().map(|c| c.passed).sum();
    println!("{passed} of {} passed, {} failed", cases.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert_eq!(cases.len(), 176 + 150, "both files were read whole");
}
