//! With the feature `canary` the book has a mistake, and the fuzz body must find it within a minute. Each sequence
//! is what a fuzzer without any feedback would try.
#![cfg(feature = "canary")]

use downdraft_sim::random::Streams;
use downdraft_testkit::book_commands::run_book_differential;

#[test]
fn the_fuzz_body_finds_the_mistake() {
    let found = (0..20_000_u64).find(|sequence| {
        let mut dice = Streams::new(1).stream("canary", "bytes").draw(*sequence);
        let bytes: Vec<u8> = (0..400).map(|_| dice.below(256) as u8).collect();
        std::panic::catch_unwind(|| run_book_differential(&bytes)).is_err()
    });
    println!("found in sequence {found:?}");
    assert!(found.is_some(), "20,000 sequences without a difference");
}
