//! A machine small enough to see through, which speaks a venue's language: it keeps deposits, and follows each
//! index report with a mark, and with a request for another, later.

use crate::arbitrary::Draw;
use downdraft_journal::{Header, Machine, MachineEntry, Origin, Stamp, Writer};
use downdraft_types::{AccountId, CurrencyId, EventId, InstrumentId, MachineId, MarkPrice, Money, Seq, Span, Time};
use downdraft_venue::command::{Command, Internal};
use downdraft_venue::event::{CauseKind, Event, Rejection, Request, Sink};
use std::collections::{BTreeMap, BTreeSet};

pub const MACHINE: MachineId = MachineId(0);
const DELAY: Span = Span(1_000);

#[derive(Default)]
pub struct Toy {
    bias: u64,
    cash: BTreeMap<AccountId, i128>,
    mark: i64,
}

impl Machine for Toy {
    const KIND: &'static str = "toy";
    type Genesis = u64;
    type Error = String;

    fn genesis(bias: u64) -> Self {
        Self { bias, ..Self::default() }
    }

    fn apply(&mut self, time: Time, seq: Seq, command: &Command, sink: &mut impl Sink) -> Result<(), String> {
        let id = |index| EventId { seq, index };
        match *command {
            Command::Deposit { account, currency, amount } => {
                let cash = self.cash.entry(account).or_default();
                *cash = cash.wrapping_add(amount.0);
                sink.event(id(0), None, &Event::Deposited { account, currency, amount });
            }
            Command::ReportIndex { instrument, index } => {
                self.mark = index.0;
                sink.event(id(0), None, &Event::IndexReported { instrument, index });
                sink.event(id(1), Some(0), &Event::MarkMoved { instrument, mark: index, kind: CauseKind::Oracle });
                let command = Internal::SampleMark { instrument };
                sink.request(&Request { due: time + DELAY, cause: id(1), command });
            }
            Command::Internal(Internal::SampleMark { instrument }) => {
                self.mark = self.mark.wrapping_add(1);
                let mark = MarkPrice(self.mark);
                sink.event(id(0), None, &Event::MarkMoved { instrument, mark, kind: CauseKind::Clock });
            }
            // As many events as the account's number says: a command with very many events.
            Command::OpenAccount { account } => {
                (0..account.0).for_each(|n| sink.event(id(n), n.checked_sub(1), &Event::AccountOpened { account }));
            }
            Command::Reopen { .. } => return Err("a toy never closes".into()),
            _ => sink.event(id(0), None, &Event::Rejected { reason: Rejection::NothingToDo }),
        }
        Ok(())
    }

    fn state_hash(&self) -> u64 {
        let cash = self.cash.iter().fold(self.bias, |h, (a, c)| h.wrapping_mul(31) ^ u64::from(a.0) ^ *c as u64);
        cash.wrapping_mul(31) ^ self.mark as u64
    }
}

/// A journal written to memory by a machine's own loop.
pub struct Recorder<M> {
    pub machine: M,
    pub writer: Writer<Vec<u8>>,
    pub time: Time,
    pub seq: u64,
    pub from_outside: usize,
    pending: BTreeSet<Request>,
}

/// Emits into the journal, and keeps the requests.
struct Recording<'a>(&'a mut Writer<Vec<u8>>, &'a mut BTreeSet<Request>);

impl Sink for Recording<'_> {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.0.event(id, parent, event);
    }

    fn request(&mut self, request: &Request) {
        self.1.insert(*request);
    }
}

pub fn header() -> Header {
    Header {
        software: "downdraft test".into(),
        scenario: "name = \"toy\"\n".into(),
        seed: 7,
        machines: vec![MachineEntry::new::<Toy>(MACHINE, &3)],
    }
}

impl Recorder<Toy> {
    pub fn toy() -> Self {
        Self::new(&header(), 3)
    }
}

impl<M: Machine<Error: std::fmt::Debug>> Recorder<M> {
    pub fn new(header: &Header, genesis: M::Genesis) -> Self {
        Self {
            machine: M::genesis(genesis),
            writer: Writer::new(Vec::new(), header).unwrap(),
            time: Time::ZERO,
            seq: 0,
            from_outside: 0,
            pending: BTreeSet::new(),
        }
    }

    /// Applies a command from outside after `wait`, and before it the requests that come due.
    pub fn outside(&mut self, wait: u64, command: &Command) {
        let time = self.time + Span(wait);
        while let Some(request) = self.pending.first().copied().filter(|request| request.due <= time) {
            self.pending.pop_first();
            self.time = request.due;
            self.apply(Origin::Internal, Some(request.cause), &Command::Internal(request.command));
        }
        self.time = time;
        self.from_outside += 1;
        self.apply(Origin::Outside, None, command);
    }

    pub fn apply(&mut self, origin: Origin, cause: Option<EventId>, command: &Command) {
        let stamp = Stamp { machine: MACHINE, time: self.time, seq: Seq(self.seq), origin, cause };
        self.writer.begin(&stamp, command);
        let mut sink = Recording(&mut self.writer, &mut self.pending);
        self.machine.apply(stamp.time, stamp.seq, command, &mut sink).unwrap();
        self.writer.end().unwrap();
        self.seq += 1;
    }

    pub fn finish(self) -> Vec<u8> {
        self.writer.finish(&[(MACHINE, self.machine.state_hash())]).unwrap().0
    }

    /// The journal of a run that was stopped.
    pub fn stop(self) -> Vec<u8> {
        self.writer.stop().unwrap()
    }
}

pub fn deposit(account: u32, amount: i128) -> Command {
    Command::Deposit { account: AccountId(account), currency: CurrencyId(0), amount: Money(amount) }
}

pub fn report(index: i64) -> Command {
    Command::ReportIndex { instrument: InstrumentId(1), index: MarkPrice(index) }
}

/// A journal of `commands` drawn commands from outside, and what they led to.
pub fn journal(seed: u64, commands: usize) -> Recorder<Toy> {
    let mut draw = Draw::new(seed);
    let mut recorder = Recorder::toy();
    for _ in 0..commands {
        let wait = draw.below(700);
        let command = match draw.below(8) {
            0..4 => deposit(draw.below(50) as u32, draw.below(1_000) as i128 - 500),
            4..7 => report(draw.below(10_000) as i64),
            _ => draw.value(),
        };
        // Internal commands come of requests only; the others are long, or refused, by a toy's nature.
        if !matches!(command, Command::Internal(_) | Command::OpenAccount { .. } | Command::Reopen { .. }) {
            recorder.outside(wait, &command);
        }
    }
    recorder
}

/// A drawn run, written whole.
pub struct DrawnRun {
    pub bytes: Vec<u8>,
    /// How many of its commands are internal.
    pub internal: usize,
}

impl DrawnRun {
    pub fn new(seed: u64, commands: usize) -> Self {
        let recorder = journal(seed, commands);
        let internal = recorder.seq as usize - recorder.from_outside;
        Self { bytes: recorder.finish(), internal }
    }
}
