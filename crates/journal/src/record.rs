//! Records: the commands that were applied, each followed by its events.

use downdraft_venue::{Command, Event, Stamp};
use serde::{Deserialize, Serialize};

/// An applied command.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Applied {
    /// Which, when, whence and why.
    pub stamp: Stamp,
    /// What.
    pub command: Command,
}

/// One record of a journal. Events belong to the command before them, in order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Record {
    /// A command was applied.
    Command(Applied),
    /// It led to this.
    Event(Emitted),
}

/// An event as a machine emitted it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Emitted {
    /// The index of an earlier event of the same command that led to it; `None`: the command did.
    pub parent: Option<u32>,
    /// What happened.
    pub event: Event,
}

/// A [`Record`] that borrows: the same bytes, nothing cloned.
#[derive(Serialize)]
pub(crate) enum RecordRef<'a> {
    Command(&'a Stamp, &'a Command),
    Event(Option<u32>, &'a Event),
}
