//! The loss waterfall: margin, then fund and auto-deleveraging in the policy's order, then winners or all holders, then
//! nobody.

use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, LiquidationEnd, Sink};
use crate::policy::{AdlPrice, Residual};
use crate::residual::pass_on;
use crate::venue::Venue;
use downdraft_margin::{Eligibility, Leg, Pool};
use downdraft_types::arith::{mul_div_ceil, mul_div_floor};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Qty, Side};

/// What counterparties of a deleveraging are asked for.
#[derive(Clone, Copy)]
struct Asked {
    qty: Qty,
    /// The value of all of it.
    value: Money,
    /// The policy's price; `None` where the fund's balance, or the mark, decides.
    price: Option<AdlPrice>,
    /// What the lots lack at the mark, where concessions are no function of it: they bear it first.
    deficit: Money,
}

impl Venue {
    /// Closes `qty` lots of a position against others': first those of the ADL policy at its price; then, for what
    /// found nobody, anyone on the other side at the mark, which takes nothing from them and leaves the deficit with
    /// the pool. Returns the last event.
    pub(crate) fn deleverage<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: InstrumentId,
        qty: Qty,
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        let account = pool.account();
        let side = self.position_side(account, instrument);
        let asked = self.asked(account, instrument, side, qty);
        let policy = Eligibility::Policy(self.policy.adl.drawn(emit.seq.0), asked.value);
        let taken = self.margin.plan_deleveraging(account, instrument, side, qty, policy);
        let last = self.close_against_plan(account, instrument, side, asked, parent, emit);
        let left = qty - taken;
        if left.is_zero() {
            return last;
        }
        let terms = self.margin.instrument(instrument);
        let value = match self.margin.is_fund(account) {
            true => self.margin.fund_limit_value(instrument, left),
            false => terms.closing_value(side, left),
        };
        let found = self.margin.plan_deleveraging(account, instrument, side, left, Eligibility::Anyone);
        assert_eq!(found, left, "invariant 2: the other side holds as much");
        let asked = Asked { qty: left, value, price: None, deficit: Money::ZERO };
        self.close_against_plan(account, instrument, side, asked, last, emit)
    }

    /// What is asked for a position: a fund's closes where its balance is used up; a pool's at the policy's price.
    fn asked(&self, account: AccountId, instrument: InstrumentId, side: Side, qty: Qty) -> Asked {
        if self.margin.is_fund(account) {
            let value = self.margin.fund_limit_value(instrument, qty);
            return Asked { qty, value, price: None, deficit: Money::ZERO };
        }
        let terms = self.margin.instrument(instrument);
        let at = |mark: MarkPrice| terms.valuation().closing_value(side, qty, mark);
        let market = self.market(instrument).ok();
        let price = self.policy.adl.price;
        let value = match price {
            AdlPrice::Bankruptcy => self.margin.bankruptcy_value(account, instrument, qty),
            // Of entries everyone has another; at the mark all that are sound can pay.
            AdlPrice::Mark | AdlPrice::Entry => at(terms.mark()),
            AdlPrice::PreviousMark => at(market.and_then(|m| m.previous_mark).unwrap_or(terms.mark())),
            AdlPrice::PreviousIndex => at(market.and_then(|m| m.previous_index).unwrap_or(terms.mark())),
        };
        let value = self.no_worse(account, instrument, side, qty, value);
        let lacks = -self.margin.over_bankruptcy(account, instrument, qty, at(terms.mark()));
        Asked { qty, value, price: Some(price), deficit: lacks.max(Money::ZERO) }
    }

    /// A value no worse for a pool than that of the mark, or that which uses its equity up, whichever is further.
    fn no_worse(&self, account: AccountId, instrument: InstrumentId, side: Side, qty: Qty, value: Money) -> Money {
        let at_mark = self.margin.instrument(instrument).closing_value(side, qty);
        let bankrupt = self.margin.bankruptcy_value(account, instrument, qty);
        match side {
            Side::Buy => value.max(at_mark.min(bankrupt)),
            Side::Sell => value.min(at_mark.max(bankrupt)),
        }
    }

    /// The value at which a counterparty closes `qty` lots for what they cost it, or where its own equity is used up if
    /// that is nearer. Its share of the cost is rounded up, against it, as when it trades.
    fn entry_value(&self, counterparty: AccountId, instrument: InstrumentId, qty: Qty) -> Money {
        let position = self.margin.position(counterparty, instrument).expect("a counterparty's position");
        let (lots, held) = (i128::from(qty.0), i128::from(position.size().quantity().0));
        let released = Money(mul_div_ceil(position.cost().0, lots, held));
        let limit = self.margin.bankruptcy_value(counterparty, instrument, qty);
        if position.size().is_positive() { released.max(limit) } else { (-released).min(limit) }
    }

    pub(crate) fn position_side(&self, account: AccountId, instrument: InstrumentId) -> Side {
        self.margin.position(account, instrument).and_then(|p| p.size().side()).expect("an open position")
    }

    /// Executes a deleveraging plan. Each counterparty gets the part of the value asked between its lots and those
    /// before it, rounded down cumulatively, so that the parts sum to the whole; or its own entry's.
    fn close_against_plan<S: Sink>(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        asked: Asked,
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        let mut last = parent;
        let mut done = 0_i128;
        let mut paid = Money::ZERO;
        let mut deficit = asked.deficit;
        let mut index = 0;
        while let Some((counterparty, _, lots)) = self.margin.planned(index) {
            index += 1;
            if lots == 0 {
                continue;
            }
            done += lots;
            let upto = Money(mul_div_floor(asked.value.0, done, i128::from(asked.qty.0)));
            let part = upto - paid;
            paid = upto;
            let qty = Qty(u64::try_from(lots).expect("lots of a position"));
            let value = match asked.price {
                Some(AdlPrice::Entry) => {
                    let entry = self.entry_value(counterparty, instrument, qty);
                    self.no_worse(account, instrument, side, qty, entry)
                }
                _ => part,
            };
            let piece = Asked { qty, value, deficit, ..asked };
            let (event, borne) = self.close_pair(instrument, side, (account, counterparty), piece, parent, emit);
            last = event;
            deficit -= borne.min(deficit);
        }
        // Looked at after the whole plan, which positions falling meanwhile would disturb.
        let mut index = 0;
        while let Some((counterparty, pool, _)) = self.margin.planned(index) {
            index += 1;
            debug_assert_eq!(pool.account(), counterparty);
            self.margin.reindex_party(counterparty, instrument);
        }
        if let Some(vault) = self.policy.vault.filter(|_| self.policy.residual == Residual::Vault) {
            self.margin.reindex_party(vault, instrument);
        }
        self.raise(emit, Some(last), CauseKind::Waterfall);
        last
    }

    /// Closes one counterparty's lots. Returns the event, and what of a deficit it bears.
    fn close_pair<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        (account, counterparty): (AccountId, AccountId),
        Asked { qty, value, price, deficit }: Asked,
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> (u32, Money) {
        // On either side a fund pays no more than it has: each piece rounds what it releases of its cost.
        let fund_side = match self.margin.fund_of(instrument) {
            fund if fund == account => Some(side.opposite()),
            fund if fund == counterparty => Some(side),
            _ => None,
        };
        let too_much = fund_side.is_some_and(|side| !self.margin.fund_can_realise(instrument, side, qty, value));
        let value = if too_much { self.margin.fund_limit_value(instrument, qty) } else { value };
        let terms = self.margin.instrument(instrument);
        let at_mark = terms.closing_value(side.opposite(), qty);
        // A short counterparty buys back dearer than the mark; a long one sells cheaper.
        let conceded = if side == Side::Buy { value - at_mark } else { at_mark - value };
        // At the bankruptcy price the deficit is what is conceded; at another there may be more, or less.
        let priced = !matches!(price, None | Some(AdlPrice::Bankruptcy));
        let borne = if priced { conceded.min(deficit) } else { conceded }.max(Money::ZERO);
        let remainder = conceded.max(Money::ZERO) - borne;
        // Beyond the deficit, or, of a pool that has none, beyond what uses its equity up.
        let gain = match priced {
            true if deficit.is_zero() => self.margin.over_bankruptcy(account, instrument, qty, value).max(remainder),
            true => remainder,
            false => Money::ZERO,
        };
        let leg = |account, side| Leg { account, instrument, side, qty, value, fee: Money::ZERO };
        let closed = self.margin.settle(&leg(account, side.opposite()));
        let against = self.margin.settle(&leg(counterparty, side));
        let pool = closed.pool;
        let mut cause = parent;
        if borne.is_positive() {
            let currency = self.margin.instrument(instrument).spec().settlement;
            cause = emit.event(Some(parent), &Event::Deficit { pool, currency, amount: borne });
        }
        let event = Event::Deleveraged {
            instrument,
            account,
            side,
            counterparty,
            qty,
            value,
            conceded,
            remainder,
            realised: closed.change.realised,
            counterparty_realised: against.change.realised,
        };
        let event = emit.event(Some(cause), &event);
        for (account, settled) in [(account, &closed), (counterparty, &against)] {
            if !settled.margin_moved.is_zero() {
                let amount = settled.margin_moved;
                emit.event(Some(event), &Event::MarginMoved { account, instrument, amount });
            }
        }
        if gain.is_positive() {
            pass_on(&mut self.margin, &self.policy, (pool, instrument), (gain, value), event, emit);
        }
        (event, borne)
    }

    /// Settles what is left of a pool without positions: what it lacks of a currency goes to the fund as far as it
    /// reaches, then to winners in `instrument` (or another contract that the pool held), or all its holders, and what
    /// they cannot bear stays.
    pub(crate) fn resolve<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: Option<InstrumentId>,
        parent: Parent,
        emit: &mut Emit<'_, S>,
    ) {
        if self.margin.lacking(pool).is_none() {
            let released = self.margin.release_isolated(pool);
            if let (Pool::Isolated { account, instrument }, true) = (pool, released.is_positive()) {
                emit.event(parent, &Event::MarginMoved { account, instrument, amount: -released });
                // What came home moves the triggers of the account's cross positions.
                self.margin.reindex_party(account, instrument);
            }
            self.close_case(pool, LiquidationEnd::Closed, parent, emit);
            return;
        }
        let mut last = parent;
        for currency in self.margin.ledger().currencies() {
            let owned = matches!(pool, Pool::Unified { .. }) || self.margin.currency_of(pool) == currency;
            let left = -self.margin.balance_in(pool, currency);
            if owned && left.is_positive() {
                let settles = |id: &InstrumentId| self.margin.instrument(*id).spec().settlement == currency;
                let bearers = instrument.filter(settles).or_else(|| self.any_instrument(pool, currency));
                last = Some(self.cover(pool, (currency, left), bearers, parent, emit));
            }
        }
        self.close_case(pool, LiquidationEnd::Bankrupt, last, emit);
    }

    /// What a flat pool lacks of one currency goes down the waterfall. Returns the deficit's event.
    fn cover<S: Sink>(
        &mut self,
        pool: Pool,
        (currency, mut left): (CurrencyId, Money),
        bearers: Option<InstrumentId>,
        parent: Parent,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        let deficit = emit.event(parent, &Event::Deficit { pool, currency, amount: left });
        // Of a pool with positions in several, the fund of the one closed last.
        let fund = bearers.map_or(AccountId::FUND, |instrument| self.margin.fund_of(instrument));
        let drawn = left.min(self.margin.cash(fund, currency));
        if drawn.is_positive() {
            self.margin.pay_from_fund(fund, pool, currency, drawn);
            emit.event(Some(deficit), &Event::FundSettled { fund, pool, currency, amount: -drawn });
            self.seize(fund, pool, (currency, drawn), Some(deficit), emit);
            left -= drawn;
        }
        if left.is_positive()
            && let Some(instrument) = bearers
        {
            left -= self.socialise(pool, instrument, left, deficit, emit);
        }
        if left.is_positive() {
            emit.event(Some(deficit), &Event::Uncovered { pool, currency, amount: left });
        }
        deficit
    }

    fn socialise<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: InstrumentId,
        deficit: Money,
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> Money {
        let currency = self.margin.instrument(instrument).spec().settlement;
        let borne = self.margin.plan_socialising(pool.account(), instrument, deficit, self.policy.socialising);
        let mut index = 0;
        let mut last = parent;
        while let Some((_, payer, amount)) = self.margin.planned(index) {
            index += 1;
            let amount = Money(amount);
            if amount.is_positive() {
                self.margin.pay_between(payer, pool, currency, amount);
                last = emit.event(Some(parent), &Event::Socialised { pool, payer, currency, amount });
            }
        }
        let mut index = 0;
        while let Some((_, payer, _)) = self.margin.planned(index) {
            index += 1;
            self.margin.reindex(payer);
        }
        self.raise(emit, Some(last), CauseKind::Waterfall);
        borne
    }
}
