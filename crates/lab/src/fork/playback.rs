//! A journal as recorded flow: what came from outside and from actors, at its recorded moments, into a venue whose own
//! requests are its own.
//!
//! The recorded commands are a tape: nobody reacts to what the fork does differently. Where an order was named by the
//! book's number, the number that the same order has in the fork is named instead; where the order never rested there,
//! the command is dropped and counted. At one instant a recorded command keeps its place among the venue's own: it
//! comes after as many of them as it came after in the recording, or after all there are.

use crate::plan::{Change, Plan, Refusal};
use downdraft_journal::{Applied, Emitted, End, Machine, OpenError, Reader, Record, codec};
use downdraft_sim::queue::EventQueue;
use downdraft_sim::world::Observer;
use downdraft_types::{AccountId, EventId, InstrumentId, MachineId, OrderId, Seq, Time};
use downdraft_venue::{Capacity, Command, Event, Internal, OrderRef, Origin, Rejection, Request, Sink, Stamp, Venue};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// A journal to be played.
#[derive(Clone, PartialEq, Debug)]
pub struct Playback {
    /// The journal.
    pub journal: PathBuf,
    /// What is done on the way.
    pub plan: Plan,
    /// Whether recorded reports of the index are left out.
    pub without_reports: bool,
    /// Whether the venue's own requests come from the recording too: then it is the recording itself.
    pub verbatim: bool,
    /// When the run ends: the venue's own requests that are due after the last recorded command are applied up to then.
    pub end: Time,
}

/// A journal that was played.
pub(super) struct Played {
    pub venue: Venue,
    pub commands: u64,
    /// Commands on orders that do not exist in the fork.
    pub dropped: u64,
    pub end: Option<End>,
    pub interrupted: bool,
}

/// Why a journal could not be played.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// It could not be opened.
    #[error("{path}: {error}")]
    Open {
        /// The journal.
        path: String,
        /// Why.
        error: OpenError,
    },
    /// Reading failed.
    #[error("cannot read {path}: {error}")]
    Io {
        /// The journal.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It is not of one venue.
    #[error("{path}: found machines {found}, expected one venue")]
    Machines {
        /// The journal.
        path: String,
        /// Their kinds.
        found: String,
    },
    /// The venue refused a command of the plan.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The plan removes an account that has nothing to remove.
    #[error("account {account} holds no position at {time}, expected one that does")]
    NoPosition {
        /// Which.
        account: u32,
        /// When.
        time: Time,
    },
    /// A command is not after the one before it.
    #[error("{path}: {error}")]
    Order {
        /// The journal.
        path: String,
        /// What is out of order.
        error: String,
    },
}

impl Playback {
    /// The journal as it stands.
    #[must_use]
    pub fn verbatim(journal: &Path, end: Time) -> Self {
        Self { verbatim: true, ..Self::flow(journal, end) }
    }

    /// The journal as recorded flow.
    #[must_use]
    pub fn flow(journal: &Path, end: Time) -> Self {
        let (journal, plan) = (journal.to_owned(), Plan::default());
        Self { journal, plan, without_reports: false, verbatim: false, end }
    }

    /// Opens a journal.
    ///
    /// # Errors
    /// [`PlaybackError::Open`].
    pub fn open(path: &Path) -> Result<Reader<BufReader<File>>, PlaybackError> {
        let named = |error| PlaybackError::Open { path: path.display().to_string(), error };
        let file = File::open(path).map_err(|error| named(error.into()))?;
        Reader::open(BufReader::with_capacity(1 << 18, file)).map_err(named)
    }

    /// What the journal's venue has room for.
    ///
    /// # Errors
    /// Where it cannot be opened, or is not of one venue.
    pub fn capacity(&self) -> Result<Capacity, PlaybackError> {
        capacity(&Self::open(&self.journal)?, &self.journal.display().to_string())
    }

    /// Plays it to its end, or until `stop` says so.
    pub(super) fn play<O: Observer>(
        &self,
        observer: &mut O,
        mut stop: impl FnMut(&O) -> bool,
    ) -> Result<Played, PlaybackError> {
        let path = self.journal.display().to_string();
        let reader = Self::open(&self.journal)?;
        let venue = Venue::with_capacity(capacity(&reader, &path)?);
        let mut tape = Tape { reader, ahead: None, path, instant: Time::ZERO, internals: 0 };
        let mut deck = Deck {
            venue,
            observer,
            queue: EventQueue::new(),
            orders: BTreeMap::new(),
            applied: 0,
            dropped: 0,
            now: Time::ZERO,
            internals: 0,
            changed: false,
        };
        let mut plan = self.plan.clone();
        let mut interrupted = false;
        let mut next = tape.next(self)?;
        while let Some(recorded) = &next {
            if stop(deck.observer) {
                interrupted = true;
                break;
            }
            let own = deck.queue.peek_time();
            let due = own.map_or(recorded.time, |own| own.min(recorded.time));
            if deck.carry_out(&mut plan, Some(due))? {
                continue;
            }
            if deck.now != due {
                (deck.now, deck.internals) = (due, 0);
            }
            let recorded_first = own.is_none_or(|own| own > recorded.time)
                || (own == Some(recorded.time) && deck.internals >= recorded.after);
            if self.verbatim || recorded_first {
                deck.apply_recorded(recorded, self.verbatim).map_err(|error| tape.out_of_order(&error))?;
                next = tape.next(self)?;
            } else {
                deck.apply_own();
            }
        }
        if !interrupted && !self.verbatim {
            deck.play_out(&mut plan, self.end)?;
        }
        let Deck { venue, applied, dropped, .. } = deck;
        Ok(Played { venue, commands: applied, dropped, end: tape.reader.end().cloned(), interrupted })
    }
}

fn capacity<R: Read>(reader: &Reader<R>, path: &str) -> Result<Capacity, PlaybackError> {
    let machines = &reader.header().machines;
    let kinds = || machines.iter().map(|machine| machine.kind.as_str()).collect::<Vec<_>>().join(", ");
    let wrong = || PlaybackError::Machines { path: path.to_owned(), found: format!("[{}]", kinds()) };
    match machines.as_slice() {
        [only] if only.kind == Venue::KIND => codec::decode_owned(&only.genesis).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

/// A recorded command.
struct Recorded {
    time: Time,
    seq: Seq,
    origin: Origin,
    cause: Option<EventId>,
    command: Command,
    /// How many of the venue's own commands came before it at its instant.
    after: u32,
    /// The order of the command's account that rested because of it.
    rested: Option<OrderId>,
}

/// The recording, read ahead by a command.
struct Tape {
    reader: Reader<BufReader<File>>,
    ahead: Option<Applied>,
    path: String,
    instant: Time,
    internals: u32,
}

impl Tape {
    fn record(&mut self) -> Result<Option<Record>, PlaybackError> {
        self.reader.record().map_err(|error| PlaybackError::Io { path: self.path.clone(), error })
    }

    /// The next recorded command that is to be applied.
    fn next(&mut self, how: &Playback) -> Result<Option<Recorded>, PlaybackError> {
        loop {
            let applied = match self.ahead.take() {
                Some(applied) => applied,
                None => match self.record()? {
                    Some(Record::Command(applied)) => applied,
                    Some(Record::Event(_)) => continue,
                    None => return Ok(None),
                },
            };
            let rested = self.rested(owner(&applied.command))?;
            let Applied { stamp, command } = applied;
            if stamp.time != self.instant {
                (self.instant, self.internals) = (stamp.time, 0);
            }
            let internal = matches!(command, Command::Internal(_));
            if internal && !how.verbatim {
                self.internals += 1;
                continue;
            }
            if how.without_reports && matches!(command, Command::ReportIndex { .. }) {
                continue;
            }
            let Stamp { time, seq, origin, cause, .. } = stamp;
            return Ok(Some(Recorded { time, seq, origin, cause, command, after: self.internals, rested }));
        }
    }

    /// Passes the events of the command just read.
    fn rested(&mut self, owner: Option<AccountId>) -> Result<Option<OrderId>, PlaybackError> {
        let mut rested = None;
        loop {
            match self.record()? {
                Some(Record::Event(Emitted { event, .. })) => {
                    rested = rested_order(&event, owner).or(rested);
                }
                Some(Record::Command(applied)) => {
                    self.ahead = Some(applied);
                    return Ok(rested);
                }
                None => return Ok(rested),
            }
        }
    }

    fn out_of_order(&self, error: &str) -> PlaybackError {
        PlaybackError::Order { path: self.path.clone(), error: error.to_owned() }
    }
}

/// Whose order a command places or moves.
const fn owner(command: &Command) -> Option<AccountId> {
    match command {
        Command::PlaceOrder(order) => Some(order.account),
        Command::ReplaceOrder { account, .. } => Some(*account),
        _ => None,
    }
}

fn rested_order(event: &Event, owner: Option<AccountId>) -> Option<OrderId> {
    match *event {
        Event::OrderRested { order, account, .. } if owner == Some(account) => Some(order),
        _ => None,
    }
}

/// An order of the recording by its slot: how often the slot was used, and what the order is in the fork.
type Orders = BTreeMap<(InstrumentId, u32), (u32, Option<OrderId>)>;

/// The venue that the tape plays into.
struct Deck<'a, O> {
    venue: Venue,
    observer: &'a mut O,
    queue: EventQueue<(EventId, Internal)>,
    orders: Orders,
    applied: u64,
    dropped: u64,
    now: Time,
    internals: u32,
    /// Something was changed: from then on the tape's causes are no longer events of this run.
    changed: bool,
}

impl<O: Observer> Deck<'_, O> {
    /// Carries out one change of the plan, if one is due. Returns whether one was.
    fn carry_out(&mut self, plan: &mut Plan, next: Option<Time>) -> Result<bool, PlaybackError> {
        let Some((time, change)) = plan.due(next) else { return Ok(false) };
        let commands = change.commands(&self.venue);
        if let (true, Change::Backstop(account)) = (commands.is_empty(), &change) {
            return Err(PlaybackError::NoPosition { account: account.0, time });
        }
        for command in commands {
            let told = self.apply(time, None, Origin::Outside, None, &command).unwrap_or_default();
            if let Some(reason) = told.refused {
                return Err(change.refused(&command, time, reason).into());
            }
        }
        self.changed = true;
        Ok(true)
    }

    /// What is left when the tape has ended.
    fn play_out(&mut self, plan: &mut Plan, end: Time) -> Result<(), PlaybackError> {
        loop {
            let next = self.queue.peek_time().filter(|own| *own <= end);
            if self.carry_out(plan, next)? {
                continue;
            }
            if next.is_none() {
                return Ok(());
            }
            self.apply_own();
        }
    }

    fn apply_own(&mut self) {
        let Some((time, _, (cause, command))) = self.queue.pop() else { return };
        self.internals += 1;
        let applied = self.apply(time, None, Origin::Internal, Some(cause), &Command::Internal(command));
        applied.expect("a request is due after what led to it");
    }

    fn apply_recorded(&mut self, recorded: &Recorded, verbatim: bool) -> Result<(), String> {
        let seq = verbatim.then_some(recorded.seq);
        let command = if verbatim { Some(recorded.command.clone()) } else { self.translated(&recorded.command) };
        let Some(command) = command else {
            self.dropped += 1;
            return Ok(());
        };
        let cause = recorded.cause.filter(|_| !self.changed);
        let told = self.apply(recorded.time, seq, recorded.origin, cause, &command)?;
        if let (Some(order), Some(instrument)) = (recorded.rested, instrument_of(&command)) {
            self.orders.insert((instrument, order.slot()), (order.generation(), told.rested));
        }
        Ok(())
    }

    /// The command with the fork's number of the order that it names; `None` where that never rested here.
    fn translated(&self, command: &Command) -> Option<Command> {
        let mut command = command.clone();
        let named = match &mut command {
            Command::CancelOrder { order, .. }
            | Command::ReplaceOrder { order, .. }
            | Command::ExecuteOrder { order, .. }
            | Command::ReduceOrder { order, .. } => order,
            _ => return Some(command),
        };
        if let OrderRef::Id(instrument, order) = named
            && let Some((generation, here)) = self.orders.get(&(*instrument, order.slot()))
            && *generation == order.generation()
        {
            *order = (*here)?;
        }
        Some(command)
    }

    fn apply(
        &mut self,
        time: Time,
        seq: Option<Seq>,
        origin: Origin,
        cause: Option<EventId>,
        command: &Command,
    ) -> Result<Told, String> {
        let seq = seq.unwrap_or(Seq(self.applied));
        let stamp = Stamp { machine: MachineId(0), time, seq, origin, cause };
        self.observer.command(&stamp, command);
        let owner = owner(command);
        let mut relay = Relay { observer: self.observer, requests: Vec::new(), owner, told: Told::default() };
        self.venue.apply(time, seq, command, &mut relay).map_err(|error| error.to_string())?;
        let Relay { requests, told, .. } = relay;
        self.applied += 1;
        self.observer.done(&self.venue);
        for request in requests {
            self.queue.push(request.due, (request.cause, request.command)).map_err(|error| error.to_string())?;
        }
        Ok(told)
    }
}

/// The instrument whose order a command places or moves.
const fn instrument_of(command: &Command) -> Option<InstrumentId> {
    match command {
        Command::PlaceOrder(order) => Some(order.instrument),
        Command::ReplaceOrder { order: OrderRef::Id(instrument, _), .. } => Some(*instrument),
        _ => None,
    }
}

/// What a command's events told.
#[derive(Clone, Copy, Default)]
struct Told {
    rested: Option<OrderId>,
    refused: Option<Rejection>,
}

struct Relay<'a, O> {
    observer: &'a mut O,
    requests: Vec<Request>,
    owner: Option<AccountId>,
    told: Told,
}

impl<O: Observer> Sink for Relay<'_, O> {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.told.rested = rested_order(event, self.owner).or(self.told.rested);
        if let Event::Rejected { reason } = event {
            self.told.refused = Some(*reason);
        }
        self.observer.event(id, parent, event);
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}
