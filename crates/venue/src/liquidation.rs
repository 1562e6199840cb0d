//! Liquidation: closing a margin pool below maintenance, one step per command.
//!
//! ```text
//!   Liquidate ─► cancel own orders ─► healthy? ─yes─► ended: recovered
//!                                       │no
//!                    no position left? ─yes─► deficit down the waterfall ─► ended
//!                                       │no
//!        choose a position ─► order into the book ─► mark ─► rest to the fund or ADL ─► next step, or ended
//! ```
//!
//! Before any of that a pool below the backstop's line is handed over (`backstop`).
//!
//! Before each match of a `market` order the fund must cover what the match would fetch below the bankruptcy
//! price. Sources: dYdX v4, `x/clob/keeper/liquidations.go` (per-fill insurance fund delta, deleveraging when
//! the fund is short); Bybit, BitMEX (bankruptcy-limited orders); Binance, Bybit (partial liquidation by tier).

use crate::command::Internal;
use crate::emit::Emit;
use crate::event::{CancelReason, CauseKind, Event, LiquidationEnd, Rejection, Sink};
use crate::floor::Tally;
use crate::forced::Sold;
use crate::policy::{Between, CloseOrder, LiquidationMode, LiquidationPolicy, PartialStep, Residual, Takeover, Unwind};
use crate::venue::{Decision, Venue};
use downdraft_margin::{Health, Pool};
use downdraft_types::arith::ceil_div;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Ppm, Price, Qty, Side, Span};

impl Venue {
    pub(crate) fn set_liquidation_policy<S: Sink>(
        &mut self,
        policy: &LiquidationPolicy,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        let margin = &self.margin;
        let separate = |vault| {
            margin.is_open(vault) && !margin.is_fund(vault) && !margin.is_unified(vault) && !margin.is_portfolio(vault)
        };
        let vault_valid = policy.vault.is_none_or(separate);
        if !is_valid(policy) || !vault_valid {
            return Err(Rejection::InvalidPolicy);
        }
        self.margin.set_equity_share(policy.equity_share);
        let resumes = self.policy.mode == LiquidationMode::Suppressed && policy.mode != LiquidationMode::Suppressed;
        self.policy = *policy;
        let set = emit.event(None, &Event::ParameterSet { instrument: None });
        if !policy.bound_by_halts {
            self.unpark(emit);
        }
        if resumes {
            self.margin.rearm();
            self.margin.rearm_conversions();
            self.raise(emit, Some(set), CauseKind::Parameter);
        }
        Ok(())
    }

    pub(crate) fn liquidate<S: Sink>(&mut self, pool: Pool, emit: &mut Emit<'_, S>) -> Decision {
        if !self.margin.is_known(pool) || !self.margin.is_liquidating(pool) {
            return Err(Rejection::NothingToDo);
        }
        self.cancel_pool_orders(pool, emit);
        let mut health = self.margin.health(pool);
        if self.has_recovered(pool, &health) {
            self.end_liquidation(pool, None, emit);
            return Ok(());
        }
        if health.positions > 0 {
            self.hand_over(pool, &health, emit);
            health = self.margin.health(pool);
        }
        if health.positions == 0 {
            if self.conversion_waits(pool) {
                self.postpone(pool, emit);
            } else if let Some(converted) = self.convert_step(pool, emit) {
                self.after_step(pool, None, converted, emit);
            } else {
                self.resolve(pool, None, None, emit);
            }
            return Ok(());
        }
        let Some(instrument) = self.next_to_close(pool) else {
            self.postpone(pool, emit);
            return Ok(());
        };
        let sold = self.sell(pool, instrument, emit);
        let cause = self.dispose_of_rest(pool, instrument, &sold, emit);
        self.after_step(pool, Some(instrument), cause, emit);
        Ok(())
    }

    /// The step waits until a market reopens.
    fn postpone<S: Sink>(&mut self, pool: Pool, emit: &mut Emit<'_, S>) {
        let postponed = emit.event(None, &Event::LiquidationPostponed { pool });
        self.desk.parked.push((Internal::Liquidate { pool }, emit.id(postponed)));
    }

    fn cancel_pool_orders<S: Sink>(&mut self, pool: Pool, emit: &mut Emit<'_, S>) {
        for index in 0..self.markets.len() {
            let instrument = InstrumentId(u16::try_from(index).expect("instruments fit their id"));
            let account = pool.account();
            let answers = self.margin.position(account, instrument).is_some_and(|position| {
                let bought = self.margin.instrument(instrument).exchanged(Qty::ZERO);
                let sells = bought.is_some_and(|(base, _)| self.margin.cash_pool(account, base) == pool);
                self.margin.pool_of(position) == pool || sells
            });
            if answers && let Some(last) = self.cancel_all(account, instrument, CancelReason::Liquidation, None, emit) {
                self.book_changed(instrument, &Tally::default(), last, emit);
            }
        }
    }

    /// Any contract settled in a currency that the pool held: whose winners bear what it lacks of it.
    pub(crate) fn any_instrument(&self, pool: Pool, currency: CurrencyId) -> Option<InstrumentId> {
        let held = |p: &&downdraft_margin::Position| {
            let terms = self.margin.instrument(p.instrument());
            let is_contract = terms.exchanged(Qty::ZERO).is_none() && terms.spec().settlement == currency;
            is_contract && self.margin.pool_of(p) == pool
        };
        self.margin.positions_of(pool.account()).filter(held).map(|p| p.instrument()).min()
    }

    /// The position to close next, among those whose market trades. `None`: all of them are halted.
    fn next_to_close(&self, pool: Pool) -> Option<InstrumentId> {
        self.next_of(pool, |p| !self.waits_for_reopening(p.instrument()))
    }

    /// The position of a pool that comes first by the policy's order, among those that are eligible.
    pub(crate) fn next_of(
        &self,
        pool: Pool,
        eligible: impl Fn(&downdraft_margin::Position) -> bool,
    ) -> Option<InstrumentId> {
        let weight = |p: &downdraft_margin::Position| {
            let terms = self.margin.instrument(p.instrument());
            match self.policy.close_order {
                CloseOrder::LargestMaintenance => p.maintenance_e6(terms),
                CloseOrder::LargestLoss => -p.unrealised(terms).0,
                CloseOrder::LargestNotional => terms.value_at(p.size(), terms.mark()).abs().0,
                CloseOrder::ByInstrument => 0,
            }
        };
        let key = |p: &&downdraft_margin::Position| (core::cmp::Reverse(weight(p)), p.instrument());
        self.margin.pool_positions(pool).filter(|p| eligible(p)).min_by_key(key).map(|p| p.instrument())
    }

    /// Sends a liquidation order into the book, and moves the mark by what it did.
    fn sell<S: Sink>(&mut self, pool: Pool, instrument: InstrumentId, emit: &mut Emit<'_, S>) -> Sold {
        let account = pool.account();
        let size = self.margin.position(account, instrument).expect("an open position").size();
        let side = size.side().expect("an open position").opposite();
        let qty = self.step_quantity(account, instrument);
        let limit = self.liquidation_limit(account, instrument, side, qty);
        self.send_forced(pool, instrument, side, (qty, limit), emit)
    }

    /// How much one step closes.
    fn step_quantity(&self, account: AccountId, instrument: InstrumentId) -> Qty {
        let position = self.margin.position(account, instrument).expect("an open position");
        let held = position.size().quantity();
        match self.policy.mode {
            LiquidationMode::Partial { step: PartialStep::Fraction(part), .. } => {
                let lots = ceil_div(i128::from(held.0) * i128::from(part.0), i128::from(Ppm::ONE.0));
                Qty(u64::try_from(lots).expect("a part of the position")).min(held)
            }
            LiquidationMode::Partial { step: PartialStep::Tier, .. } => self.margin.above_tier(account, instrument),
            _ => held,
        }
    }

    /// The limit of a liquidation order: the bankruptcy price in mode `bankruptcy-limit`, rounded against the
    /// taker; the price band, where it binds; the tighter of both.
    fn liquidation_limit(&self, account: AccountId, instrument: InstrumentId, side: Side, qty: Qty) -> Option<Price> {
        let terms = self.margin.instrument(instrument);
        let band = self.band_limit(instrument, side);
        let bankruptcy = match self.policy.mode {
            LiquidationMode::BankruptcyLimit { .. } => {
                let value = self.margin.bankruptcy_value(account, instrument, qty);
                Some(terms.price_of(qty, value, side))
            }
            _ => None,
        };
        match (band, bankruptcy) {
            (Some(a), Some(b)) if side == Side::Buy => Some(a.min(b)),
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        }
    }

    /// What the book did not take goes to the fund, or is deleveraged. Returns the last event.
    fn dispose_of_rest<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: InstrumentId,
        sold: &Sold,
        emit: &mut Emit<'_, S>,
    ) -> u32 {
        if sold.left.is_zero() {
            return sold.tally.last_trade.unwrap_or(sold.done);
        }
        if let LiquidationMode::BankruptcyLimit { rest: Takeover::Absorbed(absorption) } = self.policy.mode
            && let Some(taken) = self.take_over(pool, instrument, sold.left, absorption, Some(sold.done), emit)
        {
            return taken;
        }
        self.deleverage(pool, instrument, sold.left, sold.done, emit)
    }

    /// Ends the liquidation, or asks for its next step.
    fn after_step<S: Sink>(
        &mut self,
        pool: Pool,
        instrument: Option<InstrumentId>,
        cause: u32,
        emit: &mut Emit<'_, S>,
    ) {
        let health = self.margin.health(pool);
        let unified = matches!(pool, Pool::Unified { .. });
        if health.positions == 0 && !unified {
            self.resolve(pool, instrument, Some(cause), emit);
        } else if self.has_recovered(pool, &health) {
            self.end_liquidation(pool, Some(cause), emit);
        } else {
            let wait = match self.policy.mode {
                LiquidationMode::Partial { cooldown, .. } => cooldown,
                _ => Span::ZERO,
            };
            let due = self.desk.slot(emit.time, wait, &self.policy);
            emit.request(due, cause, Internal::Liquidate { pool });
        }
    }

    /// Whether a pool need not be closed further: a flat one of several currencies too, which may owe something.
    fn has_recovered(&self, pool: Pool, health: &Health) -> bool {
        let flat = health.positions == 0;
        let checked = if flat { matches!(pool, Pool::Unified { .. }) } else { self.policy.between == Between::Recheck };
        checked && health.is_healthy()
    }

    fn end_liquidation<S: Sink>(&mut self, pool: Pool, parent: Option<u32>, emit: &mut Emit<'_, S>) {
        self.close_case(pool, LiquidationEnd::Recovered, parent, emit);
    }

    /// Closes the case: the pool is sound again, or stays insolvent.
    pub(crate) fn close_case<S: Sink>(
        &mut self,
        pool: Pool,
        end: LiquidationEnd,
        parent: Option<u32>,
        emit: &mut Emit<'_, S>,
    ) {
        self.desk.pending -= 1;
        let ended = emit.event(parent, &Event::LiquidationEnded { pool, end });
        let health = self.margin.health(pool);
        if self.margin.lacking(pool).is_some() && health.positions == 0 && !health.is_healthy() {
            self.margin.leave_insolvent(pool);
        } else {
            self.margin.end_liquidation(pool);
        }
        self.raise(emit, Some(ended), CauseKind::OwnAccount);
        if self.desk.pending == 0 {
            self.thaw(ended, emit);
        }
    }
}

/// Whether a policy's parameters make sense: parts above 0 and at most all, intervals above zero, and a vault where one
/// is needed.
fn is_valid(policy: &LiquidationPolicy) -> bool {
    let part = |rate: Ppm| rate > Ppm::ZERO && rate <= Ppm::ONE;
    let unwinds = |u: &Unwind| part(u.fraction) && u.interval > Span::ZERO && u.book_part.is_none_or(part);
    let step = match policy.mode {
        LiquidationMode::Partial { step: PartialStep::Fraction(fraction), .. } => part(fraction),
        _ => true,
    };
    let cap = match policy.residual {
        Residual::FundCapped(cap) => cap >= Ppm::ZERO && cap <= Ppm::ONE,
        _ => true,
    };
    step && cap
        && policy.absorptions().all(|a| unwinds(&a.unwind))
        && policy.backstop.is_none_or(|backstop| part(backstop.below))
        && (policy.vault.is_some() || !policy.needs_vault())
}
