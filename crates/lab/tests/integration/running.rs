//! A run is a function of scenario and seed; its journal replays; it can be watched and broken off.

use crate::outcome::{outcome, scenario};
use core::ops::ControlFlow;
use downdraft_journal::{Reader, Verdict, WriteError, replay};
use downdraft_lab::scenario::Files;
use downdraft_lab::{Document, Prepared, Recorder, RunError, Scenario, Tee, run, show};
use downdraft_types::Time;
use downdraft_venue::Venue;
use std::io::{self, Write};

const SHORT: [&str; 2] = ["duration=6s", "actors.crowd.count=300"];

#[test]
fn the_seed_decides() {
    for name in ["flash-crash", "thin-book", "exogenous-mark"] {
        let hash = |seed| outcome(scenario(name, &SHORT), Some(seed)).state_hash;
        let first = hash(7);
        assert_eq!(first, hash(7), "{name}");
        assert_ne!(first, hash(8), "{name}");
    }
}

#[test]
fn a_journal_replays_to_the_same_state() {
    for name in ["flash-crash", "adl-exhausted", "halted", "my-venue"] {
        let prepared = Prepared::new(scenario(name, &short(name)), None);
        let mut recorder = Tee(Recorder::new(Vec::new(), &prepared).unwrap(), ());
        let finished = run(&prepared, &mut recorder, |_, _| ControlFlow::Continue(())).unwrap();
        let (bytes, footer) = recorder.0.finish(&finished).unwrap();
        assert_eq!(footer.commands, finished.commands);
        let reader = Reader::open(bytes.as_slice()).unwrap();
        assert_eq!((reader.header().seed, &reader.header().scenario), (prepared.seed, &prepared.scenario.text));
        let replayed = replay::<Venue, _>(reader, |_, _| {}).unwrap();
        assert_eq!(replayed.verdict, Verdict::Equal, "{name}");
        assert_eq!(replayed.states, finished.states().to_vec(), "{name}");
    }
}

/// `my-venue` has no crowd.
fn short(name: &str) -> Vec<&'static str> {
    if name == "my-venue" { vec!["duration=6s"] } else { SHORT.to_vec() }
}

#[test]
fn the_text_in_a_journal_is_the_scenario_that_ran() {
    let changed =
        scenario("flash-crash", &["actors.crowd.count=5", "liquidation.adl.ranking=pro-rata", "fund.USDT=0.5"]);
    assert_ne!(changed, scenario("flash-crash", &[]));
    let document = Document::read("again", &changed.text, &[]).unwrap();
    let again = Scenario::read(&document, &Files::Directory("".into())).unwrap();
    assert_eq!(again, changed);
}

#[test]
fn progress_rises_and_may_break_a_run_off() {
    let prepared = Prepared::new(scenario("flash-crash", &SHORT), None);
    let mut seen = Vec::new();
    let finished = run(&prepared, &mut (), |progress, ()| {
        seen.push(progress.fraction());
        ControlFlow::Continue(())
    });
    assert!(!finished.unwrap().interrupted);
    assert!(seen.len() > 1 && seen.is_sorted() && seen.iter().all(|f| (0.0..=1.0).contains(f)), "{seen:?}");
    let stopped = run(&prepared, &mut (), |_, ()| ControlFlow::Break(())).unwrap();
    assert!(stopped.interrupted && stopped.world.now() < prepared.end());
}

/// A disk that is full after so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left"));
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_noticed_and_reported() {
    let prepared = Prepared::new(scenario("flash-crash", &SHORT), None);
    let mut recorder = Recorder::new(Full(200_000), &prepared).unwrap();
    let watch = |_: &_, recorder: &Recorder<Full>| {
        if recorder.failed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let finished = run(&prepared, &mut recorder, watch).unwrap();
    assert!(finished.interrupted);
    assert!(matches!(recorder.finish(&finished), Err(WriteError::Io(_))));
}

#[test]
fn a_set_up_that_the_venue_refuses_is_an_error() {
    // The actors would refuse these terms too, so there are none.
    let text = show("my-venue").unwrap().split("[[actors]]").next().unwrap().to_owned();
    let terms = ["instruments.0.max_position=100000000000000", "instruments.0.max_price=4000000000000000000"];
    let document = Document::read("t", &text, &terms.map(str::to_owned)).unwrap();
    let scenario = Scenario::read(&document, &Files::Directory("".into())).unwrap();
    let prepared = Prepared::new(scenario, None);
    let Err(RunError::SetUp { command, reason }) = run(&prepared, &mut (), |_, ()| ControlFlow::Continue(())) else {
        panic!("the listing is refused");
    };
    assert!(command.starts_with("list-instrument"), "{command}");
    assert_eq!(format!("{reason:?}"), "Listing(TooLarge)");
}

#[test]
fn actors_may_be_added_by_hand() {
    struct Alarm;
    impl downdraft_sim::actor::Actor for Alarm {
        fn start(&mut self, context: &mut downdraft_sim::actor::Context<'_>) {
            context.wake_at(Time(1_000_000_000), 0);
        }
        fn wake(&mut self, context: &mut downdraft_sim::actor::Context<'_>, _: u64) {
            context.fail("it is one o'clock");
        }
    }
    let prepared = Prepared::new(scenario("thin-book", &SHORT), None);
    let mut world = prepared.world().unwrap();
    world.add("alarm", downdraft_sim::latency::Latencies::default(), Box::new(Alarm));
    let error = downdraft_lab::run_world(world, &mut (), |_, ()| ControlFlow::Continue(())).err().unwrap();
    assert_eq!(error.to_string(), "alarm: it is one o'clock");
    assert!(prepared.scenario.first_free_account().0 < prepared.scenario.capacity.accounts);
}
