//! The event queue beside a sorted map that orders the same entries by `(time, seq)`.

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use downdraft_sim::queue::{EventQueue, InPast, Ticket};
use downdraft_types::{Seq, Time};

/// A step of a trial.
#[derive(Clone, Copy, Arbitrary, Debug)]
pub enum QueueStep {
    /// Schedules an entry `steps × 2^shift` after the present (at most [`Time::MAX`]).
    PushAfter {
        /// Distance before the shift; 0 is the present instant.
        steps: u8,
        /// Taken modulo 64.
        shift: u8,
    },
    /// Schedules an entry at any time, the past included.
    PushAt(u64),
    /// Schedules an entry at the time of the entry named by `of` modulo the number of pending ones.
    PushBeside {
        /// Which pending entry, in order.
        of: u16,
    },
    /// Schedules an entry between the present and the next entry, at `part`/256 of the way.
    PushBetween {
        /// How far on the way.
        part: u8,
    },
    /// Schedules an entry at the present instant through the immediate lane.
    PushNow,
    /// Cancels the pending entry at place `of` modulo the number of pending ones.
    Cancel {
        /// Which pending entry, in order.
        of: u16,
    },
    /// Cancels any ticket ever issued, live or not.
    CancelTicket {
        /// Which ticket, modulo their number.
        of: u16,
    },
    /// Looks at the next entry's time.
    Peek,
    /// Takes the next entry.
    Pop,
    /// Takes the next entry if it is due within `steps × 2^shift` of the present.
    PopUntil {
        /// Distance before the shift.
        steps: u8,
        /// Taken modulo 64.
        shift: u8,
    },
    /// Goes on with a clone of the queue.
    Clone,
}

/// The queue and its model, driven in step.
#[derive(Debug)]
struct Trial {
    queue: EventQueue<u64>,
    model: BTreeMap<(Time, Seq), u64>,
    now: Time,
    tickets: Vec<(Ticket, Time)>,
}

/// Drives the queue and a sorted map with the same steps, compares everything visible after each, and drains
/// both at the end.
///
/// # Panics
/// Where the two differ or the queue breaks an invariant of its own.
pub fn compare_queue(steps: impl IntoIterator<Item = QueueStep>) {
    let mut trial = Trial { queue: EventQueue::new(), model: BTreeMap::new(), now: Time::ZERO, tickets: Vec::new() };
    for step in steps {
        trial.apply(step);
        trial.queue.check_invariants();
        assert_eq!(trial.queue.len(), trial.model.len());
        assert_eq!(trial.queue.is_empty(), trial.model.is_empty());
        assert_eq!(trial.queue.now(), trial.now);
    }
    while !trial.model.is_empty() {
        trial.pop_until(Time::MAX);
    }
    assert_eq!(trial.queue.pop(), None);
}

/// Fuzz body: bytes become steps for [`compare_queue`].
///
/// # Panics
/// As [`compare_queue`].
pub fn run_queue_differential(bytes: &[u8]) {
    let mut bytes = Unstructured::new(bytes);
    compare_queue(std::iter::from_fn(|| {
        // Past the end every field would read as zero, without end.
        if bytes.is_empty() { None } else { QueueStep::arbitrary(&mut bytes).ok() }
    }));
}

impl Trial {
    fn apply(&mut self, step: QueueStep) {
        match step {
            QueueStep::PushAfter { steps, shift } => self.push(self.ahead(steps, shift)),
            QueueStep::PushAt(time) => self.push(Time(time)),
            QueueStep::PushBeside { of } => {
                if let Some((time, _)) = self.pending(of) {
                    self.push(time);
                }
            }
            QueueStep::PushBetween { part } => {
                let next = self.model.keys().next().map_or(self.now, |key| key.0);
                let gap = u128::from(next.since(self.now).0) * u128::from(part) / 256;
                self.push(Time(self.now.0 + u64::try_from(gap).expect("a part of the gap")));
            }
            QueueStep::PushNow => {
                let payload = self.payload();
                let ticket = self.queue.push_now(payload);
                self.record(ticket, self.now, payload);
            }
            QueueStep::Cancel { of } => {
                if let Some(key) = self.pending(of) {
                    let &(ticket, time) =
                        self.tickets.iter().find(|(ticket, _)| ticket.seq == key.1).expect("a ticket per entry");
                    self.cancel(ticket, time);
                }
            }
            QueueStep::CancelTicket { of } => {
                if !self.tickets.is_empty() {
                    let (ticket, time) = self.tickets[usize::from(of) % self.tickets.len()];
                    self.cancel(ticket, time);
                }
            }
            QueueStep::Peek => {
                assert_eq!(self.queue.peek_time(), self.model.keys().next().map(|key| key.0));
            }
            QueueStep::Pop => self.pop(),
            QueueStep::PopUntil { steps, shift } => self.pop_until(self.ahead(steps, shift)),
            QueueStep::Clone => self.queue = self.queue.clone(),
        }
    }

    fn ahead(&self, steps: u8, shift: u8) -> Time {
        let distance = u128::from(steps) << (shift % 64);
        Time(u64::try_from(u128::from(self.now.0) + distance).unwrap_or(u64::MAX))
    }

    fn pending(&self, of: u16) -> Option<(Time, Seq)> {
        let count = self.model.len().max(1);
        self.model.keys().nth(usize::from(of) % count).copied()
    }

    /// A payload that says which push it came from.
    fn payload(&self) -> u64 {
        self.tickets.len() as u64 * 1_000_003
    }

    fn push(&mut self, time: Time) {
        let payload = self.payload();
        match self.queue.push(time, payload) {
            Ok(ticket) => {
                assert!(time >= self.now, "an entry was accepted into the past");
                self.record(ticket, time, payload);
            }
            Err(refused) => {
                assert!(time < self.now, "an entry that is not past was refused");
                assert_eq!(refused, InPast { now: self.now, found: time });
            }
        }
    }

    fn record(&mut self, ticket: Ticket, time: Time, payload: u64) {
        assert_eq!(ticket.seq, Seq(self.tickets.len() as u64), "numbers follow each other");
        assert_eq!(self.queue.next_seq(), ticket.seq.next());
        self.tickets.push((ticket, time));
        self.model.insert((time, ticket.seq), payload);
    }

    fn cancel(&mut self, ticket: Ticket, time: Time) {
        assert_eq!(self.queue.cancel(ticket), self.model.remove(&(time, ticket.seq)));
    }

    fn pop(&mut self) {
        let expected = self.model.pop_first().map(|((time, seq), payload)| (time, seq, payload));
        assert_eq!(self.queue.pop(), expected);
        self.now = expected.map_or(self.now, |entry| entry.0);
    }

    fn pop_until(&mut self, limit: Time) {
        match self.model.keys().next() {
            Some(&(time, _)) if time <= limit => {
                let ((time, seq), payload) = self.model.pop_first().expect("the entry just seen");
                assert_eq!(self.queue.pop_until(limit), Some((time, seq, payload)));
                self.now = time;
            }
            _ => assert_eq!(self.queue.pop_until(limit), None),
        }
    }
}
