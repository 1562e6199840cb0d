//! The margin engine: instruments, accounts, positions and their money, behind one door.
//!
//! It knows neither a book nor time. A venue tells it of trades, marks and payments, and asks it who may place
//! an order, who has fallen below maintenance, and at what value a position is bankrupt.

use crate::collateral::CollateralPolicy;
use crate::instrument::Instrument;
use crate::ladder::Ladder;
use crate::ledger::Ledger;
use crate::limits::NotionalLimits;
use crate::pool::{Pool, PoolState};
use crate::portfolio::PortfolioPolicy;
use crate::position::Position;
use crate::watch::{Edges, Watch};
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use downdraft_types::AccountId;
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
    pub(crate) state: PoolState,
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
    pub(crate) cross_states: Vec<PoolState>,
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
    pub(crate) looks: u64,
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
