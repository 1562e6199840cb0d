//! Lists of each owner's orders, bids and asks apart, oldest first, and the groups that owners are in. They lie in
//! arrays of their own, so that a book without them pays nothing.

use alloc::vec;
use alloc::vec::Vec;

use downdraft_types::Side;

use crate::pool::NIL;

/// The ends of a list.
#[derive(Clone, Copy, Debug)]
struct List {
    oldest: u32,
    newest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Owner {
    /// Bids and asks, stops among them.
    lists: [List; 2],
    group: u32,
}

/// An order's place in its owner's list.
#[derive(Clone, Copy, Debug)]
struct Link {
    older: u32,
    newer: u32,
    /// When the order joined its present queue, counted over all orders.
    arrival: u64,
    /// When it joined the list: what is older of two lists.
    joined: u64,
}

/// The lists.
#[derive(Clone)]
pub(crate) struct Owners {
    owners: Vec<Owner>,
    links: Vec<Link>,
    arrivals: u64,
    /// Orders that have joined a list.
    joins: u64,
    /// Orders looked at for a mass cancel.
    #[cfg(test)]
    pub looked_at: core::cell::Cell<u64>,
}

impl Owners {
    /// Lists for owners below `owners` of orders in slots below `slots`; none where `owners` is zero.
    pub fn with_capacity(owners: u32, slots: u32) -> Self {
        let empty = List { oldest: NIL, newest: NIL };
        let group = |owner| Owner { lists: [empty; 2], group: owner };
        let slots = if owners == 0 { 0 } else { slots as usize };
        let unlinked = Link { older: NIL, newer: NIL, arrival: 0, joined: 0 };
        Self {
            owners: (0..owners).map(group).collect(),
            links: vec![unlinked; slots],
            arrivals: 0,
            joins: 0,
            #[cfg(test)]
            looked_at: core::cell::Cell::new(0),
        }
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

    /// Adds an order to its owner's list of its side.
    #[inline]
    pub fn add(&mut self, owner: u32, side: Side, slot: u32) {
        if self.are_listed() {
            self.add_apart(owner, side, slot);
        }
    }

    #[cold]
    fn add_apart(&mut self, owner: u32, side: Side, slot: u32) {
        self.append(owner, side, slot);
    }

    /// As [`Owners::add`], where lists are kept.
    #[inline(always)]
    pub fn append(&mut self, owner: u32, side: Side, slot: u32) {
        let list = &mut self.owners[owner as usize].lists[side as usize];
        let older = core::mem::replace(&mut list.newest, slot);
        match older {
            NIL => list.oldest = slot,
            older => self.links[older as usize].newer = slot,
        }
        let link = &mut self.links[slot as usize];
        (link.older, link.newer, link.joined) = (older, NIL, self.joins);
        self.joins += 1;
    }

    /// Takes an order out of its owner's list.
    #[inline]
    pub fn remove(&mut self, owner: u32, side: Side, slot: u32) {
        if self.are_listed() {
            self.remove_apart(owner, side, slot);
        }
    }

    #[cold]
    fn remove_apart(&mut self, owner: u32, side: Side, slot: u32) {
        self.unlink(owner, side, slot);
    }

    /// As [`Owners::remove`], where lists are kept.
    #[inline(always)]
    pub fn unlink(&mut self, owner: u32, side: Side, slot: u32) {
        let Link { older, newer, .. } = self.links[slot as usize];
        let list = &mut self.owners[owner as usize].lists[side as usize];
        match older {
            NIL => list.oldest = newer,
            older => self.links[older as usize].newer = newer,
        }
        match newer {
            NIL => list.newest = older,
            newer => self.links[newer as usize].older = older,
        }
    }

    /// Notes that an order joins the back of a queue.
    #[inline]
    pub fn arrive(&mut self, slot: u32) {
        if self.are_listed() {
            self.note_arrival(slot);
        }
    }

    /// As [`Owners::arrive`], where lists are kept.
    #[inline(always)]
    pub fn note_arrival(&mut self, slot: u32) {
        self.links[slot as usize].arrival = self.arrivals;
        self.arrivals += 1;
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
    pub fn restore_listed(&mut self, owner: u32, side: Side, slot: u32) -> bool {
        let Link { older, newer, .. } = self.links[slot as usize];
        let first = self.owners[owner as usize].lists[side as usize].oldest == slot;
        if older != NIL || newer != NIL || first {
            return false;
        }
        self.add(owner, side, slot);
        true
    }

    /// An owner's oldest bid and oldest ask, or only that of one side: where [`Owners::take_older`] begins.
    pub fn oldest(&self, owner: u32, side: Option<Side>) -> [Option<u32>; 2] {
        let owner = self.owners.get(owner as usize);
        Side::BOTH.map(|of| {
            let list = owner.filter(|_| side.is_none_or(|side| side == of))?.lists[of as usize];
            (list.oldest != NIL).then_some(list.oldest)
        })
    }

    /// The older of two orders in an owner's two lists; its place takes the next newer one of its list.
    pub fn take_older(&self, next: &mut [Option<u32>; 2]) -> Option<u32> {
        #[cfg(test)]
        self.looked_at.set(self.looked_at.get() + 1);
        let joined = |slot: u32| self.links[slot as usize].joined;
        let of = match *next {
            [Some(bid), Some(ask)] => usize::from(joined(ask) < joined(bid)),
            [bid, _] => usize::from(bid.is_none()),
        };
        let slot = next[of]?;
        let newer = self.links[slot as usize].newer;
        next[of] = (newer != NIL).then_some(newer);
        Some(slot)
    }

    /// An owner's orders, oldest first.
    pub fn orders(&self, owner: u32) -> impl Iterator<Item = u32> {
        let mut next = self.oldest(owner, None);
        core::iter::from_fn(move || self.take_older(&mut next))
    }

    /// Proves that each list holds orders of its owner and side, linked both ways, oldest first, `live` in all.
    pub fn check(&self, of: impl Fn(u32) -> Option<(u32, Side)>, live: u32) {
        let mut count = 0;
        for (owner, lists) in self.owners.iter().map(|owner| owner.lists).enumerate() {
            for (side, list) in Side::BOTH.into_iter().zip(lists) {
                let (mut older, mut slot) = (NIL, list.oldest);
                while slot != NIL {
                    let link = self.links[slot as usize];
                    assert_eq!(of(slot), Some((owner as u32, side)), "invariant 4: a list holds its owner's orders");
                    assert_eq!(link.older, older, "invariant 4: a list is linked both ways");
                    let in_order = older == NIL || self.links[older as usize].joined < link.joined;
                    assert!(in_order && link.joined < self.joins, "invariant 4: a list has the oldest first");
                    (older, slot) = (slot, link.newer);
                    count += 1;
                    assert!(count <= live, "invariant 4: a list ends");
                }
                assert_eq!(list.newest, older, "invariant 4: a list names its newest");
            }
        }
        assert!(count == live || !self.are_listed(), "invariant 4: every order is in its owner's list");
    }
}
