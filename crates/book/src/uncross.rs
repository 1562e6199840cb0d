//! The call auction: orders are collected without matching, then traded at one price.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::auction::{Indicative, indicative};
use crate::book::Book;
use crate::matcher::{Cross, Matcher};
use crate::order::Reject;
use crate::queue::Place;

impl Book {
    /// Begins to collect orders: from now on nothing is matched, and bids may rest at or above asks. Orders that
    /// could only trade at once are refused, and stops do not fire.
    ///
    /// ```
    /// # use downdraft_book::*; use downdraft_types::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.open_auction()?;
    /// book.submit(&NewOrder::limit(Side::Buy, Qty(10), Price(102), 1), &mut TradeAll)?;
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(6), Price(98), 2), &mut TradeAll)?;
    /// let indicative = book.indicative(Some(Price(100))).expect("the sides cross");
    /// assert_eq!((indicative.price, indicative.volume, indicative.imbalance), (Price(102), 6, 4));
    /// assert_eq!(book.uncross(Some(Price(100)), &mut TradeAll)?, Some(indicative));
    /// assert_eq!((book.best_bid(), book.best_ask()), (Some(Price(102)), None));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::InAuction`] where that is so already.
    pub fn open_auction(&mut self) -> Result<(), Reject> {
        if self.collecting {
            return Err(Reject::InAuction);
        }
        self.collecting = true;
        Ok(())
    }

    /// Whether orders are being collected.
    #[must_use]
    pub const fn is_collecting(&self) -> bool {
        self.collecting
    }

    /// What an uncross would come to now; `None` where the sides do not cross. `reference` breaks the last tie, the
    /// price of the last trade where it is `None`. Hidden orders and reserves count. Linear in the levels that
    /// cross.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.open_auction()?;
    /// for (side, price, lots) in [(Side::Buy, 100, 15), (Side::Sell, 95, 10)] {
    ///     book.submit(&NewOrder::limit(side, Qty(lots), Price(price), 1), &mut TradeAll)?;
    /// }
    /// // Ten lots trade at any price from 95 to 100, and five bids are left over: the highest.
    /// let indicative = book.indicative(None).expect("the sides cross");
    /// assert_eq!((indicative.price, indicative.volume, indicative.imbalance), (Price(100), 10, 5));
    /// # Ok::<(), Reject>(())
    /// ```
    #[must_use]
    pub fn indicative(&self, reference: Option<Price>) -> Option<Indicative> {
        let side = |side| self.walk_all(side).map(|at: Place| (at.price(), u128::from(self.level_at(at).lots().0)));
        indicative(side(Side::Buy), side(Side::Sell), reference.or(self.last))
    }

    /// Ends the auction: trades what [`Book::indicative`] says, each side in the order in which it would be met, and
    /// goes on with continuous trading. Self-trade prevention does not apply.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.open_auction()?;
    /// book.submit(&NewOrder::limit(Side::Buy, Qty(10), Price(100), 1), &mut TradeAll)?;
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(10), Price(95), 2), &mut TradeAll)?;
    /// // Nothing is left over from 95 to 100: the price nearest to the reference.
    /// let done = book.uncross(Some(Price(97)), &mut TradeAll)?.expect("the sides cross");
    /// assert_eq!((done.price, book.last(), book.is_collecting()), (Price(97), Some(Price(97)), false));
    /// assert_eq!(book.uncross(None, &mut TradeAll), Err(Reject::NotInAuction));
    /// # Ok::<(), Reject>(())
    /// ```
    ///
    /// # Errors
    /// [`Reject::NotInAuction`].
    pub fn uncross<M: Matcher>(
        &mut self,
        reference: Option<Price>,
        matcher: &mut M,
    ) -> Result<Option<Indicative>, Reject> {
        if !self.collecting {
            return Err(Reject::NotInAuction);
        }
        // From here on it cannot fail.
        let result = self.indicative(reference);
        if let Some(Indicative { price, volume, .. }) = result {
            let mut left = volume;
            while left != 0 {
                left -= u128::from(self.cross(price, left, matcher).0);
            }
            self.traded(price, price);
        }
        self.collecting = false;
        Ok(result)
    }

    /// One trade of the best bid with the best ask, of at most `most` lots. Returns its quantity.
    fn cross<M: Matcher>(&mut self, price: Price, most: u128, matcher: &mut M) -> Qty {
        let best = |side| self.front(side, i64::MAX).expect("the auction's volume is there to trade");
        let places = Side::BOTH.map(best);
        let slots = places.map(|place| self.level_at(place).head);
        let lots = slots.map(|slot| self.pool.get(slot).qty);
        let most = Qty(u64::try_from(most).unwrap_or(u64::MAX));
        let qty = lots[0].min(lots[1]).min(most);
        let id = |slot: u32| -> OrderId { self.pool.id(slot) };
        let owner = |slot: u32| self.pool.get(slot).owner;
        let left = |slot: u32| self.lots(slot) - qty;
        let [bid, ask] = slots;
        matcher.crossed(&Cross {
            bid: id(bid),
            ask: id(ask),
            bid_owner: owner(bid),
            ask_owner: owner(ask),
            price,
            qty,
            bid_remaining: left(bid),
            ask_remaining: left(ask),
        });
        for place in places {
            self.trade_head(place, qty, matcher);
        }
        qty
    }
}
