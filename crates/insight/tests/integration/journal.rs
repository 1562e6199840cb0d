//! From a journal the analyzer makes what it makes of the live run.

use crate::drive::{Drive, Kept};
use downdraft_insight::{Analyzer, RunInfo, Units};
use downdraft_journal::{End, Header, Reader, Writer};
use downdraft_testkit::venue_commands::{CAPACITY, Dice, View, command, set_up};
use downdraft_types::Time;

#[test]
fn a_journal_gives_the_same_summary_and_tables() {
    let mut dice = Dice::Seeded(3);
    let units = Units::bare(CAPACITY.currencies, &[1, 1, 1, 1, 1]);
    let mut drive = Drive::new(CAPACITY, units.clone());
    set_up(&mut dice).into_iter().for_each(|command| drive.apply(command));
    for _ in 0..2_000 {
        drive.run_until(Time(drive.now.0 + dice.below(60)), 400);
        let next = command(&mut dice, &View { venue: &drive.venue, now: drive.now, resting: &|_| None });
        drive.apply(next);
    }
    let (live, kept, steps) = drive.finish();

    let header = Header { software: "test".into(), scenario: String::new(), seed: 7, machines: Vec::new() };
    let mut writer = Writer::new(Vec::new(), &header).unwrap();
    for step in &steps {
        writer.begin(&step.stamp, &step.command);
        step.events.iter().for_each(|(_, parent, event)| writer.emit(*parent, event));
        writer.end().unwrap();
    }
    let (bytes, _) = writer.finish(&[]).unwrap();

    let mut analyzer = Analyzer::new(units.clone(), CAPACITY.accounts, Kept::new(units));
    let end = analyzer.read_journal(&mut Reader::open(bytes.as_slice()).unwrap()).unwrap();
    assert!(matches!(end, End::Complete(_)));
    let run = RunInfo { scenario: "test".into(), seed: 7, version: "0".into(), ..RunInfo::default() };
    let (mut read, from_journal) = analyzer.finish(run);
    read.state_hash.clone_from(&live.state_hash);
    assert_eq!(read, live);
    assert_eq!(from_journal.files(), kept.files());
}
