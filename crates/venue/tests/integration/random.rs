//! Random commands, every check.

use downdraft_testkit::venue_commands::{run_random_worlds, run_venue_commands};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_command_keeps_every_invariant(bytes in prop::collection::vec(any::<u8>(), 200..2_000)) {
        run_venue_commands(&bytes);
    }
}

/// A million commands and what they led to: about three seconds.
#[test]
fn a_million_commands_with_the_auditor_after_each_thousandth() {
    let worlds = 100;
    let tally = run_random_worlds(1, worlds, 10_000);
    println!("{tally:?}");
    assert!(tally.commands >= worlds * 10_000);
    for (what, count) in [
        ("trades", tally.trades),
        ("liquidations", tally.liquidations),
        ("takeovers", tally.takeovers),
        ("takeovers by a vault", tally.vaulted),
        ("residuals to a vault", tally.to_vault),
        ("overshot deleveragings", tally.overshot),
        ("payments of other funds", tally.by_other_funds),
        ("deleveraged", tally.deleveraged),
        ("socialised", tally.socialised),
        ("uncovered", tally.uncovered),
        ("funding", tally.funding),
        ("settled", tally.settled),
        ("halts", tally.halts),
        ("full", tally.full),
        ("unified", tally.unified),
        ("conversions", tally.conversions),
        ("interest", tally.interest),
        ("seized", tally.seized),
    ] {
        assert!(count >= worlds, "{what}: {count}");
    }
}

/// Ten million commands over contracts, options and spot markets, separate and unified accounts: a minute or two.
///
/// `cargo test -p downdraft-venue --test integration -- --ignored ten_million --nocapture`
#[test]
#[ignore = "takes minutes"]
fn ten_million_commands() {
    let seed = std::env::var("DOWNDRAFT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("seed {seed}: {:?}", run_random_worlds(seed, 1_000, 10_000));
}
