//! Emission: numbers a command's events as they happen and passes them on.

use crate::command::Internal;
use crate::event::{Event, Request, Sink};
use downdraft_types::{EventId, Seq, Time};

/// The index of an earlier event of the command, or `None` for the command itself: a cause.
pub type Parent = Option<u32>;

/// Writes one command's events and requests to a sink.
pub(crate) struct Emit<'a, S> {
    pub(crate) time: Time,
    pub(crate) seq: Seq,
    next: u32,
    sink: &'a mut S,
}

impl<'a, S: Sink> Emit<'a, S> {
    pub(crate) fn new(time: Time, seq: Seq, sink: &'a mut S) -> Self {
        Self { time, seq, next: 0, sink }
    }

    /// Emits an event and returns its index, for what it causes to name as its parent.
    pub(crate) fn event(&mut self, parent: Parent, event: &Event) -> u32 {
        let index = self.next;
        debug_assert!(parent.is_none_or(|p| p < index), "invariant 13: a cause comes first");
        self.next += 1;
        self.sink.event(EventId { seq: self.seq, index }, parent, event);
        index
    }

    /// Asks for a command to be applied at `due`, because of event `cause` of this command.
    pub(crate) fn request(&mut self, due: Time, cause: u32, command: Internal) {
        debug_assert!(due >= self.time, "invariant 5: requests are not in the past");
        self.sink.request(&Request { due, cause: self.id(cause), command });
    }

    /// Asks for a command whose cause is an event of an earlier command.
    pub(crate) fn request_for(&mut self, due: Time, cause: EventId, command: Internal) {
        self.sink.request(&Request { due, cause, command });
    }

    pub(crate) const fn id(&self, index: u32) -> EventId {
        EventId { seq: self.seq, index }
    }

    /// How many events the command has emitted.
    pub(crate) const fn count(&self) -> u32 {
        self.next
    }
}
