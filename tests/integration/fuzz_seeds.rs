//! Every fuzz body over the seeds of its target, so that stable toolchains check them, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

type Body = fn(&[u8]);

const BODIES: [(&str, Body); 9] = [
    ("book", downdraft_testkit::book_commands::run_book_differential),
    ("snapshot", downdraft_testkit::book_commands::run_book_snapshot),
    ("queue", downdraft_testkit::queue_model::run_queue_differential),
    ("margin", downdraft_testkit::margin_commands::run_margin_differential),
    ("venue", downdraft_testkit::venue_commands::run_venue_commands),
    ("journal", downdraft_journal::fuzz::fuzz_reader),
    ("lobster", downdraft_feed::fuzz::fuzz_lobster),
    ("dbn", downdraft_feed::fuzz::fuzz_dbn),
    ("scenario", downdraft_lab::fuzz::fuzz_scenario),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

#[test]
fn bodies_hold_over_their_seeds() {
    for (target, body) in BODIES {
        let mut seeds: Vec<PathBuf> =
            fs::read_dir(folder().join("seeds").join(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
        seeds.sort();
        assert!(seeds.len() >= 5, "{target} has seeds");
        for seed in seeds {
            // The harness shows this beside a panic.
            println!("{}", seed.display());
            body(&fs::read(&seed).unwrap());
        }
    }
}

#[test]
fn every_target_has_its_body_here() {
    let manifest = fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    let (_, bins) = manifest.split_once("[[bin]]").expect("the manifest has targets");
    let named = |line: &str| Some(line.strip_prefix("name = \"")?.strip_suffix('"')?.to_owned());
    let targets: BTreeSet<String> = bins.lines().filter_map(named).collect();
    assert_eq!(targets, BODIES.map(|(target, _)| target.to_owned()).into());
}
