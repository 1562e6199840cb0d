//! Margin pools: what stands for what. A pool is the money that answers for a set of positions, and the unit
//! that is healthy, liquidated or bankrupt.

use crate::certificate::Region;
use crate::engine::Margin;
use crate::error::MarginError;
use crate::ledger::Place;
use crate::position::Position;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm};

/// How a position is margined.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum MarginMode {
    /// By the account's whole cash in the settlement currency (in all currencies, where the account is unified),
    /// together with its other cross positions.
    #[default]
    Cross,
    /// By a margin of its own; a loss stops there.
    Isolated,
}

/// A margin pool.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Pool {
    /// An account's cash in a currency and its cross positions settled in it.
    Cross {
        /// The account.
        account: AccountId,
        /// The currency.
        currency: CurrencyId,
    },
    /// One isolated position and its margin.
    Isolated {
        /// The account.
        account: AccountId,
        /// The instrument.
        instrument: InstrumentId,
    },
    /// All of an account's cash, whatever the currency, and all its cross positions. Its equity and maintenance are
    /// amounts of the reference currency.
    Unified {
        /// The account.
        account: AccountId,
    },
}

impl Pool {
    /// Whose pool it is.
    #[must_use]
    pub const fn account(self) -> AccountId {
        match self {
            Self::Cross { account, .. } | Self::Isolated { account, .. } | Self::Unified { account } => account,
        }
    }
}

impl core::fmt::Display for Pool {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Cross { account, currency } => write!(f, "{account}/{currency}"),
            Self::Isolated { account, instrument } => write!(f, "{account}/{instrument}"),
            Self::Unified { account } => write!(f, "{account}/all"),
        }
    }
}

/// Where a pool stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PoolState {
    /// At or above maintenance.
    #[default]
    Sound,
    /// Fell below maintenance; its liquidation is under way.
    Liquidating,
    /// Below maintenance, and left alone by policy until it is sound again.
    Spared,
    /// Flat, with a deficit that nobody could bear. A deposit that covers it makes the pool sound; a unified one also
    /// a change of prices that does.
    Insolvent,
}

impl PoolState {
    /// Whether its owner may trade and move money.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::Sound | Self::Spared)
    }
}

/// A pool at the present marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Health {
    /// Balance plus unrealised profit and loss; of a unified pool, what its collateral counts for.
    pub equity: Money,
    /// Maintenance margin × 10^6, before rounding.
    pub maintenance_e6: i128,
    /// How many positions are open in it.
    pub positions: u32,
}

impl Health {
    /// Equity above maintenance, × 10^6. Below zero the pool is to be liquidated.
    #[must_use]
    pub fn slack_e6(&self) -> i128 {
        self.equity.0 * crate::instrument::RATE_ONE - self.maintenance_e6
    }

    /// Whether equity covers maintenance. Exact: no rounding enters.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.slack_e6() >= 0
    }

    /// Maintenance margin, rounded up.
    #[must_use]
    pub fn maintenance(&self) -> Money {
        Money(downdraft_types::arith::ceil_div(self.maintenance_e6, crate::instrument::RATE_ONE))
    }
}

impl Margin {
    /// The pool a position belongs to.
    #[must_use]
    pub fn pool_of(&self, position: &Position) -> Pool {
        match position.mode {
            MarginMode::Isolated => Pool::Isolated { account: position.account, instrument: position.instrument },
            MarginMode::Cross => self.cash_pool(position.account, self.instrument(position.instrument).spec.settlement),
        }
    }

    /// The pool that an account's cash in a currency belongs to.
    #[must_use]
    pub fn cash_pool(&self, account: AccountId, currency: CurrencyId) -> Pool {
        if self.is_unified(account) { Pool::Unified { account } } else { Pool::Cross { account, currency } }
    }

    /// A pool's currency, in which its equity and maintenance are given: of a unified pool the reference currency.
    #[must_use]
    pub fn currency_of(&self, pool: Pool) -> CurrencyId {
        match pool {
            Pool::Cross { currency, .. } => currency,
            Pool::Isolated { instrument, .. } => self.instrument(instrument).spec.settlement,
            Pool::Unified { .. } => self.reference().unwrap_or_default(),
        }
    }

    /// Where a pool's money is. An isolated pool exists from its configuration on.
    ///
    /// # Panics
    /// For an isolated pool that was never configured.
    #[must_use]
    pub fn place_of(&self, pool: Pool) -> Place {
        match pool {
            Pool::Cross { account, .. } | Pool::Unified { account } => Place::Cash(account),
            Pool::Isolated { account, instrument } => {
                Place::Isolated(self.slot_of(account, instrument).expect("an isolated position exists"))
            }
        }
    }

    /// A pool's money, unrealised profit apart; of a unified pool, that in the reference currency.
    #[must_use]
    pub fn balance(&self, pool: Pool) -> Money {
        self.balance_in(pool, self.currency_of(pool))
    }

    /// A pool's money in one of its currencies, unrealised profit apart.
    #[must_use]
    pub fn balance_in(&self, pool: Pool, currency: CurrencyId) -> Money {
        self.ledger.balance(currency, self.place_of(pool))
    }

    /// The first currency in which a pool has less than nothing, with how much it lacks.
    #[must_use]
    pub fn lacking(&self, pool: Pool) -> Option<(CurrencyId, Money)> {
        let own = self.currency_of(pool);
        let unified = matches!(pool, Pool::Unified { .. });
        let currencies = self.ledger.currencies().filter(|currency| unified || *currency == own);
        let mut lacks = currencies.map(|currency| (currency, -self.balance_in(pool, currency)));
        lacks.find(|(_, lack)| lack.is_positive())
    }

    /// Slots of the positions that a pool answers for, flat ones included.
    pub(crate) fn members(&self, pool: Pool) -> impl Iterator<Item = u32> + Clone + '_ {
        let slots = self.slots_of(pool.account()).iter().copied();
        slots.filter(move |slot| self.answers_for(pool, &self.positions[*slot as usize]))
    }

    /// Whether a pool answers for a position of its account.
    #[inline]
    pub(crate) fn answers_for(&self, pool: Pool, position: &Position) -> bool {
        let cross = position.mode == MarginMode::Cross;
        match pool {
            Pool::Isolated { instrument, .. } => position.instrument == instrument,
            Pool::Cross { currency, .. } => cross && self.instrument(position.instrument).spec.settlement == currency,
            Pool::Unified { .. } => cross,
        }
    }

    /// The open positions of a pool, in the order in which the account first used their instruments.
    pub fn pool_positions(&self, pool: Pool) -> impl Iterator<Item = &Position> + Clone + '_ {
        self.members(pool).map(|slot| &self.positions[slot as usize]).filter(|p| !p.size.is_zero())
    }

    /// A pool at the present marks.
    #[must_use]
    pub fn health(&self, pool: Pool) -> Health {
        let summed = match pool {
            Pool::Unified { .. } => false,
            Pool::Cross { account, .. } => !self.is_portfolio(account),
            Pool::Isolated { .. } => true,
        };
        if !summed {
            return self.health_in(pool, Region::Present);
        }
        let mut health = Health { equity: self.balance(pool), ..Health::default() };
        for position in self.pool_positions(pool) {
            let instrument = self.instrument(position.instrument);
            health.equity += position.unrealised(instrument);
            health.maintenance_e6 += position.maintenance_e6(instrument);
            health.positions += 1;
        }
        health
    }

    /// Whether a pool's account and currency (or instrument) exist.
    #[must_use]
    pub fn is_known(&self, pool: Pool) -> bool {
        self.is_open(pool.account())
            && match pool {
                Pool::Cross { currency, .. } => self.has_currency(currency),
                Pool::Isolated { instrument, .. } => self.get_instrument(instrument).is_some(),
                Pool::Unified { account } => self.is_unified(account),
            }
    }

    /// Where a pool stands.
    #[must_use]
    pub fn state_of(&self, pool: Pool) -> PoolState {
        match pool {
            Pool::Cross { account, currency } => self.cross_states[self.cross_index(account, currency)],
            Pool::Isolated { account, instrument } => {
                self.position(account, instrument).map_or(PoolState::Sound, |position| position.state)
            }
            Pool::Unified { account } => self.account(account).map_or(PoolState::Sound, |a| a.state),
        }
    }

    /// Whether a pool is being liquidated.
    #[must_use]
    pub fn is_liquidating(&self, pool: Pool) -> bool {
        self.state_of(pool) == PoolState::Liquidating
    }

    /// Ends a pool's liquidation: it is looked at afresh, and may fall again at once.
    pub fn end_liquidation(&mut self, pool: Pool) {
        self.set_state(pool, PoolState::Sound);
        self.reindex(pool);
    }

    /// Ends the liquidation of a flat pool whose deficit nobody could bear.
    pub fn leave_insolvent(&mut self, pool: Pool) {
        self.set_state(pool, PoolState::Insolvent);
        self.watch(pool);
    }

    pub(crate) fn set_state(&mut self, pool: Pool, state: PoolState) {
        match pool {
            Pool::Cross { account, currency } => {
                let index = self.cross_index(account, currency);
                self.cross_states[index] = state;
            }
            Pool::Isolated { account, instrument } => {
                let slot = self.slot_of(account, instrument).expect("an isolated position exists");
                self.positions[slot as usize].state = state;
            }
            Pool::Unified { account } => self.account_mut(account).state = state,
        }
    }

    pub(crate) fn cross_index(&self, account: AccountId, currency: CurrencyId) -> usize {
        account.index() * usize::from(self.capacity.currencies) + currency.index()
    }

    /// Chooses mode and leverage for a position that is flat and has no orders.
    ///
    /// # Errors
    /// [`MarginError::PositionOpen`], [`MarginError::RateOutOfRange`], [`MarginError::CapacityReached`], or
    /// [`MarginError::NotIsolated`] in a spot market, which has no positions.
    pub fn configure(
        &mut self,
        account: AccountId,
        instrument: InstrumentId,
        mode: MarginMode,
        initial: Option<Ppm>,
    ) -> Result<(), MarginError> {
        self.can_hold(account, instrument)?;
        if initial.is_some_and(|rate| rate <= Ppm::ZERO || rate > Ppm::ONE) {
            return Err(MarginError::RateOutOfRange);
        }
        if mode == MarginMode::Isolated && self.instrument(instrument).is_spot() {
            return Err(MarginError::NotIsolated);
        }
        let plain = mode == MarginMode::Cross && initial.is_none();
        if self.get_instrument(instrument).is_some_and(|terms| terms.option().is_some()) && !plain {
            return Err(MarginError::CrossOnly);
        }
        if let Some(position) = self.position(account, instrument) {
            if !position.is_idle() {
                return Err(MarginError::PositionOpen);
            }
            if self.state_of(self.pool_of(position)) != PoolState::Sound
                || !self.balance_of_isolated(position).is_zero()
            {
                return Err(MarginError::InLiquidation);
            }
        }
        let slot = self.slot_or_open(account, instrument);
        let position = &mut self.positions[slot as usize];
        position.mode = mode;
        position.choose_initial(initial);
        Ok(())
    }

    fn balance_of_isolated(&self, position: &Position) -> Money {
        match position.mode {
            MarginMode::Cross => Money::ZERO,
            MarginMode::Isolated => self.balance(self.pool_of(position)),
        }
    }
}
