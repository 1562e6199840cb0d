//! The venue: a state machine. A command goes in; events and requests come out; nothing else happens.

use crate::command::{BookSize, Command, Internal};
use crate::desk::{Desk, raise};
use crate::directory::Directory;
use crate::emit::{Emit, Parent};
use crate::event::{CauseKind, Event, Rejection, Sink};
use crate::floor::{Floor, Tally};
use crate::market::{Market, Phase};
use crate::policy::LiquidationPolicy;
use downdraft_margin::{InstrumentKind, InstrumentSpec, ListingError, Margin, MarginCapacity, MarginError};
use downdraft_types::{AccountId, InstrumentId, Seq, Side, Time};
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};

/// What a venue can hold. Reserved when it is made; past it a command is rejected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Capacity {
    /// Accounts, the fund's number 0 included.
    pub accounts: u32,
    /// Positions of all accounts and instruments together.
    pub positions: u32,
    /// Positions of one account.
    pub positions_per_account: u32,
    /// Instruments.
    pub instruments: u16,
    /// Currencies.
    pub currencies: u16,
    /// Resting orders with a client number, over all books.
    pub client_orders: u32,
}

/// A command that came out of order: the caller's mistake, and nothing was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfOrder {
    /// The last command applied.
    pub last: (Time, Seq),
    /// The one refused.
    pub found: (Time, Seq),
}

impl core::fmt::Display for OutOfOrder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (last, found) = (self.last, self.found);
        write!(f, "command at {} {} found after {} {}; expected a later (time, seq)", found.0, found.1, last.0, last.1)
    }
}

impl std::error::Error for OutOfOrder {}

/// A derivatives venue.
#[derive(Clone, Debug)]
pub struct Venue {
    capacity: Capacity,
    pub(crate) margin: Margin,
    pub(crate) markets: Vec<Option<Box<Market>>>,
    pub(crate) directory: Directory,
    pub(crate) desk: Desk,
    pub(crate) policy: LiquidationPolicy,
    /// When interest is charged next.
    pub(crate) next_interest: Option<Time>,
    last: Option<(Time, Seq)>,
}

/// What a command led to: accepted, or why not.
pub(crate) type Decision = Result<(), Rejection>;

impl Venue {
    /// An empty venue.
    #[must_use]
    pub fn with_capacity(capacity: Capacity) -> Self {
        let pools = capacity.positions as usize + capacity.accounts as usize * usize::from(capacity.currencies);
        Self {
            capacity,
            margin: Margin::with_capacity(MarginCapacity {
                accounts: capacity.accounts,
                positions: capacity.positions,
                positions_per_account: capacity.positions_per_account,
                instruments: capacity.instruments,
                currencies: capacity.currencies,
            }),
            markets: (0..capacity.instruments).map(|_| None).collect(),
            directory: Directory::with_capacity(capacity.client_orders),
            desk: Desk::with_capacity(pools),
            policy: LiquidationPolicy::default(),
            next_interest: None,
            last: None,
        }
    }

    /// Applies one command. What happens, a rejection included, goes to `sink`.
    ///
    /// # Errors
    /// [`OutOfOrder`] where `(time, seq)` is not after the last command's; the venue is unchanged.
    pub fn apply(&mut self, time: Time, seq: Seq, command: &Command, sink: &mut impl Sink) -> Result<(), OutOfOrder> {
        let found = (time, seq);
        if let Some(last) = self.last.filter(|last| *last >= found) {
            return Err(OutOfOrder { last, found });
        }
        self.last = Some(found);
        let mut emit = Emit::new(time, seq, sink);
        if let Err(reason) = self.dispatch(command, &mut emit) {
            debug_assert_eq!(emit.count(), 0, "a rejected command has no other event");
            emit.event(None, &Event::Rejected { reason });
        }
        debug_assert!(self.margin.fallen().is_empty(), "every fallen pool was reported");
        debug_assert!(self.margin.overdrawn().is_empty(), "every overdrawn account was reported");
        Ok(())
    }

    fn dispatch<S: Sink>(&mut self, command: &Command, emit: &mut Emit<'_, S>) -> Decision {
        match command {
            Command::ListInstrument { instrument, spec, book } => self.list(*instrument, spec, *book, emit),
            Command::SetTiers { instrument, tiers } => {
                self.market(*instrument)?;
                self.margin.set_tiers(*instrument, tiers).map_err(Rejection::Listing)?;
                let set = emit.event(None, &Event::ParameterSet { instrument: Some(*instrument) });
                self.raise(emit, Some(set), CauseKind::Parameter);
                Ok(())
            }
            Command::SetMarkPolicy { instrument, policy } => self.set_mark_policy(*instrument, *policy, emit),
            Command::SetMark { instrument, mark } => self.set_mark(*instrument, *mark, emit),
            Command::SetLiquidationPolicy { policy } => self.set_liquidation_policy(policy, emit),
            Command::SetProtections { instrument, protections } => self.set_protections(*instrument, protections, emit),
            Command::SetFunding { instrument, policy } => self.set_funding(*instrument, *policy, emit),
            Command::OpenAccount { account } => {
                self.margin.open_account(*account)?;
                emit.event(None, &Event::AccountOpened { account: *account });
                Ok(())
            }
            Command::Configure { account, instrument, mode, initial } => {
                self.known(*account, *instrument)?;
                self.margin.configure(*account, *instrument, *mode, *initial)?;
                let (account, instrument, mode) = (*account, *instrument, *mode);
                emit.event(None, &Event::Configured { account, instrument, mode });
                Ok(())
            }
            Command::Deposit { account, currency, amount } => {
                self.margin.deposit(*account, *currency, *amount)?;
                let (account, currency, amount) = (*account, *currency, *amount);
                let event = emit.event(None, &Event::Deposited { account, currency, amount });
                self.raise(emit, Some(event), CauseKind::OwnAccount);
                Ok(())
            }
            Command::Withdraw { account, currency, amount } => {
                self.margin.withdraw(*account, *currency, *amount)?;
                let (account, currency, amount) = (*account, *currency, *amount);
                let event = emit.event(None, &Event::Withdrawn { account, currency, amount });
                self.raise(emit, Some(event), CauseKind::OwnAccount);
                Ok(())
            }
            Command::MoveMargin { account, instrument, amount } => {
                self.known(*account, *instrument)?;
                self.margin.move_margin(*account, *instrument, *amount)?;
                let (account, instrument, amount) = (*account, *instrument, *amount);
                let event = emit.event(None, &Event::MarginMoved { account, instrument, amount });
                self.raise(emit, Some(event), CauseKind::OwnAccount);
                Ok(())
            }
            Command::BlockTrade { instrument, buyer, seller, qty, cost } => {
                self.block_trade(*instrument, (*buyer, *seller), *qty, *cost, emit)
            }
            Command::PlaceOrder(order) => self.place(order, emit),
            Command::CancelOrder { account, order } => self.cancel(*account, *order, emit),
            Command::ReplaceOrder { account, order, price, qty } => self.replace(*account, *order, *price, *qty, emit),
            Command::ExecuteOrder { account, order, qty, taker } => self.execute(*account, *order, *qty, *taker, emit),
            Command::ReportIndex { instrument, index } => self.report_index(*instrument, *index, emit),
            Command::Halt { instrument, until } => self.halt(*instrument, *until, emit),
            Command::Reopen { instrument } => self.reopen(*instrument, None, emit),
            Command::ReduceOrder { account, order, by } => self.reduce(*account, *order, *by, emit),
            Command::SetFund { instrument, fund, isolated } => self.set_fund(*instrument, *fund, *isolated, emit),
            Command::SetCollateral { policy } => self.set_collateral(policy, emit),
            Command::SetUnified { account, unified } => self.set_unified(*account, *unified, emit),
            Command::SetMarginForm { instrument, form } => {
                self.market(*instrument)?;
                self.margin.set_form(*instrument, form).map_err(Rejection::Listing)?;
                let set = emit.event(None, &Event::ParameterSet { instrument: Some(*instrument) });
                self.raise(emit, Some(set), CauseKind::Parameter);
                Ok(())
            }
            Command::ReportVolatility { instrument, volatility } => {
                self.report_volatility(*instrument, *volatility, emit)
            }
            Command::SetDynamicMargin { instrument, policy } => {
                self.set_dynamic_margin(*instrument, policy.as_deref().copied(), emit)
            }
            Command::SetPortfolioPolicy { underlying, policy } => {
                self.set_portfolio_policy(*underlying, policy.as_deref(), emit)
            }
            Command::SetPortfolio { account, portfolio } => self.set_portfolio(*account, *portfolio, emit),
            Command::SetNotionalLimit { account, currency, limit } => {
                self.margin.set_notional_limit(*account, *currency, *limit)?;
                emit.event(None, &Event::ParameterSet { instrument: None });
                Ok(())
            }
            Command::SetSettlement { instrument, policy } => self.set_settlement(*instrument, *policy, emit),
            Command::Internal(internal) => self.internal(*internal, emit),
        }
    }

    fn internal<S: Sink>(&mut self, internal: Internal, emit: &mut Emit<'_, S>) -> Decision {
        match internal {
            Internal::Liquidate { pool } => self.liquidate(pool, emit),
            Internal::Unwind { account, instrument } => self.unwind(account, instrument, emit),
            Internal::SampleMark { instrument } => self.sample_mark(instrument, emit),
            Internal::SamplePremium { instrument } => self.sample_premium(instrument, emit),
            Internal::PayFunding { instrument } => self.pay_funding(instrument, emit),
            Internal::Reopen { instrument } => self.reopen(instrument, Some(emit.time), emit),
            Internal::Expire { instrument } => self.expire(instrument, emit),
            Internal::Convert { account } => self.convert(account, emit),
            Internal::ChargeInterest => self.charge_interest(emit),
            Internal::SampleSettlement { instrument } => self.sample_settlement(instrument, emit),
            Internal::StepMargin { instrument } => self.step_margin(instrument, emit),
        }
    }

    fn list<S: Sink>(
        &mut self,
        instrument: InstrumentId,
        spec: &InstrumentSpec,
        book: BookSize,
        emit: &mut Emit<'_, S>,
    ) -> Decision {
        // Reserving is the one thing that could ask for more memory than there is.
        const LARGEST_BOOK: u32 = 1 << 24;
        if book.orders == 0 || book.levels == 0 {
            return Err(Rejection::NotPositive);
        }
        if book.orders > LARGEST_BOOK || book.levels > LARGEST_BOOK {
            return Err(Rejection::CapacityReached);
        }
        if spec.kind.expiry().is_some_and(|expiry| expiry < emit.time) {
            return Err(Rejection::Expired);
        }
        if let InstrumentKind::Option(terms) = &spec.kind {
            self.check_underlying(instrument, spec, terms)?;
        }
        self.margin.list(instrument, spec).map_err(Rejection::Listing)?;
        let market = Market::new(book, self.capacity.accounts, spec.mark_scale);
        self.markets[instrument.index()] = Some(Box::new(market));
        self.value_listed(instrument, emit.time);
        let listed = emit.event(None, &Event::InstrumentListed { instrument });
        if let Some(expiry) = spec.kind.expiry() {
            emit.request(expiry, listed, Internal::Expire { instrument });
        }
        Ok(())
    }

    /// A listed instrument's market.
    ///
    /// # Errors
    /// [`Rejection::UnknownInstrument`].
    pub fn market(&self, instrument: InstrumentId) -> Result<&Market, Rejection> {
        self.markets.get(instrument.index()).and_then(Option::as_deref).ok_or(Rejection::UnknownInstrument)
    }

    pub(crate) fn market_mut(&mut self, instrument: InstrumentId) -> Result<&mut Market, Rejection> {
        self.markets.get_mut(instrument.index()).and_then(Option::as_deref_mut).ok_or(Rejection::UnknownInstrument)
    }

    /// A market that trades now.
    pub(crate) fn trading(&self, instrument: InstrumentId) -> Result<&Market, Rejection> {
        let market = self.market(instrument)?;
        match market.phase {
            Phase::Open => Ok(market),
            Phase::Halted(_) => Err(Rejection::Halted),
            Phase::Expired => Err(Rejection::Expired),
        }
    }

    /// A client's account (not a fund's) and a listed instrument.
    pub(crate) fn known(&self, account: AccountId, instrument: InstrumentId) -> Decision {
        if self.margin.is_fund(account) || !self.margin.is_open(account) {
            return Err(Rejection::UnknownAccount);
        }
        self.market(instrument).map(|_| ())
    }

    /// The margin engine: accounts, positions, money, ladders.
    #[must_use]
    pub const fn margin(&self) -> &Margin {
        &self.margin
    }

    /// The liquidation policy in force.
    #[must_use]
    pub const fn liquidation_policy(&self) -> &LiquidationPolicy {
        &self.policy
    }

    /// Pools whose liquidation is under way.
    #[must_use]
    pub const fn backlog(&self) -> u32 {
        self.desk.pending
    }

    /// What it was made with.
    #[must_use]
    pub const fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// A digest of the whole state: equal states give equal digests, on every machine and in every build.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        let mut hasher = StateHasher(xxhash_rust::xxh3::Xxh3Default::new());
        self.margin.hash(&mut hasher);
        for market in self.markets.iter().flatten() {
            market.hash(&mut hasher);
        }
        self.policy.hash(&mut hasher);
        self.desk.hash(&mut hasher);
        self.next_interest.hash(&mut hasher);
        self.last.hash(&mut hasher);
        hasher.finish()
    }

    /// Checks every invariant that can be read off the state, in O(state).
    ///
    /// # Panics
    /// Where one is broken; the message cites its number.
    pub fn check_invariants(&self) {
        crate::invariants::check(self);
    }

    pub(crate) fn raise<S: Sink>(&mut self, emit: &mut Emit<'_, S>, parent: Parent, kind: CauseKind) {
        raise(&mut self.margin, &mut self.desk, &self.policy, emit, parent, kind);
    }

    /// The floor and book of an instrument, for a taker.
    pub(crate) fn floor<'a, 'e, S: Sink>(
        &'a mut self,
        instrument: InstrumentId,
        (taker, side): (AccountId, Side),
        forced: bool,
        parent: Parent,
        emit: &'a mut Emit<'e, S>,
    ) -> (&'a mut downdraft_book::Book, Floor<'a, 'e, S>) {
        let market = self.markets[instrument.index()].as_deref_mut().expect("a listed instrument");
        let floor = Floor {
            margin: &mut self.margin,
            metas: &mut market.metas,
            directory: &mut self.directory,
            desk: &mut self.desk,
            policy: &self.policy,
            emit,
            instrument,
            taker,
            side,
            forced,
            parent,
            tally: Tally::default(),
        };
        (&mut market.book, floor)
    }
}

/// Feeds `Hash` implementations to xxh3 with a fixed byte order and width.
struct StateHasher(xxhash_rust::xxh3::Xxh3Default);

impl Hasher for StateHasher {
    fn finish(&self) -> u64 {
        self.0.digest()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn write_u16(&mut self, n: u16) {
        self.write(&n.to_le_bytes());
    }

    fn write_u32(&mut self, n: u32) {
        self.write(&n.to_le_bytes());
    }

    fn write_u64(&mut self, n: u64) {
        self.write(&n.to_le_bytes());
    }

    fn write_u128(&mut self, n: u128) {
        self.write(&n.to_le_bytes());
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_isize(&mut self, n: isize) {
        self.write_u64(n as u64);
    }
}

impl From<MarginError> for Rejection {
    fn from(error: MarginError) -> Self {
        match error {
            MarginError::AccountExists => Self::AccountExists,
            MarginError::UnknownAccount => Self::UnknownAccount,
            MarginError::UnknownCurrency => Self::UnknownCurrency,
            MarginError::CapacityReached => Self::CapacityReached,
            MarginError::InsufficientMargin => Self::InsufficientMargin,
            MarginError::PositionOpen => Self::PositionOpen,
            MarginError::NotIsolated => Self::NotIsolated,
            MarginError::InLiquidation => Self::InLiquidation,
            MarginError::NotPositive => Self::NotPositive,
            MarginError::RateOutOfRange => Self::Listing(ListingError::RateOutOfRange),
            MarginError::PositionTooLarge => Self::PositionTooLarge,
            MarginError::BadCollateral => Self::InvalidCollateral,
            MarginError::CollateralInUse => Self::CollateralInUse,
            MarginError::NotCollateral => Self::NotCollateral,
            MarginError::LimitReached => Self::DepositLimit,
            MarginError::CannotBorrow => Self::CannotBorrow,
            MarginError::OpenInterestFull => Self::OpenInterestFull,
            MarginError::CrossOnly => Self::CrossOnly,
            MarginError::BadPortfolio => Self::InvalidPortfolio,
            MarginError::NotionalLimit => Self::NotionalLimit,
        }
    }
}
