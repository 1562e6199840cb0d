//! Scenarios: what a TOML file states, checked and in the engine's units.
//!
//! ```text
//!  text ──(--set)──► Document ──► Scenario ──► Prepared ──► World
//! ```
//!
//! Quantities are decimals in human units, in quotes or whole (`tick_size = "0.1"`), and are read exactly: a value
//! that is not a whole number of ticks, lots or units is refused. Rates are `"0.5%"`, `"0.005"` or `"5000ppm"`;
//! lengths of time `"250us"`, `"10ms"`, `"5s"`, `"1h"`. Only parameters of models are floats.

mod actors;
mod background;
mod borrowers;
mod collateral;
mod currency;
mod files;
mod funds;
mod instrument;
mod ladder;
mod maker;
mod margining;
mod model;
mod my_venue;
mod outline;
mod policy;
mod population;
mod portfolio;
mod recorded;

pub use actors::{Actor, ActorKind};
pub use currency::{Currencies, Currency};
pub use files::Files;
pub use funds::{Fund, Funds};
pub use instrument::{Instrument, Units};
pub use outline::Outline;
pub use recorded::Recording;

use crate::decimal::Decimal;
use crate::document::Document;
use crate::error::ScenarioError;
use crate::read::{Field, Outcome, Section};
use downdraft_margin::{CollateralPolicy, PortfolioPolicy};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Span};
use downdraft_venue::{Capacity, LiquidationPolicy};
use std::collections::BTreeSet;

/// A scenario, in the engine's units.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows, in a line.
    pub summary: String,
    /// The seed of a run that names none.
    pub seed: u64,
    /// How long a run lasts.
    pub duration: Span,
    /// The currencies; a currency's number is its place.
    pub currencies: Currencies,
    /// The instruments; an instrument's number is its place.
    pub instruments: Vec<Instrument>,
    /// What stands for unified accounts' positions.
    pub collateral: Option<CollateralPolicy>,
    /// Portfolio margins, each with the instrument that is its underlying.
    pub portfolios: Vec<(InstrumentId, PortfolioPolicy)>,
    /// How accounts below maintenance are closed.
    pub liquidation: LiquidationPolicy,
    /// What the insurance fund starts with.
    pub fund: Vec<(CurrencyId, Money)>,
    /// Funds of single instruments or groups, and the vault.
    pub funds: Funds,
    /// Who acts, in the order in which they start.
    pub actors: Vec<Actor>,
    /// Accounts that the scenario names itself.
    pub account_names: Vec<(AccountId, String)>,
    /// What the venue reserves.
    pub capacity: Capacity,
    /// The text it was read from, changes included.
    pub text: String,
}

impl Scenario {
    /// Reads a scenario. Files that it names are looked for in `files`.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(document: &Document, files: &Files) -> Result<Self, ScenarioError> {
        let mut s = Section::root(document);
        let name = s.required("name", "the scenario's name", Field::owned)?;
        let summary = s.or("summary", String::new(), Field::owned)?;
        let seed = s.or("seed", 1, |f| f.integer(0, i64::MAX.unsigned_abs()))?;
        let duration = s.required("duration", "how long a run lasts", Field::positive_span)?;
        let depth = s.or("depth", Decimal::ONE, Field::positive_decimal)?;
        let currencies = s.required("currencies", "a table of currencies", Currencies::read)?;
        let instruments = s.required("instruments", "a list of instruments", |f| instruments(f, &currencies))?;
        let collateral = s.optional("collateral", |f| collateral::read(f, &currencies, &instruments))?;
        let portfolios = s.or("portfolio_margin", Vec::new(), |f| portfolio::read(f, &currencies, &instruments))?;
        let mut liquidation = s.or("liquidation", LiquidationPolicy::default(), policy::liquidation)?;
        let fund = s.or("fund", Vec::new(), |f| currencies.amounts(&f.section()?))?;
        let mut scope = actors::Scope {
            instruments: &instruments,
            currencies: &currencies,
            collateral: collateral.as_ref(),
            portfolios: &portfolios,
            files,
            depth,
            next_account: 1,
            account_names: Vec::new(),
        };
        let feed = s.optional("feed", |f| recorded::read(f, &mut scope))?;
        let mut actors = s.or("actors", Vec::new(), |f| read_actors(f, &mut scope))?;
        actors.splice(0..0, feed);
        let funds = Funds::read(&mut s, &instruments, &currencies, &mut scope, liquidation.needs_vault())?;
        liquidation.vault = funds.vault.as_ref().map(|vault| vault.account);
        let (accounts, account_names) = (scope.next_account, scope.account_names);
        let derived = derive_capacity(accounts, &instruments, &currencies);
        let capacity = s.or("capacity", derived, |f| capacity(f, derived))?;
        s.finish()?;
        let text = document.text().to_owned();
        Ok(Self {
            name,
            summary,
            seed,
            duration,
            currencies,
            instruments,
            collateral,
            portfolios,
            liquidation,
            fund,
            funds,
            actors,
            account_names,
            capacity,
            text,
        })
    }

    /// Whether an actor reports an index.
    #[must_use]
    pub fn has_oracle(&self) -> bool {
        self.actors.iter().any(|actor| matches!(actor.kind, ActorKind::Oracle(_)))
    }

    /// The number of the first account that neither an actor of the scenario nor a fund has: for actors that are added by hand.
    #[must_use]
    pub fn first_free_account(&self) -> AccountId {
        let of_actors = self.actors.iter().map(|a| AccountId(a.accounts.0.0 + a.accounts.1));
        let of_funds = self.funds.all().map(|fund| AccountId(fund.account.0 + 1));
        of_actors.chain(of_funds).max().unwrap_or(AccountId(1))
    }
}

fn unique<'a>(names: impl Iterator<Item = (String, Field<'a>)>) -> Outcome<()> {
    let mut seen = BTreeSet::new();
    for (name, field) in names {
        if !seen.insert(name.clone()) {
            return Err(field.refuse(format!("the name {name:?} twice"), "a name of its own"));
        }
    }
    Ok(())
}

fn instruments(field: &Field<'_>, currencies: &Currencies) -> Outcome<Vec<Instrument>> {
    let fields = field.list()?;
    if fields.is_empty() || fields.len() > 1_000 {
        return Err(field.refuse(format!("{} instruments", fields.len()), "from 1 to 1000"));
    }
    let mut instruments = Vec::with_capacity(fields.len());
    for field in &fields {
        let instrument = Instrument::read(field, currencies, &instruments)?;
        instruments.push(instrument);
    }
    unique(instruments.iter().map(|i| i.name.clone()).zip(fields.iter().cloned()))?;
    Ok(instruments)
}

fn read_actors(field: &Field<'_>, scope: &mut actors::Scope<'_>) -> Outcome<Vec<Actor>> {
    let fields = field.list()?;
    let actors = fields.iter().map(|f| Actor::read(f, scope)).collect::<Outcome<Vec<_>>>()?;
    unique(actors.iter().map(|a| a.name.clone()).zip(fields.iter().cloned()))?;
    Ok(actors)
}

/// Room for every account of the scenario to hold every instrument, and for a few accounts more.
fn derive_capacity(next_account: u32, instruments: &[Instrument], currencies: &Currencies) -> Capacity {
    const HEADROOM: u32 = 64;
    let accounts = next_account.saturating_add(HEADROOM);
    let count = instruments.len() as u16;
    Capacity {
        accounts,
        positions: accounts.saturating_mul(u32::from(count)),
        positions_per_account: u32::from(count),
        instruments: count,
        currencies: currencies.0.len() as u16,
        client_orders: instruments.iter().fold(0_u32, |sum, i| sum.saturating_add(i.book.orders)),
    }
}

/// `[capacity]`: any of them larger than what the scenario itself needs.
fn capacity(field: &Field<'_>, derived: Capacity) -> Outcome<Capacity> {
    let mut s = field.section()?;
    // What a large machine's memory holds: all of it is reserved at the start.
    let at_least = |least: u32| move |f: &Field<'_>| f.integer(u64::from(least), 1 << 26).map(|n| n as u32);
    let capacity = Capacity {
        accounts: s.or("accounts", derived.accounts, at_least(derived.accounts))?,
        positions: s.or("positions", derived.positions, at_least(1))?,
        positions_per_account: s.or("positions_per_account", derived.positions_per_account, |f| {
            f.integer(1, u64::from(derived.instruments)).map(|n| n as u32)
        })?,
        client_orders: s.or("client_orders", derived.client_orders, at_least(1))?,
        ..derived
    };
    s.finish()?;
    Ok(capacity)
}
