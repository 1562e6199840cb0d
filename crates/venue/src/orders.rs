//! Orders: accepting, matching, cancelling and replacing them. Everything that can be refused is looked at
//! first; then the command cannot fail.

use crate::command::{OrderRef, OrderRequest, SelfTradePrevention, TimeInForce};
use crate::emit::Emit;
use crate::event::{CancelReason, CauseKind, Event, Rejection, Sink, TradeSide};
use crate::floor::Tally;
use crate::market::{Market, OrderMeta, Phase};
use crate::protect;
use crate::venue::{Decision, Venue};
use downdraft_book::{End, Outcome, Reject, Resting};
use downdraft_margin::Leg;
use downdraft_types::{AccountId, ClientOrderId, InstrumentId, Money, OrderId, Price, Qty, Side};

impl Venue {
    pub(crate) fn place<S: Sink>(&mut self, order: &OrderRequest, emit: &mut Emit<'_, S>) -> Decision {
        let (qty, limit) = self.check_order(order)?;
        // The book refuses what only it can see, before anything changes.
        let market = self.market(order.instrument)?;
        market.book.check(&order.for_book(qty, limit)).map_err(rejection)?;
        if order.tif == TimeInForce::Fok && !can_fill(market, order, qty, limit) {
            return Err(Rejection::CannotFill);
        }
        // From here on the order cannot fail.
        let (account, instrument, side) = (order.account, order.instrument, order.side);
        let accepted =
            Event::OrderAccepted { account, client: order.client, instrument, side, qty, limit: order.limit };
        let accepted = emit.event(None, &accepted);
        let (book, mut floor) = self.floor(instrument, (account, side), false, Some(accepted), emit);
        let outcome = book.submit(&order.for_book(qty, limit), &mut floor).expect("the book has checked the order");
        let tally = floor.tally;
        let meta = OrderMeta {
            client: order.client,
            reduce_only: order.reduce_only,
            post_only: order.post_only,
            stp: order.stp,
        };
        self.rest_or_cancel(account, instrument, side, &outcome, meta, accepted, emit);
        self.after_taking(account, instrument, &tally, accepted, emit);
        Ok(())
    }

    /// Everything about an order that the venue can refuse; its quantity and limit for the book.
    fn check_order(&self, order: &OrderRequest) -> Result<(Qty, Option<Price>), Rejection> {
        self.known(order.account, order.instrument)?;
        self.may_hold(order.account, order.instrument)?;
        let market = self.trading(order.instrument)?;
        let spec = self.margin.instrument(order.instrument).spec();
        if !market.has_mark {
            return Err(Rejection::NoMark);
        }
        if order.qty.is_zero() {
            return Err(Rejection::NotPositive);
        }
        if order.qty > spec.max_order {
            return Err(Rejection::OrderTooLarge);
        }
        if order.limit.is_none() && (order.tif == TimeInForce::Gtc || order.post_only) {
            return Err(Rejection::MarketCannotRest);
        }
        let limit = self.check_price(market, order)?;
        if let Some(client) = order.client {
            if self.directory.find(order.account, client).is_some() {
                return Err(Rejection::DuplicateClientOrder);
            }
            if self.directory.is_full() && order.tif == TimeInForce::Gtc {
                return Err(Rejection::CapacityReached);
            }
        }
        let qty = if order.reduce_only { self.reducible(order)? } else { order.qty };
        if !order.reduce_only {
            let price = worst_price(market, order.side, qty, order.limit, limit).ok_or(Rejection::NoLiquidity)?;
            self.margin.check_order(order.account, order.instrument, order.side, qty, price)?;
        }
        Ok((qty, limit))
    }

    /// The limit for the book: the order's own, or the band's for a market order.
    fn check_price(&self, market: &Market, order: &OrderRequest) -> Result<Option<Price>, Rejection> {
        let instrument = self.margin.instrument(order.instrument);
        let spec = instrument.spec();
        let (lowest, highest) = instrument.legal_prices();
        if order.limit.is_some_and(|p| p < lowest || p > highest) {
            return Err(Rejection::PriceOutOfRange);
        }
        let Some(band) = market.protections.band else { return Ok(order.limit) };
        let (low, high) = protect::band_limits(instrument.mark(), band, spec.mark_scale);
        match order.limit {
            None if order.side == Side::Buy => Ok(Some(high)),
            None => Ok(Some(low)),
            Some(price) if price < low || price > high => Err(Rejection::PriceOutsideBand),
            Some(price) => Ok(Some(price)),
        }
    }

    /// How much of a reduce-only order there is to reduce.
    fn reducible(&self, order: &OrderRequest) -> Result<Qty, Rejection> {
        let held = self.margin.position(order.account, order.instrument).ok_or(Rejection::WouldNotReduce)?;
        if !self.margin.state_of(self.margin.pool_of(held)).is_free() {
            return Err(Rejection::InLiquidation);
        }
        match held.size().side() {
            Some(side) if side != order.side => Ok(order.qty.min(held.size().quantity())),
            _ => Err(Rejection::WouldNotReduce),
        }
    }

    /// Reports what became of an order's rest, and remembers it if it rests.
    #[expect(clippy::too_many_arguments, reason = "the order's identity, its outcome and its cause")]
    fn rest_or_cancel<S: Sink>(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        outcome: &Outcome,
        meta: OrderMeta,
        cause: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let client = meta.client;
        let qty = outcome.remaining;
        if let Some(order) = outcome.rested {
            let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
            let price = market.book.order(order).expect("the order rests").price;
            market.metas.insert(account, order, meta);
            if !meta.reduce_only {
                self.margin.order_rested(account, instrument, side, qty, price);
            }
            if let Some(client) = client {
                self.directory.insert(account, client, (instrument, order));
            }
            emit.event(Some(cause), &Event::OrderRested { order, account, client, instrument, side, price, qty });
        } else if !qty.is_zero() {
            let reason = match outcome.end {
                End::SelfTrade => CancelReason::SelfTrade,
                _ => CancelReason::Unfilled,
            };
            emit.event(Some(cause), &Event::OrderCancelled { order: None, account, client, instrument, qty, reason });
        }
    }

    /// After a taking order is done: the taker's own triggers, then the mark, then who that puts below the line.
    fn after_taking<S: Sink>(
        &mut self,
        taker: AccountId,
        instrument: InstrumentId,
        tally: &Tally,
        accepted: u32,
        emit: &mut Emit<'_, S>,
    ) {
        if tally.last_trade.is_some() {
            self.margin.reindex_party(taker, instrument);
            self.raise(emit, tally.last_trade, CauseKind::OwnAccount);
        }
        self.book_changed(instrument, tally, accepted, emit);
    }

    pub(crate) fn find_order(&self, account: AccountId, order: OrderRef) -> Result<(InstrumentId, Resting), Rejection> {
        let (instrument, id) = match order {
            OrderRef::Id(instrument, id) => (instrument, id),
            OrderRef::Client(client) => self.directory.find(account, client).ok_or(Rejection::UnknownOrder)?,
        };
        let resting = self.market(instrument)?.book.order(id).ok_or(Rejection::UnknownOrder)?;
        if resting.owner == account.0 { Ok((instrument, resting)) } else { Err(Rejection::UnknownOrder) }
    }

    pub(crate) fn cancel<S: Sink>(&mut self, account: AccountId, order: OrderRef, emit: &mut Emit<'_, S>) -> Decision {
        let (instrument, resting) = self.find_order(account, order)?;
        let cancelled = self.remove_order(instrument, resting.id, CancelReason::Requested, None, emit);
        self.book_changed(instrument, &Tally::default(), cancelled, emit);
        Ok(())
    }

    pub(crate) fn reduce<S: Sink>(
        &mut self,
        account: AccountId,
        order: OrderRef,
        by: Qty,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let (instrument, resting) = self.find_order(account, order)?;
        if by.is_zero() {
            return Err(Rejection::NotPositive);
        }
        if by >= resting.qty {
            return self.cancel(account, OrderRef::Id(instrument, resting.id), emit);
        }
        self.shrink(instrument, &resting, by, emit);
        Ok(())
    }

    /// Takes a resting order out of the book and reports it. Returns the event.
    pub(crate) fn remove_order<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        order: OrderId,
        reason: CancelReason,
        parent: Option<u32>,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        let resting = market.book.cancel(order).expect("a resting order");
        let account = AccountId(resting.owner);
        let client = self.forget_order(instrument, &resting);
        let event = Event::OrderCancelled { order: Some(order), account, client, instrument, qty: resting.qty, reason };
        emit.event(parent, &event)
    }

    /// Drops what the venue remembers of an order that left the book with `resting.qty` unfilled.
    fn forget_order(&mut self, instrument: InstrumentId, resting: &Resting) -> Option<ClientOrderId> {
        let account = AccountId(resting.owner);
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        let meta = market.metas.remove(account, resting.id);
        if !meta.reduce_only && !resting.qty.is_zero() {
            self.margin.order_left(account, instrument, resting.side, (resting.qty, Qty::ZERO), resting.price);
        }
        if let Some(client) = meta.client {
            self.directory.remove(account, client);
        }
        meta.client
    }

    pub(crate) fn replace<S: Sink>(
        &mut self,
        account: AccountId,
        order: OrderRef,
        price: Price,
        qty: Qty,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let (instrument, old) = self.find_order(account, order)?;
        let market = self.trading(instrument)?;
        let meta = *market.metas.get(old.id);
        let request = OrderRequest {
            account,
            client: None,
            instrument,
            side: old.side,
            qty,
            limit: Some(price),
            tif: TimeInForce::Gtc,
            post_only: meta.post_only,
            reduce_only: meta.reduce_only,
            stp: meta.stp,
        };
        // Its margin is asked for as if the old order were gone.
        if !meta.reduce_only {
            self.margin.order_left(account, instrument, old.side, (old.qty, Qty::ZERO), old.price);
        }
        let checked = self.check_order(&request).and_then(|(qty, _)| {
            let market = self.market(instrument)?;
            market.book.check_replace(old.id, &meta.replacement(price, qty)).map_err(rejection)?;
            Ok(qty)
        });
        if !meta.reduce_only {
            self.margin.order_rested(account, instrument, old.side, old.qty, old.price);
        }
        let qty = checked?;
        // From here on it cannot fail.
        if price == old.price && qty <= old.qty {
            self.shrink(instrument, &old, old.qty - qty, emit);
            return Ok(());
        }
        self.forget_order(instrument, &old);
        let accepted =
            Event::OrderAccepted { account, client: meta.client, instrument, side: old.side, qty, limit: Some(price) };
        let accepted = emit.event(None, &accepted);
        let (book, mut floor) = self.floor(instrument, (account, old.side), false, Some(accepted), emit);
        let outcome =
            book.replace(old.id, &meta.replacement(price, qty), &mut floor).expect("the book has checked the order");
        let tally = floor.tally;
        self.rest_or_cancel(account, instrument, old.side, &outcome, meta, accepted, emit);
        self.after_taking(account, instrument, &tally, accepted, emit);
        Ok(())
    }

    /// Takes `by` off a resting order that keeps its place and something of its size.
    fn shrink<S: Sink>(&mut self, instrument: InstrumentId, old: &Resting, by: Qty, emit: &mut Emit<'_, S>) {
        let account = AccountId(old.owner);
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        if !by.is_zero() {
            market.book.reduce(old.id, by).expect("a resting order");
            if !market.metas.get(old.id).reduce_only {
                self.margin.order_left(account, instrument, old.side, (by, old.qty - by), old.price);
            }
        }
        emit.event(None, &Event::OrderReduced { order: old.id, account, instrument, qty: old.qty - by });
    }

    /// Executes a resting order by name, whatever its place in the queue.
    pub(crate) fn execute<S: Sink>(
        &mut self,
        account: AccountId,
        order: OrderRef,
        qty: Qty,
        taker: AccountId,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let (instrument, resting) = self.find_order(account, order)?;
        self.known(taker, instrument)?;
        self.may_hold(taker, instrument)?;
        self.trading(instrument)?;
        if taker == account {
            return Err(Rejection::SameAccount);
        }
        if qty.is_zero() {
            return Err(Rejection::NotPositive);
        }
        if qty > resting.qty {
            return Err(Rejection::OrderTooLarge);
        }
        let side = resting.side.opposite();
        self.margin.check_order(taker, instrument, side, qty, resting.price)?;
        // From here on it cannot fail.
        let (book, mut floor) = self.floor(instrument, (taker, side), false, None, emit);
        book.reduce(resting.id, qty).expect("a resting order");
        let trade = floor.settle(&downdraft_book::Fill {
            maker: resting.id,
            maker_owner: resting.owner,
            price: resting.price,
            qty,
            maker_remaining: resting.qty - qty,
        });
        let tally = floor.tally;
        self.after_taking(taker, instrument, &tally, trade, emit);
        Ok(())
    }

    pub(crate) fn block_trade<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        (buyer, seller): (AccountId, AccountId),
        qty: Qty,
        cost: Money,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.known(buyer, instrument)?;
        self.known(seller, instrument)?;
        self.may_hold(buyer, instrument)?;
        self.may_hold(seller, instrument)?;
        let market = self.market(instrument)?;
        let spec = self.margin.instrument(instrument).spec();
        if market.phase == Phase::Expired {
            return Err(Rejection::Expired);
        }
        if !market.has_mark {
            return Err(Rejection::NoMark);
        }
        if buyer == seller {
            return Err(Rejection::SameAccount);
        }
        if qty.is_zero() {
            return Err(Rejection::NotPositive);
        }
        if qty > spec.max_position {
            return Err(Rejection::PositionTooLarge);
        }
        if cost.0.unsigned_abs() > self.margin.instrument(instrument).largest_value(qty).0.unsigned_abs() {
            return Err(Rejection::PriceOutOfRange);
        }
        self.margin.can_hold_both([buyer, seller], instrument)?;
        self.margin.check_block(buyer, instrument, Side::Buy, qty, cost)?;
        self.margin.check_block(seller, instrument, Side::Sell, qty, cost)?;
        // From here on it cannot fail.
        let leg = |account, side| Leg { account, instrument, side, qty, value: cost, fee: Money::ZERO };
        let bought = self.margin.settle(&leg(buyer, Side::Buy));
        let sold = self.margin.settle(&leg(seller, Side::Sell));
        let side = |account, settled: &downdraft_margin::Settled| TradeSide {
            account,
            fee: Money::ZERO,
            realised: settled.change.realised,
        };
        let (buyer, seller) = (side(buyer, &bought), side(seller, &sold));
        let traded = emit.event(None, &Event::BlockTraded { instrument, qty, cost, buyer, seller });
        for (trader, settled) in [(buyer, &bought), (seller, &sold)] {
            if !settled.margin_moved.is_zero() {
                let (account, amount) = (trader.account, settled.margin_moved);
                emit.event(Some(traded), &Event::MarginMoved { account, instrument, amount });
            }
            self.margin.reindex_party(trader.account, instrument);
        }
        self.raise(emit, Some(traded), CauseKind::OwnAccount);
        Ok(())
    }

    /// Cancels every order of an account in an instrument, newest first.
    pub(crate) fn cancel_all<S: Sink>(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        reason: CancelReason,
        parent: Option<u32>,
        emit: &mut Emit<'_, S>,
    ) -> Option<u32> {
        let mut last = None;
        while let Some(order) = self.market(instrument).ok().and_then(|m| m.metas.newest(account)) {
            last = Some(self.remove_order(instrument, order, reason, parent, emit));
        }
        last
    }
}

/// The price an order is margined at: its limit, or the worst that a market order would reach now.
fn worst_price(market: &Market, side: Side, qty: Qty, own: Option<Price>, limit: Option<Price>) -> Option<Price> {
    own.or_else(|| market.book.cost_to_take(side, qty, limit).worst)
}

/// Whether a fill-or-kill order is filled for certain. The book has counted every order; but a reduce-only maker may
/// have nothing left to reduce when its turn comes, so here they count for nothing.
fn can_fill(market: &Market, order: &OrderRequest, qty: Qty, limit: Option<Price>) -> bool {
    let mut left = qty;
    for level in market.book.depth(order.side.opposite()) {
        if limit.is_some_and(|limit| !order.side.accepts(limit, level.price)) {
            return false;
        }
        for maker in market.book.orders_at(order.side.opposite(), level.price) {
            let counts = match order.stp {
                _ if maker.owner != order.account.0 => !market.metas.get(maker.id).reduce_only,
                SelfTradePrevention::None => !market.metas.get(maker.id).reduce_only,
                SelfTradePrevention::CancelOldest => false,
                _ => return false,
            };
            if counts {
                left = Qty(left.0.saturating_sub(maker.qty.0));
            }
            if left.is_zero() {
                return true;
            }
        }
    }
    false
}

fn rejection(reject: Reject) -> Rejection {
    match reject {
        Reject::ZeroQuantity => Rejection::NotPositive,
        Reject::UnknownOrder => Rejection::UnknownOrder,
        Reject::MarketCannotRest => Rejection::MarketCannotRest,
        Reject::WouldTake => Rejection::WouldTake,
        Reject::CannotFill => Rejection::CannotFill,
        Reject::CapacityReached => Rejection::CapacityReached,
        Reject::LevelFull => Rejection::LevelFull,
        Reject::TooLarge => Rejection::OrderTooLarge,
        Reject::UnknownOwner
        | Reject::BadDisplay
        | Reject::LimitAlready
        | Reject::NoReference
        | Reject::Expired
        | Reject::NotTriggered
        | Reject::InAuction
        | Reject::NotInAuction => unreachable!("the venue asks for nothing of the sort: {reject}"),
    }
}
