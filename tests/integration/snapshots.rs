//! Snapshots: a run that goes on from one is the run that was never stopped, byte for byte.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use core::ops::ControlFlow;
use downdraft_insight::Summary;
use downdraft_insight::metrics::Config;
use downdraft_lab::compare::{Report, compare, trace};
use downdraft_lab::fork::{Opening, Origin, Subject};
use downdraft_lab::plan::Plan;
use downdraft_lab::probe::Probe;
use downdraft_lab::{Analysis, Course, Prepared, Recorder, Snapshot, Tee, library, load};
use downdraft_sim::actor::{Actor, Context};
use downdraft_sim::latency::Latencies;
use downdraft_sim::world::Observer;
use downdraft_testkit::recordings::find;
use downdraft_types::{EventId, Time};
use downdraft_venue::{Command, Event, Internal, Stamp, Venue};

/// All that hears a run: its journal, its analysis with metrics, what forks are compared by.
type Ears = Tee<Recorder<Vec<u8>>, Tee<Analysis, Probe>>;

fn ears(prepared: &Prepared) -> Ears {
    let analysis = Analysis::new(prepared, ()).with_metrics(Config::over(prepared.scenario.duration));
    Tee(Recorder::new(Vec::new(), prepared).unwrap(), Tee(analysis, Probe::new(prepared.end())))
}

/// What is left of a run: its journal, its summary, its outcome, its state.
#[derive(PartialEq, Debug)]
struct Remains(Vec<u8>, Summary, downdraft_lab::outcome::Outcome, u64);

fn to_the_end(mut course: Course, mut ears: Ears, prepared: &Prepared) -> Remains {
    course.run(None, &mut ears, |_, _| ControlFlow::Continue(())).unwrap();
    let finished = course.finish(false);
    let Tee(recorder, Tee(analysis, probe)) = ears;
    let (journal, _) = recorder.finish(&finished).unwrap();
    let (summary, ()) = analysis.finish(prepared, &finished);
    Remains(journal, summary, probe.finish(finished.world.venue()), finished.state_hash)
}

/// Moments at which something is under way: the steps of the first liquidation, halfway into them, the last.
#[derive(Default)]
struct Moments(Vec<Time>);

impl Observer for Moments {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        if matches!(command, Command::Internal(Internal::Liquidate { .. })) {
            self.0.push(stamp.time);
        }
    }
    fn event(&mut self, _: EventId, _: Option<u32>, _: &Event) {}
    fn done(&mut self, _: &Venue) {}
}

fn moments(prepared: &Prepared) -> Vec<Time> {
    let mut found = Moments::default();
    downdraft_lab::run(prepared, &mut found, |_, _| ControlFlow::Continue(())).unwrap();
    let steps = found.0;
    let end = prepared.end().0;
    let mut moments = vec![Time::ZERO, Time(1), Time(end / 3), Time(end / 10 * 9)];
    moments.extend(steps.first());
    moments.extend(steps.get(steps.len() / 2).map(|step| Time(step.0 + 1)));
    moments.extend(steps.last());
    moments.sort_unstable();
    moments.dedup();
    moments
}

fn check(name: &str, sets: &[String]) {
    let prepared = Prepared::new(load(name, sets).unwrap_or_else(|error| panic!("{error}")), None);
    let course = || Course::new(prepared.world().unwrap(), Plan::default());
    let whole = to_the_end(course(), ears(&prepared), &prepared);
    assert!(whole.0.len() > 1_000, "{name} does nothing");
    // One run is saved on its way at each moment, and goes on itself.
    let (mut trunk, mut heard) = (course(), ears(&prepared));
    let mut saved: Vec<(Snapshot, Ears)> = Vec::new();
    for moment in moments(&prepared) {
        trunk.run(Some(moment), &mut heard, |_, _| ControlFlow::Continue(())).unwrap();
        saved.push((Snapshot::take(&trunk, moment).unwrap(), heard.clone()));
    }
    assert!(to_the_end(trunk, heard, &prepared) == whole, "{name}: saving changed the run");
    // The last first; the one in the middle a second time, after all others.
    for (snapshot, heard) in saved.iter().rev().chain(saved.get(saved.len() / 2)) {
        let restored = snapshot.resume(&Plan::default()).unwrap();
        let restored = to_the_end(restored, heard.clone(), &prepared);
        assert!(restored == whole, "{name}: restored at {} it is another run", snapshot.moment());
    }
}

#[test]
fn a_restored_run_is_the_run_in_every_scenario() {
    for entry in library().iter().filter(|entry| !entry.needs_recording()) {
        check(entry.name, &[]);
    }
}

#[test]
fn a_restored_run_reads_on_in_its_recording() {
    for (name, path, sets) in [
        ("recorded-equity", "lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv", ["duration=20s"].as_slice()),
        ("recorded-futures", "dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst", &[]),
    ] {
        let Some(path) = find(path) else { continue };
        let mut sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        sets.push(format!("feed.path={}", path.display()));
        check(name, &sets);
    }
}

/// Counts the seconds, and cannot be saved.
struct Clock;

impl Actor for Clock {
    fn start(&mut self, context: &mut Context<'_>) {
        context.wake_at(Time(1_000_000_000), 0);
    }
}

#[test]
fn an_actor_that_cannot_be_saved_is_named() {
    let prepared = Prepared::new(load("deep-book", &[]).unwrap(), None);
    let mut world = prepared.world().unwrap();
    world.add("clock", Latencies::default(), Box::new(Clock));
    let course = Course::new(world, Plan::default());
    let error = Snapshot::take(&course, Time::ZERO).err().unwrap();
    assert_eq!(error.to_string(), "clock cannot be saved");
}

/// Forks from a snapshot are those that are executed from their start, and so is their comparison.
#[test]
fn forks_from_a_snapshot_are_re_executions() {
    for (name, at) in [("flash-crash", 5_600_000_000), ("thin-book", 6_000_000_000), ("coin-margined", 0)] {
        let opening = Opening { source: name.to_owned(), ..Opening::default() };
        let origin = Origin::open(&opening).unwrap();
        let fork = |set: &str| origin.fork(set, &[set.to_owned()], Some(Time(at)), &[]).unwrap();
        let forks: Vec<Subject> =
            ["liquidation.mode=suppressed", "liquidation.latency=40ms", "liquidation.mode=bankruptcy-limit"]
                .map(fork)
                .to_vec();
        for fork in &forks {
            assert_eq!(origin.base.parts_from(fork), Some(Time(at)), "{name}");
        }
        let comparison = compare(&origin.base, &forks).unwrap();
        for (compared, fork) in comparison.runs.iter().zip(&forks) {
            assert_eq!(compared.run.outcome, trace(fork).unwrap().outcome, "{name} {}", fork.label());
        }
        // Forks whose scenario is written otherwise share no snapshot with their base.
        let apart: Vec<Subject> = forks.iter().map(written_otherwise).collect();
        assert!(apart.iter().all(|fork| origin.base.parts_from(fork).is_none()));
        let slow = compare(&origin.base, &apart).unwrap();
        let names = origin.names.as_ref().unwrap();
        assert_eq!(Report::new(&comparison, names), Report::new(&slow, names), "{name}");
    }
}

fn written_otherwise(subject: &Subject) -> Subject {
    let Subject::Executed(variant) = subject else { panic!("a world") };
    let mut variant = variant.clone();
    variant.prepared.scenario.text.push('\n');
    Subject::Executed(variant)
}

#[test]
fn a_fork_that_changes_nothing_has_its_bases_state_in_every_scenario() {
    for entry in library().iter().filter(|entry| !entry.needs_recording()) {
        let origin = Origin::open(&Opening { source: entry.name.to_owned(), ..Opening::default() }).unwrap();
        let same = origin.fork("same", &[], None, &[]).unwrap();
        let later = origin.fork("later", &[], Some(Time(1_000_000_000)), &[]).unwrap();
        let comparison = compare(&origin.base, &[same, later]).unwrap();
        for compared in &comparison.runs {
            assert_eq!(compared.divergence, None, "{}", entry.name);
            assert_eq!(compared.run.outcome, comparison.base.outcome, "{}", entry.name);
        }
    }
}
