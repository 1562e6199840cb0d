//! `[[actors]]`: who acts, each with a name, a kind, latencies, and the parameters of its kind.

use super::files::Files;
use super::recorded::Recording;
use super::{Currencies, Instrument, my_venue};
use super::{background, borrowers, maker, model, population};
use crate::decimal::Decimal;
use crate::error::{ScenarioError, suggest};
use crate::read::{Field, Outcome, Section};
use downdraft_margin::{CollateralPolicy, InstrumentKind, PortfolioPolicy};
use downdraft_sim::actors::{
    Background, BackgroundConfig, Borrowers, BorrowersConfig, Explicit, ExplicitConfig, Maker, MakerConfig,
    OracleActor, OracleConfig, Population, PopulationConfig, Shock, ShockConfig, ShockOrder,
};
use downdraft_sim::index_path::OracleRules;
use downdraft_sim::latency::{Latencies, Latency};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Price, Qty, Side, Span, Time};
use downdraft_venue::Command;

/// An actor as a scenario states it.
#[derive(Clone, PartialEq, Debug)]
pub struct Actor {
    /// Its name, which keys its random streams.
    pub name: String,
    /// How long its orders and its market data take.
    pub latencies: Latencies,
    /// Its accounts: the first, and how many.
    pub accounts: (AccountId, u32),
    /// What it does.
    pub kind: ActorKind,
}

/// What an actor does.
#[derive(Clone, PartialEq, Debug)]
pub enum ActorKind {
    /// Background flow.
    Background(Box<BackgroundConfig>),
    /// A market maker.
    Maker(Box<MakerConfig>),
    /// A shock.
    Shock(ShockConfig),
    /// Leveraged accounts and their counterparties.
    Population(Box<PopulationConfig>),
    /// Accounts that hold a coin on a loan.
    Borrowers(Box<BorrowersConfig>),
    /// An oracle of the index.
    Oracle(Box<OracleConfig>),
    /// Given positions, and the commands that place a given book.
    Positions(Box<ExplicitConfig>, Vec<Command>),
    /// Recorded order flow.
    Recorded(Box<Recording>),
}

/// What the actors of a scenario share while they are read.
pub(super) struct Scope<'a> {
    pub(super) instruments: &'a [Instrument],
    pub(super) currencies: &'a Currencies,
    pub(super) collateral: Option<&'a CollateralPolicy>,
    pub(super) portfolios: &'a [(InstrumentId, PortfolioPolicy)],
    pub(super) files: &'a Files,
    /// Multiplies the resting sizes of background flow and makers.
    pub(super) depth: Decimal,
    /// The next account number that is free.
    pub(super) next_account: u32,
    /// Names of accounts that have one of their own.
    pub(super) account_names: Vec<(AccountId, String)>,
}

impl<'a> Scope<'a> {
    /// Takes `count` account numbers; returns the first.
    pub(super) fn accounts(&mut self, field: &Field<'_>, count: u64) -> Outcome<AccountId> {
        // What a large machine's memory holds.
        const MOST: u64 = 1 << 24;
        let first = self.next_account;
        if u64::from(first) + count > MOST {
            return Err(field.refuse(format!("{count} more accounts"), format!("at most {MOST} in all")));
        }
        self.next_account += count as u32;
        Ok(AccountId(first))
    }

    /// Takes one account number.
    pub(super) const fn next(&mut self) -> AccountId {
        let next = AccountId(self.next_account);
        self.next_account += 1;
        next
    }

    /// The instrument that an actor trades: the only one, or the one that it names.
    pub(super) fn instrument(&self, s: &mut Section<'_>) -> Outcome<(InstrumentId, &'a Instrument)> {
        let named = |field: &Field<'_>| self.named(field.string()?).map_err(|expected| field.expected(expected));
        match self.instruments {
            [only] => Ok(s.optional("instrument", named)?.unwrap_or((InstrumentId(0), only))),
            _ => s.required("instrument", "the name of an instrument", named),
        }
    }

    /// The instrument of that name, or what names there are.
    pub(super) fn named(&self, name: &str) -> Result<(InstrumentId, &'a Instrument), String> {
        let place = self.instruments.iter().position(|i| i.name == name);
        let found = place.map(|place| (InstrumentId(place as u16), &self.instruments[place]));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.instruments.iter().map(|i| i.name.as_str()).collect();
            format!("an instrument, {}", suggest(name, &names))
        })
    }

    /// Lots of a resting size, times the scenario's depth.
    pub(super) fn deep_lots(&self, field: &Field<'_>, instrument: &Instrument) -> Outcome<Qty> {
        let size = field.positive_decimal()?;
        let lot = instrument.units.lot;
        let count = size.checked_mul(self.depth).and_then(|deep| deep.count(lot).ok());
        let lots = count.and_then(|n| i64::try_from(n).ok()).map(|n| Qty(n.unsigned_abs()));
        let depth = if self.depth == Decimal::ONE { String::new() } else { format!(" after × depth {}", self.depth) };
        lots.ok_or_else(|| field.expected(format!("a whole number of lots of {lot}{depth}")))
    }
}

impl Actor {
    pub(super) fn read(field: &Field<'_>, scope: &mut Scope<'_>) -> Outcome<Self> {
        let mut s = field.section()?;
        let name = s.required("name", "the actor's name", Field::owned)?;
        let kinds = ["background", "maker", "shock", "population", "borrowers", "oracle", "positions"].map(|k| (k, k));
        let kind = s.required("kind", "the kind of actor", |f| f.choice(&kinds))?;
        let latencies = s.or("latency", Latencies::default(), model::latencies)?;
        let first = scope.next_account;
        let kind = match kind {
            "background" => ActorKind::Background(Box::new(background::read(field, &mut s, scope)?)),
            "maker" => ActorKind::Maker(Box::new(maker::read(field, &mut s, scope)?)),
            "shock" => ActorKind::Shock(shock(field, &mut s, scope)?),
            "population" => ActorKind::Population(Box::new(population::read(field, &mut s, scope)?)),
            "borrowers" => ActorKind::Borrowers(Box::new(borrowers::read(field, &mut s, scope)?)),
            "oracle" => ActorKind::Oracle(Box::new(oracle(&mut s, scope)?)),
            _ => {
                let (config, book) = my_venue::read(field, &mut s, scope)?;
                ActorKind::Positions(Box::new(config), book)
            }
        };
        s.finish()?;
        let accounts = (AccountId(first), scope.next_account - first);
        kind.build().map_err(|reason| field.invalid(reason))?;
        Ok(Self { name, latencies, accounts, kind })
    }

    /// The actor itself.
    ///
    /// # Errors
    /// Where it cannot be made any more: a file has changed since the scenario was read.
    pub fn build(&self) -> Result<Box<dyn downdraft_sim::actor::Actor>, ScenarioError> {
        self.kind.build().map_err(|reason| ScenarioError::Unknown(format!("actor {}: {reason}", self.name)))
    }
}

impl ActorKind {
    fn build(&self) -> Result<Box<dyn downdraft_sim::actor::Actor>, String> {
        Ok(match self {
            Self::Background(config) => Box::new(Background::new((**config).clone())?),
            Self::Maker(config) => Box::new(Maker::new((**config).clone())?),
            Self::Shock(config) => Box::new(Shock::new(config.clone())?),
            Self::Borrowers(config) => Box::new(Borrowers::new((**config).clone())?),
            Self::Population(config) => Box::new(Population::new((**config).clone())?),
            Self::Oracle(config) => Box::new(OracleActor::new((**config).clone())?),
            Self::Positions(config, _) => Box::new(Explicit::new((**config).clone())?),
            Self::Recorded(recording) => Box::new(recording.build()?),
        })
    }
}

/// A deposit in an instrument's settlement currency; by default more than its owner can lose.
pub(super) fn deposit(s: &mut Section<'_>, instrument: &Instrument) -> Outcome<(CurrencyId, Money)> {
    let unit = instrument.units.money();
    let ample = Money(1_000_000_000 * 10_i128.pow(instrument.units.decimals));
    let amount = s.or("deposit", ample, |f| {
        let amount = Money(f.units(unit, "unit")?);
        if amount.is_positive() { Ok(amount) } else { Err(f.expected("an amount above 0")) }
    })?;
    Ok((instrument.spec.settlement, amount))
}

/// What an actor in a spot market has of the base currency at the start; by default more than it can sell.
pub(super) fn stock(
    s: &mut Section<'_>,
    instrument: &Instrument,
    currencies: &Currencies,
) -> Outcome<Option<(CurrencyId, Money)>> {
    let InstrumentKind::Spot { base, .. } = instrument.spec.kind else { return Ok(None) };
    let ample = Money(1_000_000_000 * 10_i128.pow(currencies.decimals(base)));
    let amount = s.or("stock", ample, |f| {
        let amount = Money(f.units(currencies.unit(base), "unit")?);
        if amount.is_negative() { Err(f.expected("an amount of at least 0")) } else { Ok(amount) }
    })?;
    Ok(Some((base, amount)))
}

/// A moment, as the time since the start.
pub(super) fn moment(field: &Field<'_>) -> Outcome<Time> {
    field.span().map(|span| Time(span.0))
}

fn shock(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<ShockConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    let (currency, deposit) = deposit(s, terms)?;
    let stock = stock(s, terms, scope.currencies)?;
    let lots = |f: &Field<'_>| f.positive_units(terms.units.lot, "lot").map(|n| Qty(n.unsigned_abs()));
    let limit = s.optional("limit", |f| f.positive_units(terms.units.tick, "tick").map(Price))?;
    let rests = s.or("rests", false, Field::boolean)?;
    if rests && limit.is_none() {
        return Err(s.refuse("rests", "true", "false, or a limit"));
    }
    let config = ShockConfig {
        instrument,
        currency,
        account: scope.accounts(field, 1)?,
        deposit,
        stock,
        side: s.or("side", Side::Sell, |f| f.choice(&[("sell", Side::Sell), ("buy", Side::Buy)]))?,
        qty: s.required("size", "how much is traded", lots)?,
        slices: s.or("slices", 1, Field::count)?,
        start: s.or("start", Time::ZERO, moment)?,
        interval: s.or("interval", Span::ZERO, Field::span)?,
        order: limit.map_or(ShockOrder::Market, |price| ShockOrder::Limit { price, rests }),
    };
    if u64::from(config.slices) > config.qty.0 {
        return Err(s.refuse("slices", config.slices.to_string(), format!("at most a slice per lot, {}", config.qty)));
    }
    Ok(config)
}

fn oracle(s: &mut Section<'_>, scope: &Scope<'_>) -> Outcome<OracleConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    let rate = |f: &Field<'_>| f.rate_within(Ppm::ZERO, Ppm::ONE);
    Ok(OracleConfig {
        instrument,
        path: s.required("path", "the reference price", |f| model::path(f, scope.files))?,
        marks_per_unit: f64::from(terms.units.mark_scale) / terms.units.tick.to_f64(),
        mark_scale: terms.units.mark_scale,
        coupling: s.required("coupling", "the weight of our own mid, 0 to 1", |f| f.number_within(0.0, 1.0))?,
        rules: OracleRules {
            heartbeat: s.required("heartbeat", "the longest time between reports", Field::positive_span)?,
            deviation: s.or("deviation", Ppm::ZERO, rate)?,
            latency: s.or("report_latency", Latency::default(), model::latency)?,
        },
    })
}
