//! Stop orders: they wait outside the queues until a reference price crosses their trigger, then wait to be fired.
//!
//! ```text
//!   submit_stop ──► pending ──(reference crosses the trigger)──► due ──fire──► an order like any other
//! ```
//!
//! The book never fires a stop within another command: the caller does, one at a time, so that a cascade of stops
//! takes as many steps as it has orders, and time can pass between them.

use alloc::vec::Vec;

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::book::Book;
use crate::matcher::{CancelCause, Cancelled, Matcher};
use crate::order::{NewOrder, Outcome, Reject};
use crate::pool::{NIL, Tag};
use crate::queue::kind_of;
use crate::trigger::{Trigger, TriggerBy, Triggers};

/// A stop order to submit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StopOrder {
    /// What crosses it.
    pub trigger: Trigger,
    /// By which price.
    pub by: TriggerBy,
    /// What it becomes: a market order, or a limit order (stop-limit).
    pub order: NewOrder,
}

/// A stop order that has not fired.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PendingStop {
    /// The id it was given, and will have as an order.
    pub id: OrderId,
    /// As it was submitted.
    pub stop: StopOrder,
    /// Its present trigger: of a trailing stop that moves.
    pub trigger_price: Price,
    /// Its trigger has been crossed.
    pub due: bool,
}

/// A stop that was fired.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fired {
    /// Its id: stale already where nothing of it rests.
    pub id: OrderId,
    /// What it became.
    pub order: NewOrder,
    /// What came of it: refused as any order may be, or accepted.
    pub result: Result<Outcome, Reject>,
}

/// The stops of a book.
pub(crate) struct Stops {
    pub triggers: Triggers,
    /// The orders they become, in any place.
    orders: Vec<NewOrder>,
    free: Vec<u32>,
    /// How many there may be.
    limit: u32,
}

impl Clone for Stops {
    fn clone(&self) -> Self {
        // Derived clones would keep only the lengths of the reservations.
        let mut orders = Vec::with_capacity(self.limit as usize);
        orders.extend_from_slice(&self.orders);
        let mut free = Vec::with_capacity(self.limit as usize);
        free.extend_from_slice(&self.free);
        Self { triggers: self.triggers.clone(), orders, free, limit: self.limit }
    }
}

impl Stops {
    pub fn with_capacity(limit: u32, slots: u32) -> Self {
        let (orders, free) = (Vec::with_capacity(limit as usize), Vec::with_capacity(limit as usize));
        Self { triggers: Triggers::with_capacity(limit, slots), orders, free, limit }
    }

    /// Keeps an order; returns its place.
    pub fn keep(&mut self, order: &NewOrder) -> u32 {
        match self.free.pop() {
            Some(at) => {
                self.orders[at as usize] = *order;
                at
            }
            None => {
                assert!(self.orders.len() < self.limit as usize, "room was promised when the stop was accepted");
                self.orders.push(*order);
                self.orders.len() as u32 - 1
            }
        }
    }

    pub fn order(&self, at: u32) -> &NewOrder {
        &self.orders[at as usize]
    }

    fn forget(&mut self, at: u32) {
        self.free.push(at);
    }

    /// Proves that there is an order for each trigger.
    pub fn check(&self) {
        self.triggers.check();
        let orders = self.orders.len() - self.free.len();
        assert_eq!(orders, self.triggers.len() as usize, "invariant 4: a stop keeps an order");
    }
}

impl Book {
    /// Accepts an order that waits for its trigger. Its id stays with the order when it fires and rests. A stop
    /// whose trigger is crossed already is due at once.
    ///
    /// A sell stop is crossed at or below its trigger, a buy stop at or above. It takes an order slot, and an extra
    /// if it may need one.
    ///
    /// # Errors
    /// In this order: [`Reject::ZeroQuantity`], [`Reject::UnknownOwner`], [`Reject::LimitAlready`],
    /// [`Reject::MarketCannotRest`], [`Reject::BadDisplay`], [`Reject::TooLarge`], [`Reject::Expired`],
    /// [`Reject::NoReference`] for a trailing stop before the first reference price, [`Reject::CapacityReached`].
    /// What depends on the book is looked at when it fires.
    pub fn submit_stop(&mut self, stop: &StopOrder) -> Result<OrderId, Reject> {
        self.check_stop(stop)?;
        // From here on the stop cannot fail.
        let StopOrder { trigger, by, order } = stop;
        let slot = self.new_slot(order);
        let at = self.stops.keep(order);
        let pending = self.pool.get_mut(slot);
        pending.tag = pending.tag.with_kind(pending.tag.kind() | Tag::UNQUEUED);
        (pending.qty, pending.price, pending.prev, pending.next) = (order.qty, Price::ZERO, at, NIL);
        self.stops.triggers.insert(slot, order.side, *by, *trigger);
        Ok(self.pool.id(slot))
    }

    fn check_stop(&self, stop: &StopOrder) -> Result<(), Reject> {
        self.check_terms(&stop.order)?;
        let trails = matches!(stop.trigger, Trigger::Trailing { .. });
        if trails && self.stops.triggers.reference(stop.by).is_none() {
            return Err(Reject::NoReference);
        }
        let no_extra = kind_of(&stop.order) & Tag::EXTRA != 0 && self.extras.is_full();
        if no_extra || self.stops.triggers.is_full() || self.pool.is_full() {
            return Err(Reject::CapacityReached);
        }
        Ok(())
    }

    /// Tells the book the mark price, in ticks: stops by mark that it crosses become due.
    pub fn set_mark(&mut self, mark: Price) {
        self.stops.triggers.update(TriggerBy::Mark, mark);
    }

    /// Fires the stop that has been due for longest, if any: submits its order as [`Book::submit`] would. Stops
    /// become due in the order in which the price crosses them, those of one trigger in the order in which they
    /// were submitted. Nothing fires while orders are collected for an auction.
    pub fn fire<M: Matcher>(&mut self, matcher: &mut M) -> Option<Fired> {
        if self.collecting {
            return None;
        }
        let slot = self.stops.triggers.take_due()?;
        let id = self.pool.id(slot);
        let order = self.untag_stop(slot);
        let result = self.decide(&order, true);
        let result = match result {
            Ok(plan) => Ok(self.admit(&order, plan, slot, matcher)),
            Err(reject) => {
                self.free_slot(slot);
                Err(reject)
            }
        };
        Some(Fired { id, order, result })
    }

    /// Takes a stop out that has not fired, due or not.
    ///
    /// # Errors
    /// [`Reject::UnknownOrder`] where no such stop waits; a stop that has fired and rests is an order like any other.
    pub fn cancel_stop(&mut self, id: OrderId) -> Result<PendingStop, Reject> {
        let stop = self.stop(id).ok_or(Reject::UnknownOrder)?;
        self.forget_stop(id.slot());
        Ok(stop)
    }

    /// A stop that has not fired.
    #[must_use]
    pub fn stop(&self, id: OrderId) -> Option<PendingStop> {
        self.pool.find_stop(id).map(|slot| self.pending(slot))
    }

    /// The stops that have not fired: those that are due in the order in which they will fire, then the others.
    pub fn stops(&self) -> impl Iterator<Item = PendingStop> {
        self.stops.triggers.iter().map(|slot| self.pending(slot))
    }

    /// How many stops are due.
    #[must_use]
    pub fn due_stops(&self) -> u32 {
        self.stops.triggers.due_len()
    }

    /// Notes the first and the last price of a command's trades. Between them prices only went one way, so no stop
    /// is crossed by another.
    pub(crate) fn traded(&mut self, first: Price, last: Price) {
        self.last = Some(last);
        if self.capacity.stops != 0 {
            self.stops.triggers.update(TriggerBy::Last, first);
            self.stops.triggers.update(TriggerBy::Last, last);
        }
    }

    #[inline]
    pub(crate) fn is_stop(&self, slot: u32) -> bool {
        self.pool.get(slot).tag.has(Tag::UNQUEUED)
    }

    pub(crate) fn pending(&self, slot: u32) -> PendingStop {
        let triggers = &self.stops.triggers;
        PendingStop {
            id: self.pool.id(slot),
            stop: StopOrder {
                trigger: triggers.trigger(slot),
                by: triggers.by(slot),
                order: *self.stops.order(self.pool.get(slot).prev),
            },
            trigger_price: triggers.trigger_price(slot).expect("a stop has a trigger"),
            due: triggers.is_due(slot),
        }
    }

    /// Removes a stop and tells why.
    pub(crate) fn remove_stop<M: Matcher>(&mut self, slot: u32, cause: CancelCause, matcher: &mut M) {
        let PendingStop { id, stop, trigger_price, .. } = self.pending(slot);
        self.forget_stop(slot);
        let (owner, qty) = (stop.order.owner, stop.order.qty);
        matcher.cancelled(&Cancelled { maker: id, owner, price: trigger_price, qty, remaining: Qty::ZERO, cause });
    }

    fn forget_stop(&mut self, slot: u32) {
        self.stops.triggers.remove(slot);
        self.untag_stop(slot);
        self.free_slot(slot);
    }

    /// Makes a slot's stop an order in no queue.
    fn untag_stop(&mut self, slot: u32) -> NewOrder {
        let pending = self.pool.get_mut(slot);
        pending.tag = pending.tag.with_kind(pending.tag.kind() & !Tag::UNQUEUED);
        let at = pending.prev;
        let order = *self.stops.order(at);
        self.stops.forget(at);
        order
    }

    /// The first stop of a side (of both sides for `None`) in the order of [`Book::stops`].
    pub(crate) fn first_stop(&self, side: Option<Side>) -> Option<u32> {
        self.stops.triggers.iter().find(|slot| side.is_none_or(|side| side == self.pool.get(*slot).tag.side()))
    }
}
