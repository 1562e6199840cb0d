//! `inspect`.

use crate::shell::{Answer, Scratch, command, downdraft, run_tiny};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

fn inspect(scratch: &Scratch, more: &[&str]) -> Answer {
    let journal = scratch.path("journal.ddj");
    downdraft(["inspect", journal.to_str().unwrap()].into_iter().chain(more.iter().copied()))
}

#[test]
fn records_are_lines() {
    let scratch = Scratch::new("inspect");
    run_tiny(&scratch, &["--quiet"]);
    let all = inspect(&scratch, &[]);
    assert_eq!((all.code, all.err.as_str()), (0, ""));
    let summary: serde_json::Value = serde_json::from_str(&scratch.text("summary.json")).unwrap();
    let records = summary["commands"].as_u64().unwrap() + summary["events"].as_u64().unwrap();
    assert_eq!(all.out.lines().count() as u64, records);
    let first = all.out.lines().next().unwrap();
    assert!(first.starts_with("0.000000000 #") && first.contains(" list-instrument "), "{first}");

    let triggered = inspect(&scratch, &["--kind", "liquidation-triggered"]);
    let episodes = summary["liquidations"]["episodes"].as_u64().unwrap();
    assert_eq!(triggered.out.lines().count() as u64, episodes);
    assert!(triggered.out.lines().all(|line| line.contains(" because=#") && line.contains(" equity=")));

    let directory = scratch.path("").display().to_string();
    assert_eq!(downdraft(["inspect", &directory]).out, all.out);
    assert_eq!(downdraft(["inspect", &directory, "--cascade", "largest"]).code, 0);
    assert_eq!(downdraft(["replay", &directory]).code, 0);

    let window = inspect(&scratch, &["--from", "1", "--to", "1200ms", "--kind", "trade", "--kind", "place-order"]);
    let times: Vec<f64> = window.out.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(!times.is_empty() && times.iter().all(|time| (1.0..=1.2).contains(time)), "{times:?}");
    assert!(window.out.lines().any(|line| line.contains(" trade ")));
    assert_eq!(inspect(&scratch, &["--limit", "3"]).out.lines().count(), 3);
}

#[test]
fn what_cannot_be_asked_is_explained() {
    let scratch = Scratch::new("inspect-usage");
    run_tiny(&scratch, &["--quiet"]);
    let unknown = inspect(&scratch, &["--kind", "trades"]);
    assert_eq!((unknown.code, unknown.err.lines().count()), (2, 1));
    assert!(unknown.err.contains("\"trades\"") && unknown.err.contains("liquidation-triggered"), "{unknown:?}");
    assert_eq!(inspect(&scratch, &["--from", "2", "--to", "1"]).code, 2);
    assert_eq!(inspect(&scratch, &["--from", "soon"]).code, 2);
}

#[test]
fn a_reader_who_leaves_is_no_error() {
    let scratch = Scratch::new("pipe");
    run_tiny(&scratch, &["--quiet"]);
    let journal = scratch.path("journal.ddj");
    let mut running =
        command(["inspect", journal.to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(running.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    drop(out);
    let answer = Answer::from(running.wait_with_output().unwrap());
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert!(line.contains("list-instrument"));
}

#[test]
fn damage_is_reported_after_what_is_whole() {
    let scratch = Scratch::new("inspect-damage");
    run_tiny(&scratch, &["--quiet"]);
    let path = scratch.path("journal.ddj");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 10]).unwrap();
    let answer = inspect(&scratch, &[]);
    assert_eq!(answer.code, 3);
    assert!(answer.out.lines().count() > 100 && answer.err.contains("torn"), "{}", answer.err);
}

#[test]
fn a_cascade_is_a_tree() {
    let scratch = Scratch::new("inspect-cascade");
    run_tiny(&scratch, &["--quiet"]);
    let summary: serde_json::Value = serde_json::from_str(&scratch.text("summary.json")).unwrap();
    let largest = inspect(&scratch, &["--cascade", "largest"]);
    assert_eq!((largest.code, largest.err.as_str()), (0, ""));
    let size = summary["cascade"]["largest"].as_u64().unwrap();
    assert!(largest.out.contains(&format!(": {size} liquidation")), "{}", largest.out);
    assert_eq!(largest.out.lines().count() as u64, size + 2, "two lines of heading");
    // Any of its members finds it.
    let last = largest.out.lines().last().unwrap();
    let number = last.trim_start_matches(|c: char| !c.is_ascii_digit()).split(' ').next().unwrap();
    assert_eq!(inspect(&scratch, &["--cascade", number]).out, largest.out);
    let through_others = inspect(&scratch, &["--cascade", "1", "--mediated", "--reaction", "10ms"]);
    assert_eq!(through_others.code, 0);
    assert!(through_others.out.starts_with("cascade 1: "));
}

#[test]
fn a_cascade_that_is_not_there_is_explained() {
    let scratch = Scratch::new("inspect-no-cascade");
    run_tiny(&scratch, &["--quiet"]);
    for (wanted, message) in [("0", "expected 1 to"), ("999999", "expected 1 to"), ("all", "or largest")] {
        let answer = inspect(&scratch, &["--cascade", wanted]);
        assert_eq!(answer.code, 2, "{wanted}");
        assert!(answer.err.contains(message), "{}", answer.err);
    }
    assert_eq!(inspect(&scratch, &["--mediated"]).code, 2);
}

/// What a terminal shows while the program runs; `None` where there is no `script` to make one.
fn on_a_terminal(arguments: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_downdraft");
    let asked = format!("{program} {arguments}");
    let output = std::process::Command::new("script").args(["-qec", &asked, "/dev/null"]).stdin(Stdio::null()).output();
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            eprintln!("skipped: no terminal without script: {error}");
            None
        }
    }
}

#[test]
fn a_terminal_shows_progress_unless_told_not_to() {
    let scratch = Scratch::new("inspect-progress");
    run_tiny(&scratch, &["--quiet", "--no-report"]);
    let journal = scratch.path("journal.ddj").display().to_string();
    let page = scratch.path("page.html").display().to_string();
    for task in [format!("inspect {journal} --cascade largest"), format!("report {journal} --out {page}")] {
        let Some(shown) = on_a_terminal(&task) else { return };
        assert!(shown.contains("% ") && shown.contains(" commands"), "{task}: {shown:?}");
        let quiet = on_a_terminal(&format!("{task} --quiet")).unwrap();
        assert!(!quiet.contains(" commands"), "{task}: {quiet:?}");
    }
}
