//! Replay: equal runs are equal, and the first difference is named.

use crate::toy::{DrawnRun, MACHINE, Recorder, Toy, deposit, header, journal, report};
use downdraft_journal::{
    Difference, Divergence, Emitted, Machine, Origin, Reader, Replay, ReplayError, Stamp, Verdict, Writer, replay,
};
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, MachineId, MarkPrice, Money, Seq, Time};
use downdraft_venue::command::{Command, Internal};
use downdraft_venue::event::{CauseKind, Event};
use proptest::prelude::*;

fn run(bytes: &[u8]) -> Replay {
    replay::<Toy, _>(Reader::open(bytes).unwrap(), |_, _| {}).unwrap()
}

fn divergence(bytes: &[u8]) -> Divergence {
    match run(bytes) {
        Replay { verdict: Verdict::Diverged(divergence), .. } => *divergence,
        other => panic!("{other}"),
    }
}

/// A journal written by hand: commands with the events they claim.
fn forged(commands: &[(Stamp, Command, Vec<Emitted>)], hash: u64) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    for (stamp, command, events) in commands {
        writer.begin(stamp, command);
        events.iter().for_each(|emitted| writer.emit(emitted.parent, &emitted.event));
        writer.end().unwrap();
    }
    writer.finish(&[(MACHINE, hash)]).unwrap().0
}

fn hash_of_genesis() -> u64 {
    Recorder::toy().machine.state_hash()
}

fn stamp(time: u64, seq: u64) -> Stamp {
    Stamp { machine: MACHINE, time: Time(time), seq: Seq(seq), origin: Origin::Outside, cause: None }
}

fn deposited(amount: i128) -> Emitted {
    let event = Event::Deposited { account: AccountId(1), currency: CurrencyId(0), amount: Money(amount) };
    Emitted { parent: None, event }
}

fn reported(index: i64) -> Vec<Emitted> {
    let (instrument, index) = (InstrumentId(1), MarkPrice(index));
    vec![
        Emitted { parent: None, event: Event::IndexReported { instrument, index } },
        Emitted { parent: Some(0), event: Event::MarkMoved { instrument, mark: index, kind: CauseKind::Oracle } },
    ]
}

fn sample() -> Command {
    Command::Internal(Internal::SampleMark { instrument: InstrumentId(1) })
}

fn sampled(mark: i64) -> Vec<Emitted> {
    let event = Event::MarkMoved { instrument: InstrumentId(1), mark: MarkPrice(mark), kind: CauseKind::Clock };
    vec![Emitted { parent: None, event }]
}

fn internal(time: u64, seq: u64, cause: (u64, u32)) -> Stamp {
    let cause = Some(EventId { seq: Seq(cause.0), index: cause.1 });
    Stamp { origin: Origin::Internal, cause, ..stamp(time, seq) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_run_replays_equal(seed: u64, commands in 0_usize..2_000) {
        let recorder = journal(seed, commands);
        let hash = recorder.machine.state_hash();
        let seq = recorder.seq;
        let replayed = run(&recorder.finish());
        prop_assert_eq!((&replayed.verdict, replayed.exit_code()), (&Verdict::Equal, 0));
        prop_assert_eq!((replayed.commands, &replayed.states), (seq, &vec![(MACHINE, hash)]));
    }

    #[test]
    fn a_run_stopped_is_verified_to_its_end(seed: u64, commands in 1_usize..2_000) {
        let recorder = journal(seed, commands);
        let seq = recorder.seq;
        let replayed = run(&recorder.stop());
        prop_assert_eq!((replayed.exit_code(), replayed.commands), (3, seq));
    }
}

#[test]
fn a_run_has_requests_and_several_blocks() {
    let DrawnRun { bytes, internal } = DrawnRun::new(3, 4_000);
    assert!(internal > 100, "{internal} internal commands");
    let mut blocks = Vec::new();
    let replayed = replay::<Toy, _>(Reader::open(&bytes[..]).unwrap(), |totals, _| blocks.push(totals.blocks)).unwrap();
    assert_eq!(blocks, (1..=replayed.blocks).collect::<Vec<_>>());
    assert!(replayed.blocks > 3);
}

#[test]
fn a_command_with_many_events_spans_blocks() {
    let mut recorder = Recorder::toy();
    recorder.outside(1, &Command::OpenAccount { account: AccountId(20_000) });
    recorder.outside(1, &deposit(1, 5));
    let bytes = recorder.finish();
    let replayed = run(&bytes);
    assert_eq!((replayed.verdict, replayed.commands, replayed.events), (Verdict::Equal, 2, 20_001));
    assert!(replayed.blocks > 2);
    // Cut after each of its blocks: the events that follow are not known, so none is missing.
    let mut reader = Reader::open(&bytes[..]).unwrap();
    let mut verified = 0;
    while reader.next_block().unwrap() {
        let cut = run(&bytes[..reader.totals().bytes as usize]);
        verified += 1;
        assert_eq!((cut.exit_code(), cut.blocks), (3, verified), "{cut}");
    }
}

#[test]
fn a_different_event_is_named() {
    let wrong = deposited(6);
    let commands =
        [(stamp(0, 0), deposit(1, 5), vec![deposited(5)]), (stamp(1_500_000_000, 4), deposit(1, 5), vec![wrong])];
    let found = divergence(&forged(&commands, 0));
    let difference = Difference::Event { index: 0, expected: Some(wrong), found: Some(deposited(5)) };
    assert_eq!(found, Divergence { stamp: Some(commands[1].0), difference });
    assert_eq!(
        found.to_string(),
        "command #4 of m0 at 1.500000000s: event 0: \
         expected Emitted { parent: None, event: Deposited { account: AccountId(1), currency: CurrencyId(0), amount: Money(6) } }, \
         found Emitted { parent: None, event: Deposited { account: AccountId(1), currency: CurrencyId(0), amount: Money(5) } }"
    );
    let replayed = run(&forged(&commands, 0));
    assert_eq!((replayed.exit_code(), replayed.events, replayed.blocks), (1, 1, 0));
}

#[test]
fn a_different_parent_is_named() {
    let mut events = reported(9);
    events[1].parent = None;
    let found = divergence(&forged(&[(stamp(0, 0), report(9), events.clone())], 0)).difference;
    assert_eq!(found, Difference::Event { index: 1, expected: Some(events[1]), found: Some(reported(9)[1]) });
}

#[test]
fn an_event_missing_or_too_many_is_named() {
    let last = (stamp(0, 1), deposit(1, 5), vec![deposited(5)]);
    let event = reported(9)[1];
    let mut events = reported(9);
    events.pop();
    let missing = Difference::Event { index: 1, expected: None, found: Some(event) };
    assert_eq!(divergence(&forged(&[(stamp(0, 0), report(9), events.clone())], 0)).difference, missing);
    assert_eq!(divergence(&forged(&[(stamp(0, 0), report(9), events), last.clone()], 0)).difference, missing);
    let mut events = reported(9);
    events.push(event);
    let extra = Difference::Event { index: 2, expected: Some(event), found: None };
    let found = divergence(&forged(&[(stamp(0, 0), report(9), events), last], 0));
    assert_eq!(found, Divergence { stamp: Some(stamp(0, 0)), difference: extra });
}

#[test]
fn an_internal_command_must_have_been_requested() {
    let asked = (stamp(50, 0), report(9), reported(9));
    let replayed = |stamps: &[Stamp]| {
        let mut commands = vec![asked.clone()];
        commands.extend((1..).zip(stamps).map(|(n, stamp)| (*stamp, sample(), sampled(9 + n))));
        run(&forged(&commands, 0)).verdict
    };
    let refused = Difference::NotRequested(sample());
    let differs = |verdict: Verdict| match verdict {
        Verdict::Diverged(divergence) => divergence.difference,
        verdict => panic!("{verdict:?}"),
    };
    // As requested; then the state hash 0 is the first difference.
    let asked_for = internal(1_050, 1, (0, 1));
    assert!(matches!(differs(replayed(&[asked_for])), Difference::State { .. }));
    assert_eq!(differs(replayed(&[internal(1_051, 1, (0, 1))])), refused, "another time");
    assert_eq!(differs(replayed(&[internal(1_050, 1, (0, 0))])), refused, "another cause");
    assert_eq!(differs(replayed(&[Stamp { cause: None, ..asked_for }])), refused, "no cause");
    assert_eq!(differs(replayed(&[asked_for, internal(1_050, 2, (0, 1))])), refused, "twice");
    let outside = Stamp { origin: Origin::Actor(3), ..asked_for };
    assert_eq!(differs(replayed(&[outside])), Difference::Origin(Origin::Actor(3)));
    let other = (internal(1_050, 1, (0, 1)), deposit(1, 5), vec![deposited(5)]);
    assert_eq!(divergence(&forged(&[asked, other], 0)).difference, Difference::NotRequested(deposit(1, 5)));
}

#[test]
fn causes_and_machines_must_be_known() {
    let cause = EventId { seq: Seq(1), index: 0 };
    let early = Stamp { cause: Some(cause), ..stamp(0, 1) };
    assert_eq!(
        divergence(&forged(&[(early, deposit(1, 5), vec![deposited(5)])], 0)).difference,
        Difference::Cause(cause)
    );
    let elsewhere = Stamp { machine: MachineId(4), ..stamp(0, 1) };
    assert_eq!(divergence(&forged(&[(elsewhere, deposit(1, 5), vec![])], 0)).difference, Difference::UnknownMachine);
    let refused = divergence(&forged(&[(stamp(0, 0), Command::Reopen { instrument: InstrumentId(0) }, vec![])], 0));
    assert_eq!(refused.difference, Difference::Refused("a toy never closes".into()));
}

#[test]
fn the_state_hash_must_be_equal() {
    let commands = [(stamp(0, 0), deposit(1, 5), vec![deposited(5)])];
    let Difference::State { machine, expected, found } = divergence(&forged(&commands, 1)).difference else {
        panic!("a state");
    };
    assert_eq!((machine, expected), (MACHINE, Some(1)));
    let hash = found.unwrap();
    assert_eq!(run(&forged(&commands, hash)).verdict, Verdict::Equal);
    let (without, _) = Writer::new(Vec::new(), &header()).unwrap().finish(&[]).unwrap();
    let missing = divergence(&without);
    assert!(matches!(missing.difference, Difference::State { expected: None, found: Some(_), .. }), "{missing}");
    let more = [(MACHINE, hash_of_genesis()), (MachineId(1), 3)];
    let (more, _) = Writer::new(Vec::new(), &header()).unwrap().finish(&more).unwrap();
    let more = divergence(&more).difference;
    assert_eq!(more, Difference::State { machine: MachineId(1), expected: Some(3), found: None });
}

#[test]
fn machines_of_another_kind_are_refused() {
    let error = |change: fn(&mut downdraft_journal::Header)| {
        let mut header = header();
        change(&mut header);
        let (bytes, _) = Writer::new(Vec::new(), &header).unwrap().finish(&[]).unwrap();
        replay::<Toy, _>(Reader::open(&bytes[..]).unwrap(), |_, _| {}).unwrap_err()
    };
    let kind = error(|header| header.machines[0].kind = "chain".into());
    assert_eq!(kind.to_string(), "machine m0 is a \"chain\", expected a \"toy\"");
    assert!(matches!(error(|header| header.machines[0].genesis.push(0)), ReplayError::Genesis { .. }));
    assert!(matches!(error(|header| header.machines.push(header.machines[0].clone())), ReplayError::Twice { .. }));
}
