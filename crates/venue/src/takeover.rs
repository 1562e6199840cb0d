//! The insurance fund as a backstop: it takes positions over at their bankruptcy price, and sells them by a
//! schedule while it can pay what each match realises.

use crate::command::Internal;
use crate::emit::Emit;
use crate::event::{Event, Rejection, Sink};
use crate::market::Phase;
use crate::policy::{LiquidationMode, Takeover};
use crate::venue::{Decision, Venue};
use downdraft_margin::{Leg, Pool};
use downdraft_types::arith::ceil_div;
use downdraft_types::{AccountId, InstrumentId, Money, Ppm, Qty, Span};

impl Venue {
    /// The fund takes `qty` lots over at the bankruptcy price, if it stays solvent at the mark and can pay what
    /// it realises. Returns the event, or `None` if it cannot.
    pub(crate) fn take_over<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: InstrumentId,
        qty: Qty,
        interval: Span,
        parent: u32,
        emit: &mut Emit<'_, S>,
    ) -> Option<u32> {
        let account = pool.account();
        let side = self.position_side(account, instrument);
        let cost = self.margin.bankruptcy_value(account, instrument, qty);
        if !self.margin.fund_can_take(instrument, side, qty, cost) {
            return None;
        }
        let leg = |account, side| Leg { account, instrument, side, qty, value: cost, fee: Money::ZERO };
        let given = self.margin.settle(&leg(account, side.opposite()));
        let taken = self.margin.settle(&leg(AccountId::FUND, side));
        let event = Event::FundTookOver {
            account,
            instrument,
            side,
            qty,
            cost,
            realised: given.change.realised,
            fund_realised: taken.change.realised,
        };
        let event = emit.event(Some(parent), &event);
        if !given.margin_moved.is_zero() {
            emit.event(Some(event), &Event::MarginMoved { account, instrument, amount: given.margin_moved });
        }
        self.schedule_unwind(instrument, interval, event, emit);
        Some(event)
    }

    fn schedule_unwind<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        interval: Span,
        cause: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let due = emit.time.saturating_add(interval);
        let market = self.market_mut(instrument).expect("a listed instrument");
        if market.next_unwind.is_none() {
            market.next_unwind = Some(due);
            emit.request(due, cause, Internal::UnwindFund { instrument });
        }
    }

    /// Sells part of what the fund took over, while it can pay what each match realises; what it cannot is
    /// deleveraged at the fund's own bankruptcy price.
    pub(crate) fn unwind_fund<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Decision {
        let now = emit.time;
        let market = self.market_mut(instrument)?;
        if market.next_unwind.is_none_or(|due| due > now) {
            return Err(Rejection::NothingToDo);
        }
        let phase = market.phase;
        let size = self.margin.position(AccountId::FUND, instrument).map(|p| p.size()).unwrap_or_default();
        let Some(held) = size.side() else {
            // Others closed it, in liquidations of their own.
            self.market_mut(instrument)?.next_unwind = None;
            emit.event(None, &Event::Ticked { instrument });
            return Ok(());
        };
        let pool =
            Pool::Cross { account: AccountId::FUND, currency: self.margin.instrument(instrument).spec().settlement };
        if matches!(phase, Phase::Halted(_)) && self.policy.bound_by_halts {
            let postponed = emit.event(None, &Event::LiquidationPostponed { pool });
            self.desk.parked.push((Internal::UnwindFund { instrument }, emit.id(postponed)));
            return Ok(());
        }
        self.market_mut(instrument)?.next_unwind = None;
        let (fraction, interval) = match self.policy.mode {
            LiquidationMode::BankruptcyLimit { rest: Takeover::Fund { fraction, interval } } => (fraction, interval),
            // The policy changed since: the fund sells what it still holds, at once.
            _ => (Ppm::ONE, Span::from_secs(1)),
        };
        let lots = ceil_div(i128::from(size.quantity().0) * i128::from(fraction.0), i128::from(Ppm::ONE.0));
        let qty = Qty(u64::try_from(lots).expect("a part of the position")).min(size.quantity());
        let sold = self.send_forced(pool, instrument, held.opposite(), (qty, None), emit);
        let cause = match sold.fund_short {
            true => self.deleverage(pool, instrument, sold.left, sold.done, emit),
            false => sold.done,
        };
        let left = self.margin.position(AccountId::FUND, instrument).map(|p| p.size()).unwrap_or_default();
        if !left.is_zero() {
            self.schedule_unwind(instrument, interval, cause, emit);
        }
        Ok(())
    }

    /// Before a contract settles: where its mark would take more from the fund than it has, its position is
    /// deleveraged at the value that takes all of it (invariant 7).
    pub(crate) fn close_fund_short_of_cash<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) {
        let Some(position) = self.margin.position(AccountId::FUND, instrument) else { return };
        let Some(held) = position.size().side() else { return };
        let qty = position.size().quantity();
        let terms = self.margin.instrument(instrument);
        let at_mark = terms.closing_value(held, qty);
        if self.margin.fund_can_realise(instrument, held.opposite(), qty, at_mark) {
            return;
        }
        let pool = Pool::Cross { account: AccountId::FUND, currency: terms.spec().settlement };
        let ticked = emit.event(None, &Event::Ticked { instrument });
        self.deleverage(pool, instrument, qty, ticked, emit);
    }
}
