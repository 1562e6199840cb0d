//! What the naive book refuses.

use std::collections::BTreeMap;

use downdraft_book::{Display, NewOrder, PostOnly, Reject, Replacement, SelfTradePrevention, TimeInForce};
use downdraft_types::{OrderId, Price, Qty, Side};

use super::{Fault, NaiveBook, Queued};

impl NaiveBook {
    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn check(&self, order: &NewOrder) -> Result<(), Reject> {
        self.decide(order, false).map(|_| ())
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn check_replace(&self, id: OrderId, change: &Replacement) -> Result<(), Reject> {
        self.decide_replace(id, change).map(|_| ())
    }

    /// The order as it will be matched, with the limit it comes to. `has_place` says that it is a stop that fires.
    pub(super) fn decide(&self, order: &NewOrder, has_place: bool) -> Result<NewOrder, Reject> {
        self.check_terms(order)?;
        if self.collecting {
            let waits = order.tif.rests() && order.limit.is_some() && order.min_qty.is_zero();
            if !waits || order.post_only != PostOnly::Off {
                return Err(Reject::InAuction);
            }
        }
        let mut order = *order;
        if order.to_limit {
            let best = self.queue(order.side.opposite()).first().ok_or(Reject::NoReference)?.price;
            (order.limit, order.to_limit) = (Some(best), false);
        }
        self.post(&mut order)?;
        self.check_least(&order)?;
        if order.tif.rests() {
            self.check_rest(&order, has_place)?;
        }
        Ok(order)
    }

    pub(super) fn check_terms(&self, order: &NewOrder) -> Result<(), Reject> {
        let rests = order.tif.rests();
        let displays = match order.display {
            Display::Full => true,
            Display::Iceberg(peak) => {
                rests && Qty(1) <= peak && peak <= order.qty && order.qty.0.div_ceil(peak.0) <= 1_024
            }
            Display::Hidden => rests,
        };
        let expired = matches!(order.tif, TimeInForce::Gtd(time) if time <= self.now);
        let wrong = [
            (order.qty.is_zero(), Reject::ZeroQuantity),
            (self.capacity.owners != 0 && order.owner >= self.capacity.owners, Reject::UnknownOwner),
            (order.to_limit && order.limit.is_some(), Reject::LimitAlready),
            (rests && order.limit.is_none() && !order.to_limit, Reject::MarketCannotRest),
            (!displays, Reject::BadDisplay),
            (order.min_qty > order.qty, Reject::TooLarge),
            (expired, Reject::Expired),
        ];
        wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map_or(Ok(()), |(_, reject)| Err(reject))
    }

    /// Refuses a post-only order that would trade, or moves it to where it does not.
    fn post(&self, order: &mut NewOrder) -> Result<(), Reject> {
        if order.post_only == PostOnly::Off || self.collecting {
            return Ok(());
        }
        let Some(meets) = self.first(order) else { return Ok(()) };
        let step = if self.fault == Fault::SlidesTooFar { 2 } else { 1 };
        let beside = match order.side {
            Side::Buy => meets.price.0.checked_sub(step),
            Side::Sell => meets.price.0.checked_add(step),
        };
        match (order.post_only, beside) {
            (PostOnly::Slide, Some(beside)) => order.limit = Some(Price(beside)),
            _ => return Err(Reject::WouldTake),
        }
        Ok(())
    }

    /// Whether as much can trade at once as must.
    fn check_least(&self, order: &NewOrder) -> Result<(), Reject> {
        let least = if order.tif == TimeInForce::Fok { order.qty } else { order.min_qty };
        if least.is_zero() || (self.fault == Fault::IgnoresTheMinimum && order.tif != TimeInForce::Fok) {
            return Ok(());
        }
        let counts_own = self.fault == Fault::CountsOwnOrders && order.tif == TimeInForce::Fok;
        let stp = match order.stp {
            _ if counts_own => SelfTradePrevention::None,
            SelfTradePrevention::CancelBoth | SelfTradePrevention::Decrement => SelfTradePrevention::CancelNewest,
            stp => stp,
        };
        let tried = self.tried(&NewOrder { stp, tif: TimeInForce::Ioc, display: Display::Full, ..*order });
        if tried.filled < least { Err(Reject::CannotFill) } else { Ok(()) }
    }

    fn check_rest(&self, order: &NewOrder, has_place: bool) -> Result<(), Reject> {
        let timed = matches!(order.tif, TimeInForce::Gtd(_));
        let needs_extra = timed || matches!(order.display, Display::Iceberg(_));
        if needs_extra && !has_place && self.extras() >= self.capacity.extras.min(self.capacity.orders) as usize {
            return Err(Reject::CapacityReached);
        }
        let mut copy = self.clone();
        if self.first(order).is_some() && !self.collecting {
            self.check_level_beside(order)?;
            if copy.run(order, OrderId(self.next_id), &mut downdraft_book::TradeAll).rested.is_some() {
                copy.fits().expect("what crosses finds a place");
            }
            return Ok(());
        }
        copy.join(order, OrderId(self.next_id), order.qty);
        copy.fits()
    }

    /// Where no level of its own sort is left, an order that crosses must meet one.
    fn check_level_beside(&self, order: &NewOrder) -> Result<(), Reject> {
        let hidden = order.display == Display::Hidden;
        let limit = if hidden { self.capacity.hidden_levels } else { self.capacity.levels };
        if self.levels(hidden) < limit as usize {
            return Ok(());
        }
        let meets = self.queue(order.side.opposite()).into_iter().filter(|maker| maker.is_hidden() == hidden);
        let within = |maker: &Queued| match (order.limit, order.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => maker.price <= limit,
            (Some(limit), Side::Sell) => maker.price >= limit,
        };
        if meets.into_iter().any(|maker| within(&maker)) { Ok(()) } else { Err(Reject::CapacityReached) }
    }

    /// The order, and what it becomes.
    pub(super) fn decide_replace(&self, id: OrderId, change: &Replacement) -> Result<(Queued, NewOrder), Reject> {
        let old = self.resting_order(id)?;
        if change.qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if self.collecting && change.post_only != PostOnly::Off {
            return Err(Reject::InAuction);
        }
        if let Display::Iceberg(peak) = old.display
            && change.qty.0.div_ceil(peak.0) > 1_024
        {
            return Err(Reject::BadDisplay);
        }
        let mut order = NewOrder {
            post_only: change.post_only,
            stp: change.stp,
            tif: old.expires.map_or(TimeInForce::Gtc, TimeInForce::Gtd),
            display: old.display,
            ..NewOrder::limit(old.side, change.qty, change.price, old.owner)
        };
        self.post(&mut order)?;
        if order.limit == Some(old.price) && order.qty <= old.lots() {
            return Ok((old, order));
        }
        let mut without = self.clone();
        without.orders.retain(|order| order.id != id);
        without.check_rest(&order, true)?;
        Ok((old, order))
    }

    fn extras(&self) -> usize {
        let stops = self.pending.iter().chain(&self.due).filter(|stop| stop.needs_extra()).count();
        self.orders.iter().filter(|order| order.needs_extra()).count() + stops
    }

    /// Levels with a displayed, or with a hidden, order.
    fn levels(&self, hidden: bool) -> usize {
        let mut levels: Vec<_> = self.orders.iter().filter(|order| order.is_hidden() == hidden).collect();
        levels.sort_by_key(|order| (order.side, order.price));
        levels.dedup_by_key(|order| (order.side, order.price));
        levels.len()
    }

    /// Whether the book is within its capacities, after an order has come to rest.
    fn fits(&self) -> Result<(), Reject> {
        let full = self.order_count() + self.leaked > self.capacity.orders as usize
            || self.levels(false) > self.capacity.levels as usize
            || self.levels(true) > self.capacity.hidden_levels as usize;
        if full {
            return Err(Reject::CapacityReached);
        }
        let mut totals: BTreeMap<_, u128> = BTreeMap::new();
        for order in &self.orders {
            let lots = u128::from(order.qty.0) + u128::from(order.reserve.0);
            *totals.entry((order.side, order.is_hidden(), order.price)).or_default() += lots;
        }
        if totals.values().any(|total| *total > u128::from(u64::MAX)) { Err(Reject::LevelFull) } else { Ok(()) }
    }
}
