//! The trial: an engine and its naive model, driven in step and compared after every command.

use super::worlds::{ACCOUNTS, CAPACITY, CURRENCIES, HOUSE, World, collateral, portfolio};
use super::{Step, Tally};
use crate::naive_margin::NaiveMargin;
use downdraft_margin::{InstrumentSpec, Margin, Pool};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};
use std::collections::BTreeSet;

pub(super) struct Resting {
    pub(super) account: AccountId,
    pub(super) instrument: InstrumentId,
    pub(super) side: Side,
    pub(super) qty: Qty,
    pub(super) price: Price,
}

/// An engine, its model, and the orders that rest somewhere.
pub struct Trial {
    pub(super) world: World,
    pub(super) engine: Margin,
    pub(super) naive: NaiveMargin,
    pub(super) resting: Vec<Resting>,
    pub(super) tally: Tally,
    /// How many points of a box are looked at after a step.
    pub(super) corners: u32,
}

impl Trial {
    /// A world in which everything is listed and nobody has anything.
    #[must_use]
    pub fn new(world: World) -> Self {
        let mut trial = Self::listing(world, world.listings());
        match world {
            World::Plain => {}
            World::Unified => {
                trial.set_collateral();
                (1..ACCOUNTS).step_by(2).for_each(|account| trial.unify(AccountId(account), true));
            }
            World::Portfolio => {
                trial.set_portfolio_policy(Some(&portfolio(true)));
                trial.move_outlook(InstrumentId(0), |outlook| {
                    (outlook.index, outlook.volatility) = (Some(MarkPrice(10_000)), Some(Ppm(600_000)));
                });
                trial.set_collateral();
                (3..ACCOUNTS).step_by(3).for_each(|account| trial.unify(AccountId(account), true));
                (2..ACCOUNTS).step_by(2).for_each(|account| trial.net(AccountId(account), true));
            }
        }
        trial
    }

    /// Looks at so many points of each box after a step, other ones each time; 200 unless told.
    #[must_use]
    pub const fn with_corners(mut self, corners: u32) -> Self {
        self.corners = corners;
        self
    }

    fn listing(world: World, listings: [(InstrumentSpec, i64); 8]) -> Self {
        let mut trial = Self {
            world,
            engine: Margin::with_capacity(CAPACITY),
            naive: NaiveMargin::default(),
            resting: Vec::new(),
            tally: Tally::default(),
            corners: 200,
        };
        for account in 1..=ACCOUNTS {
            trial.engine.open_account(AccountId(account)).expect("room for every account");
        }
        for (id, (spec, mark)) in (0..).map(InstrumentId).zip(listings) {
            trial.engine.list(id, &spec).expect("a sound listing");
            trial.naive.list(id, &spec);
            trial.set_mark(id, mark);
        }
        for currency in (0..CURRENCIES).map(CurrencyId) {
            trial.deposit(HOUSE, currency, Money(1 << 98));
        }
        trial
    }

    fn set_collateral(&mut self) {
        self.engine.set_collateral(&collateral()).expect("a sound policy");
        self.naive.set_collateral(&collateral());
    }

    /// The engine.
    #[must_use]
    pub const fn engine(&self) -> &Margin {
        &self.engine
    }

    /// What has happened so far.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Carries a step out on both and compares them.
    ///
    /// # Panics
    /// Where the two differ.
    pub fn apply(&mut self, step: &Step) {
        let harmless = self.carry_out(step);
        let fallen = self.naive.newly_fallen();
        let reported: BTreeSet<Pool> = self.engine.fallen().iter().copied().collect();
        assert_eq!(reported, fallen, "fallen after {step:?}");
        assert_eq!(self.engine.fallen().len(), fallen.len(), "each is reported once");
        if let Some(pool) = harmless {
            assert!(!fallen.contains(&pool), "{step:?} was accepted, and {pool} fell");
        }
        self.tally.steps += 1;
        self.tally.fallen += fallen.len() as u64;
        self.engine.clear_fallen();
        self.engine.clear_overdrawn();
        self.engine.check_risk_index();
        self.naive.compare(&self.engine);
        self.compare_triggers();
    }

    /// Returns the pool that the engine judged able to bear the step: it may not fall by it.
    fn carry_out(&mut self, step: &Step) -> Option<Pool> {
        match step {
            Step::Deposit { .. } | Step::Withdraw { .. } | Step::MoveMargin { .. } | Step::Interest => {
                self.move_money(step)
            }
            Step::Trade { .. } | Step::Order { .. } | Step::Cancel => self.deal(step),
            Step::Walk { .. }
            | Step::Jump { .. }
            | Step::Funding { .. }
            | Step::Expire { .. }
            | Step::Index { .. }
            | Step::Volatility { .. }
            | Step::Time { .. } => {
                self.move_prices(step);
                None
            }
            Step::Tiers { .. }
            | Step::Form { .. }
            | Step::Least { .. }
            | Step::Grid { .. }
            | Step::Haircut { .. }
            | Step::Configure { .. }
            | Step::Portfolio { .. }
            | Step::Unify { .. } => {
                self.change_terms(step);
                None
            }
            Step::Resolve { which, how } => {
                self.resolve(*which, *how);
                None
            }
            Step::Convert { account, all } => {
                self.convert(account_of(*account), *all);
                None
            }
        }
    }
}

pub(super) fn account_of(number: u8) -> AccountId {
    AccountId(1 + u32::from(number) % ACCOUNTS)
}

pub(super) fn instrument_of(number: u8) -> InstrumentId {
    InstrumentId(u16::from(number) % CAPACITY.instruments)
}
