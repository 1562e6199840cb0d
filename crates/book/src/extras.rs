//! What some orders have beside price and quantity: an iceberg's reserve, and the time when an order expires.
//! It lies in arrays of its own, so that the others pay nothing for it.

use alloc::vec::Vec;

use downdraft_index::OrderedMap;
use downdraft_types::{Qty, Time};

use crate::pool::NIL;

/// What an order has beside price and quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extra {
    /// Lots that are not displayed yet.
    pub reserve: Qty,
    /// Lots displayed at a time; zero where it is no iceberg.
    pub peak: Qty,
    /// When it expires, if it does.
    pub expires: Option<Time>,
    /// Place among all extras: those of one time expire in this order.
    pub ticket: u64,
}

/// The extras of a book's orders.
pub(crate) struct Extras {
    /// By slot of the order: the place of its extra.
    of: Vec<u32>,
    records: Vec<Extra>,
    free: Vec<u32>,
    timers: OrderedMap<(Time, u64), u32>,
    tickets: u64,
    limit: u32,
}

impl Clone for Extras {
    fn clone(&self) -> Self {
        // Derived clones would keep only the lengths of the reservations.
        let mut records = Vec::with_capacity(self.limit as usize);
        records.extend_from_slice(&self.records);
        let mut free = Vec::with_capacity(self.limit as usize);
        free.extend_from_slice(&self.free);
        Self { of: self.of.clone(), records, free, timers: self.timers.clone(), ..*self }
    }
}

impl Extras {
    /// Room for `limit` extras of orders in slots below `slots`.
    pub fn with_capacity(limit: u32, slots: u32) -> Self {
        let limit = limit.min(slots);
        Self {
            of: if limit == 0 { Vec::new() } else { alloc::vec![NIL; slots as usize] },
            records: Vec::with_capacity(limit as usize),
            free: Vec::with_capacity(limit as usize),
            timers: OrderedMap::with_capacity(limit as usize),
            tickets: 0,
            limit,
        }
    }

    pub fn is_full(&self) -> bool {
        self.free.is_empty() && self.records.len() == self.limit as usize
    }

    pub fn len(&self) -> usize {
        self.records.len() - self.free.len()
    }

    /// How many extras there have been.
    pub const fn tickets(&self) -> u64 {
        self.tickets
    }

    /// Notes an extra of the order in `slot`.
    pub fn insert(&mut self, slot: u32, peak: Qty, expires: Option<Time>) {
        let extra = Extra { reserve: Qty::ZERO, peak, expires, ticket: self.tickets };
        self.tickets += 1;
        self.put(slot, extra);
    }

    pub const fn set_tickets(&mut self, tickets: u64) {
        self.tickets = tickets;
    }

    /// Puts back an extra with the ticket it had; `false` where that cannot be.
    pub fn restore(&mut self, slot: u32, extra: Extra) -> bool {
        let taken = extra.expires.is_some_and(|time| self.timers.get(&(time, extra.ticket)).is_some());
        let needed = extra.expires.is_some() || !extra.peak.is_zero();
        let fits = !self.is_full() && !taken && extra.ticket < self.tickets && needed;
        if fits {
            self.put(slot, extra);
        }
        fits
    }

    fn put(&mut self, slot: u32, extra: Extra) {
        assert!(!self.is_full(), "room was promised when the order was accepted");
        let at = match self.free.pop() {
            Some(at) => {
                self.records[at as usize] = extra;
                at
            }
            None => {
                self.records.push(extra);
                self.records.len() as u32 - 1
            }
        };
        self.of[slot as usize] = at;
        if let Some(time) = extra.expires {
            self.timers.insert((time, extra.ticket), slot).expect("there are no more timers than extras");
        }
    }

    pub fn get(&self, slot: u32) -> &Extra {
        &self.records[self.of[slot as usize] as usize]
    }

    pub fn get_mut(&mut self, slot: u32) -> &mut Extra {
        &mut self.records[self.of[slot as usize] as usize]
    }

    /// Forgets the extra of the order in `slot`.
    pub fn remove(&mut self, slot: u32) {
        let at = core::mem::replace(&mut self.of[slot as usize], NIL);
        let Extra { expires, ticket, .. } = self.records[at as usize];
        if let Some(time) = expires {
            self.timers.remove(&(time, ticket)).expect("invariant 4: what expires has a timer");
        }
        self.free.push(at);
    }

    /// The order that expires first, with its time.
    pub fn first_to_expire(&self) -> Option<(Time, u32)> {
        self.timers.first().map(|((time, _), slot)| (time, slot))
    }

    /// Proves that the slots in `expected` and no others have an extra, and that timers agree with them.
    pub fn check(&self, expected: impl Iterator<Item = u32>) {
        let (mut count, mut timed) = (0, 0);
        for slot in expected {
            let extra = self.get(slot);
            count += 1;
            if let Some(time) = extra.expires {
                timed += 1;
                let timer = self.timers.get(&(time, extra.ticket));
                assert_eq!(timer, Some(slot), "invariant 4: what expires has a timer");
            }
        }
        assert_eq!(count, self.len(), "invariant 4: an extra belongs to an order");
        assert_eq!(timed, self.timers.len(), "invariant 4: a timer belongs to an order");
        self.timers.check_invariants();
    }
}
