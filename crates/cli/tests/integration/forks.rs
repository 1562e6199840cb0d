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
fn a_fork_is_not_written_over_its_base() {
    let scratch = Scratch::new("fork-over-base");
    run_tiny(&scratch, &["--quiet"]);
    let out = scratch.path("").display().to_string();
    let before = std::fs::read(scratch.path("journal.ddj")).unwrap();
    for source in [out.clone(), scratch.path("journal.ddj").display().to_string()] {
        let answer = downdraft(["fork", &source, "--set", "liquidation.mode=suppressed", "--out", &out]);
        assert_eq!(answer.code, 2, "{answer:?}");
        assert!(answer.err.contains("where the base's journal is, expected another directory"), "{}", answer.err);
    }
    let answer = downdraft(["fork", &tiny(), "--set", "liquidation.mode=suppressed", "--out", &out]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(answer.err.contains("where another run is, expected another directory"), "{}", answer.err);
    assert!(std::fs::read(scratch.path("journal.ddj")).unwrap() == before);
}

/// Runs into a directory of its own, with settings.
fn run_with(scratch: &Scratch, name: &str, sets: &[&str]) -> String {
    let (tiny, out) = (tiny(), scratch.path(name).display().to_string());
    let sets = sets.iter().flat_map(|set| ["--set", *set]);
    let answer = downdraft(["run", &tiny, "--quiet", "--no-report", "--out", &out].into_iter().chain(sets));
    assert_eq!(answer.code, 0, "{answer:?}");
    out
}

/// What is counted in other units cannot be taken from one another.
#[test]
fn runs_in_other_units_are_not_compared() {
    let scratch = Scratch::new("other-units");
    let plain = run_with(&scratch, "plain", &[]);
    for (name, set, found) in [
        ("coarse", "instruments.0.tick_size=0.25", "found BTC-PERP in ticks of 0.25 (1 marks each) and lots of 0.001"),
        ("renamed", "instruments.0.name=ETH-PERP", "found ETH-PERP in ticks of 0.5"),
        ("finer", "currencies.USDT.decimals=7", "found USDT with 7 decimals, expected USDT with 6 decimals"),
    ] {
        let other = run_with(&scratch, name, &[set]);
        let answer = downdraft(["compare", &plain, &other]);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{answer:?}");
        assert!(answer.err.contains(&format!("{name} against plain: {found}")), "{}", answer.err);
        let (tiny, out) = (tiny(), scratch.path("fork").display().to_string());
        let answer = downdraft(["fork", &tiny, "--set", set, "--out", &out]);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{answer:?}");
        assert!(answer.err.contains(&format!("--set {set}: {found}")), "{}", answer.err);
    }
}

/// Accounts of another scenario have the classes of that scenario.
#[test]
fn a_run_of_another_crowd_has_its_own_classes() {
    let scratch = Scratch::new("other-crowd");
    let (plain, larger) = (run_with(&scratch, "plain", &[]), run_with(&scratch, "larger", &["actors.crowd.count=90"]));
    let out = scratch.path("comparison").display().to_string();
    let answer = downdraft(["compare", &plain, &larger, "--json", "--out", &out]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let report = json(&answer.out);
    let holders = |run: usize| {
        let classes = report["runs"][run]["classes"].as_array().unwrap();
        classes.iter().find(|class| class["class"] == "crowd").unwrap()["accounts"].as_u64().unwrap()
    };
    assert_eq!((holders(0), holders(1)), (60, 90));
    // A number that is a counterparty's in one and a holder's in the other is two accounts.
    let accounts = std::fs::read_to_string(scratch.path("comparison/accounts.csv")).unwrap();
    let rows: Vec<Vec<&str>> = accounts.lines().map(|row| row.split(',').collect()).collect();
    let two = rows.windows(2).filter(|pair| pair[0][1] == pair[1][1]).collect::<Vec<_>>();
    assert!(!two.is_empty());
    assert!(two.iter().all(|pair| pair[0][4] != pair[1][4] || pair[0][3] != pair[1][3]));
    assert!(two.iter().all(|pair| pair[0][6] == "0" && pair[1][5] == "0"), "{two:?}");
}

#[test]
fn a_study_names_what_it_cannot_vary() {
    let (scratch, tiny) = (Scratch::new("study-refused"), tiny());
    let out = scratch.path("out").display().to_string();
    for (arguments, part) in [
        (["--vary", "depth=1,x"], "--vary depth=x: depth: found \"x\""),
        (["--vary", "depth=1,1"], "--vary depth=1,1: found 1 twice"),
        (
            ["--first-seed", "18446744073709551615"],
            "--first-seed: found 18446744073709551615, expected one with 2 seeds",
        ),
        (["--threads", "0"], "0 is not in 1..=1024"),
        (["--threads", "99999999"], "99999999 is not in 1..=1024"),
    ] {
        let answer = downdraft(["study", &tiny, "--seeds", "2", "--out", &out].into_iter().chain(arguments));
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{answer:?}");
        assert!(answer.err.contains(part), "{}", answer.err);
    }
    assert!(!scratch.path("out").exists());
    let answer = downdraft(["fork", &tiny, "--with", "depth=x", "--out", &out]);
    assert!(answer.err.contains("--with depth=x: depth: found \"x\""), "{}", answer.err);
}

/// A study of so many runs would take hours before it wrote anything.
#[test]
fn where_nothing_can_be_written_nothing_is_computed() {
    let (scratch, tiny) = (Scratch::new("not-a-directory"), tiny());
    run_tiny(&scratch, &["--quiet"]);
    let file = scratch.path("summary.json").display().to_string();
    let answer = downdraft(["study", &tiny, "--seeds", "5000000", "--out", &file]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.err.contains("cannot create") && answer.err.contains("summary.json"), "{}", answer.err);
    for command in [vec!["fork", &tiny, "--out", &file], vec!["compare", &tiny, "--out", &file]] {
        assert_ne!(downdraft(command).code, 0);
    }
    assert!(scratch.text("summary.json").starts_with('{'));
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
    let read = || {
        ["study.json", "study.csv", "runs.csv", "tiers.csv", "foresight.csv", "study.html"]
            .map(|name| scratch.text(name))
    };
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
fn contributions_heed_the_moment() {
    let (scratch, tiny) = (Scratch::new("contributions-at"), tiny());
    let out = scratch.path("").display().to_string();
    let fork = |more: &[&str]| {
        let answer = downdraft(
            ["fork", &tiny, "--contributions", "1", "--out", &out, "--quiet"].into_iter().chain(more.iter().copied()),
        );
        (answer.code, answer.err)
    };
    assert_eq!(fork(&["--at", "1s"]), (0, String::new()));
    let (code, error) = fork(&["--at", "1s", "--with", "actors.seller.size=0.01"]);
    assert_eq!(code, 2);
    assert!(error.contains("no account is liquidated from then on"), "{error}");
    assert!(fork(&["--at", "9s"]).1.contains("before the run's end"));
}

#[test]
fn each_side_has_its_tables() {
    let (scratch, tiny) = (Scratch::new("fork-tables"), tiny());
    let out = scratch.path("").display().to_string();
    let change = ["--set", "liquidation.mode=partial"];
    let answer = downdraft(
        ["fork", &tiny, "--counterfactual", "suppressed", "--tables", "--out", &out].into_iter().chain(change),
    );
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    assert!(answer.out.contains("accounts.csv, tables"), "{}", answer.out);
    for (side, sets) in
        [("base", &[][..]), ("fork", &change), ("suppressed", &["--set", "liquidation.mode=suppressed"])]
    {
        let run = Scratch::new(&format!("fork-tables-{side}"));
        run_tiny(&run, &[&["--quiet", "--no-report", "--tables"], sets].concat());
        for table in ["fills", "orders", "marks", "liquidations", "waterfall", "adl", "accounts", "ladder", "book"] {
            let [own, expected] =
                [scratch.text(&format!("tables/{side}/{table}.csv")), run.text(&format!("tables/{table}.csv"))];
            assert!(own == expected, "{side}: {table} is not that of the run");
        }
        assert!(run.text("tables/fills.csv").lines().count() > 100);
    }
}

#[test]
fn a_cut_journal_needs_to_be_asked_for() {
    let (scratch, whole) = (Scratch::new("fork-cut"), Scratch::new("fork-whole"));
    run_tiny(&scratch, &["--quiet", "--no-report"]);
    run_tiny(&whole, &["--quiet", "--no-report"]);
    let path = scratch.path("journal.ddj");
    let bytes = std::fs::read(&path).unwrap();
    let (run, other, into) = (scratch.path(""), whole.path(""), scratch.path("out"));
    let [run, other, into] = [run, other, into].map(|path| path.display().to_string());
    for cut in [bytes.len() - 10, bytes.len() / 2] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let fork = ["fork", &run, "--counterfactual", "double-fund", "--out", &into];
        for arguments in [&fork[..], &["compare", &other, &run]] {
            let answer = downdraft(arguments.iter().copied());
            assert_eq!((answer.code, answer.out.as_str()), (3, ""), "{answer:?}");
            assert!(answer.err.contains("torn") && answer.err.contains("--partial"), "{}", answer.err);
            let answer = downdraft(arguments.iter().copied().chain(["--partial", "--json"]));
            assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
            let runs = &json(&answer.out)["runs"];
            let notes = if arguments[0] == "fork" { &runs[0]["notes"] } else { &runs[1]["notes"] };
            assert!(notes.to_string().contains("the journal is not whole"), "{notes}");
        }
    }
    for (damage, found) in [(8, "format version 9 found, 2 expected"), (0, "found no journal")] {
        let mut other = bytes.clone();
        other[damage] = 9;
        std::fs::write(&path, &other).unwrap();
        for arguments in [&["fork", &run, "--out", &into][..], &["compare", &run]] {
            let answer = downdraft(arguments.iter().copied().chain(["--partial"]));
            assert_eq!(answer.code, if damage == 8 { 3 } else { 2 }, "{answer:?}");
            assert!(answer.err.contains(found), "{}", answer.err);
        }
    }
}

#[test]
fn a_counterfactual_that_is_named_is_never_left_out_in_silence() {
    let (scratch, tiny) = (Scratch::new("fork-named"), tiny());
    let out = scratch.path("").display().to_string();
    let fork = |more: &[&str]| downdraft(["fork", &tiny, "--out", &out].into_iter().chain(more.iter().copied()));
    let named = ["--counterfactual", "suppressed", "--counterfactual", "steady-makers"];
    let answer = fork(&[&named[..], &["--at", "1s"]].concat());
    assert_eq!(answer.code, 2);
    assert!(answer.err.contains("steady-makers: it changes an actor"), "{}", answer.err);
    let answer = fork(&["--with", "liquidation.mode=suppressed", "--counterfactual", "suppressed"]);
    assert!(answer.out.contains("base: suppressed: the base is like that already"), "{answer:?}");
    assert_eq!(fork(&["--counterfactuals", "--at", "1s", "--quiet"]).code, 0);
    let runs = json(&scratch.text("comparison.json"));
    let labels: Vec<&str> = runs["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert!(labels.contains(&"double-fund") && !labels.contains(&"steady-makers"), "{labels:?}");
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
