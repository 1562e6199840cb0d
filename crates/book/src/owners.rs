//! Lists of each owner's orders, oldest first, and the groups that owners are in. They lie in arrays of their own,
//! so that a book without them pays nothing.

use alloc::vec;
use alloc::vec::Vec;

use crate::pool::NIL;

#[derive(Clone, Copy, Debug)]
struct Owner {
    oldest: u32,
    newest: u32,
    group: u32,
}

/// An order's place in its owner's list.
#[derive(Clone, Copy, Debug)]
struct Link {
    older: u32,
    newer: u32,
    /// When the order joined its present queue, counted over all orders.
    arrival: u64,
}

/// The lists.
#[derive(Clone)]
pub(crate) struct Owners {
    owners: Vec<Owner>,
    links: Vec<Link>,
    arrivals: u64,
}

impl Owners {
    /// Lists for owners below `owners` of orders in slots below `slots`; none where `owners` is zero.
    pub fn with_capacity(owners: u32, slots: u32) -> Self {
        let group = |owner| Owner { oldest: NIL, newest: NIL, group: owner };
        let slots = if owners == 0 { 0 } else { slots as usize };
        let unlinked = Link { older: NIL, newer: NIL, arrival: 0 };
        Self { owners: (0..owners).map(group).collect(), links: vec![unlinked; slots], arrivals: 0 }
    }

    /// Whether lists are kept.
    #[inline]
    pub fn are_listed(&self) -> bool {
        !self.owners.is_empty()
    }

    pub fn len(&self) -> u32 {
        self.owners.len() as u32
    }

    /// Whether a number is an owner's.
    #[inline]
    pub fn knows(&self, owner: u32) -> bool {
        !self.are_listed() || (owner as usize) < self.owners.len()
    }

    /// The group of an owner: its own number where no other was set, or none is kept.
    #[inline]
    pub fn group(&self, owner: u32) -> u32 {
        self.owners.get(owner as usize).map_or(owner, |owner| owner.group)
    }

    pub fn set_group(&mut self, owner: u32, group: u32) {
        self.owners[owner as usize].group = group;
    }

    /// Adds an order to its owner's list.
    #[inline]
    pub fn add(&mut self, owner: u32, slot: u32) {
        if self.are_listed() {
            self.append(owner, slot);
        }
    }

    #[cold]
    fn append(&mut self, owner: u32, slot: u32) {
        let owner = &mut self.owners[owner as usize];
        let older = core::mem::replace(&mut owner.newest, slot);
        match older {
            NIL => owner.oldest = slot,
            older => self.links[older as usize].newer = slot,
        }
        let link = &mut self.links[slot as usize];
        (link.older, link.newer) = (older, NIL);
    }

    /// Takes an order out of its owner's list.
    #[inline]
    pub fn remove(&mut self, owner: u32, slot: u32) {
        if self.are_listed() {
            self.unlink(owner, slot);
        }
    }

    #[cold]
    fn unlink(&mut self, owner: u32, slot: u32) {
        let Link { older, newer, .. } = self.links[slot as usize];
        let owner = &mut self.owners[owner as usize];
        match older {
            NIL => owner.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        match newer {
            NIL => owner.newest = older,
            newer => self.links[newer as usize].older = older,
        }
    }

    /// Notes that an order joins the back of a queue.
    #[inline]
    pub fn arrive(&mut self, slot: u32) {
        if self.are_listed() {
            self.links[slot as usize].arrival = self.arrivals;
            self.arrivals += 1;
        }
    }

    /// When an order joined its queue; `None` where it is not kept.
    pub fn arrival(&self, slot: u32) -> Option<u64> {
        self.links.get(slot as usize).map(|link| link.arrival)
    }

    /// How many orders have joined a queue.
    pub const fn arrivals(&self) -> u64 {
        self.arrivals
    }

    pub const fn set_arrivals(&mut self, arrivals: u64) {
        self.arrivals = arrivals;
    }

    /// Whether an order that arrived then may stand behind `before` in a queue.
    pub fn restore_arrival(&self, before: u32, slot: u32, arrival: u64) -> bool {
        let known = !self.are_listed() || (arrival < self.arrivals && (slot as usize) < self.links.len());
        let behind = self.links.get(before as usize).is_none_or(|link| link.arrival < arrival);
        known && behind && (self.are_listed() || arrival == 0)
    }

    /// Sets when an order joined its queue, which counts for nothing else.
    pub fn set_arrival(&mut self, slot: u32, arrival: u64) {
        if let Some(link) = self.links.get_mut(slot as usize) {
            link.arrival = arrival;
            self.arrivals -= 1;
        }
    }

    /// Puts an order at the end of its owner's list; `false` where it is in one.
    pub fn restore_listed(&mut self, owner: u32, slot: u32) -> bool {
        let Link { older, newer, .. } = self.links[slot as usize];
        let first = self.owners[owner as usize].oldest == slot;
        if older != NIL || newer != NIL || first {
            return false;
        }
        self.add(owner, slot);
        true
    }

    /// An owner's oldest order.
    pub fn oldest(&self, owner: u32) -> Option<u32> {
        self.owners.get(owner as usize).map(|owner| owner.oldest).filter(|slot| *slot != NIL)
    }

    /// The next newer order of the same owner.
    pub fn newer(&self, slot: u32) -> Option<u32> {
        let newer = self.links[slot as usize].newer;
        (newer != NIL).then_some(newer)
    }

    /// An owner's orders, oldest first.
    pub fn orders(&self, owner: u32) -> impl Iterator<Item = u32> {
        core::iter::successors(self.oldest(owner), |slot| self.newer(*slot))
    }

    /// Proves that each list holds orders of its owner, linked both ways, `live` in all.
    pub fn check(&self, owner_of: impl Fn(u32) -> Option<u32>, live: u32) {
        if !self.are_listed() {
            return;
        }
        let mut count = 0;
        for owner in 0..self.len() {
            let mut older = NIL;
            for slot in self.orders(owner) {
                assert_eq!(owner_of(slot), Some(owner), "invariant 4: a list holds its owner's orders");
                assert_eq!(self.links[slot as usize].older, older, "invariant 4: a list is linked both ways");
                older = slot;
                count += 1;
                assert!(count <= live, "invariant 4: a list ends");
            }
            assert_eq!(self.owners[owner as usize].newest, older, "invariant 4: a list names its newest");
        }
        assert_eq!(count, live, "invariant 4: every order is in its owner's list");
    }
}
