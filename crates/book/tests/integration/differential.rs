use std::panic::{AssertUnwindSafe, catch_unwind};

use downdraft_testkit::book_commands::{Tally, run_book_differential_with, run_book_snapshot};
use downdraft_testkit::naive_book::Fault;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_book_and_its_twin_agree(bytes in prop::collection::vec(any::<u8>(), 0..1_200)) {
        run_book_differential_with(Fault::None, &bytes);
    }
}

/// The canary: a twin with a mistake must be told from the book within a few hundred sequences.
#[test]
fn every_fault_is_found() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let missed: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| !is_found(*fault)).collect();
    std::panic::set_hook(hook);
    assert_eq!(missed, [], "faults that the comparison does not see");
}

fn is_found(fault: Fault) -> bool {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let sequences = prop::collection::vec(any::<u8>(), 1_200);
    (0..400).any(|_| {
        let bytes = sequences.new_tree(&mut runner).expect("bytes").current();
        catch_unwind(AssertUnwindSafe(|| run_book_differential_with(fault, &bytes))).is_err()
    })
}

/// What the trial is for happens in it.
#[test]
fn everything_happens_often() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let sequences = prop::collection::vec(any::<u8>(), 1_200);
    let mut sum = Tally::default();
    for _ in 0..150 {
        let bytes = sequences.new_tree(&mut runner).expect("bytes").current();
        sum += run_book_differential_with(Fault::None, &bytes);
    }
    let Tally { self_trades, refills, hidden_fills, slides, fired, fired_refused, .. } = sum;
    let Tally { refused, beside, batched, placed, .. } = sum;
    let Tally { crosses, mass_cancelled, expired, partly_filled_cancels, capacity_reached, cannot_fill, .. } = sum;
    let counts = [
        refused,
        beside,
        batched,
        self_trades,
        refills,
        hidden_fills,
        slides,
        fired,
        fired_refused,
        crosses,
        mass_cancelled,
        expired,
        partly_filled_cancels,
        capacity_reached,
        cannot_fill,
    ];
    assert!(counts.iter().all(|count| *count >= 40), "{sum:#?}");
    assert!(expired * 100 >= placed * 3, "a few in a hundred orders expire: {sum:#?}");
}

/// Ten million commands over everything the book can do, compared after each: some minutes.
///
/// `cargo test -p downdraft-book --test integration -- --ignored ten_million --nocapture`
#[test]
#[ignore = "takes minutes"]
fn ten_million_commands_without_a_difference() {
    let seed: u64 = std::env::var("DOWNDRAFT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(21);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let sequences = prop::collection::vec(any::<u8>(), 0..2_400);
    let (mut sum, mut count) = (Tally::default(), 0_u64);
    while sum.commands < 10_000_000 {
        let bytes = sequences.new_tree(&mut runner).expect("bytes").current();
        sum += run_book_differential_with(Fault::None, &bytes);
        count += 1;
    }
    println!("seed {seed}: {count} sequences, {sum:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_snapshot_is_refused_or_a_sound_book(bytes in prop::collection::vec(any::<u8>(), 0..900)) {
        run_book_snapshot(&bytes);
    }
}
