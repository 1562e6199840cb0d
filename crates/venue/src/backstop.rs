//! Backstop and funds: pools that are taken over whole, before anything of them is sold, and which fund answers for
//! which instrument.
//!
//! Sources: Hyperliquid, *Liquidations* (position and margin to the liquidator vault below two thirds of maintenance);
//! Vega protocol specification 0012-POSR (the network takes over and disposes); dYdX v4, `x/perpetuals` (an isolated
//! market has an insurance fund of its own).

use crate::emit::Emit;
use crate::event::{Event, Rejection, Sink};
use crate::policy::{Absorber, Backstop};
use crate::venue::{Decision, Venue};
use core::cmp::Ordering;
use downdraft_margin::{Health, MarginMode, Pool};
use downdraft_types::arith::compare_products;
use downdraft_types::{AccountId, InstrumentId, Ppm};

impl Venue {
    /// Hands a pool below its backstop's line over, position by position in the order in which they would be closed.
    /// What cannot be taken stays for the liquidation to go on with.
    pub(crate) fn hand_over<S: Sink>(&mut self, pool: Pool, health: &Health, emit: &mut Emit<'_, S>) {
        let Some(backstop) = self.policy.backstop.filter(|backstop| is_below(backstop, health)) else { return };
        while let Some(instrument) = self.next_of(pool, |_| true) {
            let position = self.margin.position(pool.account(), instrument).expect("an open position");
            let qty = position.size().quantity();
            if self.take_over(pool, instrument, qty, backstop.absorption, None, emit).is_none() {
                return;
            }
        }
    }

    pub(crate) fn set_fund<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        fund: AccountId,
        isolated: bool,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        self.market(instrument)?;
        if !self.margin.is_open(fund) {
            return Err(Rejection::UnknownAccount);
        }
        if self.policy.vault == Some(fund) {
            return Err(Rejection::InvalidPolicy);
        }
        let is_cross = |p: &&downdraft_margin::Position| {
            p.instrument() == instrument && p.mode() == MarginMode::Cross && !self.margin.is_fund(p.account())
        };
        let in_use = |p: &downdraft_margin::Position| {
            let orders = downdraft_types::Side::BOTH.iter().any(|side| !p.open_orders(*side).qty.is_zero());
            !p.size().is_zero() || orders
        };
        if isolated && self.margin.positions().iter().filter(is_cross).any(in_use) {
            return Err(Rejection::PositionOpen);
        }
        // Reduce-only ones, which margin does not count.
        if self.markets.iter().flatten().any(|market| market.metas.newest(fund).is_some()) {
            return Err(Rejection::PositionOpen);
        }
        self.margin.appoint_fund(instrument, fund)?;
        self.market_mut(instrument)?.isolated_only = isolated;
        emit.event(None, &Event::FundAppointed { instrument, fund });
        Ok(())
    }

    /// Refuses a cross position where only isolated ones may be held.
    pub(crate) fn may_hold(&self, account: AccountId, instrument: InstrumentId) -> Decision {
        let mode = self.margin.position(account, instrument).map(|p| p.mode()).unwrap_or_default();
        match self.market(instrument)?.isolated_only && mode == MarginMode::Cross {
            true => Err(Rejection::CrossNotAllowed),
            false => Ok(()),
        }
    }
}

/// Whether a pool's equity is below the backstop's part of its maintenance margin. Exact. Only a fund takes a pool whose
/// equity is negative.
fn is_below(backstop: &Backstop, health: &Health) -> bool {
    let one = i128::from(Ppm::ONE.0);
    let part = i128::from(backstop.below.0);
    let solvent = !health.equity.is_negative() || backstop.absorption.by == Absorber::Fund;
    // equity < maintenance_e6 ÷ 10^6 × below ÷ 10^6
    solvent && compare_products(health.equity.0 * one, one, health.maintenance_e6, part) == Ordering::Less
}
