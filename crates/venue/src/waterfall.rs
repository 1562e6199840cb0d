//! The loss waterfall: margin, then the fund, then auto-deleveraging, then winners, then nobody.

use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, LiquidationEnd, Sink};
use crate::venue::Venue;
use downdraft_margin::{Eligibility, Leg, Pool};
use downdraft_types::arith::mul_div_floor;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Qty, Side};

impl Venue {
    /// Closes `qty` lots of a position against others': first those of the ADL policy at the bankruptcy price;
    /// then, for what found nobody, anyone on the other side at the mark, which takes nothing from them and
    /// leaves the deficit with the pool. Returns the last event.
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
        let value = self.last_resort_value(account, instrument, qty);
        let policy = Eligibility::Policy(self.policy.adl.drawn(emit.seq.0), value);
        let taken = self.margin.plan_deleveraging(account, instrument, side, qty, policy);
        let last = self.close_against_plan(account, instrument, side, (qty, value), parent, emit);
        let left = qty - taken;
        if left.is_zero() {
            return last;
        }
        let terms = self.margin.instrument(instrument);
        let value = match account {
            AccountId::FUND => self.margin.fund_limit_value(instrument, left),
            _ => terms.closing_value(side, left),
        };
        let found = self.margin.plan_deleveraging(account, instrument, side, left, Eligibility::Anyone);
        assert_eq!(found, left, "invariant 2: the other side holds as much");
        self.close_against_plan(account, instrument, side, (left, value), last, emit)
    }

    /// The value at which a position is deleveraged: where its pool's equity is used up, or the fund's balance.
    fn last_resort_value(&self, account: AccountId, instrument: InstrumentId, qty: Qty) -> Money {
        match account {
            AccountId::FUND => self.margin.fund_limit_value(instrument, qty),
            _ => self.margin.bankruptcy_value(account, instrument, qty),
        }
    }

    pub(crate) fn position_side(&self, account: AccountId, instrument: InstrumentId) -> Side {
        self.margin.position(account, instrument).and_then(|p| p.size().side()).expect("an open position")
    }

    /// Executes a deleveraging plan. Each counterparty gets the part of `value` between its lots and those
    /// before it, rounded down cumulatively, so that the parts sum to the whole.
    fn close_against_plan<S: Sink>(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        (qty, value): (Qty, Money),
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        let mut last = parent;
        let mut done = 0_i128;
        let mut paid = Money::ZERO;
        let mut index = 0;
        while let Some((counterparty, _, lots)) = self.margin.planned(index) {
            index += 1;
            if lots == 0 {
                continue;
            }
            done += lots;
            let upto = Money(mul_div_floor(value.0, done, i128::from(qty.0)));
            let part = upto - paid;
            paid = upto;
            let lots = Qty(u64::try_from(lots).expect("lots of a position"));
            last = self.close_pair(instrument, side, (account, counterparty), (lots, part), parent, emit);
        }
        // Looked at after the whole plan, which positions falling meanwhile would disturb.
        let mut index = 0;
        while let Some((counterparty, pool, _)) = self.margin.planned(index) {
            index += 1;
            debug_assert_eq!(pool.account(), counterparty);
            self.margin.reindex_party(counterparty, instrument);
        }
        self.raise(emit, Some(last), CauseKind::Waterfall);
        last
    }

    fn close_pair<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        side: Side,
        (account, counterparty): (AccountId, AccountId),
        (qty, value): (Qty, Money),
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        // On either side the fund pays no more than it has: each piece rounds what it releases of its cost.
        let fund_side = match AccountId::FUND {
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
        let leg = |account, side| Leg { account, instrument, side, qty, value, fee: Money::ZERO };
        let closed = self.margin.settle(&leg(account, side.opposite()));
        let against = self.margin.settle(&leg(counterparty, side));
        let pool = closed.pool;
        let mut cause = parent;
        if conceded.is_positive() {
            let currency = self.margin.instrument(instrument).spec().settlement;
            cause = emit.event(Some(parent), &Event::Deficit { pool, currency, amount: conceded });
        }
        let event = Event::Deleveraged {
            instrument,
            account,
            side,
            counterparty,
            qty,
            value,
            conceded,
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
        event
    }

    /// Settles what is left of a pool without positions: what it lacks of a currency goes to the fund as far as it
    /// reaches, then to winners in `instrument` (or another contract that the pool held), and what they cannot bear
    /// stays.
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
        let drawn = left.min(self.margin.fund(currency));
        if drawn.is_positive() {
            self.margin.pay_from_fund(pool, currency, drawn);
            emit.event(Some(deficit), &Event::FundSettled { pool, currency, amount: -drawn });
            self.seize(pool, (currency, drawn), Some(deficit), emit);
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
        let borne = self.margin.plan_socialising(pool.account(), instrument, deficit);
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
