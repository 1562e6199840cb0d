//! The risk index: which trigger each position has, and which pools have fallen below maintenance.
//!
//! A pool of one position has an exact trigger: the first mark at which its equity is below maintenance. A pool
//! of several holds a certificate: its slack is split evenly among its positions, and each gets the first mark
//! at which its own contribution has lost more than its share. While no mark has passed its bound, the losses
//! sum to no more than the slack, so the pool is proven healthy; when one has, the pool is looked at again. Pools whose health is
//! no such sum have a box instead, which `certificate` describes.

use crate::engine::Margin;
use crate::instrument::{Instrument, MaintenanceBasis, RATE_ONE};
use crate::ledger::Place;
use crate::pool::{MarginMode, Pool, PoolState};
use crate::position::Position;
use crate::threshold::first_below;
use crate::watch::retrigger;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice};

impl Margin {
    /// Brings the triggers of a pool up to date with its positions, its money and the marks. A pool below
    /// maintenance, or flat with a deficit, is marked as being liquidated and listed as fallen.
    pub fn reindex(&mut self, pool: Pool) {
        if self.is_fund(pool.account()) {
            return;
        }
        let health = self.health(pool);
        match self.state_of(pool) {
            PoolState::Liquidating => return self.clear_triggers(pool),
            PoolState::Insolvent if !health.is_healthy() => return self.watch(pool),
            PoolState::Spared if !health.is_healthy() => return,
            PoolState::Insolvent | PoolState::Spared => self.set_state(pool, PoolState::Sound),
            PoolState::Sound => {}
        }
        let bankrupt = health.positions == 0 && health.equity.is_negative();
        if bankrupt || !health.is_healthy() {
            self.set_state(pool, PoolState::Liquidating);
            self.clear_triggers(pool);
            self.fallen.push(pool);
            return;
        }
        if let Pool::Unified { account } = pool {
            self.certify(pool);
            return self.note_overdraft(account);
        }
        if self.has_box(pool) {
            return self.certify(pool);
        }
        self.watch_outlooks(pool, None);
        let share = health.slack_e6() / i128::from(health.positions.max(1));
        self.for_members(pool, |engine, slot| engine.share_out(slot, share));
    }

    /// Most pools that a mark makes fall have one position and one trigger, which was just taken out: then that position and
    /// its money are all there is to look at. `false` where there is more to do.
    pub(crate) fn falls_alone(&mut self, slot: u32) -> bool {
        let position = &self.positions[slot as usize];
        let (account, instrument) = (position.account, self.instrument(position.instrument));
        let owner = &self.accounts[account.index()];
        let (pool, place) = match position.mode {
            MarginMode::Isolated => {
                (Pool::Isolated { account, instrument: position.instrument }, Place::Isolated(slot))
            }
            MarginMode::Cross if owner.unified || owner.portfolio || owner.slots.len() > 1 => return false,
            MarginMode::Cross => (Pool::Cross { account, currency: instrument.spec.settlement }, Place::Cash(account)),
        };
        let equity = self.ledger.balance(instrument.spec.settlement, place) + position.unrealised(instrument);
        let slack = equity.0 * RATE_ONE - position.maintenance_e6(instrument);
        let plain = instrument.option().is_none() && position.triggers() == [None; 2] && !position.size.is_zero();
        let falls = plain && slack < 0 && !owner.fund && self.state_of(pool) == PoolState::Sound;
        if falls {
            self.set_state(pool, PoolState::Liquidating);
            self.fallen.push(pool);
        }
        falls
    }

    /// As [`Margin::reindex`], for every pool with a position in an instrument, in account order.
    pub(crate) fn reindex_instrument(&mut self, instrument: InstrumentId) {
        for index in 0..self.holders[instrument.index()].len() {
            let slot = self.holders[instrument.index()][index];
            let position = &self.positions[slot as usize];
            if !position.size.is_zero() {
                self.reindex(self.pool_of(position));
            }
        }
    }

    /// Leaves a fallen pool alone: it is not liquidated, and has no trigger until it is sound again.
    pub fn spare(&mut self, pool: Pool) {
        self.set_state(pool, PoolState::Spared);
    }

    /// Looks again at every pool that was spared, in account order.
    pub fn rearm(&mut self) {
        for account in 0..self.capacity.accounts {
            let account = AccountId(account);
            for currency in 0..self.capacity.currencies {
                self.rearm_pool(self.cash_pool(account, CurrencyId(currency)));
            }
            for index in 0..self.slots_of(account).len() {
                let position = &self.positions[self.slots_of(account)[index] as usize];
                self.rearm_pool(self.pool_of(position));
            }
        }
    }

    fn rearm_pool(&mut self, pool: Pool) {
        if self.state_of(pool) == PoolState::Spared {
            self.set_state(pool, PoolState::Sound);
            self.reindex(pool);
        }
    }

    fn clear_triggers(&mut self, pool: Pool) {
        self.for_members(pool, |engine, slot| engine.set_triggers(slot, [None; 2]));
        self.watch_outlooks(pool, None);
    }

    /// Visits a pool's positions by index, since each visit may change them.
    pub(crate) fn for_members(&mut self, pool: Pool, mut visit: impl FnMut(&mut Self, u32)) {
        let account = pool.account();
        for index in 0..self.slots_of(account).len() {
            let slot = self.slots_of(account)[index];
            if self.answers_for(pool, &self.positions[slot as usize]) {
                visit(self, slot);
            }
        }
    }

    fn share_out(&mut self, slot: u32, share: i128) {
        let position = &self.positions[slot as usize];
        let mut triggers = [None; 2];
        if let Some(side) = position.size.side() {
            triggers[side as usize] = bound(self.instrument(position.instrument), position, share);
        }
        self.set_triggers(slot, triggers);
    }

    pub(crate) fn set_triggers(&mut self, slot: u32, triggers: [Option<i64>; 2]) {
        let position = &mut self.positions[slot as usize];
        let old = position.triggers();
        if old == triggers {
            return;
        }
        position.set_triggers(triggers);
        let ladder = self.ladders[position.instrument.index()].as_mut().expect("a listed instrument");
        retrigger(ladder, (position.account, slot), old, triggers);
    }

    /// The mark at which the position's pool falls below maintenance while all other marks stay: its
    /// liquidation price. `None` where no mark does it.
    ///
    /// Source of the closed form it equals for one tier: Binance, *Liquidation Price Calculator*,
    /// `(WB − TMM + UPNL + cum − side·pos·EP) ÷ (pos·MMR − side·pos)`.
    #[must_use]
    pub fn liquidation_price(&self, account: AccountId, instrument: InstrumentId) -> Option<MarkPrice> {
        let position = self.position(account, instrument)?;
        let pool = self.pool_of(position);
        if self.has_box(pool) {
            let (lowest, highest) = self.instrument(instrument).legal_marks();
            return self.boxed_liquidation_price(position, if position.size.is_positive() { lowest } else { highest });
        }
        let slack = self.health(pool).slack_e6();
        bound(self.instrument(instrument), position, slack).map(MarkPrice)
    }

    /// As [`Margin::liquidation_price`], where it is no farther from the mark than `farthest`, on the side where the
    /// position loses. The nearer that is, the fewer marks are tried of a pool whose health is no sum of functions of one
    /// mark each.
    #[must_use]
    pub fn liquidation_price_within(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        farthest: MarkPrice,
    ) -> Option<MarkPrice> {
        let position = self.position(account, instrument)?;
        if self.has_box(self.pool_of(position)) {
            return self.boxed_liquidation_price(position, farthest);
        }
        let within = |price: &MarkPrice| match position.size.is_positive() {
            true => *price >= farthest,
            false => *price <= farthest,
        };
        self.liquidation_price(account, instrument).filter(within)
    }

    /// Checks the index against its definition: every pool is healthy or being liquidated, exactly the open
    /// positions of healthy pools that can fall have triggers, and no mark has passed one.
    ///
    /// # Panics
    /// Where that does not hold.
    pub fn check_risk_index(&self) {
        let mut triggers = 0;
        for position in &self.positions {
            let pool = self.pool_of(position);
            assert!(
                self.is_fund(pool.account())
                    || self.state_of(pool) != PoolState::Sound
                    || self.health(pool).is_healthy(),
                "{pool} is below maintenance and not being liquidated"
            );
            triggers += position.triggers().iter().flatten().count();
            let alone = !self.has_box(pool) && self.pool_positions(pool).count() == 1;
            let sound = self.state_of(pool) == PoolState::Sound && !self.is_fund(pool.account());
            if alone && sound && !position.size.is_zero() {
                let mut exact = [None; 2];
                let side = position.size.side().expect("an open position");
                exact[side as usize] = self.liquidation_price(position.account, position.instrument).map(|m| m.0);
                assert_eq!(position.triggers(), exact, "{pool}: trigger of a single position");
            }
        }
        let held: usize = self.ladders.iter().flatten().map(crate::ladder::Ladder::len).sum();
        assert_eq!(held, triggers, "ladder entries and positions with triggers");
        self.check_watches();
        for (id, instrument) in self.instruments.iter().enumerate() {
            if let Some(instrument) = instrument {
                let held = self.holders[id].iter().map(|slot| self.positions[*slot as usize].size.0.max(0));
                assert_eq!(held.sum::<i64>().unsigned_abs(), instrument.longs, "open interest");
            }
            if let (Some(instrument), Some(ladder)) = (instrument, &self.ladders[id]) {
                assert!(ladder.reached(instrument.mark).is_none(), "a trigger was passed");
            }
        }
    }
}

/// The first mark at which the position's contribution is below its present one by more than `share`.
fn bound(instrument: &Instrument, position: &Position, share: i128) -> Option<i64> {
    let value = instrument.value_at(position.size, instrument.mark);
    let now = value.0 * RATE_ONE - position.maintenance_e6(instrument);
    let entry = match instrument.spec().maintenance_basis {
        MaintenanceBasis::Mark => downdraft_types::Money::ZERO,
        MaintenanceBasis::Entry => position.cost.abs(),
    };
    first_below(instrument, position.size, entry, now - share)
}
