//! The smallest embedder's loop: a venue and a sorted map of what is due. Checks every invariant after each
//! command.

use downdraft_types::{AccountId, EventId, MachineId, Seq, Time};
use downdraft_venue::{Capacity, Command, Event, Internal, Origin, Request, Sink, Stamp, Venue};
use std::collections::BTreeMap;

/// An event with its number and its parent within its command.
pub type Logged = (EventId, Option<u32>, Event);

/// A command that was applied, with its events.
#[derive(Clone, Debug)]
pub struct Step {
    /// When, and why.
    pub stamp: Stamp,
    /// What.
    pub command: Command,
    /// What came of it.
    pub events: Vec<Logged>,
}

/// A venue driven by hand.
pub struct Runner {
    /// The venue.
    pub venue: Venue,
    /// Whether to check the invariants after each command (on).
    pub checks: bool,
    /// Every command with its events, from when this was set: what an analyzer is fed.
    pub history: Option<Vec<Step>>,
    queue: BTreeMap<(Time, Seq), (Command, Option<EventId>)>,
    now: Time,
    next: Seq,
    log: Log,
    /// Why each internal command was applied, and what it was.
    internal: BTreeMap<Seq, (Internal, EventId)>,
}

#[derive(Default)]
struct Log {
    events: Vec<Logged>,
    requests: Vec<Request>,
}

impl Sink for Log {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.events.push((id, parent, *event));
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}

impl Runner {
    /// An empty venue at time zero.
    #[must_use]
    pub fn new(capacity: Capacity) -> Self {
        Self {
            venue: Venue::with_capacity(capacity),
            checks: true,
            history: None,
            queue: BTreeMap::new(),
            now: Time::ZERO,
            next: Seq(0),
            log: Log::default(),
            internal: BTreeMap::new(),
        }
    }

    /// The present.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Applies a command now, then everything due now. Returns the events of it all.
    pub fn run(&mut self, command: Command) -> &[Logged] {
        let first = self.log.events.len();
        self.push(self.now, command, None);
        self.run_until(self.now);
        &self.log.events[first..]
    }

    /// Applies everything due up to `time`, and moves on to it.
    pub fn run_until(&mut self, time: Time) {
        while let Some((&(due, seq), _)) = self.queue.first_key_value() {
            if due > time {
                break;
            }
            let (command, cause) = self.queue.remove(&(due, seq)).expect("the first entry");
            self.now = due;
            self.apply(seq, &command, cause);
        }
        self.now = time;
    }

    fn push(&mut self, time: Time, command: Command, cause: Option<EventId>) {
        self.queue.insert((time, self.next), (command, cause));
        self.next = self.next.next();
    }

    fn apply(&mut self, seq: Seq, command: &Command, cause: Option<EventId>) {
        let first = self.log.events.len();
        self.venue.apply(self.now, seq, command, &mut self.log).expect("the queue is in order");
        if let Some(history) = &mut self.history {
            let origin = if cause.is_some() { Origin::Internal } else { Origin::Outside };
            let stamp = Stamp { machine: MachineId(0), time: self.now, seq, origin, cause };
            history.push(Step { stamp, command: command.clone(), events: self.log.events[first..].to_vec() });
        }
        if let (Command::Internal(internal), Some(cause)) = (command, cause) {
            self.internal.insert(seq, (*internal, cause));
        }
        for request in std::mem::take(&mut self.log.requests) {
            self.push(request.due, Command::Internal(request.command), Some(request.cause));
        }
        if self.checks {
            self.venue.check_invariants();
        }
    }

    /// All events since the log was last cleared.
    #[must_use]
    pub fn events(&self) -> &[Logged] {
        &self.log.events
    }

    /// Forgets the events so far.
    pub fn clear_events(&mut self) {
        self.log.events.clear();
    }

    /// How many commands wait.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.queue.len()
    }

    /// The account whose liquidation emitted an event's command, if it was one.
    #[must_use]
    pub fn liquidation_behind(&self, id: EventId) -> Option<AccountId> {
        match self.internal.get(&id.seq) {
            Some((Internal::Liquidate { pool }, _)) => Some(pool.account()),
            _ => None,
        }
    }
}
