//! `fork`, `compare`, `study`.

use crate::shell::{Scratch, downdraft, run_tiny, tiny};

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_fork_shows_what_differs_and_writes_its_files() {
    let (scratch, tiny) = (Scratch::new("fork"), tiny());
    let out = scratch.path("").display().to_string();
    let answer = downdraft(["fork", &tiny, "--set", "liquidation.mode=suppressed", "--at", "1200ms", "--out", &out]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    for part in ["fork against base", "parts at 1.", "liquidated accounts", "comparison.json, accounts.csv"] {
        assert!(answer.out.contains(part), "{part} in {}", answer.out);
    }
    let comparison = json(&scratch.text("comparison.json"));
    assert_eq!(comparison["runs"][0]["run"], "base");
    assert!(comparison["differences"][0]["liquidations"].as_i64().unwrap() < 0);
    assert_eq!(comparison["runs"][1]["path"].as_array().unwrap().len(), 1_024);
    assert!(scratch.text("accounts.csv").starts_with("run,account,name,class,currency,"));
    // The fork's journal replays, and is a run like any other: one that its scenario does not lead to.
    let journal = scratch.path("journal.ddj").display().to_string();
    assert_eq!(downdraft(["replay", &journal]).code, 0);
    let nested = Scratch::new("fork-of-fork");
    let into = nested.path("").display().to_string();
    let again = downdraft(["fork", &out, "--out", &into]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.out.contains("recorded flow: its scenario, executed, ends in another state"), "{}", again.out);
    assert!(again.out.contains("the same happens in both"), "{}", again.out);
}

#[test]
fn runs_are_compared() {
    let (first, second) = (Scratch::new("first-run"), Scratch::new("second-run"));
    run_tiny(&first, &["--quiet"]);
    run_tiny(
        &second,
        &["--quiet", "--set", "liquidation.mode=partial", "--set", "liquidation.step={ fraction = \"20%\" }"],
    );
    let paths = [&first, &second].map(|scratch| scratch.path("").display().to_string());
    let answer = downdraft(["compare", &paths[0], &paths[1], &paths[0], "--json"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    let comparison = json(&answer.out);
    assert_eq!(comparison["runs"].as_array().unwrap().len(), 3);
    assert!(comparison["differences"][0]["divergence"].is_object());
    assert!(comparison["differences"][1]["divergence"].is_null());
    let summary = json(&first.text("summary.json"));
    assert_eq!(comparison["runs"][0]["state_hash"], summary["state_hash"]);
    assert_eq!(comparison["runs"][0]["bad_debt"], summary["bad_debt"]);
    assert!(downdraft(["compare", "/nowhere"]).err.contains("found no journal"));
}

#[test]
fn a_study_sums_up_and_writes_tables() {
    let (scratch, tiny) = (Scratch::new("study"), tiny());
    let out = scratch.path("").display().to_string();
    let run = |threads: &str| {
        downdraft(["study", &tiny, "--seeds", "5", "--vary", "fund.USDT=0,5000", "--threads", threads, "--out", &out])
    };
    let answer = run("1");
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    for part in
        ["seeds 3 to 7", "fund.USDT = 5000", "suffices in 99% of runs, the largest of 5 runs", "Branching ratio"]
    {
        assert!(answer.out.contains(part), "{part} in {}", answer.out);
    }
    let read = || ["study.json", "study.csv", "runs.csv", "tiers.csv"].map(|name| scratch.text(name));
    let one = read();
    assert_eq!((run("4").out, read()), (answer.out, one.clone()));
    assert_eq!(one[2].lines().count(), 11);
    assert!(one[1].starts_with("fund.USDT,figure,of,runs,mean,p50,"));
    let (none, some) = (&json(&one[0])["cells"][0], &json(&one[0])["cells"][1]);
    assert_eq!(none["fund"][0]["suffices_in_99"], some["fund"][0]["suffices_in_99"]);
}

#[test]
fn contributions_are_shown() {
    let (scratch, tiny) = (Scratch::new("contributions"), tiny());
    let out = scratch.path("").display().to_string();
    let answer = downdraft(["fork", &tiny, "--contributions", "2", "--permutations", "3", "--out", &out]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    assert!(answer.out.contains("all others") && answer.out.contains("all orders"), "{}", answer.out);
    let report = json(&scratch.text("contributions.json"));
    let sum: f64 = report["accounts"].as_array().unwrap().iter().map(|a| a["shapley"].as_f64().unwrap()).sum();
    let caused = report["base"].as_f64().unwrap() - report["none"].as_f64().unwrap();
    assert!((sum - caused).abs() < 1e-6, "{report}");
}

#[test]
fn what_makes_no_sense_is_refused_in_a_line() {
    let tiny = tiny();
    for (arguments, parts) in [
        (
            vec!["fork", &tiny, "--set", "actors.seller.size=1", "--at", "1s"],
            vec!["actors.seller.size", "cannot change"],
        ),
        (vec!["fork", &tiny, "--at", "9s"], vec!["--at: found", "before the run's end"]),
        (vec!["fork", &tiny, "--without-account", "1"], vec!["account 1 holds no position"]),
        (vec!["fork", &tiny, "--counterfactual", "supressed"], vec!["supressed", "suppressed"]),
        (vec!["fork", &tiny, "--recorded-flow"], vec!["found a scenario", "expected a run"]),
        (vec!["fork", &tiny, "--contributions", "2", "--measure", "x"], vec!["--measure", "price-fall"]),
        (vec!["study", &tiny, "--vary", "depth"], vec!["--vary", "path=value,value"]),
        (vec!["study", &tiny, "--seeds", "0"], vec!["--seeds", "expected 1 to"]),
        (vec!["study", &tiny, "--vary", "fund.USDT=1,x"], vec!["fund.USDT", "found", "expected"]),
    ] {
        let answer = downdraft(arguments.iter().copied());
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{arguments:?} {answer:?}");
        assert!(parts.iter().all(|part| answer.err.contains(part)), "{parts:?} in {}", answer.err);
    }
}
