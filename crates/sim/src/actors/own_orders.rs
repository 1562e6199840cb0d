//! An actor's own orders, as far as it knows: those it sent, until it hears that they are gone.
//!
//! Orders are named by client number, so that they can be cancelled before the venue has confirmed them. A client
//! number carries a slot and how often it was used before, as the book's own ids do, so that nothing is searched.
//! The memory is bounded by the most orders ever live, and by the book's slots.

use crate::actor::{Context, Notice};
use downdraft_types::{AccountId, ClientOrderId, InstrumentId, OrderId, Price, Qty, Seq, Side};
use downdraft_venue::{Command, Event, OrderRef, OrderRequest, Rejection, SelfTradePrevention, TimeInForce};
use std::collections::BTreeMap;

/// An order of the actor's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct OwnOrder {
    pub(super) client: ClientOrderId,
    pub(super) account: AccountId,
    pub(super) side: Side,
    pub(super) price: Price,
    /// What of it is open.
    pub(super) qty: Qty,
    /// The book's number, once it rests.
    id: Option<OrderId>,
    /// The command about it that has not been answered yet.
    unanswered: Option<u64>,
}

impl OwnOrder {
    /// Whether a command about it is under way.
    pub(super) const fn is_under_way(&self) -> bool {
        self.unanswered.is_some()
    }
}

/// What a client number's slot stands for.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// How often it was used before.
    generation: u32,
    /// Where its order is, while it has one.
    place: Option<u32>,
}

/// The actor's own orders in one instrument.
#[derive(Clone, Debug)]
pub(super) struct OwnOrders {
    instrument: InstrumentId,
    /// In no order that means anything: the last takes the place of one that goes.
    orders: Vec<OwnOrder>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// By the slot of the book's id.
    by_id: Vec<Option<(OrderId, ClientOrderId)>>,
    /// Commands under way.
    by_submission: BTreeMap<u64, ClientOrderId>,
    /// The order that the command being heard of has set to matching.
    taking: Option<(Seq, ClientOrderId)>,
}

impl OwnOrders {
    pub(super) const fn new(instrument: InstrumentId) -> Self {
        Self {
            instrument,
            orders: Vec::new(),
            slots: Vec::new(),
            free: Vec::new(),
            by_id: Vec::new(),
            by_submission: BTreeMap::new(),
            taking: None,
        }
    }

    /// How many are believed live.
    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }

    /// The order at a place below [`OwnOrders::len`].
    pub(super) fn at(&self, place: usize) -> Option<&OwnOrder> {
        self.orders.get(place)
    }

    /// The order of that number, if believed live.
    pub(super) fn find(&self, client: ClientOrderId) -> Option<&OwnOrder> {
        self.place_of(client).map(|place| &self.orders[place])
    }

    fn place_of(&self, client: ClientOrderId) -> Option<usize> {
        let slot = self.slots.get(client.0 as u32 as usize)?;
        slot.place.filter(|_| u64::from(slot.generation) == client.0 >> 32).map(|place| place as usize)
    }

    fn order_mut(&mut self, client: ClientOrderId) -> Option<&mut OwnOrder> {
        self.place_of(client).map(|place| &mut self.orders[place])
    }

    fn named(&self, id: OrderId) -> Option<ClientOrderId> {
        self.by_id.get(id.slot() as usize)?.filter(|(of, _)| *of == id).map(|(_, client)| client)
    }

    /// A number for an order that is to be at the end of the list.
    fn number(&mut self) -> ClientOrderId {
        let place = u32::try_from(self.orders.len()).expect("orders fit 32 bits");
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("orders fit 32 bits")
        });
        let entry = &mut self.slots[slot as usize];
        entry.place = Some(place);
        ClientOrderId(u64::from(entry.generation) << 32 | u64::from(slot))
    }

    /// Remembers a limit order about to be sent, which `send` sends; `send` returns its submission's number.
    pub(super) fn place(
        &mut self,
        (account, side): (AccountId, Side),
        (price, qty): (Price, Qty),
        post_only: bool,
        send: impl FnOnce(Command) -> u64,
    ) -> ClientOrderId {
        let client = self.number();
        let submission = send(limit_order(self.instrument, (account, side), (price, qty), Some(client), post_only));
        let order = OwnOrder { client, account, side, price, qty, id: None, unanswered: Some(submission) };
        self.by_submission.insert(submission, client);
        self.orders.push(order);
        client
    }

    /// Moves an order that is not under way. It is shown as it was until the venue has answered.
    pub(super) fn replace(&mut self, context: &mut Context<'_>, client: ClientOrderId, price: Price, qty: Qty) {
        let Some(order) = self.order_mut(client) else { return };
        let named = OrderRef::Client(client);
        let command = Command::ReplaceOrder { account: order.account, order: named, price, qty };
        let submission = context.submit(command);
        order.unanswered = Some(submission);
        self.by_submission.insert(submission, client);
    }

    /// Cancels an order and forgets it.
    pub(super) fn cancel(&mut self, context: &mut Context<'_>, client: ClientOrderId) {
        let Some(order) = self.forget(client) else { return };
        context.submit(Command::CancelOrder { account: order.account, order: OrderRef::Client(client) });
    }

    /// Takes note of what has become of them.
    pub(super) fn hear(&mut self, notice: &Notice) {
        for (submission, reason) in &notice.rejected {
            self.refused(*submission, *reason);
        }
        for (id, event) in &notice.own {
            self.end_taking(Some(id.seq));
            self.happened(id.seq, event);
        }
        self.end_taking(None);
    }

    fn refused(&mut self, submission: u64, reason: Rejection) {
        let Some(client) = self.by_submission.remove(&submission) else { return };
        let Some(order) = self.order_mut(client) else { return };
        order.unanswered = None;
        if order.id.is_none() || reason == Rejection::UnknownOrder {
            self.forget(client);
        }
    }

    fn happened(&mut self, seq: Seq, event: &Event) {
        match *event {
            Event::OrderAccepted { client: Some(client), instrument, qty, limit: Some(limit), .. }
                if instrument == self.instrument =>
            {
                self.answered(client);
                let Some(order) = self.order_mut(client) else { return };
                (order.price, order.qty) = (limit, qty);
                self.taking = Some((seq, client));
            }
            Event::OrderRested { order: id, client: Some(client), instrument, price, qty, .. }
                if instrument == self.instrument =>
            {
                self.rested(client, id, price, qty);
            }
            Event::OrderReduced { order: id, instrument, qty, .. } if instrument == self.instrument => {
                let Some(client) = self.named(id) else { return };
                self.answered(client);
                self.left(client, qty);
            }
            Event::OrderCancelled { client: Some(client), instrument, .. } if instrument == self.instrument => {
                self.forget(client);
            }
            Event::Trade { maker_order, maker_left, instrument, .. } if instrument == self.instrument => {
                let Some(client) = self.named(maker_order) else { return };
                self.left(client, maker_left);
            }
            _ => {}
        }
    }

    fn rested(&mut self, client: ClientOrderId, id: OrderId, price: Price, qty: Qty) {
        let Some(order) = self.order_mut(client) else { return };
        (order.price, order.qty) = (price, qty);
        let old = order.id.replace(id);
        self.unname(old);
        let slot = id.slot() as usize;
        if self.by_id.len() <= slot {
            self.by_id.resize(slot + 1, None);
        }
        self.by_id[slot] = Some((id, client));
        self.taking = None;
    }

    fn unname(&mut self, id: Option<OrderId>) {
        if let Some(id) = id.filter(|id| self.named(*id).is_some()) {
            self.by_id[id.slot() as usize] = None;
        }
    }

    fn left(&mut self, client: ClientOrderId, qty: Qty) {
        if qty.is_zero() {
            self.forget(client);
        } else if let Some(order) = self.order_mut(client) {
            order.qty = qty;
        }
    }

    /// A command's events come in one notice, so an order that has neither rested nor been cancelled by the end
    /// of them was filled.
    fn end_taking(&mut self, next: Option<Seq>) {
        if let Some((seq, client)) = self.taking
            && next != Some(seq)
        {
            self.taking = None;
            self.forget(client);
        }
    }

    fn answered(&mut self, client: ClientOrderId) {
        if let Some(submission) = self.order_mut(client).and_then(|order| order.unanswered.take()) {
            self.by_submission.remove(&submission);
        }
    }

    fn forget(&mut self, client: ClientOrderId) -> Option<OwnOrder> {
        let place = self.place_of(client)?;
        let order = self.orders.swap_remove(place);
        let slot = client.0 as u32;
        let entry = &mut self.slots[slot as usize];
        // A slot that has been used 2^32 times is retired.
        if let Some(next) = entry.generation.checked_add(1) {
            entry.generation = next;
            self.free.push(slot);
        }
        let place = entry.place.take();
        if let Some(moved) = place.and_then(|place| self.orders.get(place as usize)) {
            self.slots[moved.client.0 as u32 as usize].place = place;
        }
        self.unname(order.id);
        if let Some(submission) = order.unanswered {
            self.by_submission.remove(&submission);
        }
        if self.taking.is_some_and(|(_, taking)| taking == client) {
            self.taking = None;
        }
        Some(order)
    }
}

/// A price `ticks` away from `price`: lower for a bid, higher for an ask.
pub(super) fn away(price: Price, side: Side, ticks: u64) -> Price {
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    match side {
        Side::Buy => Price(price.0.saturating_sub(ticks)),
        Side::Sell => Price(price.0.saturating_add(ticks)),
    }
}

/// A good-till-cancelled limit order.
pub(super) const fn limit_order(
    instrument: InstrumentId,
    (account, side): (AccountId, Side),
    (price, qty): (Price, Qty),
    client: Option<ClientOrderId>,
    post_only: bool,
) -> Command {
    Command::PlaceOrder(OrderRequest {
        account,
        client,
        instrument,
        side,
        qty,
        limit: Some(price),
        tif: TimeInForce::Gtc,
        post_only,
        reduce_only: false,
        // One account stands for many people.
        stp: SelfTradePrevention::None,
    })
}

/// An immediate-or-cancel order, at any price where there is no limit.
pub(super) const fn taking_order(
    instrument: InstrumentId,
    (account, side): (AccountId, Side),
    qty: Qty,
    limit: Option<Price>,
) -> Command {
    Command::PlaceOrder(OrderRequest {
        account,
        client: None,
        instrument,
        side,
        qty,
        limit,
        tif: TimeInForce::Ioc,
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::None,
    })
}
