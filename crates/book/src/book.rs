//! The book, and the commands that name one order.

use core::fmt;

use downdraft_types::{OrderId, Price, Qty, Side, Time};

use crate::capacity::{BookCapacity, window_of};
use crate::decide::{Change, Destination, Plan};
use crate::extras::Extras;
use crate::ladder::{Ladder, rank};
use crate::matcher::{CancelCause, Cancelled, Matcher, TradeAll};
use crate::matching::{Taken, Taker};
use crate::order::{End, NewOrder, Outcome, Reject, Replacement, Resting};
use crate::owners::Owners;
use crate::plain::Unfit;
use crate::pool::{NIL, Order, Pool};
use crate::queue::{Place, resting_plain};
use crate::stops::Stops;

/// A price-time limit order book.
///
/// Every command is decided before anything changes: a [`Reject`] leaves the book as it was, and what has been
/// accepted cannot fail.
#[derive(Clone)]
pub struct Book {
    /// Displayed bids and asks, hidden bids and asks.
    pub(crate) ladders: [Ladder; 4],
    pub(crate) pool: Pool,
    pub(crate) extras: Extras,
    pub(crate) owners: Owners,
    pub(crate) stops: Stops,
    pub(crate) capacity: BookCapacity,
    /// The latest time [`Book::expire`] was told.
    pub(crate) now: Time,
    /// The price of the last trade.
    pub(crate) last: Option<Price>,
    /// Orders are collected for an auction.
    pub(crate) collecting: bool,
}

impl Book {
    /// Slots and levels have 32-bit numbers.
    pub(crate) const MOST: u32 = 1 << 31;

    /// An empty book with everything reserved.
    ///
    /// # Panics
    /// Where `orders`, `levels` or `hidden_levels` is above 2^31.
    #[must_use]
    pub fn with_capacity(capacity: BookCapacity) -> Self {
        let BookCapacity { orders, levels, window, owners, extras, hidden_levels, stops } = capacity;
        assert!(orders <= Self::MOST && levels <= Self::MOST, "a book holds at most 2^31 orders and levels");
        assert!(hidden_levels <= Self::MOST, "a book holds at most 2^31 hidden levels");
        let window = window_of(window);
        let (shown, hidden) = (|| Ladder::with_capacity(levels, window), || Ladder::with_capacity(hidden_levels, 0));
        Self {
            ladders: [shown(), shown(), hidden(), hidden()],
            pool: Pool::with_capacity(orders),
            extras: Extras::with_capacity(extras, orders),
            owners: Owners::with_capacity(owners, orders),
            stops: Stops::with_capacity(stops.min(orders)),
            capacity: BookCapacity { window, ..capacity },
            now: Time::ZERO,
            last: None,
            collecting: false,
        }
    }

    /// Matches an order, and rests what is left of it where its time in force lets it. While orders are collected
    /// for an auction nothing is matched.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let ask = NewOrder::limit(Side::Sell, Qty(5), Price(101), 1);
    /// assert!(book.submit(&ask, &mut TradeAll)?.rested.is_some());
    /// let bid = NewOrder::limit(Side::Buy, Qty(8), Price(102), 2);
    /// let outcome = book.submit(&bid, &mut TradeAll)?;
    /// assert_eq!((outcome.filled, outcome.remaining, outcome.end), (Qty(5), Qty(3), End::Rested));
    /// assert_eq!(book.best_bid(), Some(Price(102)));
    ///
    /// // Thirty lots, ten at a time to be seen, until second 60; refused if it would trade at once.
    /// let minute = Time(60_000_000_000);
    /// let iceberg = NewOrder {
    ///     display: Display::Iceberg(Qty(10)),
    ///     tif: TimeInForce::Gtd(minute),
    ///     post_only: PostOnly::Reject,
    ///     ..NewOrder::limit(Side::Sell, Qty(30), Price(105), 3)
    /// };
    /// // This book was made without room for extras.
    /// assert_eq!(book.submit(&iceberg, &mut TradeAll), Err(Reject::CapacityReached));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// Whatever [`Book::check`] says.
    #[inline(always)]
    pub fn submit<M: Matcher>(&mut self, order: &NewOrder, matcher: &mut M) -> Result<Outcome, Reject> {
        // Where the caller's order is plain in his source, these tests are settled when it is compiled.
        match order.limit {
            Some(limit) if order.is_plain() && !self.collecting && order.tif.rests() => {
                let NewOrder { side, qty, owner, .. } = *order;
                match self.rest_plain(side, qty, limit, owner, matcher) {
                    Ok(id) => Ok(resting(id, qty)),
                    // A copy, so that only here the order has to lie in memory.
                    Err(Unfit) => self.submit_special(&{ *order }, matcher),
                }
            }
            limit if order.is_immediate() && !self.collecting => {
                let NewOrder { side, qty, owner, stp, .. } = *order;
                self.take_now(&Taker { side, limit: !Self::own_rank(side, limit), stp, owner }, qty, matcher)
            }
            _ => self.submit_special(&{ *order }, matcher),
        }
    }

    /// An order that takes and does not rest.
    #[inline(never)]
    fn take_now<M: Matcher>(&mut self, taker: &Taker, qty: Qty, matcher: &mut M) -> Result<Outcome, Reject> {
        self.check_quantity_and_owner(qty, taker.owner)?;
        // From here on the order cannot fail.
        Ok(outcome(qty, self.take(taker, qty, matcher), None))
    }

    fn submit_special<M: Matcher>(&mut self, order: &NewOrder, matcher: &mut M) -> Result<Outcome, Reject> {
        let plan = self.decide(order, false)?;
        // From here on the order cannot fail.
        Ok(self.admit(order, plan, NIL, matcher))
    }

    /// Takes an order out of the book and returns what was left of it.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let order = NewOrder::limit(Side::Buy, Qty(5), Price(100), 1);
    /// let id = book.submit(&order, &mut TradeAll)?.rested.expect("nothing to meet");
    /// assert_eq!(book.cancel(id)?.qty, Qty(5));
    /// assert_eq!(book.cancel(id), Err(Reject::UnknownOrder));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::UnknownOrder`], and [`Reject::NotTriggered`] for a stop: see [`Book::cancel_stop`].
    #[inline(always)]
    pub fn cancel(&mut self, id: OrderId) -> Result<Resting, Reject> {
        self.cancel_with(id, &mut TradeAll)
    }

    /// As [`Book::cancel`], for a listener.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let id = book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(100), 1), &mut TradeAll)?.rested.expect("rests");
    /// /// Hears which level changed.
    /// struct Levels(Vec<LevelChange>);
    /// impl Matcher for Levels {
    ///     fn filled(&mut self, _: &Fill) {}
    ///     fn level(&mut self, change: &LevelChange) {
    ///         self.0.push(*change);
    ///     }
    /// }
    /// let mut levels = Levels(Vec::new());
    /// book.cancel_with(id, &mut levels)?;
    /// assert_eq!(levels.0, [LevelChange { side: Side::Buy, price: Price(100), qty: Qty(0), orders: 0 }]);
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// As [`Book::cancel`].
    #[inline(always)]
    pub fn cancel_with<M: Matcher>(&mut self, id: OrderId, matcher: &mut M) -> Result<Resting, Reject> {
        // Where the caller does not look at the answer, this copy is not made. What is cancelled has a slot.
        let order = self.pool.slots().get(id.slot() as usize).copied();
        match self.remove_plain(id, matcher) {
            Ok(()) => Ok(resting_plain(id, &order.unwrap_or(Order::FREE))),
            Err(Unfit) => {
                let slot = self.resting_slot(id)?;
                Ok(self.remove(slot, CancelCause::Requested, matcher))
            }
        }
    }

    /// Gives an order a new price and quantity.
    ///
    /// At the same price, a quantity that is not larger keeps its place. Anything else loses it: the order is
    /// matched as if it had just arrived, good till cancelled (or till its time), and what is left rests under the
    /// same id. An iceberg stays an iceberg, and a hidden order hidden.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let order = NewOrder::limit(Side::Buy, Qty(5), Price(100), 1);
    /// let id = book.submit(&order, &mut TradeAll)?.rested.expect("nothing to meet");
    /// let outcome = book.replace(id, &Replacement::new(Price(101), Qty(7)), &mut TradeAll)?;
    /// assert_eq!(outcome.rested, Some(id));
    /// assert_eq!(book.best_bid(), Some(Price(101)));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// Whatever [`Book::check_replace`] says.
    pub fn replace<M: Matcher>(
        &mut self,
        id: OrderId,
        change: &Replacement,
        matcher: &mut M,
    ) -> Result<Outcome, Reject> {
        let (slot, change_to) = self.decide_replace(id, change)?;
        // From here on the replacement cannot fail.
        let plan = match change_to {
            Change::Shrink(by) => {
                if !by.is_zero() {
                    self.shrink(slot, by, matcher);
                }
                return Ok(resting(id, change.qty));
            }
            Change::Move(plan) => plan,
        };
        matcher.left(&self.resting(slot));
        let order = *self.pool.get(slot);
        self.leave(slot, matcher);
        let taker = Taker { side: order.tag.side(), limit: !plan.rank, stp: change.stp, owner: order.owner };
        let taken = self.take_if(plan, &taker, change.qty, matcher);
        Ok(self.settle(slot, plan, (change.qty, taken), true, matcher))
    }

    /// Takes `by` lots off an order, which keeps its place: a partial cancel, or an execution that names its
    /// order. Of an iceberg the reserve goes first. Returns the order with what is left of it; at zero it has left
    /// the book.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let order = NewOrder::limit(Side::Buy, Qty(5), Price(100), 1);
    /// let id = book.submit(&order, &mut TradeAll)?.rested.expect("nothing to meet");
    /// assert_eq!(book.reduce(id, Qty(2))?.qty, Qty(3));
    /// assert_eq!(book.reduce(id, Qty(4)), Err(Reject::TooLarge));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::UnknownOrder`], [`Reject::NotTriggered`], [`Reject::ZeroQuantity`], and [`Reject::TooLarge`] where
    /// it has fewer lots.
    #[inline]
    pub fn reduce(&mut self, id: OrderId, by: Qty) -> Result<Resting, Reject> {
        self.reduce_with(id, by, &mut TradeAll)
    }

    /// As [`Book::reduce`], for a listener.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// let id = book.submit(&NewOrder::limit(Side::Buy, Qty(5), Price(100), 1), &mut TradeAll)?.rested.expect("rests");
    /// assert_eq!(book.reduce_with(id, Qty(5), &mut TradeAll)?.qty, Qty(0));
    /// assert_eq!(book.order(id), None);
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// As [`Book::reduce`].
    pub fn reduce_with<M: Matcher>(&mut self, id: OrderId, by: Qty, matcher: &mut M) -> Result<Resting, Reject> {
        let slot = self.resting_slot(id)?;
        let all = self.lots(slot);
        if by.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if by > all {
            return Err(Reject::TooLarge);
        }
        if by == all {
            let resting = self.remove(slot, CancelCause::Requested, matcher);
            return Ok(Resting { qty: Qty::ZERO, displayed: Qty::ZERO, ..resting });
        }
        self.shrink(slot, by, matcher);
        Ok(self.resting(slot))
    }

    /// Puts an owner into a group: self-trade prevention treats all of a group as one owner. An owner's group is
    /// its own number until another is set.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity { owners: 10, ..BookCapacity::new(100, 100) });
    /// book.set_group(3, 1)?;
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(5), Price(100), 1), &mut TradeAll)?;
    /// let stp = SelfTradePrevention::CancelNewest;
    /// let bid = NewOrder { stp, ..NewOrder::limit(Side::Buy, Qty(5), Price(100), 3) };
    /// assert_eq!(book.submit(&bid, &mut TradeAll)?.end, End::SelfTrade);
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::UnknownOwner`] at or above [`BookCapacity::owners`].
    pub fn set_group(&mut self, owner: u32, group: u32) -> Result<(), Reject> {
        if owner >= self.owners.len() {
            return Err(Reject::UnknownOwner);
        }
        self.owners.set_group(owner, group);
        Ok(())
    }

    /// Matches and rests an order that has been accepted; `slot` is the one it has already, or [`NIL`].
    #[inline]
    pub(crate) fn admit<M: Matcher>(&mut self, order: &NewOrder, plan: Plan, slot: u32, matcher: &mut M) -> Outcome {
        if plan.takes {
            return self.admit_taker(order, plan, slot, matcher);
        }
        if !order.tif.rests() {
            self.drop_slot(slot);
            return outcome(order.qty, Taken::new(order.qty), None);
        }
        let slot = if slot == NIL { self.new_slot(order) } else { slot };
        self.rest(slot, plan, order.qty, matcher);
        resting(self.pool.id(slot), order.qty)
    }

    fn admit_taker<M: Matcher>(&mut self, order: &NewOrder, plan: Plan, slot: u32, matcher: &mut M) -> Outcome {
        let taker = Taker { side: order.side, limit: !plan.rank, stp: order.stp, owner: order.owner };
        let taken = self.take(&taker, order.qty, matcher);
        let slot = match taken.end {
            None if order.tif.rests() && slot == NIL => self.new_slot(order),
            _ => slot,
        };
        self.settle(slot, plan, (order.qty, taken), order.tif.rests(), matcher)
    }

    fn take_if<M: Matcher>(&mut self, plan: Plan, taker: &Taker, qty: Qty, matcher: &mut M) -> Taken {
        if plan.takes { self.take(taker, qty, matcher) } else { Taken::new(qty) }
    }

    /// Rests what a taker with a slot has left, or frees the slot.
    fn settle<M: Matcher>(
        &mut self,
        slot: u32,
        plan: Plan,
        (qty, taken): (Qty, Taken),
        rests: bool,
        matcher: &mut M,
    ) -> Outcome {
        if taken.end.is_some() || !rests {
            self.drop_slot(slot);
            return outcome(qty, taken, None);
        }
        self.rest(slot, plan, taken.left, matcher);
        outcome(qty, taken, Some(self.pool.id(slot)))
    }

    #[inline]
    fn rest<M: Matcher>(&mut self, slot: u32, plan: Plan, qty: Qty, matcher: &mut M) {
        let ladder = self.pool.get(slot).tag.ladder();
        let found = match plan.level {
            Destination::At(at) => Some(at),
            Destination::New => None,
            Destination::Unknown => self.ladders[ladder].find(plan.rank),
        };
        let at = found.unwrap_or_else(|| self.ladders[ladder].open(plan.rank));
        self.join(slot, Place { ladder, rank: plan.rank, at }, qty, matcher);
    }

    /// Removes a resting order and tells why.
    pub(crate) fn remove<M: Matcher>(&mut self, slot: u32, cause: CancelCause, matcher: &mut M) -> Resting {
        let resting = self.resting(slot);
        let Resting { id, price, qty, owner, .. } = resting;
        matcher.cancelled(&Cancelled { maker: id, owner, price, qty, remaining: Qty::ZERO, cause });
        self.leave(slot, matcher);
        self.free_slot(slot);
        resting
    }

    /// The slot of an order that is in a queue.
    #[inline]
    pub(crate) fn resting_slot(&self, id: OrderId) -> Result<u32, Reject> {
        match self.pool.find(id) {
            Some(slot) => Ok(slot),
            None if self.pool.find_stop(id).is_some() => Err(Reject::NotTriggered),
            None => Err(Reject::UnknownOrder),
        }
    }

    fn drop_slot(&mut self, slot: u32) {
        if slot != NIL {
            self.free_slot(slot);
        }
    }

    /// The rank that orders of a side at `price` have.
    pub(crate) fn own_rank(side: Side, price: Option<Price>) -> i64 {
        // A market order accepts any price: the lowest rank.
        price.map_or(i64::MIN, |price| rank(side, price))
    }
}

#[inline]
const fn resting(id: OrderId, qty: Qty) -> Outcome {
    let none = Qty::ZERO;
    Outcome { filled: none, decremented: none, remaining: qty, rested: Some(id), end: End::Rested }
}

#[inline]
fn outcome(qty: Qty, taken: Taken, rested: Option<OrderId>) -> Outcome {
    let Taken { left, decremented, end, .. } = taken;
    let end = end.unwrap_or(if rested.is_some() { End::Rested } else { End::Unfilled });
    Outcome { filled: qty - left - decremented, decremented, remaining: left, rested, end }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("orders", &self.order_count())
            .field("levels", &self.level_count())
            .field("best_bid", &self.best_bid())
            .field("best_ask", &self.best_ask())
            .finish_non_exhaustive()
    }
}
