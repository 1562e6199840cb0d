//! The README shows what happens.

use crate::shell::{Scratch, downdraft};
use std::path::Path;

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The lines after a command in a block of the README.
fn shown(command: &str) -> String {
    let readme = file("README.md");
    let (_, block) = readme.split_once(&format!("$ {command}\n")).unwrap_or_else(|| panic!("{command}"));
    block.split("```").next().unwrap().to_owned()
}

#[test]
fn the_run_that_it_shows_is_the_run_that_happens() {
    let scratch = Scratch::new("readme");
    let out = scratch.path("").display().to_string();
    let untimed = |text: &str| -> Vec<String> {
        // Speed is a machine's own, and the directory the test's.
        let lines = text.lines().filter(|line| !line.starts_with("Files in "));
        lines.map(|line| line.rsplit_once(" per second, ").map_or(line, |(_, state)| state).to_owned()).collect()
    };
    let answer = downdraft(["run", "--out", &out]);
    assert_eq!(untimed(&shown("cargo run --release -- run")), untimed(&answer.out));
    assert_eq!(shown("downdraft replay runs/flash-crash-1/journal.ddj"), downdraft(["replay", &out]).out);
    let inspect = downdraft(["inspect", &out, "--kind", "liquidation-triggered", "--limit", "3"]);
    assert_eq!(
        shown("downdraft inspect runs/flash-crash-1/journal.ddj --kind liquidation-triggered --limit 3"),
        inspect.out
    );
    assert_eq!(shown("downdraft scenarios"), downdraft(["scenarios"]).out);
}

#[test]
fn its_program_is_an_example_that_is_built() {
    let readme = file("README.md");
    let (_, block) = readme.split_once("```rust\n").unwrap();
    let example = file("crates/lab/examples/embedded_run.rs");
    let (_, code) = example.split_once("\n\n").unwrap();
    assert_eq!(block.split("```").next().unwrap(), code);
}
