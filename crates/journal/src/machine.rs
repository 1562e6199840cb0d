//! What a journal asks of a machine: to begin empty, to apply commands, and to say what state it is in.

use downdraft_types::{Seq, Time};
use downdraft_venue::{Capacity, Command, OutOfOrder, Sink, Venue};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A deterministic state machine whose commands a journal holds.
pub trait Machine: Sized {
    /// The name of its kind, in the header.
    const KIND: &'static str;

    /// All that an empty machine depends on: its capacities.
    type Genesis: Serialize + DeserializeOwned;

    /// Why a command could not be applied at all, which a rejection is not.
    type Error: core::fmt::Display;

    /// The machine before its first command.
    fn genesis(genesis: Self::Genesis) -> Self;

    /// Applies a command.
    ///
    /// # Errors
    /// Where the caller broke the rules, by going back in time for one.
    fn apply(&mut self, time: Time, seq: Seq, command: &Command, sink: &mut impl Sink) -> Result<(), Self::Error>;

    /// A hash of the whole state, equal on every platform.
    fn state_hash(&self) -> u64;
}

impl Machine for Venue {
    const KIND: &'static str = "venue";
    type Genesis = Capacity;
    type Error = OutOfOrder;

    fn genesis(capacity: Capacity) -> Self {
        Self::with_capacity(capacity)
    }

    fn apply(&mut self, time: Time, seq: Seq, command: &Command, sink: &mut impl Sink) -> Result<(), OutOfOrder> {
        Self::apply(self, time, seq, command, sink)
    }

    fn state_hash(&self) -> u64 {
        Self::state_hash(self)
    }
}
