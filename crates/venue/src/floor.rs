//! The floor: where a match in the book becomes a settled trade, whoever the taker is.

use crate::command::OrderRequest;
use crate::desk::{Desk, raise};
use crate::directory::Directory;
use crate::emit::{Emit, Parent};
use crate::event::{CancelReason, CauseKind, Event, Sink, TradeSide};
use crate::market::OrderMetas;
use crate::policy::LiquidationPolicy;
use downdraft_book::{CancelCause, Cancelled, Fill, Matcher, NewOrder, PostOnly, Proposal, Verdict};
use downdraft_margin::{Leg, Margin, Settled, fee};
use downdraft_types::{AccountId, InstrumentId, Money, OrderId, Price, Qty, Side};

/// What a taker's matches came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) filled: Qty,
    pub(crate) value: Money,
    pub(crate) last_price: Option<Price>,
    /// The last trade's event, which is what moved the mark.
    pub(crate) last_trade: Parent,
}

/// Everything a match touches, for one taker.
pub(crate) struct Floor<'a, 'e, S> {
    pub(crate) margin: &'a mut Margin,
    pub(crate) metas: &'a mut OrderMetas,
    pub(crate) directory: &'a mut Directory,
    pub(crate) desk: &'a mut Desk,
    pub(crate) policy: &'a LiquidationPolicy,
    pub(crate) emit: &'a mut Emit<'e, S>,
    pub(crate) instrument: InstrumentId,
    pub(crate) taker: AccountId,
    pub(crate) side: Side,
    /// A liquidation order, or the fund's: it pays no fee.
    pub(crate) forced: bool,
    pub(crate) parent: Parent,
    pub(crate) tally: Tally,
}

impl<S: Sink> Floor<'_, '_, S> {
    /// A reduce-only maker trades no more than it has to reduce.
    pub(crate) fn maker_verdict(&self, proposal: &Proposal) -> Verdict {
        if !self.metas.get(proposal.maker).reduce_only {
            return Verdict::Trade;
        }
        let held = self.margin.position(AccountId(proposal.owner), self.instrument).map(|p| p.size());
        match held.filter(|size| size.side() == Some(self.side)).map(|size| size.quantity()) {
            None => Verdict::CancelMaker,
            Some(left) if left < proposal.qty => Verdict::TradeAtMost(left),
            Some(_) => Verdict::Trade,
        }
    }

    /// Settles a fill on both sides and reports it. Returns the trade's event.
    pub(crate) fn settle(&mut self, fill: &Fill) -> u32 {
        let terms = self.margin.instrument(self.instrument);
        let value = terms.trade_value(fill.qty, fill.price);
        let maker_fee = fee(value, terms.spec().maker_fee);
        let taker_fee = if self.forced { Money::ZERO } else { fee(value, terms.spec().taker_fee) };
        let maker = AccountId(fill.maker_owner);
        self.count_out(maker, fill.maker, self.side.opposite(), (fill.qty, fill.maker_remaining), fill.price);
        let leg = |account, side, fee| Leg { account, instrument: self.instrument, side, qty: fill.qty, value, fee };
        let affordable = |leg: Leg| Leg { fee: self.margin.affordable_fee(&leg), ..leg };
        let maker_leg = affordable(leg(maker, self.side.opposite(), maker_fee));
        let taker_leg = affordable(leg(self.taker, self.side, taker_fee));
        let (maker_fee, taker_fee) = (maker_leg.fee, taker_leg.fee);
        let made = self.margin.settle(&maker_leg);
        let taken = self.margin.settle(&taker_leg);
        let event = Event::Trade {
            instrument: self.instrument,
            price: fill.price,
            qty: fill.qty,
            taker_side: self.side,
            maker_order: fill.maker,
            maker_left: fill.maker_remaining,
            maker: TradeSide { account: maker, fee: maker_fee, realised: made.change.realised },
            taker: TradeSide { account: self.taker, fee: taker_fee, realised: taken.change.realised },
            forced: self.forced,
        };
        let trade = self.emit.event(self.parent, &event);
        if fill.maker_remaining.is_zero() {
            self.forget(maker, fill.maker);
        }
        self.report_margin(maker, &made, trade);
        self.report_margin(self.taker, &taken, trade);
        self.look_at(maker, trade);
        self.tally.filled += fill.qty;
        self.tally.value += value;
        self.tally.last_price = Some(fill.price);
        self.tally.last_trade = Some(trade);
        trade
    }

    fn report_margin(&mut self, account: AccountId, settled: &Settled, trade: u32) {
        if !settled.margin_moved.is_zero() {
            let event = Event::MarginMoved { account, instrument: self.instrument, amount: settled.margin_moved };
            self.emit.event(Some(trade), &event);
        }
    }

    /// Brings the triggers of an account that traded up to date.
    pub(crate) fn look_at(&mut self, account: AccountId, cause: u32) {
        self.margin.reindex_party(account, self.instrument);
        raise(self.margin, self.desk, self.policy, self.emit, Some(cause), CauseKind::OwnAccount);
    }

    fn count_out(&mut self, account: AccountId, order: OrderId, side: Side, gone: (Qty, Qty), price: Price) {
        if !self.metas.get(order).reduce_only {
            self.margin.order_left(account, self.instrument, side, gone, price);
        }
    }

    /// Drops what the venue remembers of an order that left the book.
    fn forget(&mut self, account: AccountId, order: OrderId) {
        let meta = self.metas.remove(account, order);
        if let Some(client) = meta.client {
            self.directory.remove(account, client);
        }
    }

    /// A maker left the book, or shrank, during matching without a trade.
    pub(crate) fn cancelled(&mut self, cancelled: &Cancelled) {
        let account = AccountId(cancelled.owner);
        let client = self.metas.get(cancelled.maker).client;
        self.count_out(
            account,
            cancelled.maker,
            self.side.opposite(),
            (cancelled.qty, cancelled.remaining),
            cancelled.price,
        );
        if !cancelled.remaining.is_zero() {
            let (order, instrument, qty) = (cancelled.maker, self.instrument, cancelled.remaining);
            self.emit.event(self.parent, &Event::OrderReduced { order, account, instrument, qty });
            return;
        }
        self.forget(account, cancelled.maker);
        let reason = match cancelled.cause {
            CancelCause::SelfTrade => CancelReason::SelfTrade,
            CancelCause::Verdict => CancelReason::ReduceOnly,
            cause => unreachable!("a taker's match cancels for no such reason: {cause:?}"),
        };
        let event = Event::OrderCancelled {
            order: Some(cancelled.maker),
            account,
            client,
            instrument: self.instrument,
            qty: cancelled.qty,
            reason,
        };
        self.emit.event(self.parent, &event);
    }
}

/// An ordinary order as taker.
impl<S: Sink> Matcher for Floor<'_, '_, S> {
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        self.maker_verdict(proposal)
    }

    fn filled(&mut self, fill: &Fill) {
        self.settle(fill);
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        Floor::cancelled(self, cancelled);
    }
}

impl OrderRequest {
    /// The order for the book.
    pub(crate) fn for_book(&self, qty: Qty, limit: Option<Price>) -> NewOrder {
        let post_only = if self.post_only { PostOnly::Reject } else { PostOnly::Off };
        let (tif, stp) = (self.tif.into(), self.stp);
        let order = NewOrder::limit(self.side, qty, Price::ZERO, self.account.0);
        NewOrder { limit, tif, post_only, stp, ..order }
    }
}
