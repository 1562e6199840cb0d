//! The naive book's stops: every one looked at whenever a reference price is told.

use downdraft_book::{Display, Fired, Matcher, PendingStop, Reject, StopOrder, TimeInForce, Trigger, TriggerBy};
use downdraft_types::{OrderId, Price, Side};

use super::{Fault, NaiveBook};

/// A stop that has not fired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub id: OrderId,
    pub terms: StopOrder,
    /// The best reference price since it was submitted.
    best: Option<Price>,
}

impl Stop {
    fn trigger(&self) -> i128 {
        let best = || i128::from(self.best.expect("a trailing stop has a reference price").0);
        match (self.terms.trigger, self.terms.order.side) {
            (Trigger::At(price), _) => i128::from(price.0),
            (Trigger::Trailing { offset }, Side::Sell) => best() - i128::from(offset),
            (Trigger::Trailing { offset }, Side::Buy) => best() + i128::from(offset),
        }
    }

    pub fn price(&self) -> Price {
        Price(self.trigger().clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }

    fn is_crossed(&self, reference: Price) -> bool {
        match self.terms.order.side {
            Side::Sell => i128::from(reference.0) <= self.trigger(),
            Side::Buy => i128::from(reference.0) >= self.trigger(),
        }
    }

    pub fn needs_extra(&self) -> bool {
        let order = &self.terms.order;
        matches!(order.tif, TimeInForce::Gtd(_)) || matches!(order.display, Display::Iceberg(_))
    }
}

impl NaiveBook {
    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn submit_stop(&mut self, terms: &StopOrder) -> Result<OrderId, Reject> {
        self.check_terms(&terms.order)?;
        let reference = self.references[terms.by as usize];
        if matches!(terms.trigger, Trigger::Trailing { .. }) && reference.is_none() {
            return Err(Reject::NoReference);
        }
        let stop = Stop { id: OrderId(self.next_id), terms: *terms, best: reference };
        let mut copy = self.clone();
        copy.pending.push(stop);
        let stops = copy.pending.len() + copy.due.len();
        let extras = copy.orders.iter().filter(|order| order.needs_extra()).count()
            + copy.pending.iter().chain(&copy.due).filter(|stop| stop.needs_extra()).count();
        if copy.order_count() + copy.leaked > self.capacity.orders as usize
            || stops > self.capacity.stops as usize
            || (stop.needs_extra() && extras > self.capacity.extras as usize)
        {
            return Err(Reject::CapacityReached);
        }
        self.next_id += 1;
        self.pending.push(stop);
        if let Some(reference) = reference {
            self.cross(terms.by, reference);
        }
        Ok(stop.id)
    }

    /// As the fast book's.
    pub fn set_mark(&mut self, mark: Price) {
        self.refer(TriggerBy::Mark, mark);
    }

    /// As the fast book's.
    pub fn fire<M: Matcher>(&mut self, matcher: &mut M) -> Option<Fired> {
        if self.collecting || self.due.is_empty() {
            return None;
        }
        let Stop { id, terms, .. } = self.due.remove(0);
        let order = terms.order;
        let result = self.decide(&order, true).map(|order| self.run(&order, id, matcher));
        Some(Fired { id, order, result })
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn cancel_stop(&mut self, id: OrderId) -> Result<PendingStop, Reject> {
        let stop = self.stops().into_iter().find(|stop| stop.id == id).ok_or(Reject::UnknownOrder)?;
        self.pending.retain(|stop| stop.id != id);
        self.due.retain(|stop| stop.id != id);
        Ok(stop)
    }

    /// As the fast book's.
    #[must_use]
    pub fn stops(&self) -> Vec<PendingStop> {
        let seen = |stop: &Stop| PendingStop {
            id: stop.id,
            stop: stop.terms,
            trigger_price: stop.price(),
            due: self.due.iter().any(|due| due.id == stop.id),
        };
        self.stops_in_order().iter().map(seen).collect()
    }

    /// Due ones first; then by side, reference price, fixed before trailing; the fixed as they would be crossed, the
    /// trailing from the anchor nearest to the price, by offset.
    pub(super) fn stops_in_order(&self) -> Vec<Stop> {
        let mut pending = self.pending.clone();
        pending.sort_by_key(|stop| {
            let sign = if stop.terms.order.side == Side::Sell { -1 } else { 1 };
            let (trails, first, second) = match stop.terms.trigger {
                Trigger::At(price) => (false, sign * i128::from(price.0), 0),
                Trigger::Trailing { offset } => {
                    (true, sign * i128::from(stop.best.map_or(0, |best| best.0)), i128::from(offset))
                }
            };
            (stop.terms.order.side, stop.terms.by, trails, first, second)
        });
        [self.due.clone(), pending].concat()
    }

    pub(super) fn stop(&self, id: OrderId) -> Option<Stop> {
        self.pending.iter().chain(&self.due).find(|stop| stop.id == id).copied()
    }

    /// Tells every stop a reference price.
    pub(super) fn refer(&mut self, by: TriggerBy, price: Price) {
        self.references[by as usize] = Some(price);
        let never = self.fault == Fault::NeverTrails;
        for stop in self.pending.iter_mut().filter(|stop| stop.terms.by == by && !never) {
            let better = |best: Price| match stop.terms.order.side {
                Side::Sell => best.max(price),
                Side::Buy => best.min(price),
            };
            stop.best = stop.best.map(better);
        }
        self.cross(by, price);
    }

    fn cross(&mut self, by: TriggerBy, price: Price) {
        for side in Side::BOTH {
            let is_crossed =
                |stop: &Stop| stop.terms.by == by && stop.terms.order.side == side && stop.is_crossed(price);
            let mut crossed: Vec<Stop> = self.pending.iter().copied().filter(is_crossed).collect();
            if self.fault == Fault::StopTiesInReverse {
                crossed.reverse();
            }
            // Stable, so that ties stay in the order in which they were submitted.
            crossed.sort_by_key(|stop| if side == Side::Sell { -stop.trigger() } else { stop.trigger() });
            self.pending.retain(|stop| !is_crossed(stop));
            self.due.extend(crossed);
        }
    }
}
