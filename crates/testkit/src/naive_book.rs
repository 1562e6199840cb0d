//! A deliberately naive order book: sorted maps of queues, searched from end to end, and refusals found by
//! trying on a copy. It shares types with the fast book, and no code.
//!
//! Its ids count the orders that came to rest (a replaced order keeps its own); they are never used again.

use std::collections::{BTreeMap, VecDeque};

use downdraft_book::{
    BookCapacity, CancelCause, Cancelled, Cost, End, Fill, Matcher, NewOrder, Outcome, PostOnly, Proposal, Reject,
    Replacement, Resting, SelfTradePrevention, TimeInForce, TradeAll, Verdict,
};
use downdraft_types::{OrderId, Price, Qty, Side};

/// A mistake made on purpose, to prove that a comparison would see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fault {
    /// None: the model.
    #[default]
    None,
    /// An order joins the front of its queue.
    JoinsAtTheFront,
    /// A smaller size loses its place.
    SmallerSizeLosesItsPlace,
    /// After a partial fill the maker goes to the back.
    PartialFillLosesItsPlace,
    /// Cancelling a partly filled order takes the one behind it.
    CancelsTheNextOne,
    /// A taker goes one tick beyond its limit.
    TradesThroughItsLimit,
    /// A fill-or-kill order counts its owner's orders.
    CountsOwnOrders,
    /// A filled order keeps its slot.
    LeaksSlots,
    /// Replacing does not match.
    ReplaceDoesNotTake,
}

impl Fault {
    /// Every fault that is one.
    pub const ALL: [Self; 8] = [
        Self::JoinsAtTheFront,
        Self::SmallerSizeLosesItsPlace,
        Self::PartialFillLosesItsPlace,
        Self::CancelsTheNextOne,
        Self::TradesThroughItsLimit,
        Self::CountsOwnOrders,
        Self::LeaksSlots,
        Self::ReplaceDoesNotTake,
    ];
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    id: OrderId,
    owner: u32,
    qty: Qty,
    /// As it came to rest.
    original: Qty,
}

/// The naive book.
#[derive(Clone, Debug)]
pub struct NaiveBook {
    bids: BTreeMap<Price, VecDeque<Queued>>,
    asks: BTreeMap<Price, VecDeque<Queued>>,
    capacity: BookCapacity,
    next_id: u64,
    leaked: usize,
    fault: Fault,
}

impl NaiveBook {
    /// An empty book.
    #[must_use]
    pub fn new(capacity: BookCapacity, fault: Fault) -> Self {
        Self { bids: BTreeMap::new(), asks: BTreeMap::new(), capacity, next_id: 0, leaked: 0, fault }
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn submit<M: Matcher>(&mut self, order: &NewOrder, matcher: &mut M) -> Result<Outcome, Reject> {
        self.check(order)?;
        let id = OrderId(self.next_id);
        Ok(self.run(order, id, matcher))
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn check(&self, order: &NewOrder) -> Result<(), Reject> {
        if order.qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if order.limit.is_none() && order.tif == TimeInForce::Gtc {
            return Err(Reject::MarketCannotRest);
        }
        if order.post_only == PostOnly::Reject && self.first(order).is_some() {
            return Err(Reject::WouldTake);
        }
        let mut copy = self.clone();
        let outcome = copy.run(&self.as_tried(order), OrderId(self.next_id), &mut TradeAll);
        if order.tif == TimeInForce::Fok && outcome.filled != order.qty {
            return Err(Reject::CannotFill);
        }
        if outcome.rested.is_some() { copy.fits() } else { Ok(()) }
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn cancel(&mut self, id: OrderId) -> Result<Resting, Reject> {
        let found = self.order(id).ok_or(Reject::UnknownOrder)?;
        let queue = self.side_mut(found.side).get_mut(&found.price).expect("its level");
        let place = queue.iter().position(|order| order.id == id).expect("its place");
        let partly = queue[place].qty < queue[place].original;
        let wrong = self.fault == Fault::CancelsTheNextOne && partly;
        let queue = self.side_mut(found.side).get_mut(&found.price).expect("its level");
        let place = if wrong { (place + 1).min(queue.len() - 1) } else { place };
        queue.remove(place);
        self.sweep();
        Ok(found)
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
        let Replacement { price, qty, post_only, stp } = *change;
        let old = self.order(id).ok_or(Reject::UnknownOrder)?;
        if qty.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        if price == old.price && qty <= old.qty && self.fault != Fault::SmallerSizeLosesItsPlace {
            self.queued_mut(&old).qty = qty;
            return Ok(Outcome {
                filled: Qty::ZERO,
                decremented: Qty::ZERO,
                remaining: qty,
                rested: Some(id),
                end: End::Rested,
            });
        }
        let order = NewOrder { post_only, stp, ..NewOrder::limit(old.side, qty, price, old.owner) };
        if post_only == PostOnly::Reject && self.first(&order).is_some() {
            return Err(Reject::WouldTake);
        }
        let mut without = self.clone();
        without.cancel(id).expect("it rests");
        let mut copy = without.clone();
        if copy.run(&order, id, &mut TradeAll).rested.is_some() {
            copy.fits()?;
        }
        *self = without;
        if self.fault == Fault::ReplaceDoesNotTake {
            self.join(&order, id, qty);
            return Ok(Outcome {
                filled: Qty::ZERO,
                decremented: Qty::ZERO,
                remaining: qty,
                rested: Some(id),
                end: End::Rested,
            });
        }
        Ok(self.run(&order, id, matcher))
    }

    /// As the fast book's.
    ///
    /// # Errors
    /// As the fast book's.
    pub fn reduce(&mut self, id: OrderId, by: Qty) -> Result<Resting, Reject> {
        let old = self.order(id).ok_or(Reject::UnknownOrder)?;
        if by.is_zero() {
            return Err(Reject::ZeroQuantity);
        }
        let left = Qty(old.qty.0.checked_sub(by.0).ok_or(Reject::TooLarge)?);
        self.queued_mut(&old).qty = left;
        self.sweep();
        Ok(Resting { qty: left, displayed: left, ..old })
    }

    /// A resting order.
    #[must_use]
    pub fn order(&self, id: OrderId) -> Option<Resting> {
        Side::BOTH.into_iter().flat_map(|side| self.orders(side)).find(|order| order.id == id)
    }

    /// Every order of a side in the order in which it would trade.
    #[must_use]
    pub fn orders(&self, side: Side) -> Vec<Resting> {
        let resting = |(price, queue): (&Price, &VecDeque<Queued>)| {
            let price = *price;
            let orders = queue.iter().map(move |q| Resting {
                id: q.id,
                side,
                price,
                qty: q.qty,
                displayed: q.qty,
                owner: q.owner,
            });
            orders.collect::<Vec<_>>()
        };
        match side {
            Side::Buy => self.bids.iter().rev().flat_map(resting).collect(),
            Side::Sell => self.asks.iter().flat_map(resting).collect(),
        }
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

    /// The order as it is tried on a copy, where a fault may change it.
    fn as_tried(&self, order: &NewOrder) -> NewOrder {
        let counts_own = self.fault == Fault::CountsOwnOrders && order.tif == TimeInForce::Fok;
        let stp = if counts_own { SelfTradePrevention::None } else { order.stp };
        NewOrder { stp, ..*order }
    }

    /// Matches an order that nothing refuses, and rests what is left.
    fn run<M: Matcher>(&mut self, order: &NewOrder, id: OrderId, matcher: &mut M) -> Outcome {
        let mut outcome =
            Outcome { filled: Qty::ZERO, decremented: Qty::ZERO, remaining: order.qty, rested: None, end: End::Filled };
        while !outcome.remaining.is_zero() {
            let Some(maker) = self.first(order) else {
                outcome.end = End::Unfilled;
                if order.tif == TimeInForce::Gtc {
                    self.join(order, id, outcome.remaining);
                    (outcome.rested, outcome.end) = (Some(id), End::Rested);
                }
                return outcome;
            };
            let own = maker.owner == order.owner && order.stp != SelfTradePrevention::None;
            let end = match own {
                true => self.prevent(order.stp, &maker, &mut outcome, matcher),
                false => self.meet(&maker, &mut outcome, matcher),
            };
            if let Some(end) = end {
                outcome.end = end;
                return outcome;
            }
        }
        outcome
    }

    fn meet<M: Matcher>(&mut self, maker: &Resting, outcome: &mut Outcome, matcher: &mut M) -> Option<End> {
        let qty = maker.qty.min(outcome.remaining);
        let proposal = Proposal { maker: maker.id, owner: maker.owner, price: maker.price, qty };
        let qty = match matcher.before(&proposal) {
            Verdict::Stop | Verdict::TradeAtMost(Qty(0)) => return Some(End::Stopped),
            Verdict::CancelMaker => {
                self.lose(maker, maker.qty, CancelCause::Verdict, matcher);
                return None;
            }
            Verdict::TradeAtMost(most) => qty.min(most),
            Verdict::Trade => qty,
        };
        let maker_remaining = maker.qty - qty;
        self.queued_mut(maker).qty = maker_remaining;
        self.leaked += usize::from(self.fault == Fault::LeaksSlots && maker_remaining.is_zero());
        self.sweep();
        if self.fault == Fault::PartialFillLosesItsPlace && !maker_remaining.is_zero() {
            let queue = self.side_mut(maker.side).get_mut(&maker.price).expect("its level");
            queue.rotate_left(1);
        }
        outcome.filled += qty;
        outcome.remaining -= qty;
        let (maker, maker_owner, price) = (maker.id, maker.owner, maker.price);
        matcher.filled(&Fill { maker, maker_owner, price, qty, maker_remaining });
        None
    }

    fn prevent<M: Matcher>(
        &mut self,
        stp: SelfTradePrevention,
        maker: &Resting,
        outcome: &mut Outcome,
        matcher: &mut M,
    ) -> Option<End> {
        match stp {
            SelfTradePrevention::None => unreachable!("they trade"),
            SelfTradePrevention::CancelNewest => Some(End::SelfTrade),
            SelfTradePrevention::CancelOldest => {
                self.lose(maker, maker.qty, CancelCause::SelfTrade, matcher);
                None
            }
            SelfTradePrevention::CancelBoth => {
                self.lose(maker, maker.qty, CancelCause::SelfTrade, matcher);
                Some(End::SelfTrade)
            }
            SelfTradePrevention::Decrement => {
                let both = maker.qty.min(outcome.remaining);
                self.lose(maker, both, CancelCause::SelfTrade, matcher);
                outcome.decremented += both;
                outcome.remaining -= both;
                outcome.remaining.is_zero().then_some(End::SelfTrade)
            }
        }
    }

    fn lose<M: Matcher>(&mut self, maker: &Resting, qty: Qty, cause: CancelCause, matcher: &mut M) {
        let remaining = maker.qty - qty;
        self.queued_mut(maker).qty = remaining;
        self.sweep();
        let (maker, owner, price) = (maker.id, maker.owner, maker.price);
        matcher.cancelled(&Cancelled { maker, owner, price, qty, remaining, cause });
    }

    /// The order that a taker would meet now.
    fn first(&self, taker: &NewOrder) -> Option<Resting> {
        let slack = i64::from(self.fault == Fault::TradesThroughItsLimit);
        let maker = self.orders(taker.side.opposite()).first().copied()?;
        let within = match (taker.limit, taker.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => maker.price.0 <= limit.0.saturating_add(slack),
            (Some(limit), Side::Sell) => maker.price.0 >= limit.0.saturating_sub(slack),
        };
        within.then_some(maker)
    }

    fn join(&mut self, order: &NewOrder, id: OrderId, qty: Qty) {
        let price = order.limit.expect("a market order never rests");
        self.next_id = self.next_id.max(id.0 + 1);
        let fault = self.fault;
        let queue = self.side_mut(order.side).entry(price).or_default();
        let queued = Queued { id, owner: order.owner, qty, original: qty };
        match fault {
            Fault::JoinsAtTheFront => queue.push_front(queued),
            _ => queue.push_back(queued),
        }
    }

    /// Whether the book is within its capacities, after an order has come to rest.
    fn fits(&self) -> Result<(), Reject> {
        let queues = || self.bids.values().chain(self.asks.values());
        let orders: usize = queues().map(VecDeque::len).sum();
        if orders + self.leaked > self.capacity.orders as usize || queues().count() > self.capacity.levels as usize {
            return Err(Reject::CapacityReached);
        }
        let total = |queue: &VecDeque<Queued>| queue.iter().map(|order| u128::from(order.qty.0)).sum::<u128>();
        if queues().any(|queue| total(queue) > u128::from(u64::MAX)) { Err(Reject::LevelFull) } else { Ok(()) }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<Price, VecDeque<Queued>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn queued_mut(&mut self, order: &Resting) -> &mut Queued {
        let queue = self.side_mut(order.side).get_mut(&order.price).expect("its level");
        queue.iter_mut().find(|queued| queued.id == order.id).expect("its place")
    }

    /// Drops orders without quantity and levels without orders.
    fn sweep(&mut self) {
        for side in [&mut self.bids, &mut self.asks] {
            side.values_mut().for_each(|queue| queue.retain(|order| !order.qty.is_zero()));
            side.retain(|_, queue| !queue.is_empty());
        }
    }
}
