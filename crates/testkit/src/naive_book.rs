//! A deliberately naive order book: one list of orders as they arrived, sorted whenever somebody asks who is first,
//! and refusals found by trying on a copy where that can be. It shares types with the fast book, and no code.
//!
//! Its ids count the orders that were given a place (a replaced or fired order keeps its own); they are never used
//! again.

mod auction;
mod check;
mod fault;
mod matching;
mod stops;

use downdraft_book::{
    BookCapacity, CancelCause, Cancelled, Cost, DepthLevel, Display, Fill, Matcher, NewOrder, Outcome, Reject,
    Replacement, Resting, TimeInForce, TradeAll, Which,
};
use downdraft_types::{OrderId, Price, Qty, Side, Time};

pub use fault::Fault;
use stops::Stop;

/// An order in the list.
#[derive(Clone, Copy, Debug)]
struct Queued {
    id: OrderId,
    side: Side,
    price: Price,
    owner: u32,
    /// Lots in the queue: of an iceberg those that are displayed, of a hidden order all.
    qty: Qty,
    reserve: Qty,
    /// As it came to rest.
    original: Qty,
    display: Display,
    expires: Option<Time>,
}

impl Queued {
    fn lots(&self) -> Qty {
        self.qty + self.reserve
    }

    fn is_hidden(&self) -> bool {
        self.display == Display::Hidden
    }

    fn needs_extra(&self) -> bool {
        self.expires.is_some() || matches!(self.display, Display::Iceberg(_))
    }

    fn resting(&self) -> Resting {
        let displayed = if self.is_hidden() { Qty::ZERO } else { self.qty };
        Resting { id: self.id, side: self.side, price: self.price, qty: self.lots(), displayed, owner: self.owner }
    }
}

/// The naive book.
#[derive(Clone, Debug)]
pub struct NaiveBook {
    /// In the order in which they joined their queues.
    orders: Vec<Queued>,
    /// Stops that wait for their trigger, in the order in which they were submitted.
    pending: Vec<Stop>,
    /// Stops that are due, in the order in which they became so.
    due: Vec<Stop>,
    capacity: BookCapacity,
    groups: Vec<u32>,
    now: Time,
    references: [Option<Price>; 2],
    last: Option<Price>,
    collecting: bool,
    next_id: u64,
    leaked: usize,
    fault: Fault,
}

impl NaiveBook {
    /// An empty book.
    #[must_use]
    pub fn new(capacity: BookCapacity, fault: Fault) -> Self {
        Self {
            orders: Vec::new(),
            pending: Vec::new(),
            due: Vec::new(),
            capacity,
            groups: (0..capacity.owners).collect(),
            now: Time::ZERO,
            references: [None; 2],
            last: None,
            collecting: false,
            next_id: 0,
            leaked: 0,
            fault,
        }
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn submit<M: Matcher>(&mut self, order: &NewOrder, matcher: &mut M) -> Result<Outcome, Reject> {
        let order = self.decide(order, false)?;
        Ok(self.run(&order, OrderId(self.next_id), matcher))
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn cancel<M: Matcher>(&mut self, id: OrderId, matcher: &mut M) -> Result<Resting, Reject> {
        let found = self.resting_order(id)?;
        let partly = found.lots() < found.original;
        let wrong = self.fault == Fault::CancelsTheNextOne && partly;
        let next = self.queue(found.side).into_iter().skip_while(|order| order.id != id).nth(1);
        let gone = if wrong { next.filter(|next| next.price == found.price).unwrap_or(found) } else { found };
        self.cancel_for(gone.id, CancelCause::Requested, matcher);
        Ok(found.resting())
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn replace<M: Matcher>(
        &mut self,
        id: OrderId,
        change: &Replacement,
        matcher: &mut M,
    ) -> Result<Outcome, Reject> {
        let (old, order) = self.decide_replace(id, change)?;
        let keeps = order.limit == Some(old.price) && order.qty <= old.lots();
        if keeps && self.fault != Fault::SmallerSizeLosesItsPlace {
            self.shrink(id, old.lots() - order.qty);
            return Ok(outcome_resting(order.qty, id));
        }
        self.orders.retain(|order| order.id != id);
        if self.fault == Fault::ReplaceDoesNotTake {
            self.join(&order, id, order.qty);
            return Ok(outcome_resting(order.qty, id));
        }
        Ok(self.run(&order, id, matcher))
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn reduce<M: Matcher>(&mut self, id: OrderId, by: Qty, matcher: &mut M) -> Result<Resting, Reject> {
        let old = self.resting_order(id)?;
        if by.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if by > old.lots() {
            return Err(Reject::TooLarge);
        }
        if by == old.lots() {
            self.cancel_for(id, CancelCause::Requested, matcher);
            return Ok(Resting { qty: Qty::ZERO, displayed: Qty::ZERO, ..old.resting() });
        }
        self.shrink(id, by);
        Ok(self.find(id).expect("it has lots left").resting())
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn set_group(&mut self, owner: u32, group: u32) -> Result<(), Reject> {
        let place = self.groups.get_mut(owner as usize).ok_or(Reject::UnknownOwner)?;
        *place = group;
        Ok(())
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn cancel_all<M: Matcher>(&mut self, which: Which, matcher: &mut M) -> Result<u32, Reject> {
        let owned = |book: &Self, owner: u32, side: Option<Side>| {
            let mut ids: Vec<OrderId> = book
                .orders
                .iter()
                .map(|order| (order.owner, order.side, order.id))
                .chain(
                    book.stops_in_order().iter().map(|stop| (stop.terms.order.owner, stop.terms.order.side, stop.id)),
                )
                .filter(|(of, at, _)| *of == owner && side.is_none_or(|side| side == *at))
                .map(|(.., id)| id)
                .collect();
            ids.sort_unstable();
            ids
        };
        let resting = |book: &Self, side| book.queue(side).into_iter().map(|order| order.id).collect::<Vec<_>>();
        let stops = |book: &Self, side: Option<Side>| {
            let of_side = |stop: &Stop| side.is_none_or(|side| side == stop.terms.order.side);
            book.stops_in_order().into_iter().filter(of_side).map(|stop| stop.id).collect::<Vec<_>>()
        };
        let mut ids = match which {
            Which::Owner(owner) | Which::OwnerSide(owner, _) if owner >= self.capacity.owners => {
                return Err(Reject::UnknownOwner);
            }
            Which::Owner(owner) => owned(self, owner, None),
            Which::OwnerSide(owner, side) => owned(self, owner, Some(side)),
            Which::Side(side) => [resting(self, side), stops(self, Some(side))].concat(),
            Which::All => [resting(self, Side::Buy), resting(self, Side::Sell), stops(self, None)].concat(),
        };
        if self.fault == Fault::MassCancelMissesOne && ids.len() > 1 {
            ids.pop();
        }
        ids.iter().for_each(|id| self.cancel_for(*id, CancelCause::Mass, matcher));
        Ok(ids.len() as u32)
    }

    /// As the fast book's.
    pub fn expire<M: Matcher>(&mut self, now: Time, matcher: &mut M) -> u32 {
        self.now = self.now.max(now);
        let orders = self.orders.iter().filter_map(|order| order.expires.map(|time| (time, order.id)));
        let timed = |stop: &Stop| match stop.terms.order.tif {
            TimeInForce::Gtd(time) => Some((time, stop.id)),
            _ => None,
        };
        let stops = self.pending.iter().chain(&self.due).filter_map(timed);
        let mut gone: Vec<_> = orders.chain(stops).filter(|(time, _)| *time <= self.now).collect();
        gone.sort_unstable();
        if self.fault == Fault::ExpiresTiesInReverse {
            gone.reverse();
            gone.sort_by_key(|(time, _)| *time);
        }
        gone.iter().for_each(|(_, id)| self.cancel_for(*id, CancelCause::Expired, matcher));
        gone.len() as u32
    }

    /// A resting order.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<Resting> {
        self.find(id).map(|order| order.resting())
    }

    /// Whether an order has lost lots since it came to rest.
    #[must_use]
    pub fn is_partly_filled(&self, id: OrderId) -> bool {
        self.find(id).is_some_and(|order| order.lots() < order.original)
    }

    /// Every order of a side in the order in which it would trade.
    #[must_use]
    pub fn orders(&self, side: Side) -> Vec<Resting> {
        self.queue(side).iter().map(Queued::resting).collect()
    }

    /// The displayed orders of a side at a price.
    #[must_use]
    pub fn orders_at(&self, side: Side, price: Price) -> Vec<Resting> {
        self.orders_that(side, |order| order.price == price && !order.is_hidden())
    }

    /// The hidden orders of a side at a price.
    #[must_use]
    pub fn hidden_at(&self, side: Side, price: Price) -> Vec<Resting> {
        self.orders_that(side, |order| order.price == price && order.is_hidden())
    }

    fn orders_that(&self, side: Side, wanted: impl Fn(&Queued) -> bool) -> Vec<Resting> {
        self.queue(side).iter().filter(|order| wanted(order)).map(Queued::resting).collect()
    }

    /// The displayed levels of a side.
    #[must_use]
    pub fn depth(&self, side: Side) -> Vec<DepthLevel> {
        let mut levels: Vec<DepthLevel> = Vec::new();
        for order in self.queue(side).iter().filter(|order| !order.is_hidden()) {
            match levels.last_mut().filter(|level| level.price == order.price) {
                Some(level) => (level.qty, level.orders) = (level.qty + order.qty, level.orders + 1),
                None => levels.push(DepthLevel { price: order.price, qty: order.qty, orders: 1 }),
            }
        }
        levels
    }

    /// Orders and lots ahead of an order at its price.
    #[must_use]
    pub fn ahead(&self, id: OrderId) -> Option<(u32, u64)> {
        let of = self.find(id)?;
        let queue = self.queue(of.side);
        let ahead = queue.iter().filter(|order| order.price == of.price).take_while(|order| order.id != id);
        let lots = |order: &Queued| if of.is_hidden() { order.lots() } else { order.qty };
        Some(ahead.fold((0, 0), |(orders, sum), order| (orders + 1, u64::saturating_add(sum, lots(order).0))))
    }

    /// What a taker would pay or get, found by taking from a copy.
    #[must_use]
    pub fn cost_to_take(&self, side: Side, qty: Qty, limit: Option<Price>) -> Cost {
        struct Bill(Cost);
        impl Matcher for Bill {
            fn filled(&mut self, fill: &Fill) {
                self.0.filled += fill.qty;
                self.0.value += i128::from(fill.price.0) * i128::from(fill.qty.0);
                self.0.worst = Some(fill.price);
            }
        }
        let mut bill = Bill(Cost::default());
        let order = NewOrder { limit, ..NewOrder::market(side, qty, 0) };
        if !qty.is_zero() {
            self.clone().run(&order, OrderId(self.next_id), &mut bill);
        }
        bill.0
    }

    /// The price of the last trade.
    #[must_use]
    pub const fn last(&self) -> Option<Price> {
        self.last
    }

    /// How many orders rest or wait.
    #[must_use]
    pub const fn order_count(&self) -> usize {
        self.orders.len() + self.pending.len() + self.due.len()
    }

    fn find(&self, id: OrderId) -> Option<Queued> {
        self.orders.iter().find(|order| order.id == id).copied()
    }

    fn resting_order(&self, id: OrderId) -> Result<Queued, Reject> {
        match self.find(id) {
            Some(order) => Ok(order),
            None if self.stop(id).is_some() => Err(Reject::NotTriggered),
            None => Err(Reject::UnknownOrder),
        }
    }

    /// A side's orders: by price, displayed before hidden, then as they arrived.
    fn queue(&self, side: Side) -> Vec<Queued> {
        let mut orders: Vec<Queued> = self.orders.iter().filter(|order| order.side == side).copied().collect();
        let hidden_first = self.fault == Fault::HiddenGoesFirst;
        orders.sort_by_key(|order| order.is_hidden() != hidden_first);
        match side {
            Side::Buy => orders.sort_by_key(|order| std::cmp::Reverse(order.price)),
            Side::Sell => orders.sort_by_key(|order| order.price),
        }
        orders
    }

    fn queued_mut(&mut self, id: OrderId) -> &mut Queued {
        self.orders.iter_mut().find(|order| order.id == id).expect("its place")
    }

    fn join(&mut self, order: &NewOrder, id: OrderId, lots: Qty) {
        let price = order.limit.expect("a market order never rests");
        self.next_id = self.next_id.max(id.0 + 1);
        let qty = if let Display::Iceberg(peak) = order.display { lots.min(peak) } else { lots };
        let expires = if let TimeInForce::Gtd(time) = order.tif { Some(time) } else { None };
        let (side, owner, display) = (order.side, order.owner, order.display);
        let queued = Queued { id, side, price, owner, qty, reserve: lots - qty, original: lots, display, expires };
        match self.fault {
            Fault::JoinsAtTheFront => self.orders.insert(0, queued),
            _ => self.orders.push(queued),
        }
    }

    fn shrink(&mut self, id: OrderId, by: Qty) {
        let order = self.queued_mut(id);
        let reserve = order.reserve.min(by);
        order.reserve -= reserve;
        order.qty -= by - reserve;
    }

    fn cancel_for<M: Matcher>(&mut self, id: OrderId, cause: CancelCause, matcher: &mut M) {
        let (owner, price, qty) = match self.find(id) {
            Some(order) => (order.owner, order.price, order.lots()),
            None => {
                let stop = self.stop(id).expect("an order or a stop");
                (stop.terms.order.owner, stop.price(), stop.terms.order.qty)
            }
        };
        self.orders.retain(|order| order.id != id);
        self.pending.retain(|stop| stop.id != id);
        self.due.retain(|stop| stop.id != id);
        matcher.cancelled(&Cancelled { maker: id, owner, price, qty, remaining: Qty::ZERO, cause });
    }

    /// Whether the order can be tried, for what a matcher would be asked.
    fn tried(&self, order: &NewOrder) -> Outcome {
        self.clone().run(order, OrderId(self.next_id), &mut TradeAll)
    }
}

const fn outcome_resting(qty: Qty, id: OrderId) -> Outcome {
    let none = Qty::ZERO;
    Outcome { filled: none, decremented: none, remaining: qty, rested: Some(id), end: downdraft_book::End::Rested }
}
