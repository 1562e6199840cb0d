//! Forced orders: what a liquidation, or a fund or vault unwinding one, sends into the book. They are immediate-or-cancel
//! orders like anyone's, matched by a taker that asks before each match whether the fund can bear it.
//!
//! For a pool under liquidation the fund must cover what the match would fetch below the bankruptcy price; the
//! fund's own order must leave its balance at or above zero. Source: dYdX v4, per-fill insurance fund delta.

use crate::emit::Emit;
use crate::event::{CauseKind, Event, Sink};
use crate::floor::{Floor, Tally};
use crate::policy::{DeficitOrder, OnFundShort, Residual};
use crate::residual::pass_on;
use crate::venue::Venue;
use downdraft_book::{Cancelled, Fill, Matcher, NewOrder, Proposal, SelfTradePrevention, Verdict};
use downdraft_margin::Pool;
use downdraft_types::{CurrencyId, InstrumentId, Money, Price, Qty, Side};

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
        let seller = match () {
            () if self.margin.is_fund(account) => Seller::Fund,
            () if self.margin.is_liquidating(pool) => Seller::Liquidated,
            () => Seller::Vault,
        };
        let (book, floor) = self.floor(instrument, (account, side), true, Some(ordered), emit);
        let mut taker = ForcedTaker { floor, pool, seller, fund_short: false };
        // A vault may have orders of its own in the book.
        let order =
            NewOrder { limit, stp: SelfTradePrevention::CancelOldest, ..NewOrder::market(side, qty, account.0) };
        let outcome = book.submit(&order, &mut taker).expect("an immediate order of a positive quantity");
        let (tally, fund_short) = (taker.floor.tally, taker.fund_short);
        let (filled, left, proceeds) = (tally.filled, qty - outcome.filled, tally.value);
        let done = Event::LiquidationOrderDone { pool, instrument, filled, left, proceeds, fund_short };
        let done = emit.event(Some(tally.last_trade.unwrap_or(ordered)), &done);
        if seller == Seller::Vault {
            self.margin.reindex(pool);
            self.raise(emit, Some(done), CauseKind::OwnAccount);
        } else if let Some(vault) = self.policy.vault.filter(|_| self.policy.residual == Residual::Vault) {
            self.margin.reindex_party(vault, instrument);
            self.raise(emit, Some(done), CauseKind::OwnAccount);
        }
        self.book_changed(instrument, &tally, done, emit);
        Sold { tally, left, fund_short, done }
    }
}

/// Who sends a forced order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seller {
    Liquidated,
    Fund,
    Vault,
}

/// A forced order as taker.
struct ForcedTaker<'a, 'e, S> {
    floor: Floor<'a, 'e, S>,
    pool: Pool,
    seller: Seller,
    fund_short: bool,
}

impl<S: Sink> ForcedTaker<'_, '_, S> {
    /// Whether the fund pays for the pool match by match, and matching stops where it cannot.
    fn covers(&self) -> bool {
        self.floor.policy.on_fund_short == OnFundShort::Adl && !self.adl_first()
    }

    /// In which the position settles.
    fn currency(&self) -> CurrencyId {
        self.floor.margin.instrument(self.floor.instrument).spec().settlement
    }

    fn adl_first(&self) -> bool {
        self.floor.policy.deficit_order == DeficitOrder::AdlFirst
    }

    fn value(&self, price: Price, qty: Qty) -> Money {
        self.floor.margin.instrument(self.floor.instrument).trade_value(qty, price)
    }

    /// What the fund would gain (negative: pay) from a match with the pool.
    fn over_bankruptcy(&self, price: Price, qty: Qty) -> Money {
        let floor = &self.floor;
        floor.margin.over_bankruptcy(floor.taker, floor.instrument, qty, self.value(price, qty))
    }

    /// Whether a match can be borne: by the fund, or by a vault of its own.
    fn is_borne(&self, price: Price, qty: Qty) -> bool {
        let floor = &self.floor;
        if self.seller == Seller::Fund {
            return floor.margin.fund_can_realise(floor.instrument, floor.side, qty, self.value(price, qty));
        }
        let gain = self.over_bankruptcy(price, qty);
        if !gain.is_negative() {
            return true;
        }
        let (fund, currency) = (floor.margin.fund_of(floor.instrument), self.currency());
        let covered = !self.covers() || floor.margin.fund_covers(fund, currency, -gain);
        self.seller == Seller::Liquidated && !self.adl_first() && covered
    }

    /// The fund pays for a match that fetched `loss` less than the bankruptcy value.
    fn cover(&mut self, loss: Money, trade: u32) {
        let (pool, currency) = (self.pool, self.currency());
        let fund = self.floor.margin.fund_of(self.floor.instrument);
        let cause = self.floor.emit.event(Some(trade), &Event::Deficit { pool, currency, amount: loss });
        self.floor.margin.pay_from_fund(fund, pool, currency, loss);
        self.floor.emit.event(Some(cause), &Event::FundSettled { fund, pool, currency, amount: -loss });
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
        self.fund_short = self.seller != Seller::Vault;
        Verdict::Stop
    }

    fn filled(&mut self, fill: &Fill) {
        if self.seller != Seller::Liquidated {
            self.floor.settle(fill);
            return;
        }
        let gain = self.over_bankruptcy(fill.price, fill.qty);
        let value = self.value(fill.price, fill.qty);
        let trade = self.floor.settle(fill);
        if gain.is_positive() {
            let of = (self.pool, self.floor.instrument);
            pass_on(self.floor.margin, self.floor.policy, of, (gain, value), trade, self.floor.emit);
        } else if gain.is_negative() && self.covers() {
            self.cover(-gain, trade);
        }
    }

    fn cancelled(&mut self, cancelled: &Cancelled) {
        self.floor.cancelled(cancelled);
    }
}
