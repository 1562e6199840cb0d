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
    /// By place, which the slot's `prev` names: the slot, and the order that the stop becomes.
    orders: Vec<(u32, NewOrder)>,
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
    pub fn with_capacity(limit: u32) -> Self {
        let (orders, free) = (Vec::with_capacity(limit as usize), Vec::with_capacity(limit as usize));
        Self { triggers: Triggers::with_capacity(limit), orders, free, limit }
    }

    /// Keeps the order of a slot; returns its place.
    fn keep(&mut self, slot: u32, order: &NewOrder) -> u32 {
        match self.free.pop() {
            Some(at) => {
                self.orders[at as usize] = (slot, *order);
                at
            }
            None => {
                assert!(self.orders.len() < self.limit as usize, "room was promised when the stop was accepted");
                self.orders.push((slot, *order));
                self.orders.len() as u32 - 1
            }
        }
    }

    fn slot(&self, at: u32) -> u32 {
        self.orders[at as usize].0
    }

    pub fn order(&self, at: u32) -> &NewOrder {
        &self.orders[at as usize].1
    }

    /// Slots of the stops of a side, or of both, in the order of [`Triggers::iter`].
    pub fn slots(&self, side: Option<Side>) -> impl Iterator<Item = u32> {
        self.triggers.iter(side).map(|at| self.slot(at))
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
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity { stops: 10, ..BookCapacity::new(100, 100) });
    /// // A stop-loss: sells at the market when the mark is at or below 95.
    /// let stop = StopOrder {
    ///     trigger: Trigger::At(Price(95)),
    ///     by: TriggerBy::Mark,
    ///     order: NewOrder::market(Side::Sell, Qty(5), 1),
    /// };
    /// let id = book.submit_stop(&stop)?;
    /// book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(94), 2), &mut TradeAll)?;
    /// book.set_mark(Price(96));
    /// assert_eq!(book.fire(&mut TradeAll), None);
    /// book.set_mark(Price(95));
    /// let fired = book.fire(&mut TradeAll).expect("the stop is due");
    /// assert_eq!((fired.id, fired.result?.filled), (id, Qty(5)));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// In this order: [`Reject::ZeroQuantity`], [`Reject::UnknownOwner`], [`Reject::LimitAlready`],
    /// [`Reject::MarketCannotRest`], [`Reject::BadDisplay`], [`Reject::TooLarge`], [`Reject::Expired`],
    /// [`Reject::NoReference`] for a trailing stop before the first reference price, [`Reject::CapacityReached`].
    /// What depends on the book is looked at when it fires.
    pub fn submit_stop(&mut self, stop: &StopOrder) -> Result<OrderId, Reject> {
        self.check_stop(stop)?;
        // From here on the stop cannot fail.
        let slot = self.new_slot(&stop.order);
        let at = self.keep_stop(slot, &stop.order);
        self.stops.triggers.insert(at, stop.order.side, stop.by, stop.trigger);
        Ok(self.pool.id(slot))
    }

    /// Makes a slot's order a stop; returns its place.
    pub(crate) fn keep_stop(&mut self, slot: u32, order: &NewOrder) -> u32 {
        let at = self.stops.keep(slot, order);
        let pending = self.pool.get_mut(slot);
        pending.tag = pending.tag.with_kind(pending.tag.kind() | Tag::UNQUEUED);
        (pending.qty, pending.price, pending.prev, pending.next) = (order.qty, Price::ZERO, at, NIL);
        at
    }

    fn check_stop(&self, stop: &StopOrder) -> Result<(), Reject> {
        self.check_terms(&stop.order)?;
        let reference = match stop.by {
            TriggerBy::Last => self.last,
            TriggerBy::Mark => self.stops.triggers.reference(TriggerBy::Mark),
        };
        if matches!(stop.trigger, Trigger::Trailing { .. }) && reference.is_none() {
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
    /// were submitted; where the first reference price crosses both buys and sells, the buys first. Nothing fires
    /// while orders are collected for an auction.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity { stops: 10, ..BookCapacity::new(100, 100) });
    /// // A trailing stop sells when the mark is five ticks below the highest it has been.
    /// book.set_mark(Price(100));
    /// let order = NewOrder::market(Side::Sell, Qty(5), 1);
    /// book.submit_stop(&StopOrder { trigger: Trigger::Trailing { offset: 5 }, by: TriggerBy::Mark, order })?;
    /// [Price(110), Price(106)].map(|mark| book.set_mark(mark));
    /// assert_eq!(book.fire(&mut TradeAll), None);
    /// book.set_mark(Price(105));
    /// let fired = book.fire(&mut TradeAll).expect("it is due");
    /// // There was nobody to sell to.
    /// assert_eq!((fired.order, fired.result?.end), (order, End::Unfilled));
    /// # Ok::<(), Reject>(())
    /// ```
    pub fn fire<M: Matcher>(&mut self, matcher: &mut M) -> Option<Fired> {
        if self.collecting {
            return None;
        }
        let at = self.stops.triggers.take_due()?;
        let slot = self.stops.slot(at);
        let (id, order) = (self.pool.id(slot), self.untag_stop(slot));
        let plan = self.decide(&order, true);
        if plan.is_err() {
            self.free_slot(slot);
        }
        let result = plan.map(|plan| self.admit(&order, plan, slot, matcher));
        Some(Fired { id, order, result })
    }

    /// Takes a stop out that has not fired, due or not.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity { stops: 10, ..BookCapacity::new(100, 100) });
    /// let order = NewOrder::limit(Side::Buy, Qty(5), Price(111), 1);
    /// let id = book.submit_stop(&StopOrder { trigger: Trigger::At(Price(110)), by: TriggerBy::Mark, order })?;
    /// assert_eq!(book.cancel(id), Err(Reject::NotTriggered));
    /// assert_eq!(book.cancel_stop(id)?.stop.order, order);
    /// assert_eq!(book.cancel_stop(id), Err(Reject::UnknownOrder));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::UnknownOrder`] where no such stop waits; a stop that has fired and rests is an order like any other.
    pub fn cancel_stop(&mut self, id: OrderId) -> Result<PendingStop, Reject> {
        let stop = self.stop(id).ok_or(Reject::UnknownOrder)?;
        self.forget_stop(id.slot());
        Ok(stop)
    }

    /// A stop that has not fired.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity { stops: 10, ..BookCapacity::new(100, 100) });
    /// let order = NewOrder::limit(Side::Buy, Qty(5), Price(111), 1);
    /// let id = book.submit_stop(&StopOrder { trigger: Trigger::At(Price(110)), by: TriggerBy::Mark, order })?;
    /// let waits = book.stop(id).expect("it has not fired");
    /// assert_eq!((waits.trigger_price, waits.due), (Price(110), false));
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn stop(&self, id: OrderId) -> Option<PendingStop> {
        self.pool.find_stop(id).map(|slot| self.pending(slot))
    }

    /// The stops that have not fired: those that are due in the order in which they will fire, then the others.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity { stops: 10, ..BookCapacity::new(100, 100) });
    /// let order = NewOrder::market(Side::Sell, Qty(5), 1);
    /// for price in [95, 90] {
    ///     book.submit_stop(&StopOrder { trigger: Trigger::At(Price(price)), by: TriggerBy::Mark, order })?;
    /// }
    /// book.set_mark(Price(94));
    /// let stops: Vec<_> = book.stops().map(|stop| (stop.trigger_price, stop.due)).collect();
    /// assert_eq!(stops, [(Price(95), true), (Price(90), false)]);
    /// assert_eq!(book.due_stops(), 1);
    /// # Ok::<(), Reject>(())
    /// ```
    pub fn stops(&self) -> impl Iterator<Item = PendingStop> {
        self.stops.slots(None).map(|slot| self.pending(slot))
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
        let (at, triggers) = (self.pool.get(slot).prev, &self.stops.triggers);
        let (by, trigger) = triggers.trigger(at);
        PendingStop {
            id: self.pool.id(slot),
            stop: StopOrder { trigger, by, order: *self.stops.order(at) },
            trigger_price: triggers.trigger_price(at),
            due: triggers.is_due(at),
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
        self.stops.triggers.remove(self.pool.get(slot).prev);
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
}
