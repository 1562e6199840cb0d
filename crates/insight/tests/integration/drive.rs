//! A venue and its queue, with an analyzer that listens and a log of everything.

use downdraft_insight::rows::{LiquidationRow, PriceRow, Recorder, WaterfallRow};
use downdraft_insight::{Analyzer, CsvTables, RunInfo, Summary, Units};
use downdraft_types::{EventId, MachineId, Seq, Time};
use downdraft_venue::{Capacity, Command, Event, Origin, Request, Sink, Stamp, Venue};
use std::collections::BTreeMap;

/// A command, and what it led to.
#[derive(Clone, Debug)]
pub struct Step {
    pub stamp: Stamp,
    pub command: Command,
    pub events: Vec<(EventId, Option<u32>, Event)>,
}

/// Keeps rows, and writes them as CSV.
pub struct Kept {
    pub prices: Vec<PriceRow>,
    pub liquidations: Vec<LiquidationRow>,
    pub waterfall: Vec<WaterfallRow>,
    pub csv: CsvTables<Vec<u8>>,
}

impl Recorder for Kept {
    fn price(&mut self, row: &PriceRow) {
        self.prices.push(*row);
        self.csv.price(row);
    }

    fn liquidation(&mut self, row: &LiquidationRow) {
        self.liquidations.push(*row);
        self.csv.liquidation(row);
    }

    fn waterfall(&mut self, row: &WaterfallRow) {
        self.waterfall.push(*row);
        self.csv.waterfall(row);
    }
}

impl Kept {
    pub fn new(units: Units) -> Self {
        let csv = CsvTables::new(units, Vec::new(), Vec::new(), Vec::new()).unwrap();
        Self { prices: Vec::new(), liquidations: Vec::new(), waterfall: Vec::new(), csv }
    }

    /// The three files.
    pub fn files(self) -> [String; 3] {
        self.csv.finish().unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    }
}

/// A venue that runs.
pub struct Drive {
    pub venue: Venue,
    pub now: Time,
    pub steps: Vec<Step>,
    analyzer: Analyzer<Kept>,
    queue: BTreeMap<(Time, Seq), (Command, EventId)>,
    next: Seq,
}

#[derive(Default)]
struct Heard {
    events: Vec<(EventId, Option<u32>, Event)>,
    requests: Vec<Request>,
}

impl Sink for Heard {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.events.push((id, parent, *event));
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}

impl Drive {
    pub fn new(capacity: Capacity, units: Units) -> Self {
        let recorder = Kept::new(units.clone());
        Self {
            venue: Venue::with_capacity(capacity),
            now: Time::ZERO,
            steps: Vec::new(),
            analyzer: Analyzer::new(units, capacity.accounts, recorder),
            queue: BTreeMap::new(),
            next: Seq(0),
        }
    }

    /// Applies a command from outside now.
    pub fn apply(&mut self, command: Command) {
        self.step(Origin::Outside, None, command);
    }

    /// Applies a command now, and everything that it leads to now.
    pub fn run(&mut self, command: Command) {
        self.apply(command);
        self.run_until(self.now, usize::MAX);
    }

    /// Applies an actor's command now, which may name its cause, and everything that it leads to now.
    pub fn act(&mut self, cause: Option<EventId>, command: Command) {
        self.step(Origin::Actor(0), cause, command);
        self.run_until(self.now, usize::MAX);
    }

    /// The analyzer, to ask it on the way.
    pub const fn analyzer(&self) -> &Analyzer<Kept> {
        &self.analyzer
    }

    /// Applies what is due up to `time`, at most so many commands, and moves on to it.
    pub fn run_until(&mut self, time: Time, most: usize) {
        for _ in 0..most {
            let Some(first) = self.queue.first_entry().filter(|entry| entry.key().0 <= time) else { break };
            self.now = first.key().0;
            let (command, cause) = first.remove();
            self.step(Origin::Internal, Some(cause), command);
        }
        let due = self.queue.first_key_value().map_or(time, |((due, _), _)| *due);
        self.now = self.now.max(time.min(due));
    }

    fn step(&mut self, origin: Origin, cause: Option<EventId>, command: Command) {
        let stamp = Stamp { machine: MachineId(0), time: self.now, seq: self.next, origin, cause };
        self.next = self.next.next();
        let mut heard = Heard::default();
        self.venue.apply(stamp.time, stamp.seq, &command, &mut heard).unwrap();
        self.analyzer.command(&stamp, &command);
        heard.events.iter().for_each(|(id, parent, event)| self.analyzer.event(*id, *parent, event));
        self.analyzer.done();
        for request in heard.requests {
            // Numbers of the queue only keep the order of requests due at one time.
            let place = Seq(self.next.0 << 20 | self.queue.len() as u64);
            self.queue.insert((request.due, place), (Command::Internal(request.command), request.cause));
        }
        self.steps.push(Step { stamp, command, events: heard.events });
    }

    pub fn finish(self) -> (Summary, Kept, Vec<Step>) {
        let run = RunInfo {
            scenario: "test".into(),
            seed: 7,
            version: "0".into(),
            state_hash: self.venue.state_hash(),
            ..RunInfo::default()
        };
        let (summary, kept) = self.analyzer.finish(run);
        (summary, kept, self.steps)
    }
}
