//! Where two runs part: a digest of each command with its events, eight bytes a command, and then a look at the first
//! one that differs.
//!
//! Left out of the digest are settings (commands from outside, those of set-up and of a fork itself), commands'
//! numbers, causes and senders: two runs part where something else happens, not where they are told to differ.

use core::hash::Hasher;
use downdraft_insight::fields;
use downdraft_insight::names::{command_kind, event_kind};
use downdraft_journal::codec;
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, Time};
use downdraft_venue::{Command, Event, Origin, Stamp, Venue};
use xxhash_rust::xxh3::Xxh3Default;

/// Makes the digest of the present command.
#[derive(Clone)]
struct Fingerprint {
    hasher: Xxh3Default,
    room: Vec<u8>,
    counts: bool,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self { hasher: Xxh3Default::new(), room: vec![0; 4_096], counts: false }
    }
}

impl Fingerprint {
    fn begin(&mut self, stamp: &Stamp, command: &Command) {
        self.counts = stamp.origin != Origin::Outside;
        if self.counts {
            self.hasher.reset();
            self.add(&(stamp.time, command));
        }
    }

    fn event(&mut self, parent: Option<u32>, event: &Event) {
        if self.counts {
            self.add(&(parent, event));
        }
    }

    fn add<T: serde::Serialize>(&mut self, value: &T) {
        match codec::encode_into(value, &mut self.room) {
            Some(length) => self.hasher.write(&self.room[..length]),
            None => self.hasher.write(&codec::encode(value)),
        }
    }

    fn end(&self) -> Option<u64> {
        self.counts.then(|| self.hasher.digest())
    }
}

/// The digests of a run's commands.
#[derive(Clone, Default)]
pub struct Digests {
    fingerprint: Fingerprint,
    digests: Vec<u64>,
}

impl Digests {
    /// Commands that counted so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.digests.len()
    }

    /// Whether none counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// One per command that counts, in order.
    #[must_use]
    pub fn into_inner(self) -> Vec<u64> {
        self.digests
    }
}

impl Observer for Digests {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.fingerprint.begin(stamp, command);
    }

    fn event(&mut self, _: EventId, parent: Option<u32>, event: &Event) {
        self.fingerprint.event(parent, event);
    }

    fn done(&mut self, _: &Venue) {
        self.digests.extend(self.fingerprint.end());
    }
}

/// Follows a run beside the digests of another, up to where they part.
#[derive(Clone)]
pub struct Follow<'a> {
    base: &'a [u64],
    fingerprint: Fingerprint,
    at: usize,
    parted: bool,
}

impl<'a> Follow<'a> {
    /// A follower of the run with these digests.
    #[must_use]
    pub fn new(base: &'a [u64]) -> Self {
        Self::resumed(base, 0)
    }

    /// A follower of a run that is the same up to this place.
    #[must_use]
    pub fn resumed(base: &'a [u64], at: usize) -> Self {
        Self { base, fingerprint: Fingerprint::default(), at, parted: false }
    }

    /// The place, among the commands that count, of the first that differs; `None` where all are equal.
    #[must_use]
    pub fn parted_at(&self) -> Option<usize> {
        (self.parted || self.at < self.base.len()).then_some(self.at)
    }
}

impl Observer for Follow<'_> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        if !self.parted {
            self.fingerprint.begin(stamp, command);
        }
    }

    fn event(&mut self, _: EventId, parent: Option<u32>, event: &Event) {
        if !self.parted {
            self.fingerprint.event(parent, event);
        }
    }

    fn done(&mut self, _: &Venue) {
        if self.parted {
            return;
        }
        let Some(digest) = self.fingerprint.end() else { return };
        if self.base.get(self.at) == Some(&digest) {
            self.at += 1;
        } else {
            self.parted = true;
        }
    }
}

/// A command that was applied, and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Happened {
    /// Its stamp.
    pub stamp: Stamp,
    /// What.
    pub command: Command,
    /// Its events, each with its parent.
    pub events: Vec<(Option<u32>, Event)>,
}

/// Waits for the command at a place, among those that count, and keeps it.
#[derive(Clone, Debug)]
pub struct Capture {
    left: usize,
    counts: bool,
    found: Option<Happened>,
    done: bool,
}

impl Capture {
    /// Waits for that place.
    #[must_use]
    pub const fn at(place: usize) -> Self {
        Self { left: place, counts: false, found: None, done: false }
    }

    /// Whether it has been.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done
    }

    /// What was there; `None` where the run ended before.
    #[must_use]
    pub fn found(self) -> Option<Happened> {
        self.found
    }
}

impl Observer for Capture {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.counts = !self.done && stamp.origin != Origin::Outside;
        if self.counts && self.left == 0 {
            self.found = Some(Happened { stamp: *stamp, command: command.clone(), events: Vec::new() });
        }
    }

    fn event(&mut self, _: EventId, parent: Option<u32>, event: &Event) {
        if let (false, Some(found)) = (self.done, &mut self.found) {
            found.events.push((parent, *event));
        }
    }

    fn done(&mut self, _: &Venue) {
        if self.counts {
            self.done = self.found.is_some();
            self.left = self.left.saturating_sub(1);
        }
    }
}

/// Where two runs part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// In the first run; `None` where it has ended.
    pub base: Option<Happened>,
    /// In the second.
    pub run: Option<Happened>,
}

impl Divergence {
    /// When the first of the two does something that the other does not.
    #[must_use]
    pub fn time(&self) -> Time {
        let times = [&self.base, &self.run].map(|happened| happened.as_ref().map(|h| h.stamp.time));
        times.into_iter().flatten().min().unwrap_or_default()
    }

    /// What differs, in a line: the kinds of commands, or of the first events that are not the same.
    #[must_use]
    pub fn what(&self) -> String {
        let (base, run) = match (&self.base, &self.run) {
            (Some(base), Some(run)) => (base, run),
            (Some(base), None) => return format!("{} here, and the other has ended", command_kind(&base.command)),
            (None, Some(run)) => return format!("has ended here, the other has {}", command_kind(&run.command)),
            (None, None) => return "both have ended".to_owned(),
        };
        if (base.stamp.time, &base.command) != (run.stamp.time, &run.command) {
            let [first, second] = [base, run].map(|h| format!("{} at {}", command_kind(&h.command), h.stamp.time));
            return format!("{first} here, {second} there");
        }
        let count = base.events.len().max(run.events.len());
        let first = (0..count).find(|place| base.events.get(*place) != run.events.get(*place)).unwrap_or(0);
        let [a, b] = [base, run].map(|happened| happened.events.get(first).map(|(_, event)| event));
        let same_kind = a.zip(b).is_some_and(|(a, b)| event_kind(a) == event_kind(b));
        let event = |event: Option<&Event>| match event {
            Some(event) if same_kind => format!("{} {}", event_kind(event), fields(event)),
            Some(event) => event_kind(event).to_owned(),
            None => "no more events".to_owned(),
        };
        format!("{}: {} here, {} there", command_kind(&base.command), event(a), event(b))
    }
}
