//! Positions taken over at their bankruptcy price, by an insurance fund or a vault, and sold on by a schedule.
//!
//! A fund sells while it can pay what each match realises; what it cannot is deleveraged at the fund's own bankruptcy
//! price. A vault sells nothing below its own.

use crate::command::Internal;
use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::market::{Market, Phase};
use crate::policy::{Absorber, Absorption, LiquidationPolicy, Unwind};
use crate::venue::{Decision, Venue};
use downdraft_margin::{Disposal, Leg, Pool, PoolState};
use downdraft_types::{AccountId, InstrumentId, Money, Ppm, Qty, Side, Span};

impl Venue {
    /// The absorber takes `qty` lots over at the bankruptcy price, if it can: a fund stays solvent at the mark and can
    /// pay what it realises, a vault stays at or above maintenance. Returns the event, or `None`.
    pub(crate) fn take_over<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: InstrumentId,
        qty: Qty,
        absorption: Absorption,
        parent: Parent,
        emit: &mut Emit<'_, S>,
    ) -> Option<u32> {
        let account = pool.account();
        let side = self.position_side(account, instrument);
        let cost = self.margin.bankruptcy_value(account, instrument, qty);
        let taker = self.taker(absorption.by, account, instrument, (side, qty, cost))?;
        let leg = |account, side| Leg { account, instrument, side, qty, value: cost, fee: Money::ZERO };
        let given = self.margin.settle(&leg(account, side.opposite()));
        let taken = self.margin.settle(&leg(taker, side));
        let (realised, taker_realised) = (given.change.realised, taken.change.realised);
        let event = Event::TakenOver { taker, account, instrument, side, qty, cost, realised, taker_realised };
        let event = emit.event(parent, &event);
        if !given.margin_moved.is_zero() {
            emit.event(Some(event), &Event::MarginMoved { account, instrument, amount: given.margin_moved });
        }
        self.margin.reindex(taken.pool);
        self.raise(emit, Some(event), CauseKind::OwnAccount);
        self.schedule_unwind(taker, instrument, absorption.unwind.interval, event, emit);
        Some(event)
    }

    /// The account that takes lots over, if it can.
    fn taker(
        &self,
        by: Absorber,
        from: AccountId,
        instrument: InstrumentId,
        (side, qty, cost): (Side, Qty, Money),
    ) -> Option<AccountId> {
        match by {
            Absorber::Fund => {
                let can = self.margin.fund_can_take(instrument, side, qty, cost);
                can.then(|| self.margin.fund_of(instrument))
            }
            Absorber::Vault => self.policy.vault.filter(|vault| {
                *vault != from
                    && self.may_hold(*vault, instrument).is_ok()
                    && self.margin.vault_can_take(*vault, instrument, side, qty, cost)
            }),
        }
    }

    fn schedule_unwind<S: Sink>(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        interval: Span,
        cause: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let due = emit.time.saturating_add(interval);
        let is_fund = self.margin.is_fund(account);
        let next = self.market_mut(instrument).expect("a listed instrument").unwind_mut(is_fund);
        // Where another account was fund or vault before, its schedule ends.
        if next.is_some_and(|(seller, _)| seller == account) {
            return;
        }
        *next = Some((account, due));
        emit.request(due, cause, Internal::Unwind { account, instrument });
    }

    /// Sells part of what a fund or the vault took over.
    pub(crate) fn unwind<S: Sink>(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let is_fund = self.margin.is_fund(account);
        let market = self.market_mut(instrument)?;
        let phase = market.phase;
        let due = market.unwind_mut(is_fund).filter(|(seller, due)| *seller == account && *due <= emit.time);
        if due.is_none() {
            return Err(Rejection::NothingToDo);
        }
        let pool = self.margin.cash_pool(account, self.margin.instrument(instrument).spec().settlement);
        let size = self.margin.position(account, instrument).map(|p| p.size()).unwrap_or_default();
        let (Some(held), Some(schedule)) = (size.side(), self.schedule(account, is_fund, pool)) else {
            // Others closed it, in liquidations of their own; or it is the vault's own affair now.
            *self.market_mut(instrument)?.unwind_mut(is_fund) = None;
            emit.event(None, &Event::Ticked { instrument });
            return Ok(());
        };
        if matches!(phase, Phase::Halted(_)) && self.policy.bound_by_halts {
            let postponed = emit.event(None, &Event::LiquidationPostponed { pool });
            let step = (Internal::Unwind { account, instrument }, emit.id(postponed));
            // One that waits already, from a time when another account was the vault in between, has its place.
            if !self.desk.parked.iter().any(|(waiting, _)| *waiting == step.0) {
                self.desk.parked.push(step);
            }
            return Ok(());
        }
        *self.market_mut(instrument)?.unwind_mut(is_fund) = None;
        let qty = self.step_of(&schedule, instrument, size.quantity(), held);
        let cause = match qty.is_zero() {
            true => emit.event(None, &Event::Ticked { instrument }),
            false => {
                let sold = self.send_forced(pool, instrument, held.opposite(), (qty, None), emit);
                match sold.fund_short {
                    true => self.deleverage(pool, instrument, sold.left, sold.done, emit),
                    false => sold.done,
                }
            }
        };
        let left = self.margin.position(account, instrument).map(|p| p.size()).unwrap_or_default();
        if !left.is_zero() {
            self.schedule_unwind(account, instrument, schedule.interval, cause, emit);
        }
        Ok(())
    }

    /// By which schedule an account sells what it took over; `None`: it does not.
    fn schedule(&self, account: AccountId, is_fund: bool, pool: Pool) -> Option<Unwind> {
        if is_fund {
            // Where the policy changed since, the fund sells what it still holds, at once.
            let at_once = Unwind { fraction: Ppm::ONE, interval: Span::from_secs(1), book_part: None };
            return Some(schedule_of(&self.policy, Absorber::Fund).unwrap_or(at_once));
        }
        let sells = self.policy.vault == Some(account) && self.margin.state_of(pool) == PoolState::Sound;
        schedule_of(&self.policy, Absorber::Vault).filter(|_| sells)
    }

    /// How many lots one step offers.
    fn step_of(&self, schedule: &Unwind, instrument: InstrumentId, held: Qty, side: Side) -> Qty {
        let disposal = |depth_part| Disposal { fraction: schedule.fraction, whole_at: Qty::ZERO, depth_part };
        let Some(part) = schedule.book_part else { return disposal(Ppm::ONE).next(held, held) };
        let market: Option<&Market> = self.market(instrument).ok();
        // A long is sold into bids.
        let levels = market.into_iter().flat_map(|m| m.book.depth(side));
        let depth = Qty(levels.fold(0_u64, |sum, level| sum.saturating_add(level.qty.0)));
        disposal(part).next(held, depth)
    }

    /// Before a contract settles: where its mark would take more from the fund than it has, its position is
    /// deleveraged at the value that takes all of it (invariant 7).
    pub(crate) fn close_fund_short_of_cash<S: Sink>(&mut self, instrument: InstrumentId, emit: &mut Emit<'_, S>) {
        let account = self.margin.fund_of(instrument);
        let Some(position) = self.margin.position(account, instrument) else { return };
        let Some(held) = position.size().side() else { return };
        let qty = position.size().quantity();
        let terms = self.margin.instrument(instrument);
        let at_mark = terms.closing_value(held, qty);
        if self.margin.fund_can_realise(instrument, held.opposite(), qty, at_mark) {
            return;
        }
        let pool = self.margin.cash_pool(account, terms.spec().settlement);
        let ticked = emit.event(None, &Event::Ticked { instrument });
        self.deleverage(pool, instrument, qty, ticked, emit);
    }
}

/// The schedule by which an absorber sells.
fn schedule_of(policy: &LiquidationPolicy, by: Absorber) -> Option<Unwind> {
    policy.absorptions().find(|absorption| absorption.by == by).map(|absorption| absorption.unwind)
}
