//! The margin engine: instruments, accounts, positions and their money, behind one door.
//!
//! It knows neither a book nor time. A venue tells it of trades, marks and payments, and asks it who may place
//! an order, who has fallen below maintenance, and at what value a position is bankrupt.

use crate::certificate::Region;
use crate::collateral::CollateralPolicy;
use crate::form::MarginForm;
use crate::instrument::{Instrument, InstrumentKind, InstrumentSpec, ListingError, TierSpec, check_spec, check_tiers};
use crate::ladder::{Ladder, Reached};
use crate::ledger::{Ledger, Place};
use crate::limits::NotionalLimits;
use crate::pool::{Health, MarginMode, Pool, PoolState};
use crate::portfolio::PortfolioPolicy;
use crate::position::Position;
use crate::watch::{Edges, Watch};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Qty, Side};
use smallvec::SmallVec;

/// What an engine can hold; reserved when it is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MarginCapacity {
    /// Accounts, the fund's number 0 included.
    pub accounts: u32,
    /// Positions of all accounts and instruments together, flat ones included.
    pub positions: u32,
    /// Positions of one account.
    pub positions_per_account: u32,
    /// Instruments.
    pub instruments: u16,
    /// Currencies.
    pub currencies: u16,
}

/// Why the engine refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MarginError {
    /// The account number is past the capacity, in use, or the fund's.
    AccountExists,
    /// No such account.
    UnknownAccount,
    /// No such currency.
    UnknownCurrency,
    /// Past what was reserved.
    CapacityReached,
    /// Equity would be below initial margin.
    InsufficientMargin,
    /// The position is open, or has orders, so its mode stays.
    PositionOpen,
    /// The position is not isolated.
    NotIsolated,
    /// The pool is being liquidated.
    InLiquidation,
    /// The amount is zero, negative, or past what money can hold.
    NotPositive,
    /// The rate is outside 0 to 100%.
    RateOutOfRange,
    /// Position and orders would pass the instrument's largest position.
    PositionTooLarge,
    /// A collateral policy makes no sense, or there is none.
    BadCollateral,
    /// Unified accounts rely on the collateral policy's currencies and markets.
    CollateralInUse,
    /// The currency is no collateral, so a unified account cannot have it.
    NotCollateral,
    /// All accounts' deposits of the currency would pass its limit.
    LimitReached,
    /// Cash would go below zero where nothing may be borrowed.
    CannotBorrow,
    /// Open interest would pass the instrument's largest.
    OpenInterestFull,
    /// An option's position is cross, and has no leverage of its own.
    CrossOnly,
    /// A portfolio margin makes no sense.
    BadPortfolio,
    /// The account's contracts, orders included, would come to more than its notional limit.
    NotionalLimit,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) open: bool,
    /// Whether it is an insurance fund.
    pub(crate) fund: bool,
    /// All its currencies answer for all its cross positions.
    pub(crate) unified: bool,
    /// Its positions are netted in portfolios.
    pub(crate) portfolio: bool,
    /// A sale of its collateral was asked for.
    pub(crate) converting: bool,
    /// Where its unified pool stands.
    state: PoolState,
    /// Position slots, in the order in which the instruments were first used.
    pub(crate) slots: SmallVec<[u32; 2]>,
}

impl core::hash::Hash for Account {
    /// Slot by slot: a slice of integers would be hashed in the machine's byte order.
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        (self.open, self.fund, self.unified, self.portfolio, self.converting, self.state).hash(state);
        self.slots.len().hash(state);
        self.slots.iter().for_each(|slot| slot.hash(state));
    }
}

/// The margin engine.
#[derive(Clone, Debug)]
pub struct Margin {
    pub(crate) capacity: MarginCapacity,
    pub(crate) instruments: Vec<Option<Instrument>>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) positions: Vec<Position>,
    /// Position slots by instrument, in account order.
    pub(crate) holders: Vec<Vec<u32>>,
    pub(crate) ledger: Ledger,
    pub(crate) ladders: Vec<Option<Ladder>>,
    /// Cross pools' states, by account and currency.
    cross_states: Vec<PoolState>,
    /// Pools found below maintenance since they were last asked for.
    pub(crate) fallen: Vec<Pool>,
    pub(crate) ranking: Vec<crate::adl::Candidate>,
    pub(crate) collateral: Option<CollateralPolicy>,
    /// By underlying.
    pub(crate) portfolios: Vec<Option<PortfolioPolicy>>,
    /// By underlying, where there is something to watch.
    pub(crate) watches: Vec<Option<Box<Watch>>>,
    /// By position slot, where anything is watched.
    pub(crate) edges: Vec<Edges>,
    /// Unified accounts found overdrawn since they were last asked for.
    pub(crate) overdrawn: Vec<AccountId>,
    /// Pools that a mark made the index look at.
    looks: u64,
    pub(crate) notional_limits: NotionalLimits,
    /// What of a pool's equity answers for one of its positions.
    pub(crate) equity_rule: crate::bankruptcy::EquityShare,
}

impl Margin {
    /// An empty engine. Everything but an instrument's own tables is reserved here.
    #[must_use]
    pub fn with_capacity(capacity: MarginCapacity) -> Self {
        let accounts = capacity.accounts.max(1) as usize;
        let currencies = usize::from(capacity.currencies);
        let instruments = usize::from(capacity.instruments);
        let positions = capacity.positions as usize;
        let per_account = capacity.positions_per_account as usize;
        let account = || Account { slots: SmallVec::with_capacity(per_account), ..Account::default() };
        let mut engine = Self {
            capacity,
            instruments: (0..instruments).map(|_| None).collect(),
            accounts: (0..accounts).map(|_| account()).collect(),
            positions: Vec::with_capacity(positions),
            holders: vec![Vec::new(); instruments],
            ledger: Ledger::with_capacity(accounts, currencies, instruments, positions),
            ladders: (0..instruments).map(|_| None).collect(),
            cross_states: vec![PoolState::Sound; accounts * currencies],
            fallen: Vec::with_capacity(positions),
            ranking: Vec::with_capacity(positions),
            collateral: None,
            portfolios: (0..instruments).map(|_| None).collect(),
            watches: (0..instruments).map(|_| None).collect(),
            edges: Vec::new(),
            overdrawn: Vec::new(),
            looks: 0,
            notional_limits: NotionalLimits::default(),
            equity_rule: crate::bankruptcy::EquityShare::default(),
        };
        let fund = &mut engine.accounts[AccountId::FUND.index()];
        (fund.open, fund.fund) = (true, true);
        engine
    }

    /// Lists an instrument and reserves its tables.
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn list(&mut self, id: InstrumentId, spec: &InstrumentSpec) -> Result<(), ListingError> {
        match self.instruments.get(id.index()) {
            None => return Err(ListingError::CapacityReached),
            Some(Some(_)) => return Err(ListingError::AlreadyListed),
            Some(None) if spec.currencies().any(|currency| currency.0 >= self.capacity.currencies) => {
                return Err(ListingError::CapacityReached);
            }
            Some(None) => {}
        }
        check_spec(spec, self.capacity.positions)?;
        // From here on it cannot fail.
        self.instruments[id.index()] = Some(Instrument::new(spec));
        self.holders[id.index()].reserve(self.capacity.positions as usize);
        self.ladders[id.index()] = Some(Ladder::with_capacity(self.capacity.positions as usize));
        if let InstrumentKind::Option(terms) = &spec.kind {
            self.open_watch(terms.underlying);
            self.join_portfolio(id);
        }
        Ok(())
    }

    /// Changes an instrument's tiers and moves every trigger, in account order.
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn set_tiers(&mut self, id: InstrumentId, spec: &[TierSpec]) -> Result<(), ListingError> {
        let terms = self.instrument(id);
        if terms.option().is_some() {
            return Err(ListingError::TiersNotRising);
        }
        check_tiers(spec, terms.spec.close_fee)?;
        let most = spec.iter().map(|tier| i128::from((tier.maintenance + terms.spec.close_fee).0)).max().unwrap_or(0);
        if most + terms.form().size.added(terms.spec.max_position) >= crate::instrument::RATE_ONE {
            return Err(ListingError::RateOutOfRange);
        }
        self.instrument_mut(id).set_tiers(spec);
        self.reindex_instrument(id);
        Ok(())
    }

    /// Raises every tier of an instrument to at least these rates, and moves every trigger, in account order.
    ///
    /// # Errors
    /// [`ListingError::RateOutOfRange`] where they, with the closing fee and what size adds, are not from 0 to below
    /// 100%, or initial is below maintenance.
    pub fn set_least_rates(&mut self, id: InstrumentId, maintenance: Ppm, initial: Ppm) -> Result<(), ListingError> {
        self.check_least_rates(id, maintenance, initial)?;
        self.instrument_mut(id).set_least_rates((maintenance, initial));
        self.reindex_instrument(id);
        Ok(())
    }

    /// Whether [`Margin::set_least_rates`] would be accepted.
    ///
    /// # Errors
    /// As it.
    pub fn check_least_rates(&self, id: InstrumentId, maintenance: Ppm, initial: Ppm) -> Result<(), ListingError> {
        let terms = self.instrument(id);
        let added = terms.form().size.added(terms.spec.max_position);
        let most = i128::from(maintenance.0) + i128::from(terms.spec.close_fee.0);
        let legal = maintenance >= Ppm::ZERO && initial <= Ppm::ONE && most <= i128::from(initial.0);
        let room = legal && most + added < crate::instrument::RATE_ONE;
        if room { Ok(()) } else { Err(ListingError::RateOutOfRange) }
    }

    /// Changes the form of an instrument's margin and moves every trigger, in account order.
    ///
    /// # Errors
    /// See [`ListingError`].
    pub fn set_form(&mut self, id: InstrumentId, form: &MarginForm) -> Result<(), ListingError> {
        form.check(self.instrument(id))?;
        self.instrument_mut(id).form = *form;
        self.reindex_instrument(id);
        Ok(())
    }

    /// Opens an account.
    ///
    /// # Errors
    /// [`MarginError::CapacityReached`] or [`MarginError::AccountExists`].
    pub fn open_account(&mut self, id: AccountId) -> Result<(), MarginError> {
        let account = self.accounts.get_mut(id.index()).ok_or(MarginError::CapacityReached)?;
        if account.open {
            return Err(MarginError::AccountExists);
        }
        account.open = true;
        Ok(())
    }

    pub(crate) fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.index())
    }

    pub(crate) fn account_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.accounts[id.index()]
    }

    /// Whether the account is open.
    #[must_use]
    pub fn is_open(&self, id: AccountId) -> bool {
        self.accounts.get(id.index()).is_some_and(|a| a.open)
    }

    /// Whether the currency exists.
    #[must_use]
    pub fn has_currency(&self, id: CurrencyId) -> bool {
        id.0 < self.capacity.currencies
    }

    /// A listed instrument.
    #[must_use]
    pub fn get_instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.index()).and_then(Option::as_ref)
    }

    /// A listed instrument.
    ///
    /// # Panics
    /// Where it is not listed: callers have checked.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> &Instrument {
        self.get_instrument(id).expect("a listed instrument")
    }

    pub(crate) fn instrument_mut(&mut self, id: InstrumentId) -> &mut Instrument {
        self.instruments[id.index()].as_mut().expect("a listed instrument")
    }

    /// The ladder of a listed instrument.
    ///
    /// # Panics
    /// Where it is not listed.
    #[must_use]
    pub fn ladder(&self, id: InstrumentId) -> &Ladder {
        self.ladders[id.index()].as_ref().expect("a listed instrument")
    }

    /// What waits on the ladder: triggers of positions on `side`, nearest first, each with the lots of its position.
    /// Of a pool of several positions a trigger is the nearest mark at which the pool is looked at again.
    ///
    /// # Panics
    /// Where the instrument is not listed.
    pub fn pending(&self, id: InstrumentId, side: Side) -> impl Iterator<Item = (MarkPrice, Qty)> + '_ {
        let held = |slot: u32| self.positions[slot as usize].size;
        let waiting = self.ladder(id).entries(side).map(move |(trigger, _, slot)| (trigger, held(slot)));
        waiting.filter(move |(_, size)| size.side() == Some(side)).map(|(trigger, size)| (trigger, size.quantity()))
    }

    /// Open interest: the lots of all long positions in an instrument, the fund's included. Those of the short ones are
    /// as many (invariant 2).
    #[must_use]
    pub fn open_interest(&self, id: InstrumentId) -> Qty {
        self.get_instrument(id).map_or(Qty::ZERO, Instrument::open_interest)
    }

    /// What an account would have if its positions were closed at the present marks: cash, isolated margins and
    /// unrealised profit in one currency.
    #[must_use]
    pub fn equity(&self, account: AccountId, currency: CurrencyId) -> Money {
        let settled = |p: &&Position| self.instrument(p.instrument).spec.settlement == currency;
        let positions = self.positions_of(account).filter(settled);
        positions.fold(self.cash(account, currency), |sum, position| {
            let isolated = match position.mode {
                MarginMode::Isolated => self.balance(self.pool_of(position)),
                MarginMode::Cross => Money::ZERO,
            };
            sum + isolated + position.unrealised(self.instrument(position.instrument))
        })
    }

    /// The ledger.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The balance of the insurance fund that is account 0; see [`Margin::fund_of`] for others.
    #[must_use]
    pub fn fund(&self, currency: CurrencyId) -> Money {
        self.ledger.balance(currency, Place::Cash(AccountId::FUND))
    }

    /// An account's cash.
    #[must_use]
    pub fn cash(&self, account: AccountId, currency: CurrencyId) -> Money {
        self.ledger.balance(currency, Place::Cash(account))
    }

    /// Every account number that is open, in order, the fund's included.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        let ids = (0..).map(AccountId);
        ids.zip(&self.accounts).filter(|(_, a)| a.open).map(|(id, _)| id)
    }

    /// All positions, flat ones included, by slot.
    #[must_use]
    pub fn positions(&self) -> &[Position] {
        &self.positions
    }

    /// An account's positions.
    pub fn positions_of(&self, account: AccountId) -> impl Iterator<Item = &Position> + Clone + '_ {
        self.slots_of(account).iter().map(|slot| &self.positions[*slot as usize])
    }

    pub(crate) fn slots_of(&self, account: AccountId) -> &[u32] {
        self.accounts.get(account.index()).map_or(&[], |a| a.slots.as_slice())
    }

    /// An account's position in an instrument, if it ever had one.
    #[must_use]
    pub fn position(&self, account: AccountId, instrument: InstrumentId) -> Option<&Position> {
        self.slot_of(account, instrument).map(|slot| &self.positions[slot as usize])
    }

    pub(crate) fn slot_of(&self, account: AccountId, instrument: InstrumentId) -> Option<u32> {
        let of = |slot: &u32| self.positions[*slot as usize].instrument == instrument;
        self.slots_of(account).iter().copied().find(of)
    }

    /// Whether [`Margin::slot_or_open`] would succeed.
    pub(crate) fn can_hold(&self, account: AccountId, instrument: InstrumentId) -> Result<(), MarginError> {
        let slots = self.slots_of(account);
        let room = slots.len() < self.capacity.positions_per_account as usize
            && self.positions.len() < self.capacity.positions as usize;
        if room || self.slot_of(account, instrument).is_some() { Ok(()) } else { Err(MarginError::CapacityReached) }
    }

    /// Whether both accounts can hold a position in an instrument at the same time.
    ///
    /// # Errors
    /// [`MarginError::CapacityReached`].
    pub fn can_hold_both(&self, accounts: [AccountId; 2], instrument: InstrumentId) -> Result<(), MarginError> {
        let [a, b] = accounts.map(|account| self.can_hold(account, instrument));
        a.and(b)?;
        let new = accounts.into_iter().filter(|account| self.slot_of(*account, instrument).is_none()).count();
        let room = self.capacity.positions as usize - self.positions.len();
        if new <= room { Ok(()) } else { Err(MarginError::CapacityReached) }
    }

    pub(crate) fn slot_or_open(&mut self, account: AccountId, instrument: InstrumentId) -> u32 {
        if let Some(slot) = self.slot_of(account, instrument) {
            return slot;
        }
        let slot = u32::try_from(self.positions.len()).expect("positions fit their slots");
        assert!(slot < self.capacity.positions, "callers check the capacity");
        self.positions.push(Position::new(account, instrument));
        self.accounts[account.index()].slots.push(slot);
        let positions = &self.positions;
        let holders = &mut self.holders[instrument.index()];
        let at = holders.partition_point(|s| positions[*s as usize].account < account);
        holders.insert(at, slot);
        slot
    }

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

    fn cross_index(&self, account: AccountId, currency: CurrencyId) -> usize {
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

    /// Sets a mark price and collects the pools that it puts below maintenance, nearest trigger first; see
    /// [`Margin::fallen`].
    ///
    /// # Panics
    /// Where the instrument is not listed, or the mark is beyond [`Instrument::legal_marks`]: callers have checked.
    pub fn set_mark(&mut self, id: InstrumentId, mark: MarkPrice) {
        let (lowest, highest) = self.instrument(id).legal_marks();
        assert!(lowest <= mark && mark <= highest, "a mark in range");
        self.instrument_mut(id).mark = mark;
        self.look_at_reached(id);
    }

    /// Looks at the pools whose triggers an instrument's mark has reached.
    pub(crate) fn look_at_reached(&mut self, id: InstrumentId) {
        let mark = self.instrument(id).mark;
        let mut slots = Reached::new();
        while let Some(side) =
            self.ladders[id.index()].as_mut().and_then(|ladder| ladder.take_reached(mark, &mut slots))
        {
            for slot in &slots {
                self.positions[*slot as usize].take_trigger(side);
            }
            slots.iter().for_each(|slot| self.fetch(*slot));
            slots.drain(..).for_each(|slot| self.look_at(slot));
        }
    }

    /// Reads what a look at a position begins with, and does nothing with it: what many need lies far apart, and comes from
    /// memory at once.
    fn fetch(&self, slot: u32) {
        let position = &self.positions[slot as usize];
        let (account, currency) = (position.account, self.instrument(position.instrument).spec.settlement);
        let state = self.cross_states[self.cross_index(account, currency)];
        let cash = self.ledger.balance(currency, Place::Cash(account));
        core::hint::black_box((self.accounts[account.index()].fund, state, cash));
    }

    /// Looks at a position's pool again, whose trigger was taken out. A certificate may have run out without the pool being
    /// in danger: then it gets a new one.
    pub(crate) fn look_at(&mut self, slot: u32) {
        self.looks += 1;
        if !self.falls_alone(slot) {
            self.reindex(self.pool_of(&self.positions[slot as usize]));
        }
    }

    /// How often a mark made the index look at a pool: those that fell, and certificates that had run out. No part of
    /// the state.
    #[must_use]
    pub const fn looks(&self) -> u64 {
        self.looks
    }

    /// Sets the price at which every position of an instrument is about to be settled. No trigger moves: settling looks
    /// at each of its pools again.
    ///
    /// # Panics
    /// As [`Margin::set_mark`].
    pub fn set_settlement_mark(&mut self, id: InstrumentId, mark: MarkPrice) {
        let (lowest, highest) = self.instrument(id).legal_marks();
        assert!(lowest <= mark && mark <= highest, "a mark in range");
        self.instrument_mut(id).mark = mark;
    }

    /// The pools found below maintenance, or flat with a deficit, since this was last cleared, in the order
    /// found. They are already marked as being liquidated.
    #[must_use]
    pub fn fallen(&self) -> &[Pool] {
        &self.fallen
    }

    /// Puts the fallen pools into the order of their accounts.
    pub fn sort_fallen(&mut self) {
        self.fallen.sort_unstable();
    }

    /// Forgets the fallen pools: the caller has taken note of them.
    pub fn clear_fallen(&mut self) {
        self.fallen.clear();
    }
}

impl core::hash::Hash for Margin {
    /// The state, capacities and scratch apart. The ladder follows from the positions.
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.accounts.hash(state);
        self.positions.hash(state);
        self.ledger.hash(state);
        self.cross_states.hash(state);
        self.collateral.hash(state);
        self.portfolios.iter().flatten().for_each(|policy| policy.hash(state));
        self.watches.iter().flatten().for_each(|watch| watch.outlook.hash(state));
        self.edges.hash(state);
        self.notional_limits.hash(state);
        for instrument in self.instruments.iter().flatten() {
            (instrument.mark, instrument.fund, instrument.form, instrument.least, instrument.reference).hash(state);
            (instrument.portfolio, instrument.smile, instrument.valued).hash(state);
            for tier in &instrument.tiers {
                (tier.floor, tier.rate, tier.initial, tier.amount_e6).hash(state);
            }
        }
    }
}
