//! How an order gets and frees its slot, joins and leaves a queue, and shrinks in it.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::book::Book;
use crate::ladder::{Level, price, rank};
use crate::matcher::{LevelChange, Matcher};
use crate::order::{Display, NewOrder, Resting, TimeInForce};
use crate::pool::{NIL, Order, Tag};

/// A level: its ladder, its rank, and where the ladder keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub ladder: usize,
    pub rank: i64,
    pub at: u32,
}

impl Place {
    pub const fn side(self) -> Side {
        if self.ladder & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    pub const fn price(self) -> Price {
        price(self.side(), self.rank)
    }

    /// Whether its orders are displayed.
    pub const fn is_shown(self) -> bool {
        self.ladder < 2
    }
}

/// The kind of slot an order needs.
#[inline]
pub(crate) const fn kind_of(order: &NewOrder) -> u32 {
    let display = match order.display {
        Display::Full => 0,
        Display::Iceberg(_) => Tag::EXTRA,
        Display::Hidden => Tag::HIDDEN,
    };
    let timed = if matches!(order.tif, TimeInForce::Gtd(_)) { Tag::EXTRA } else { 0 };
    order.side as u32 | display | timed
}

impl Book {
    /// A slot for an order that was accepted.
    #[inline]
    pub(crate) fn new_slot(&mut self, order: &NewOrder) -> u32 {
        let kind = kind_of(order);
        let slot = self.pool.take(order.owner, kind);
        self.owners.add(order.owner, order.side, slot);
        if kind & Tag::EXTRA != 0 {
            let peak = if let Display::Iceberg(peak) = order.display { peak } else { Qty::ZERO };
            let expires = if let TimeInForce::Gtd(time) = order.tif { Some(time) } else { None };
            self.extras.insert(slot, peak, expires);
        }
        slot
    }

    /// Frees the slot of an order that is in no queue.
    #[inline]
    pub(crate) fn free_slot(&mut self, slot: u32) {
        let Order { owner, tag, .. } = *self.pool.get(slot);
        if tag.has(Tag::EXTRA) {
            self.extras.remove(slot);
        }
        self.owners.remove(owner, tag.side(), slot);
        self.pool.release(slot);
    }

    /// Puts the order in `slot` at the end of a level's queue.
    #[inline]
    pub(crate) fn join<M: Matcher>(&mut self, slot: u32, place: Place, lots: Qty, matcher: &mut M) {
        let tag = self.pool.get(slot).tag;
        let qty = if tag.has(Tag::EXTRA) { self.display_part(slot, place, lots) } else { lots };
        self.append(slot, place, tag, qty, lots, matcher);
    }

    /// Puts an order of `lots` lots, `qty` of them in the queue, at the end of it.
    #[inline(always)]
    pub(crate) fn append<M: Matcher>(
        &mut self,
        slot: u32,
        place: Place,
        tag: Tag,
        qty: Qty,
        lots: Qty,
        matcher: &mut M,
    ) {
        let Place { ladder, at, .. } = place;
        let (side, price) = (place.side(), place.price());
        let level = self.ladders[ladder].get_mut(at);
        let before = level.tail;
        level.total += qty;
        level.count += 1;
        level.tail = slot;
        let change = LevelChange { side, price, qty: level.total, orders: level.count };
        match before {
            NIL => level.head = slot,
            before => self.pool.get_mut(before).next = slot,
        }
        let order = self.pool.get_mut(slot);
        (order.qty, order.price, order.prev, order.next) = (qty, price, before, NIL);
        let (id, owner) = (OrderId::new(slot, tag.generation()), order.owner);
        self.owners.arrive(slot);
        let displayed = if place.is_shown() { qty } else { Qty::ZERO };
        matcher.rested(&Resting { id, side, price, qty: lots, displayed, owner });
        if place.is_shown() {
            matcher.level(&change);
        }
        self.ladders[ladder].joined(at);
    }

    /// Of `lots` lots of an order with an extra those to put in the queue; the others become its reserve.
    #[cold]
    fn display_part(&mut self, slot: u32, place: Place, lots: Qty) -> Qty {
        let extra = self.extras.get_mut(slot);
        if extra.peak.is_zero() {
            return lots;
        }
        let shown = lots.min(extra.peak);
        extra.reserve = lots - shown;
        self.ladders[place.ladder].get_mut(place.at).reserve += lots - shown;
        shown
    }

    /// Takes the order in `slot` out of its queue; the slot stays taken.
    pub(crate) fn leave<M: Matcher>(&mut self, slot: u32, matcher: &mut M) {
        let order = *self.pool.get(slot);
        if order.tag.has(Tag::EXTRA) {
            self.drop_reserve(slot, self.place(&order));
        }
        self.unlink(&order, matcher);
    }

    /// Takes an order out of its queue that has no reserve.
    #[inline(always)]
    pub(crate) fn unlink<M: Matcher>(&mut self, order: &Order, matcher: &mut M) {
        let Order { qty, price, prev, next, tag, .. } = *order;
        let side = tag.side();
        let (rank, is_shown) = (rank(side, price), !tag.has(Tag::HIDDEN));
        let ladder = &mut self.ladders[tag.ladder()];
        if prev == NIL && next == NIL {
            ladder.close_alone(rank);
            if is_shown {
                matcher.level(&LevelChange { side, price, qty: Qty::ZERO, orders: 0 });
            }
            return;
        }
        let at = ladder.at(rank);
        let level = ladder.get_mut(at);
        level.total -= qty;
        level.count -= 1;
        let change = LevelChange { side, price, qty: level.total, orders: level.count };
        self.pool.link(prev, next, &mut level.head, &mut level.tail);
        if is_shown {
            matcher.level(&change);
        }
    }

    #[cold]
    fn drop_reserve(&mut self, slot: u32, place: Place) {
        let reserve = core::mem::take(&mut self.extras.get_mut(slot).reserve);
        self.ladders[place.ladder].get_mut(place.at).reserve -= reserve;
    }

    /// Takes `by` lots off the order in `slot`, which has more; an iceberg's reserve goes first.
    pub(crate) fn shrink<M: Matcher>(&mut self, slot: u32, by: Qty, matcher: &mut M) {
        let place = self.place(self.pool.get(slot));
        let from_queue =
            if self.pool.get(slot).tag.has(Tag::EXTRA) { self.shrink_reserve(slot, place, by) } else { by };
        self.pool.get_mut(slot).qty -= from_queue;
        let level = self.ladders[place.ladder].get_mut(place.at);
        level.total -= from_queue;
        let change = LevelChange { side: place.side(), price: place.price(), qty: level.total, orders: level.count };
        matcher.reduced(&self.resting(slot));
        if place.is_shown() {
            matcher.level(&change);
        }
    }

    /// Takes what it can of `by` lots off an order's reserve; returns what is left to take.
    #[cold]
    fn shrink_reserve(&mut self, slot: u32, place: Place, by: Qty) -> Qty {
        let extra = self.extras.get_mut(slot);
        let reserve = extra.reserve.min(by);
        extra.reserve -= reserve;
        self.ladders[place.ladder].get_mut(place.at).reserve -= reserve;
        by - reserve
    }

    /// The level of a resting order.
    #[inline]
    pub(crate) fn place(&self, order: &Order) -> Place {
        let ladder = order.tag.ladder();
        let rank = rank(order.tag.side(), order.price);
        Place { ladder, rank, at: self.ladders[ladder].at(rank) }
    }

    pub(crate) fn level_at(&self, place: Place) -> &Level {
        self.ladders[place.ladder].get(place.at)
    }

    /// Lots an order has, an iceberg's reserve included.
    #[inline]
    pub(crate) fn lots(&self, slot: u32) -> Qty {
        let order = self.pool.get(slot);
        if order.tag.has(Tag::EXTRA) { order.qty + self.extras.get(slot).reserve } else { order.qty }
    }

    pub(crate) fn resting(&self, slot: u32) -> Resting {
        Resting { qty: self.lots(slot), ..resting_plain(self.pool.id(slot), self.pool.get(slot)) }
    }
}

/// An order without a reserve, as seen from outside.
#[inline]
pub(crate) const fn resting_plain(id: OrderId, order: &Order) -> Resting {
    let Order { qty, price, owner, tag, .. } = *order;
    let displayed = if tag.has(Tag::HIDDEN) { Qty::ZERO } else { qty };
    Resting { id, side: tag.side(), price, qty, displayed, owner }
}

/// Tells that a level has gone.
#[inline]
pub(crate) fn tell_closed<M: Matcher>(place: Place, matcher: &mut M) {
    if place.is_shown() {
        matcher.level(&LevelChange { side: place.side(), price: place.price(), qty: Qty::ZERO, orders: 0 });
    }
}
