//! The order pool: nodes in one array reserved at construction, with a last-in-first-out free list.

use alloc::vec::Vec;

use downdraft_types::{OrderId, Qty};

/// "No slot".
pub(crate) const NIL: u32 = u32::MAX;

/// A resting order, or a free slot (`level` is [`NIL`] then, and `next` the next free one).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub qty: Qty,
    pub level: u32,
    /// The order before it in its level's queue.
    pub prev: u32,
    /// The order after it.
    pub next: u32,
    pub owner: u32,
    /// How many orders had the slot before.
    pub generation: u32,
    /// Place among all arrivals, modulo 2^32: proves that queues are in time order.
    pub arrival: u32,
}

const _: () = assert!(size_of::<Order>() == 32, "two orders share a cache line");

pub(crate) struct Pool {
    orders: Vec<Order>,
    free: u32,
    len: u32,
    limit: u32,
}

impl Clone for Pool {
    fn clone(&self) -> Self {
        // A derived clone would keep only the length of the reservation.
        let mut orders = Vec::with_capacity(self.limit as usize);
        orders.extend_from_slice(&self.orders);
        Self { orders, free: self.free, len: self.len, limit: self.limit }
    }
}

impl Pool {
    pub fn with_capacity(limit: u32) -> Self {
        Self { orders: Vec::with_capacity(limit as usize), free: NIL, len: 0, limit }
    }

    #[inline]
    pub const fn len(&self) -> u32 {
        self.len
    }

    pub const fn limit(&self) -> u32 {
        self.limit
    }

    #[inline]
    pub fn is_full(&self) -> bool {
        self.free == NIL && self.orders.len() == self.limit as usize
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Order {
        &self.orders[slot as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.orders[slot as usize]
    }

    /// The slot of a live order.
    #[inline]
    pub fn find(&self, id: OrderId) -> Option<u32> {
        let order = self.orders.get(id.slot() as usize)?;
        (order.generation == id.generation() && order.level != NIL).then_some(id.slot())
    }

    #[inline]
    pub fn id(&self, slot: u32) -> OrderId {
        OrderId::new(slot, self.get(slot).generation)
    }

    /// A slot for an order that is about to join a level.
    pub fn take(&mut self, owner: u32) -> u32 {
        assert!(!self.is_full(), "a slot was promised when the order was accepted");
        self.len += 1;
        if self.free != NIL {
            let slot = self.free;
            let order = self.get_mut(slot);
            let next = order.next;
            order.owner = owner;
            self.free = next;
            return slot;
        }
        self.orders.push(Order { qty: Qty::ZERO, level: NIL, prev: NIL, next: NIL, owner, generation: 0, arrival: 0 });
        self.orders.len() as u32 - 1
    }

    /// Frees a slot whose order has left its level.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        let free = self.free;
        let order = self.get_mut(slot);
        order.level = NIL;
        order.qty = Qty::ZERO;
        order.next = free;
        self.len -= 1;
        // A slot that has had 2^32 orders is retired: a generation that began again would revive stale ids.
        let order = self.get_mut(slot);
        if let Some(generation) = order.generation.checked_add(1) {
            order.generation = generation;
            self.free = slot;
        }
    }

    /// Proves that every slot is live, free, retired or unused.
    pub fn check(&self) {
        let (mut free, mut slot) = (0_u32, self.free);
        while slot != NIL {
            let order = self.get(slot);
            assert!(order.level == NIL && order.qty.is_zero(), "invariant 4: a free slot holds no order");
            free += 1;
            assert!(free as usize <= self.orders.len(), "invariant 4: the free list ends");
            slot = order.next;
        }
        let vacant = self.orders.iter().filter(|order| order.level == NIL).count();
        let retired = vacant as u32 - free;
        assert_eq!(
            self.len + free + retired,
            self.orders.len() as u32,
            "invariant 4: every slot is live, free or retired"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worn_slot_is_retired() {
        let mut pool = Pool::with_capacity(1);
        let slot = pool.take(7);
        pool.get_mut(slot).level = 0;
        pool.get_mut(slot).generation = u32::MAX;
        let id = pool.id(slot);
        assert_eq!(pool.find(id), Some(slot));
        pool.release(slot);
        assert_eq!(pool.find(id), None);
        assert!(pool.is_full());
        assert_eq!(pool.len(), 0);
        pool.check();
    }

    #[test]
    fn a_clone_keeps_its_reservation() {
        let mut pool = Pool::with_capacity(100);
        pool.take(1);
        assert!(pool.clone().orders.capacity() >= 100);
    }
}
