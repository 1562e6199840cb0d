//! From a journal the analyzer makes what it makes of the live run.

use crate::drive::{Drive, Kept, Step};
use downdraft_insight::metrics::{Config, Digest, Metrics};
use downdraft_insight::{Analyzer, ReplayError, RunInfo, Units};
use downdraft_journal::{End, Header, Reader, Writer};
use downdraft_testkit::venue_commands::{CAPACITY, Dice, View, command, set_up};
use downdraft_types::{Span, Time};
use downdraft_venue::Venue;

/// A venue that had a random life.
fn random_life(seed: u64, commands: u32) -> Drive {
    let mut dice = Dice::Seeded(seed);
    let mut drive = Drive::new(CAPACITY, units());
    set_up(&mut dice).into_iter().for_each(|command| drive.apply(command));
    for _ in 0..commands {
        drive.run_until(Time(drive.now.0 + dice.below(60)), 400);
        let next = command(&mut dice, &View { venue: &drive.venue, now: drive.now, resting: &|_| None });
        drive.apply(next);
    }
    drive
}

fn units() -> Units {
    Units::bare(CAPACITY.currencies, &[1; 8])
}

/// Its journal.
fn journal(steps: &[Step]) -> Vec<u8> {
    let header = Header { software: "test".into(), scenario: String::new(), seed: 7, machines: Vec::new() };
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    for step in steps {
        writer.begin(&step.stamp, &step.command);
        step.events.iter().for_each(|(_, parent, event)| writer.emit(*parent, event));
        writer.end().unwrap();
    }
    writer.finish(&[]).unwrap().0
}

/// Metrics of the same life, taken as it happens.
fn measured(steps: &[Step], config: Config) -> Digest {
    let mut venue = Venue::with_capacity(CAPACITY);
    let mut metrics = Metrics::new(config);
    for step in steps {
        metrics.command(&step.stamp, &step.command);
        step.events.iter().for_each(|(id, parent, event)| metrics.event(*id, *parent, event));
        venue.apply(step.stamp.time, step.stamp.seq, &step.command, &mut ()).unwrap();
        metrics.done(&venue);
    }
    metrics.sample_now(&venue);
    metrics.digest(&units(), &venue)
}

/// At every sample a build with debug assertions compares what is kept of holdings with a full pass.
#[test]
fn holdings_are_kept_up_to_date_by_events_alone() {
    let config = Config { every: Span(500), ..Config::over(Span(60_000)) };
    for seed in 20..32 {
        let (_, _, steps) = random_life(seed, 2_000).finish();
        measured(&steps, config);
    }
}

#[test]
fn a_replayed_journal_gives_the_same_metrics() {
    let (live, kept, steps) = random_life(10, 8_000).finish();
    let config = Config { every: Span(500), ..Config::over(Span(60_000)) };
    let expected = measured(&steps, config);
    let foreseen = expected.instruments.0.iter().filter(|(_, of)| of.foreseen.is_some()).count();
    assert!(foreseen > 1 && expected.contagion > Some(0.0) && expected.hawkes_branching.is_some(), "{expected:?}");

    let bytes = journal(&steps);
    let mut analyzer = Analyzer::new(units(), CAPACITY.accounts, Kept::new(units()));
    let (mut venue, mut metrics) = (Venue::with_capacity(CAPACITY), Metrics::new(config));
    let mut reader = Reader::open(bytes.as_slice()).unwrap();
    let end = analyzer.replay_journal(&mut reader, &mut venue, &mut metrics, |_| {}).unwrap();
    assert!(matches!(end, End::Complete(_)));
    assert_eq!(metrics.digest(&units(), &venue), expected);
    let (summary, from_journal) = analyzer.finish(RunInfo::default());
    assert_eq!(summary.cascade, live.cascade);
    assert_eq!(from_journal.files(), kept.files());
}

#[test]
fn a_journal_of_another_engine_is_noticed() {
    let (.., mut steps) = random_life(3, 2_000).finish();
    let changed = steps.iter().position(|step| step.events.len() > 2).unwrap();
    steps[changed].events.pop();
    let bytes = journal(&steps);
    let mut analyzer = Analyzer::new(units(), CAPACITY.accounts, ());
    let (mut venue, mut metrics) = (Venue::with_capacity(CAPACITY), Metrics::new(Config::over(Span(1_000))));
    let mut reader = Reader::open(bytes.as_slice()).unwrap();
    let error = analyzer.replay_journal(&mut reader, &mut venue, &mut metrics, |_| {}).unwrap_err();
    assert!(matches!(error, ReplayError::Diverged { seq, .. } if seq == steps[changed].stamp.seq), "{error}");
}

#[test]
fn a_journal_gives_the_same_summary_and_tables() {
    let units = units();
    let (live, kept, steps) = random_life(3, 2_000).finish();
    let bytes = journal(&steps);

    let mut analyzer = Analyzer::new(units.clone(), CAPACITY.accounts, Kept::new(units));
    let end = analyzer.read_journal(&mut Reader::open(bytes.as_slice()).unwrap(), |_, _| {}).unwrap();
    assert!(matches!(end, End::Complete(_)));
    let run = RunInfo { scenario: "test".into(), seed: 7, version: "0".into(), ..RunInfo::default() };
    let (mut read, from_journal) = analyzer.finish(run);
    read.state_hash.clone_from(&live.state_hash);
    assert_eq!(read, live);
    assert_eq!(from_journal.files(), kept.files());
}
