//! Random venues: the analyzer, which forgets, against the reference, which keeps everything.

use crate::drive::{Drive, Kept, Step};
use crate::reference::{episodes, sums};
use downdraft_insight::{Exact, Summary, Units};
use downdraft_testkit::venue_commands::{CAPACITY, Dice, View, command, set_up};
use downdraft_types::Time;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn run(mut dice: Dice<'_>, commands: usize) -> (Summary, Kept, Vec<Step>) {
    let mut drive = Drive::new(CAPACITY, Units::bare(CAPACITY.currencies, &[1, 1, 1, 1, 1]));
    set_up(&mut dice).into_iter().for_each(|command| drive.apply(command));
    for _ in 0..commands {
        if dice.is_empty() {
            break;
        }
        let passing = dice.below(60);
        drive.run_until(Time(drive.now.0 + passing), 400);
        let next = command(&mut dice, &View { venue: &drive.venue, now: drive.now, resting: &|_| None });
        drive.apply(next);
    }
    drive.finish()
}

/// Compares, and returns how many liquidations had a parent.
fn compare(summary: &Summary, kept: &Kept, steps: &[Step]) -> u64 {
    let expected = episodes(steps);
    let mut rows: Vec<_> =
        kept.liquidations.iter().map(|r| (r.episode, r.pool, r.parent, r.root, r.depth, r.end.is_some())).collect();
    rows.sort_unstable_by_key(|row| row.0);
    rows.dedup();
    let wanted: Vec<_> =
        (1..).zip(&expected).map(|(number, e)| (number, e.pool, e.parent, e.root, e.depth, e.ended)).collect();
    assert_eq!(rows, wanted);

    let parented = expected.iter().filter(|e| e.parent.is_some()).count() as u64;
    let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
    expected.iter().for_each(|e| *sizes.entry(e.root).or_default() += 1);
    let (cascade, liquidations) = (&summary.cascade, &summary.liquidations);
    assert_eq!(liquidations.episodes, expected.len() as u64);
    assert_eq!(cascade.roots, sizes.len() as u64);
    assert_eq!(cascade.largest, sizes.values().copied().max().unwrap_or(0));
    assert_eq!(cascade.max_depth, expected.iter().map(|e| e.depth).max().unwrap_or(0));
    assert_eq!(cascade.branching_ratio, Exact::ratio(parented, expected.len() as u64));
    assert_eq!(cascade.by_cause.0.iter().map(|(_, n)| n).sum::<u64>(), liquidations.episodes);
    assert_eq!(liquidations.ended.pending, expected.iter().filter(|e| !e.ended).count() as u64);

    let sums = sums(steps);
    assert_eq!(summary.commands, steps.len() as u64);
    assert_eq!(summary.events, steps.iter().map(|s| s.events.len() as u64).sum::<u64>());
    assert_eq!((summary.fills, summary.orders, summary.halts), (sums.fills, sums.orders, sums.halts));
    assert_eq!((liquidations.accounts, liquidations.orders), (sums.accounts, sums.liquidation_orders));
    let slippage: i128 = kept.liquidations.iter().map(|row| row.slippage.0).sum();
    assert_eq!(slippage, sums.slippage);
    assert_eq!(summary.audit, None);
    assert!(summary.conservation.0.iter().all(|(_, sum)| *sum == Exact::ZERO));
    parented
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_agrees_with_the_reference(bytes in prop::collection::vec(any::<u8>(), 300..3_000)) {
        let (summary, kept, steps) = run(Dice::Bytes(&bytes), usize::MAX);
        compare(&summary, &kept, &steps);
    }
}

#[test]
fn it_agrees_on_long_runs_with_cascades() {
    let (mut parented, mut episodes, mut several) = (0, 0, 0);
    for seed in 0..24 {
        let (summary, kept, steps) = run(Dice::Seeded(seed), 3_000);
        parented += compare(&summary, &kept, &steps);
        episodes += summary.liquidations.episodes;
        several += kept.liquidations.len() as u64
            - kept
                .liquidations
                .iter()
                .map(|r| r.episode)
                .fold((0, 0), |(n, last), id| (n + u64::from(id != last), id))
                .0;
    }
    println!("{episodes} liquidations, {parented} with a parent, {several} further instruments closed");
    assert!(episodes > 500 && parented > 10 && several > 10);
}
