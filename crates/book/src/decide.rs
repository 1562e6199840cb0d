//! Everything that can be refused, decided on a book that does not change.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::book::Book;
use crate::matching::Taker;
use crate::order::{NewOrder, Reject, SelfTradePrevention, TimeInForce};

/// How an accepted order begins.
#[derive(Clone, Copy)]
pub(crate) enum Plan {
    /// It meets what it crosses, if anything.
    Take,
    /// It crosses nothing and rests, in the level its price has already.
    Rest { price: Price, level: Option<u32> },
}

impl Book {
    /// Whether [`Book::submit`] would accept the order as the book now is.
    ///
    /// A fill-or-kill order counts what it could trade: under [`SelfTradePrevention::CancelOldest`] every order
    /// of another owner within its limit, under the other modes those ahead of its owner's first one. Its
    /// matcher is not asked. An order that crosses always has a slot and a level for what is left of it, because
    /// it empties the ones it met.
    ///
    /// # Errors
    /// In this order: [`Reject::ZeroQuantity`], [`Reject::MarketCannotRest`], [`Reject::WouldTake`],
    /// [`Reject::CannotFill`], [`Reject::CapacityReached`], [`Reject::LevelFull`].
    pub fn check(&self, order: &NewOrder) -> Result<(), Reject> {
        self.decide(order).map(|_| ())
    }

    pub(crate) fn decide(&self, order: &NewOrder) -> Result<Plan, Reject> {
        if order.qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        let taker = Taker { side: order.side, limit: order.limit, stp: order.stp, owner: order.owner };
        match (order.limit, order.tif) {
            (None, TimeInForce::Gtc) => Err(Reject::MarketCannotRest),
            _ if order.post_only && self.crosses(&taker) => Err(Reject::WouldTake),
            (_, TimeInForce::Fok) if !self.can_fill(&taker, order.qty) => Err(Reject::CannotFill),
            (Some(limit), TimeInForce::Gtc) if !self.crosses(&taker) => {
                if self.pool.is_full() {
                    return Err(Reject::CapacityReached);
                }
                let level = self.check_level(order.side, limit, order.qty, self.levels.is_full())?;
                Ok(Plan::Rest { price: limit, level })
            }
            _ => Ok(Plan::Take),
        }
    }

    /// Whether [`Book::replace`] would accept the change as the book now is. `stp` cannot be refused.
    ///
    /// # Errors
    /// In this order: [`Reject::UnknownOrder`], [`Reject::ZeroQuantity`], [`Reject::WouldTake`],
    /// [`Reject::CapacityReached`], [`Reject::LevelFull`].
    pub fn check_replace(
        &self,
        id: OrderId,
        price: Price,
        qty: Qty,
        post_only: bool,
        stp: SelfTradePrevention,
    ) -> Result<(), Reject> {
        let _ = stp;
        self.decide_replace(id, price, qty, post_only).map(|_| ())
    }

    /// The slot of an order that may be replaced so.
    pub(crate) fn decide_replace(&self, id: OrderId, price: Price, qty: Qty, post_only: bool) -> Result<u32, Reject> {
        let slot = self.pool.find(id).ok_or(Reject::UnknownOrder)?;
        if qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        let order = self.pool.get(slot);
        let level = self.levels.get(order.level);
        if level.price == price {
            // The level must hold the new quantity beside the others'.
            return match (level.total - order.qty).checked_add(qty) {
                Some(_) => Ok(slot),
                None => Err(Reject::LevelFull),
            };
        }
        let (stp, owner) = (SelfTradePrevention::None, order.owner);
        if self.crosses(&Taker { side: level.side, limit: Some(price), stp, owner }) {
            return if post_only { Err(Reject::WouldTake) } else { Ok(slot) };
        }
        // An order alone at its price leaves a level behind.
        let full = self.levels.is_full() && level.count > 1;
        self.check_level(level.side, price, qty, full).map(|_| slot)
    }

    /// Whether the taker accepts the best price it meets.
    #[inline]
    fn crosses(&self, taker: &Taker) -> bool {
        self.levels.best_price(taker.side.opposite()).is_some_and(|price| taker.accepts(price))
    }

    /// The level at `price` if there is one, where `qty` can join it, or can have a level of its own; `full` says
    /// that no new level can be had.
    fn check_level(&self, side: Side, price: Price, qty: Qty, full: bool) -> Result<Option<u32>, Reject> {
        match self.levels.find(side, price) {
            Some(level) if self.levels.get(level).total.checked_add(qty).is_none() => Err(Reject::LevelFull),
            None if full => Err(Reject::CapacityReached),
            level => Ok(level),
        }
    }

    /// Whether the book holds `qty` lots for `taker` to trade.
    fn can_fill(&self, taker: &Taker, qty: Qty) -> bool {
        let skips = taker.stp == SelfTradePrevention::CancelOldest;
        let mut left = qty;
        for level in self.levels.walk(taker.side.opposite()).map(|level| self.levels.get(level)) {
            if !taker.accepts(level.price) {
                return false;
            }
            if taker.stp == SelfTradePrevention::None {
                if level.total >= left {
                    return true;
                }
                left -= level.total;
                continue;
            }
            for order in self.queue(level.head).map(|slot| self.pool.get(slot)) {
                match order.owner == taker.owner {
                    true if skips => {}
                    true => return false,
                    false if order.qty >= left => return true,
                    false => left -= order.qty,
                }
            }
        }
        false
    }
}
