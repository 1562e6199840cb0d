//! The order pool: nodes in one array reserved at construction, with a last-in-first-out free list.

use alloc::vec::Vec;

use downdraft_types::{OrderId, Price, Qty, Side};

/// "No slot".
pub(crate) const NIL: u32 = u32::MAX;

/// What sort of order a slot has, and how many it had before: four bits and twenty-eight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag(pub u32);

impl Tag {
    /// An ask; a bid otherwise.
    const ASK: u32 = 1;
    /// In a queue of hidden orders.
    pub const HIDDEN: u32 = 2;
    /// It has an entry in [`Extras`](crate::extras::Extras).
    pub const EXTRA: u32 = 4;
    /// In no queue: a stop that has not fired, or a free slot.
    pub const UNQUEUED: u32 = 8;
    const KIND: u32 = 15;
    /// One generation.
    const STEP: u32 = 16;
    /// The last generation: a slot that has had it is retired.
    pub const LAST: u32 = (1 << 28) - 1;

    pub const fn new(generation: u32, kind: u32) -> Self {
        Self((generation * Self::STEP) | kind)
    }

    #[inline]
    pub const fn generation(self) -> u32 {
        self.0 / Self::STEP
    }

    /// The bits that are not the generation.
    #[inline]
    pub const fn kind(self) -> u32 {
        self.0 & Self::KIND
    }

    #[inline]
    pub const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    #[inline]
    pub const fn side(self) -> Side {
        if self.has(Self::ASK) { Side::Sell } else { Side::Buy }
    }

    /// The number of the ladder whose queues it is in.
    #[inline]
    pub const fn ladder(self) -> usize {
        (self.0 & (Self::ASK | Self::HIDDEN)) as usize
    }

    /// Of the slot once it is free: the next generation. `None` where it has had all 2^28 of them.
    #[inline]
    pub const fn freed(self) -> Option<Self> {
        match self.with_kind(Self::UNQUEUED).0.checked_add(Self::STEP) {
            Some(tag) => Some(Self(tag)),
            None => None,
        }
    }

    /// With other bits beside the generation.
    #[inline]
    pub const fn with_kind(self, kind: u32) -> Self {
        Self(self.0 & !Self::KIND | kind)
    }
}

/// A resting order, a pending stop, or a free slot (without lots; `prev` is the next free one, so that the head of a
/// queue, filled order by order, is a stretch of the free list already). Aligned, so that none lies on two cache lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Order {
    /// Lots in the queue: what is displayed, of a hidden order all.
    pub qty: Qty,
    pub price: Price,
    /// The order before it in its level's queue.
    pub prev: u32,
    /// The order after it.
    pub next: u32,
    pub owner: u32,
    pub tag: Tag,
}

impl Order {
    /// What a slot has that was never taken, but for the link to the next one.
    pub const FREE: Self =
        Self { qty: Qty::ZERO, price: Price::ZERO, prev: NIL, next: NIL, owner: 0, tag: Tag::new(0, Tag::UNQUEUED) };
}

const _: () = assert!(size_of::<Order>() == 32, "two orders share a cache line");

#[derive(Clone)]
pub(crate) struct Pool {
    /// As many as there may be: none is added, so a clone has the same room.
    orders: Vec<Order>,
    free: u32,
    len: u32,
}

impl Pool {
    pub fn with_capacity(limit: u32) -> Self {
        let free = |prev| Order { prev, ..Order::FREE };
        let orders = (1..=limit).map(|next| free(if next == limit { NIL } else { next })).collect();
        Self { orders, free: if limit == 0 { NIL } else { 0 }, len: 0 }
    }

    /// Orders and pending stops.
    #[inline]
    pub const fn len(&self) -> u32 {
        self.len
    }

    #[inline]
    pub const fn is_full(&self) -> bool {
        self.free == NIL
    }

    #[inline]
    pub fn get(&self, slot: u32) -> &Order {
        &self.orders[slot as usize]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> &mut Order {
        &mut self.orders[slot as usize]
    }

    /// Every slot, free ones among them.
    pub fn slots(&self) -> &[Order] {
        &self.orders
    }

    /// The slot of an order that is in a queue.
    #[inline]
    pub fn find(&self, id: OrderId) -> Option<u32> {
        let order = self.orders.get(id.slot() as usize)?;
        // Generation and lack of a queue in one comparison.
        let tag = order.tag.0 & !(Tag::ASK | Tag::HIDDEN | Tag::EXTRA);
        (u64::from(tag) == u64::from(id.generation()) * u64::from(Tag::STEP)).then_some(id.slot())
    }

    /// The slot of a stop that has not fired.
    pub fn find_stop(&self, id: OrderId) -> Option<u32> {
        let order = self.orders.get(id.slot() as usize)?;
        let is_stop = order.tag.has(Tag::UNQUEUED) && !order.qty.is_zero();
        (is_stop && order.tag.generation() == id.generation()).then_some(id.slot())
    }

    #[inline]
    pub fn id(&self, slot: u32) -> OrderId {
        OrderId::new(slot, self.get(slot).tag.generation())
    }

    /// A slot for an order that is about to join a level.
    #[inline]
    pub fn take(&mut self, owner: u32, kind: u32) -> u32 {
        let slot = self.free;
        assert!(slot != NIL, "a slot was promised when the order was accepted");
        let order = &mut self.orders[slot as usize];
        self.free = order.prev;
        order.owner = owner;
        order.tag = order.tag.with_kind(kind);
        self.len += 1;
        slot
    }

    /// As [`Pool::take`], with all that the slot is to hold; `None` where no slot is free. The order before it in its
    /// queue is linked to it.
    #[inline(always)]
    pub fn put(&mut self, order: Order) -> Option<(u32, Tag)> {
        let (orders, slot) = (self.orders.as_mut_slice(), self.free);
        // [`NIL`] is no slot of any pool.
        let place = orders.get_mut(slot as usize)?;
        let tag = place.tag.with_kind(order.tag.kind());
        self.free = place.prev;
        *place = Order { tag, ..order };
        // There are at most 2^31 slots.
        self.len = self.len.wrapping_add(1);
        if let Some(before) = orders.get_mut(order.prev as usize) {
            before.next = slot;
        }
        Some((slot, tag))
    }

    /// Takes a displayed order without an extra out of its slot, which becomes free, if `from` tells where it is to be
    /// taken from; another is left alone, and so is the last that a slot can have.
    #[inline(always)]
    pub fn take_out<T>(&mut self, id: OrderId, from: impl FnOnce(&Order) -> Option<T>) -> Option<(Order, T)> {
        let place = self.orders.get_mut(id.slot() as usize)?;
        let order = *place;
        // Generation, kind and lack of a queue in one comparison.
        let tag = order.tag.0 & !Tag::ASK;
        if u64::from(tag) != u64::from(id.generation()) * u64::from(Tag::STEP) {
            return None;
        }
        let free = Tag(tag.checked_add(Tag::STEP | Tag::UNQUEUED)?);
        let from = from(&order)?;
        (place.qty, place.prev, place.tag) = (Qty::ZERO, self.free, free);
        self.free = id.slot();
        // The order was counted.
        self.len = self.len.wrapping_sub(1);
        Some((order, from))
    }

    /// Links two orders of a queue, from between which another has left; where there is none on a side, the other is
    /// an end of the queue.
    #[inline(always)]
    pub fn link(&mut self, first: u32, second: u32, head: &mut u32, tail: &mut u32) {
        // [`NIL`] is no slot of any pool.
        let has_first = match self.orders.get_mut(first as usize) {
            Some(order) => {
                order.next = second;
                true
            }
            None => {
                *head = second;
                false
            }
        };
        match self.orders.get_mut(second as usize) {
            // The canary is a link that grows stale where an order leaves from within its queue.
            Some(_) if cfg!(feature = "canary") && has_first => {}
            Some(order) => order.prev = first,
            None => *tail = first,
        }
    }

    /// Frees a slot whose order has left its level.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        let order = &mut self.orders[slot as usize];
        order.qty = Qty::ZERO;
        match order.tag.freed() {
            Some(tag) => {
                order.tag = tag;
                order.prev = core::mem::replace(&mut self.free, slot);
            }
            // Retired: a generation that began again would revive stale ids.
            None => order.tag = order.tag.with_kind(Tag::UNQUEUED),
        }
        self.len -= 1;
    }

    /// All slots, to fill orders in them.
    #[inline]
    pub fn orders_mut(&mut self) -> &mut [Order] {
        &mut self.orders
    }

    /// Frees the slots of `count` orders that stood one behind the other, from `first` to `last`, and have no lots and
    /// the tag of free slots already: their links lead from the last one to the first.
    #[inline]
    pub fn release_run(&mut self, first: u32, last: u32, count: u32) {
        self.orders[first as usize].prev = core::mem::replace(&mut self.free, last);
        self.len -= count;
    }

    /// The free slots, the next one to be taken first.
    pub fn free_slots(&self) -> impl Iterator<Item = u32> {
        let mut slot = self.free;
        core::iter::from_fn(move || {
            let free = (slot != NIL).then_some(slot)?;
            slot = self.get(free).prev;
            Some(free)
        })
    }

    /// The first slot of those that were never taken: they are at the end of the free list, in their order.
    pub fn fresh(&self) -> u32 {
        let is_untouched = |order: &Order| order.qty.is_zero() && order.tag.generation() == 0;
        let untouched = self.orders.iter().rev().take_while(|order| is_untouched(order)).count();
        (self.orders.len() - untouched) as u32
    }

    /// Marks the slots below `fresh` as retired, to be restored one by one.
    pub fn begin_restore(&mut self, fresh: u32) {
        let retired = Tag::new(Tag::LAST, Tag::UNQUEUED);
        self.orders[..fresh as usize].iter_mut().for_each(|order| (order.tag, order.prev) = (retired, NIL));
        self.free = NIL;
    }

    /// Restores a slot that is free; `false` where that cannot be. In the order in which they will be taken.
    pub fn restore_free(&mut self, slot: u32, generation: u32) -> bool {
        let unknown = Tag::new(Tag::LAST, Tag::UNQUEUED);
        let last = self.free;
        match self.orders.get_mut(slot as usize) {
            Some(order)
                if order.tag == unknown && order.qty.is_zero() && generation < Tag::LAST && order.prev == NIL =>
            {
                // Until the list is whole it is linked backwards.
                order.tag = Tag::new(generation, Tag::UNQUEUED);
                order.prev = last;
                self.free = slot;
                true
            }
            _ => false,
        }
    }

    /// Ends the free list with the slots from `fresh` on.
    pub fn end_free(&mut self, fresh: u32) {
        let mut next = if (fresh as usize) < self.orders.len() { fresh } else { NIL };
        let mut slot = self.free;
        while slot != NIL {
            let before = core::mem::replace(&mut self.orders[slot as usize].prev, next);
            next = core::mem::replace(&mut slot, before);
        }
        self.free = next;
    }

    /// Restores a slot that is taken; `false` where that cannot be. It has no lots yet.
    pub fn restore_used(&mut self, slot: u32, generation: u32, owner: u32, kind: u32) -> bool {
        let unknown = Tag::new(Tag::LAST, Tag::UNQUEUED);
        match self.orders.get_mut(slot as usize) {
            Some(order) if order.tag == unknown && order.qty.is_zero() && generation <= Tag::LAST => {
                (order.tag, order.owner) = (Tag::new(generation, kind), owner);
                self.len += 1;
                true
            }
            _ => false,
        }
    }

    /// Proves that every slot is live, free, retired or unused.
    pub fn check(&self) {
        let mut free = 0_u32;
        for slot in self.free_slots() {
            assert!(self.get(slot).qty.is_zero(), "invariant 4: a free slot holds no order");
            free += 1;
            assert!(free as usize <= self.orders.len(), "invariant 4: the free list ends");
        }
        let is_retired = |order: &&Order| order.qty.is_zero() && order.tag.generation() == Tag::LAST;
        let retired = self.orders.iter().filter(is_retired).count();
        let free_at_last = self.free_slots().filter(|slot| is_retired(&self.get(*slot))).count();
        assert_eq!(
            (self.len + free) as usize + retired - free_at_last,
            self.orders.len(),
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
        let slot = pool.take(7, 0);
        pool.get_mut(slot).qty = Qty(1);
        pool.get_mut(slot).tag = Tag::new(Tag::LAST, 0);
        let id = pool.id(slot);
        assert_eq!(pool.find(id), Some(slot));
        pool.release(slot);
        assert_eq!(pool.find(id), None);
        assert!(pool.is_full());
        assert_eq!(pool.len(), 0);
        pool.check();
    }
}
