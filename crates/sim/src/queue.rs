//! The event queue: what is to happen, in the total order `(time, seq)`.
//!
//! The queue numbers its entries as they are pushed, so entries of one instant leave in the order in which they
//! were scheduled. Its present moves only when an entry is taken: looking ahead changes nothing, and an entry
//! may still be pushed between the present and the next one.
//!
//! ```text
//!  push(time, payload) ─► radix heap of 16-byte (time, slot) ─┐
//!  push_now(payload)   ─► its ring of slots due at present   ─┴─► pop() ─► (time, seq, payload)
//!                         slab of (time, seq, payload), whose slots tickets name
//! ```

mod radix;

use downdraft_types::{Seq, Time};
use radix::Radix;
use slab::Slab;

/// Cancelled entries may outnumber live ones by this many before they are swept out.
const CANCELLED_SLACK: usize = 64;

/// A pending entry, for cancelling it. Valid for the queue that issued it and for clones of that queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    /// The entry's number in the total order.
    pub seq: Seq,
    slot: u32,
}

/// An entry was refused because its time is already past.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("time of a queue entry: found {found}, expected the present {now} or later")]
pub struct InPast {
    /// The queue's present.
    pub now: Time,
    /// The time asked for.
    pub found: Time,
}

/// A cancelled entry keeps its slot, without payload, until the order meets it.
#[derive(Clone, Debug)]
struct Node<T> {
    time: Time,
    seq: Seq,
    payload: Option<T>,
}

/// A cancellable queue in total order `(time, seq)`.
///
/// Push, pop and cancel take amortised constant time for times of bounded spread (an entry moves at most once
/// per bit in which its time differs from the present). Cancelling drops the payload at once; the entry's slot
/// follows lazily, and cancelled slots never outnumber pending entries by more than a constant.
///
/// ```
/// use downdraft_sim::queue::EventQueue;
/// use downdraft_types::{Seq, Time};
///
/// let mut queue = EventQueue::new();
/// let late = queue.push(Time(20), "late")?;
/// queue.push(Time(10), "soon")?;
/// assert_eq!(queue.pop(), Some((Time(10), Seq(1), "soon")));
/// queue.push_now("at once");
/// assert_eq!(queue.pop(), Some((Time(10), Seq(2), "at once")));
/// assert_eq!(queue.cancel(late), Some("late"));
/// assert!(queue.push(Time(9), "too late").is_err());
/// # Ok::<(), downdraft_sim::queue::InPast>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventQueue<T> {
    pool: Slab<Node<T>>,
    order: Radix,
    /// Entries that are not cancelled.
    live: usize,
    next: Seq,
    last: Option<(Time, Seq)>,
}

impl<T> Default for EventQueue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> EventQueue<T> {
    /// An empty queue at time zero whose first entry is number zero.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(Time::ZERO, Seq(0))
    }

    /// An empty queue at `now` whose first entry is number `next`.
    #[must_use]
    pub fn starting_at(now: Time, next: Seq) -> Self {
        Self { pool: Slab::new(), order: Radix::new(now.0), live: 0, next, last: None }
    }

    /// Makes room for the payloads of `additional` more entries. The order's own storage grows as it is used.
    pub fn reserve(&mut self, additional: usize) {
        self.pool.reserve(additional);
    }

    /// The present: the time of the entry last taken, or where the queue started.
    #[inline]
    #[must_use]
    pub const fn now(&self) -> Time {
        Time(self.order.base())
    }

    /// The number the next pushed entry will get.
    #[inline]
    #[must_use]
    pub const fn next_seq(&self) -> Seq {
        self.next
    }

    /// How many entries are pending.
    #[inline]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.live
    }

    /// Whether nothing is pending.
    #[inline]
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Schedules `payload` at `time`, behind everything already scheduled for that instant.
    ///
    /// # Errors
    /// [`InPast`] where `time` is before [`EventQueue::now`]; the payload is dropped.
    ///
    /// # Panics
    /// With 2^32 entries pending.
    #[inline]
    pub fn push(&mut self, time: Time, payload: T) -> Result<Ticket, InPast> {
        if time < self.now() {
            return Err(InPast { now: self.now(), found: time });
        }
        let ticket = self.store(time, payload);
        self.order.push(time.0, ticket.slot);
        Ok(ticket)
    }

    /// Schedules `payload` at the present instant. It leaves after everything already due at this instant and
    /// before everything later.
    ///
    /// # Panics
    /// With 2^32 entries pending.
    #[inline]
    pub fn push_now(&mut self, payload: T) -> Ticket {
        let ticket = self.store(self.now(), payload);
        self.order.push_due(ticket.slot);
        ticket
    }

    #[inline]
    fn store(&mut self, time: Time, payload: T) -> Ticket {
        let seq = self.next;
        self.next = seq.next();
        let slot = self.pool.insert(Node { time, seq, payload: Some(payload) });
        let slot = u32::try_from(slot).expect("2^32 entries pending");
        self.live += 1;
        Ticket { seq, slot }
    }

    /// The time of the next entry. The present stays where it is.
    ///
    /// Constant time, except that the first look after the next entry itself was cancelled reads through the
    /// entries of its bucket.
    #[inline]
    pub fn peek_time(&mut self) -> Option<Time> {
        let Self { pool, order, .. } = self;
        order.earliest(|slot| keep(pool, slot)).map(Time)
    }

    /// Takes the next entry and moves the present to it.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, Seq, T)> {
        let Self { pool, order, .. } = self;
        let slot = order.pop(|slot| keep(pool, slot))?;
        let node = self.pool.remove(slot as usize);
        let payload = node.payload.expect("the order yields live entries only");
        self.live -= 1;
        let key = (node.time, node.seq);
        // Invariant 5.
        assert!(self.last < Some(key), "time or sequence went back");
        self.last = Some(key);
        self.sweep_if_due();
        Some((node.time, node.seq, payload))
    }

    /// Takes the next entry if it is due at `limit` or before; otherwise nothing changes, the present included.
    #[inline]
    pub fn pop_until(&mut self, limit: Time) -> Option<(Time, Seq, T)> {
        if self.peek_time()? > limit {
            return None;
        }
        self.pop()
    }

    /// Cancels a pending entry and returns its payload, or `None` where it has left or was cancelled before.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        let node = self.pool.get_mut(ticket.slot as usize)?;
        if node.seq != ticket.seq {
            return None;
        }
        let payload = node.payload.take()?;
        let time = node.time;
        self.live -= 1;
        let Self { pool, order, .. } = self;
        order.note_cancelled(time.0, |slot| keep(pool, slot));
        self.sweep_if_due();
        Some(payload)
    }

    /// Frees cancelled slots once they outnumber live ones; each cancel pays for its own.
    #[inline]
    fn sweep_if_due(&mut self) {
        let Self { pool, order, live, .. } = self;
        if pool.len() > 2 * *live + CANCELLED_SLACK {
            order.sweep(|slot| keep(pool, slot));
        }
    }

    /// Checks the structure behind the order; for tests.
    ///
    /// # Panics
    /// Where an entry is misplaced, lost or counted wrongly.
    pub fn check_invariants(&self) {
        let is_live = |slot: u32| self.pool[slot as usize].payload.is_some();
        let mut held = self.order.check_invariants(is_live);
        assert_eq!(held.iter().filter(|&&(_, slot)| is_live(slot)).count(), self.live, "live entries");
        assert!(held.iter().all(|&(time, slot)| self.pool[slot as usize].time.0 == time), "an entry's time");
        held.sort_unstable_by_key(|&(_, slot)| slot);
        assert!(held.windows(2).all(|pair| pair[0].1 < pair[1].1), "a slot is held twice");
        assert_eq!(held.len(), self.pool.len(), "a slot is held by no bucket");
        assert!(held.len() <= 2 * self.live + CANCELLED_SLACK, "cancelled entries pile up");
    }
}

/// Whether `slot` is live; a cancelled one is freed.
#[inline]
fn keep<T>(pool: &mut Slab<Node<T>>, slot: u32) -> bool {
    let live = pool[slot as usize].payload.is_some();
    if !live {
        pool.remove(slot as usize);
    }
    live
}
