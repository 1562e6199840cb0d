//! From a scenario and a seed to a world that is ready to run.

use crate::error::ScenarioError;
use crate::scenario::{ActorKind, Scenario};
use downdraft_journal::{Header, MachineEntry};
use downdraft_margin::InstrumentKind;
use downdraft_sim::world::World;
use downdraft_types::{AccountId, InstrumentId, MachineId, Time};
use downdraft_venue::{AdlRanking, Command, Venue};

/// A scenario with its seed: all that a run is a function of, recorded input apart.
#[derive(Clone, PartialEq, Debug)]
pub struct Prepared {
    /// The scenario.
    pub scenario: Scenario,
    /// The seed of this run.
    pub seed: u64,
}

impl Prepared {
    /// A run of `scenario`, with its own seed unless another is given.
    #[must_use]
    pub fn new(scenario: Scenario, seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or(scenario.seed);
        Self { scenario, seed }
    }

    /// When the run ends.
    #[must_use]
    pub fn end(&self) -> Time {
        Time(self.scenario.duration.0)
    }

    /// The commands of set-up, all at time zero: instruments with their policies and first marks, portfolio margins, the
    /// liquidation policy, the fund, given books.
    #[must_use]
    pub fn genesis(&self) -> Vec<Command> {
        let mut commands = Vec::new();
        for (number, terms) in (0_u16..).zip(&self.scenario.instruments) {
            let instrument = InstrumentId(number);
            let spec = Box::new(terms.spec.clone());
            commands.push(Command::ListInstrument { instrument, spec, book: terms.book });
            commands.push(Command::SetMarkPolicy { instrument, policy: terms.mark });
            commands.push(Command::SetProtections { instrument, protections: terms.protections });
            if terms.funding.is_some() {
                commands.push(Command::SetFunding { instrument, policy: terms.funding });
            }
            if terms.delivery.is_some() {
                commands.push(Command::SetSettlement { instrument, policy: terms.delivery });
            }
            if let Some(form) = terms.form {
                commands.push(Command::SetMarginForm { instrument, form: Box::new(form) });
            }
            if terms.dynamic.is_some() {
                commands.push(Command::SetDynamicMargin { instrument, policy: terms.dynamic.map(Box::new) });
            }
            commands.push(Command::SetMark { instrument, mark: terms.first_mark() });
        }
        commands.extend(self.first_indices());
        self.open_funds(&mut commands);
        if let Some(policy) = &self.scenario.collateral {
            commands.push(Command::SetCollateral { policy: Box::new(policy.clone()) });
        }
        commands.extend(self.scenario.currencies.notional_limits());
        for (underlying, policy) in &self.scenario.portfolios {
            let policy = Some(Box::new(policy.clone()));
            commands.push(Command::SetPortfolioPolicy { underlying: *underlying, policy });
        }
        let mut policy = self.scenario.liquidation;
        if let AdlRanking::RandomStart { seed } = &mut policy.adl.ranking {
            *seed = self.seed;
        }
        commands.push(Command::SetLiquidationPolicy { policy: Box::new(policy) });
        let fund = self.scenario.fund.iter().filter(|(_, amount)| amount.is_positive());
        commands.extend(fund.map(|&(currency, amount)| Command::Deposit {
            account: AccountId::FUND,
            currency,
            amount,
        }));
        for actor in &self.scenario.actors {
            if let ActorKind::Positions(_, book) = &actor.kind {
                commands.extend_from_slice(book);
            }
        }
        commands
    }

    /// Opens the accounts of vault and funds, and appoints those.
    fn open_funds(&self, commands: &mut Vec<Command>) {
        let funds = &self.scenario.funds;
        commands.extend(funds.all().map(|fund| Command::OpenAccount { account: fund.account }));
        for (number, terms) in (0_u16..).zip(&self.scenario.instruments) {
            let set = |fund| Command::SetFund { instrument: InstrumentId(number), fund, isolated: false };
            commands.extend(funds.of(terms).map(set));
        }
        for fund in funds.all() {
            let amounts = fund.amounts.iter().filter(|(_, amount)| amount.is_positive());
            commands.extend(amounts.map(|&(currency, amount)| Command::Deposit {
                account: fund.account,
                currency,
                amount,
            }));
        }
    }

    /// The index of what options are on begins at its price: positions may be opened before an oracle speaks.
    fn first_indices(&self) -> impl Iterator<Item = Command> + '_ {
        let numbered = || (0_u16..).map(InstrumentId).zip(&self.scenario.instruments);
        let has_options = move |id: InstrumentId| {
            numbered().any(|(_, terms)| matches!(terms.spec.kind, InstrumentKind::Option(of) if of.underlying == id))
        };
        let underlyings = numbered().filter(move |(id, _)| has_options(*id));
        underlyings.map(|(instrument, terms)| Command::ReportIndex { instrument, index: terms.first_mark() })
    }

    /// What is reported of volatilities, and when.
    fn volatilities(&self) -> impl Iterator<Item = (Time, Command)> + '_ {
        let numbered = (0_u16..).map(InstrumentId).zip(&self.scenario.instruments);
        numbered.flat_map(|(instrument, terms)| {
            let report =
                move |&(time, volatility): &(Time, _)| (time, Command::ReportVolatility { instrument, volatility });
            terms.volatility.iter().map(report)
        })
    }

    /// The world at its start, with the scenario's actors. More may be added before it runs; accounts from
    /// [`Scenario::first_free_account`] are theirs.
    ///
    /// # Errors
    /// Where an actor cannot be made: a recording that is gone, for one.
    pub fn world(&self) -> Result<World, ScenarioError> {
        let mut world = World::new(self.scenario.capacity, self.seed, self.end());
        for command in self.genesis() {
            world.schedule(Time::ZERO, command).expect("a world begins at time zero");
        }
        for (time, command) in self.volatilities() {
            world.schedule(time, command).expect("a world begins at time zero");
        }
        for actor in &self.scenario.actors {
            world.add(&actor.name, actor.latencies, actor.build()?);
        }
        Ok(world)
    }

    /// The header of the run's journal.
    #[must_use]
    pub fn header(&self) -> Header {
        Header {
            software: concat!("downdraft ", env!("CARGO_PKG_VERSION")).to_owned(),
            scenario: self.scenario.text.clone(),
            seed: self.seed,
            machines: vec![MachineEntry::new::<Venue>(MachineId(0), &self.scenario.capacity)],
        }
    }
}
