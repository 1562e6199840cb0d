//! Cancelling many orders at once: by owner, by side, all of them, or those whose time has come.

use downdraft_types::{Qty, Side, Time};

use crate::book::Book;
use crate::matcher::{CancelCause, Cancelled, Matcher};
use crate::order::Reject;

/// Which orders a mass cancel takes out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Which {
    /// An owner's, oldest first. Needs [`BookCapacity::owners`](crate::BookCapacity::owners).
    Owner(u32),
    /// An owner's on one side, oldest first.
    OwnerSide(u32, Side),
    /// A side's: in the order in which they would be met, then its stops.
    Side(Side),
    /// All: bids, asks, then stops.
    All,
}

impl Book {
    /// Cancels many orders, pending stops among them, and returns how many; stops in the order of [`Book::stops`].
    /// Takes time for each order cancelled and for no other, whatever else rests or waits: constant for what is near
    /// the touch, logarithmic for stops, orders that expire and levels beyond the window.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity { owners: 10, ..BookCapacity::new(100, 100) });
    /// for price in [100, 99, 98] {
    ///     book.submit(&NewOrder::limit(Side::Buy, Qty(1), Price(price), 7), &mut TradeAll)?;
    /// }
    /// assert_eq!(book.cancel_all(Which::Owner(7), &mut TradeAll), Ok(3));
    /// assert_eq!(book.order_count(), 0);
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::UnknownOwner`] for a number at or above [`BookCapacity::owners`](crate::BookCapacity::owners).
    pub fn cancel_all<M: Matcher>(&mut self, which: Which, matcher: &mut M) -> Result<u32, Reject> {
        let before = self.order_count();
        match which {
            Which::Owner(owner) => self.cancel_owner(owner, None, matcher)?,
            Which::OwnerSide(owner, side) => self.cancel_owner(owner, Some(side), matcher)?,
            Which::Side(side) => {
                self.cancel_side(side, matcher);
                self.cancel_stops(Some(side), matcher);
            }
            Which::All => {
                Side::BOTH.into_iter().for_each(|side| self.cancel_side(side, matcher));
                self.cancel_stops(None, matcher);
            }
        }
        Ok(before - self.order_count())
    }

    /// Sets the book's clock, and cancels the orders whose time has come: at or before `now`, in the order of their
    /// times, those of one time in the order in which they were submitted. Returns how many. An earlier `now` than
    /// the last one does nothing.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity { extras: 10, ..BookCapacity::new(100, 100) });
    /// let tif = TimeInForce::Gtd(Time(1_000));
    /// book.submit(&NewOrder { tif, ..NewOrder::limit(Side::Buy, Qty(1), Price(100), 7) }, &mut TradeAll)?;
    /// assert_eq!(book.expire(Time(999), &mut TradeAll), 0);
    /// assert_eq!(book.expire(Time(1_000), &mut TradeAll), 1);
    /// # Ok::<(), Reject>(())
    /// ```
    pub fn expire<M: Matcher>(&mut self, now: Time, matcher: &mut M) -> u32 {
        self.now = self.now.max(now);
        let before = self.order_count();
        while let Some((time, slot)) = self.extras.first_to_expire() {
            if time > self.now {
                break;
            }
            self.withdraw(slot, CancelCause::Expired, matcher);
        }
        before - self.order_count()
    }

    fn cancel_owner<M: Matcher>(&mut self, owner: u32, side: Option<Side>, matcher: &mut M) -> Result<(), Reject> {
        if owner >= self.owners.len() {
            return Err(Reject::UnknownOwner);
        }
        let mut oldest = self.owners.oldest(owner, side);
        while let Some(slot) = self.owners.take_older(&mut oldest) {
            self.withdraw(slot, CancelCause::Mass, matcher);
        }
        Ok(())
    }

    fn cancel_side<M: Matcher>(&mut self, side: Side, matcher: &mut M) {
        while let Some(place) = self.front(side, i64::MAX) {
            let mut level = *self.level_at(place);
            while level.count != 0 {
                let slot = level.head;
                let lots = self.lots(slot);
                let shown = self.pool.get(slot).qty;
                let (maker, owner) = (self.pool.id(slot), self.pool.get(slot).owner);
                (level.head, level.count) = (self.pool.get(slot).next, level.count - 1);
                (level.total, level.reserve) = (level.total - shown, level.reserve - (lots - shown));
                self.free_slot(slot);
                let (price, cause) = (place.price(), CancelCause::Mass);
                matcher.cancelled(&Cancelled { maker, owner, price, qty: lots, remaining: Qty::ZERO, cause });
            }
            self.put_back(place, level, matcher);
        }
    }

    fn cancel_stops<M: Matcher>(&mut self, side: Option<Side>, matcher: &mut M) {
        loop {
            let first = self.stops.slots(side).next();
            let Some(slot) = first else { break };
            self.withdraw(slot, CancelCause::Mass, matcher);
        }
    }

    /// Removes an order, resting or pending.
    fn withdraw<M: Matcher>(&mut self, slot: u32, cause: CancelCause, matcher: &mut M) {
        if self.is_stop(slot) {
            self.remove_stop(slot, cause, matcher);
        } else {
            self.remove(slot, cause, matcher);
        }
    }
}

#[cfg(test)]
mod tests {
    use downdraft_types::{OrderId, Price};

    use super::*;
    use crate::{BookCapacity, NewOrder, StopOrder, TradeAll, Trigger, TriggerBy};

    /// Many of what is not cancelled.
    const MANY: u32 = 5_000;
    const FEW: u32 = 50;

    fn full() -> Book {
        let n = 2 * (MANY + FEW);
        Book::with_capacity(BookCapacity { owners: 3, stops: n, ..BookCapacity::new(n, n) })
    }

    /// A stop that the mark has crossed already, or one that waits.
    fn stop(book: &mut Book, side: Side, due: bool) -> OrderId {
        let trigger = match (side, due) {
            (Side::Buy, true) | (Side::Sell, false) => 90,
            _ => 110,
        };
        let order = NewOrder::market(side, Qty(1), 1);
        let terms = StopOrder { trigger: Trigger::At(Price(trigger)), by: TriggerBy::Mark, order };
        book.submit_stop(&terms).expect("room for a stop")
    }

    /// What is due on the other side, before, between and after one's own, is not looked at.
    #[test]
    fn a_side_is_cancelled_without_a_look_at_the_others_due_stops() {
        for side in Side::BOTH {
            let mut book = full();
            book.set_mark(Price(100));
            for turn in 0..MANY {
                stop(&mut book, side.opposite(), true);
                if turn % (MANY / FEW) == 0 {
                    stop(&mut book, side, true);
                    stop(&mut book, side, false);
                }
            }
            let looked_at = |book: &Book| book.stops.triggers.looked_at();
            let before = looked_at(&book);
            assert_eq!(book.cancel_all(Which::Side(side), &mut TradeAll), Ok(2 * FEW));
            let looked_at = looked_at(&book) - before;
            assert!(looked_at <= u64::from(4 * FEW), "{side}: {looked_at} due stops for {} cancelled", 2 * FEW);
            assert_eq!(book.due_stops(), MANY);
            book.check_invariants();
        }
    }

    #[test]
    fn an_owners_side_is_cancelled_without_a_look_at_the_other() {
        let mut book = full();
        for turn in 0..MANY {
            book.submit(&NewOrder::limit(Side::Sell, Qty(1), Price(110), 1), &mut TradeAll).expect("room");
            if turn % (MANY / FEW) == 0 {
                book.submit(&NewOrder::limit(Side::Buy, Qty(1), Price(90), 1), &mut TradeAll).expect("room");
            }
        }
        let before = book.owners.looked_at.get();
        assert_eq!(book.cancel_all(Which::OwnerSide(1, Side::Buy), &mut TradeAll), Ok(FEW));
        let looked_at = book.owners.looked_at.get() - before;
        assert!(looked_at <= u64::from(FEW) + 1, "{looked_at} orders for {FEW} cancelled");
        assert_eq!(book.order_count(), MANY);
        book.check_invariants();
    }
}
