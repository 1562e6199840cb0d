//! What is written beside a command when it is applied: where, when, from whom and why.

use downdraft_types::{EventId, MachineId, Seq, Time};
use serde::{Deserialize, Serialize};

/// Who asked for a command.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Origin {
    /// The scenario, or whoever embeds the engine.
    Outside,
    /// An actor, by number.
    Actor(u32),
    /// The machine itself: a request of its own.
    Internal,
}

/// When, where and why a command is applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Stamp {
    /// The machine it is applied to.
    pub machine: MachineId,
    /// When.
    pub time: Time,
    /// Its place in the total order.
    pub seq: Seq,
    /// Who asked for it.
    pub origin: Origin,
    /// The event that led to it; `None` for a root.
    pub cause: Option<EventId>,
}
