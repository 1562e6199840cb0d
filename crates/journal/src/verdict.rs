//! What a replay found: that all is equal, the first difference, or where the journal ends too early.

use crate::read::End;
use crate::record::Emitted;
use downdraft_types::{EventId, MachineId, Seq, Time};
use downdraft_venue::{Command, Origin, Stamp};
use std::fmt;

/// What a replay found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// The result.
    pub verdict: Verdict,
    /// Blocks whose every record was verified.
    pub blocks: u64,
    /// Commands applied.
    pub commands: u64,
    /// Events that were equal.
    pub events: u64,
    /// State hash of each machine after the last of them.
    pub states: Vec<(MachineId, u64)>,
}

/// The result of a replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The journal is complete, and every event and state hash is equal.
    Equal,
    /// The replay differs from the journal here first.
    Diverged(Box<Divergence>),
    /// The journal ends too early, or is damaged; all before that is equal.
    Incomplete(End),
}

/// The first difference between a journal and its replay.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Divergence {
    /// The command; of the state hash, the last one. `None`: there is no command at all.
    pub stamp: Option<Stamp>,
    /// What differs.
    pub difference: Difference,
}

/// A difference between journal (expected) and replay (found).
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(clippy::large_enum_variant, reason = "made once, where a replay ends")]
pub enum Difference {
    /// An event differs, is missing, or is one too many.
    Event {
        /// Its place among the command's events.
        index: u32,
        /// In the journal.
        expected: Option<Emitted>,
        /// In the replay.
        found: Option<Emitted>,
    },
    /// The machine numbered its event wrongly.
    EventId {
        /// The next.
        expected: EventId,
        /// Emitted.
        found: EventId,
    },
    /// An internal command, or one recorded as such, that its machine had not requested for that time with that
    /// cause (or not so often).
    NotRequested(Command),
    /// An internal command is recorded as coming from elsewhere.
    Origin(Origin),
    /// The command is not after the one before it in `(time, seq)`, which was this.
    Order(Time, Seq),
    /// The cause is not earlier than the command.
    Cause(EventId),
    /// The command is for a machine that is not in the header.
    UnknownMachine,
    /// The machine could not apply the command.
    Refused(String),
    /// A machine's state hash differs, or is missing.
    State {
        /// Which machine.
        machine: MachineId,
        /// In the footer.
        expected: Option<u64>,
        /// After the replay.
        found: Option<u64>,
    },
}

impl Replay {
    /// The exit code that says so: 0 equal, 1 diverged, 3 damaged or incomplete.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Equal => 0,
            Verdict::Diverged(_) => 1,
            Verdict::Incomplete(_) => 3,
        }
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Equal => {
                write!(f, "complete and equal: {} commands, {} events", self.commands, self.events)?;
                self.states.iter().try_for_each(|(id, hash)| write!(f, ", state of {id} {hash:016x}"))
            }
            Verdict::Diverged(divergence) => divergence.fmt(f),
            Verdict::Incomplete(end) if self.blocks == 0 => write!(f, "no block verified; {end}"),
            Verdict::Incomplete(end) => write!(f, "verified up to block {}; {end}", self.blocks - 1),
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stamp {
            Some(stamp) => write!(f, "command {} of {} at {}", stamp.seq, stamp.machine, stamp.time)?,
            None => f.write_str("no command")?,
        }
        write!(f, ": {}", self.difference)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event { index, expected, found } => {
                let say = |e: &Option<Emitted>| e.map_or("no event".into(), |e| format!("{e:?}"));
                write!(f, "event {index}: expected {}, found {}", say(expected), say(found))
            }
            Self::EventId { expected, found } => write!(f, "event number: expected {expected}, found {found}"),
            Self::NotRequested(command) => write!(f, "{command:?} was not requested with this time and cause"),
            Self::Origin(origin) => write!(f, "an internal command: expected origin Internal, found {origin:?}"),
            Self::Order(time, seq) => write!(f, "not after the command before it, {seq} at {time}"),
            Self::Cause(cause) => write!(f, "its cause {cause} is not earlier"),
            Self::UnknownMachine => f.write_str("no such machine in the header"),
            Self::Refused(message) => write!(f, "the machine cannot apply it: {message}"),
            Self::State { machine, expected, found } => {
                let say = |h: &Option<u64>| h.map_or("none".into(), |h| format!("{h:016x}"));
                write!(f, "state hash of {machine}: expected {}, found {}", say(expected), say(found))
            }
        }
    }
}
