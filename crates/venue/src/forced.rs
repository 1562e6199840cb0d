//! Forced orders: what a liquidation, or the fund unwinding one, sends into the book. They are immediate-or-cancel
//! orders like anyone's, matched by a taker that asks before each match whether the fund can bear it.
//!
//! For a pool under liquidation the fund must cover what the match would fetch below the bankruptcy price; the
//! fund's own order must leave its balance at or above zero. Source: dYdX v4, per-fill insurance fund delta.

use crate::emit::Emit;
use crate::event::{Event, Sink};
use crate::floor::{Floor, Tally};
use crate::policy::{OnFundShort, Residual};
use crate::venue::Venue;
use downdraft_book::{Cancelled, Fill, Matcher, NewOrder, Proposal, Verdict};
use downdraft_margin::{Pool, fee};
use downdraft_types::{AccountId, InstrumentId, Money, Price, Qty, Side};

/// What a forced order came to.
pub(crate) struct Sold {
    pub(crate) tally: Tally,
    pub(crate) left: Qty,
    /// It was stopped because the fund could not bear the next match.
    pub(crate) fund_short: bool,
    /// The event that says so.
    pub(crate) done: u32,
}

impl Venue {
    /// Sends an order that closes part of a pool's position (or the fund's), and moves the mark by what it did.
    pub(crate) fn send_forced<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: InstrumentId,
        side: Side,
        (qty, limit): (Qty, Option<Price>),
        emit: &mut Emit<'_, S>,
    ) -> Sold {
        let account = pool.account();
        let terms = self.margin.instrument(instrument);
        let ordered = Event::LiquidationOrdered {
            pool,
            instrument,
            side,
            qty,
            limit,
            notional: terms.value_at(side.signed(qty), terms.mark()).abs(),
            bankruptcy: self.margin.bankruptcy_value(account, instrument, qty),
        };
        let ordered = emit.event(None, &ordered);
        let covers = self.policy.on_fund_short == OnFundShort::Adl;
        let (book, floor) = self.floor(instrument, (account, side), true, Some(ordered), emit);
        let mut taker = ForcedTaker { floor, pool, covers, fund_short: false };
        let order = NewOrder { limit, ..NewOrder::market(side, qty, account.0) };
        let outcome = book.submit(&order, &mut taker).expect("an immediate order of a positive quantity");
        let (tally, fund_short) = (taker.floor.tally, taker.fund_short);
        let (filled, left, proceeds) = (tally.filled, qty - outcome.filled, tally.value);
        let done = Event::LiquidationOrderDone { pool, instrument, filled, left, proceeds, fund_short };
        let done = emit.event(Some(tally.last_trade.unwrap_or(ordered)), &done);
        self.book_changed(instrument, &tally, done, emit);
        Sold { tally, left, fund_short, done }
    }
}

/// A forced order as taker.
struct ForcedTaker<'a, 'e, S> {
    floor: Floor<'a, 'e, S>,
    pool: Pool,
    /// Whether the fund pays for the pool match by match, and matching stops where it cannot.
    covers: bool,
    fund_short: bool,
}

impl<S: Sink> ForcedTaker<'_, '_, S> {
    fn is_fund(&self) -> bool {
        self.pool.account() == AccountId::FUND
    }

    fn value(&self, price: Price, qty: Qty) -> Money {
        self.floor.margin.instrument(self.floor.instrument).trade_value(qty, price)
    }

    /// What the fund would gain (negative: pay) from a match with the pool.
    fn over_bankruptcy(&self, price: Price, qty: Qty) -> Money {
        let floor = &self.floor;
        floor.margin.over_bankruptcy(floor.taker, floor.instrument, qty, self.value(price, qty))
    }

    /// Whether the fund can bear a match.
    fn is_borne(&self, price: Price, qty: Qty) -> bool {
        let floor = &self.floor;
        if self.is_fund() {
            return floor.margin.fund_can_realise(floor.instrument, floor.side, qty, self.value(price, qty));
        }
        let gain = self.over_bankruptcy(price, qty);
        let currency = floor.margin.instrument(floor.instrument).spec().settlement;
        !self.covers || !gain.is_negative() || floor.margin.fund_covers(currency, -gain)
    }

    /// What the pool pays to the fund (negative: receives) for a match that fetched `gain` over bankruptcy.
    fn fund_share(&self, gain: Money, value: Money) -> Money {
        if gain.is_negative() {
            return if self.covers { gain } else { Money::ZERO };
        }
        match self.floor.policy.residual {
            Residual::Trader => Money::ZERO,
            Residual::Fund => gain,
            Residual::FundCapped(cap) => gain.min(fee(value, cap)),
        }
    }
}

impl<S: Sink> Matcher for ForcedTaker<'_, '_, S> {
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        let verdict = self.floor.maker_verdict(proposal);
        let qty = match verdict {
            Verdict::Trade => proposal.qty,
            Verdict::TradeAtMost(qty) => qty,
            Verdict::CancelMaker | Verdict::Stop => return verdict,
        };
        if self.is_borne(proposal.price, qty) {
            return verdict;
        }
        self.fund_short = true;
        Verdict::Stop
    }

    fn filled(&mut self, fill: &Fill) {
        if self.is_fund() {
            self.floor.settle(fill);
            return;
        }
        let gain = self.over_bankruptcy(fill.price, fill.qty);
        let amount = self.fund_share(gain, self.value(fill.price, fill.qty));
        let trade = self.floor.settle(fill);
        if amount.is_zero() {
            return;
        }
        let pool = self.pool;
        let currency = self.floor.margin.instrument(self.floor.instrument).spec().settlement;
        let mut cause = trade;
        if amount.is_negative() {
            cause = self.floor.emit.event(Some(trade), &Event::Deficit { pool, currency, amount: -amount });
        }
        self.floor.margin.pay_from_fund(pool, currency, -amount);
        self.floor.emit.event(Some(cause), &Event::FundSettled { pool, currency, amount });
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        self.floor.cancelled(cancelled);
    }
}
