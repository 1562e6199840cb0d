//! `[portfolio_margin.UNDERLYING]`: the grid in which accounts that choose it have the underlying's options and contracts
//! netted.

use super::{Currencies, Instrument};
use crate::error::suggest;
use crate::read::{Field, Outcome, Section};
use downdraft_margin::{
    Contingencies, GridPoint, InstrumentKind, LARGEST_CONTRACT_COUNT, LARGEST_GRID, Netted, PortfolioPolicy,
    VolatilityMove, VolatilityShock,
};
use downdraft_types::{InstrumentId, Ppm, Span};
use std::collections::BTreeSet;

/// A portfolio margin, and the instrument that is its underlying.
pub(super) type Portfolio = (InstrumentId, PortfolioPolicy);

/// The largest factor: 10.
const TENFOLD: Ppm = Ppm(10 * Ppm::ONE.0);

const VOLATILITY: [(&str, VolatilityMove); 3] =
    [("up", VolatilityMove::Up), ("none", VolatilityMove::None), ("down", VolatilityMove::Down)];

/// Reads the table. An instrument is netted in one portfolio alone.
pub(super) fn read(field: &Field<'_>, currencies: &Currencies, instruments: &[Instrument]) -> Outcome<Vec<Portfolio>> {
    let scope = Scope { currencies, instruments };
    let mut portfolios: Vec<Portfolio> = Vec::new();
    for (name, own) in field.section()?.fields() {
        let Some(underlying) = scope.place(name) else {
            return Err(own.refuse("an unknown instrument", scope.expected(name)));
        };
        let policy = scope.policy(&own, underlying)?;
        let taken = |netted: &&Netted| {
            portfolios.iter().any(|(_, other)| other.contracts.iter().any(|o| o.instrument == netted.instrument))
        };
        if let Some(netted) = policy.contracts.iter().find(taken) {
            let name = &instruments[netted.instrument.index()].name;
            return Err(own.refuse(format!("{name}, which is in another portfolio"), "contracts of one portfolio each"));
        }
        portfolios.push((underlying, policy));
    }
    Ok(portfolios)
}

fn part(field: &Field<'_>) -> Outcome<Ppm> {
    field.rate_within(Ppm::ZERO, Ppm::ONE)
}

fn tenfold(field: &Field<'_>) -> Outcome<Ppm> {
    field.rate_within(Ppm::ZERO, TENFOLD)
}

/// A relative move of a price: above −100% and at most 900%.
fn price(field: &Field<'_>) -> Outcome<Ppm> {
    field.rate_within(Ppm(1 - Ppm::ONE.0), Ppm(TENFOLD.0 - Ppm::ONE.0))
}

struct Scope<'a> {
    currencies: &'a Currencies,
    instruments: &'a [Instrument],
}

impl Scope<'_> {
    fn place(&self, name: &str) -> Option<InstrumentId> {
        self.instruments.iter().position(|known| known.name == name).map(|place| InstrumentId(place as u16))
    }

    fn expected(&self, name: &str) -> String {
        let names: Vec<&str> = self.instruments.iter().map(|known| known.name.as_str()).collect();
        format!("an instrument, {}", suggest(name, &names))
    }

    fn policy(&self, field: &Field<'_>, underlying: InstrumentId) -> Outcome<PortfolioPolicy> {
        let mut s = field.section()?;
        let settlement = self.instruments[underlying.index()].spec.settlement;
        let settlement = s.or("settlement", settlement, |f| self.currencies.named(f))?;
        let own = || self.is_contract(underlying).then_some(Netted { instrument: underlying, beta: Ppm::ONE });
        let contracts = s.optional("contracts", |f| self.contracts(f))?;
        let policy = PortfolioPolicy {
            settlement,
            contracts: contracts.unwrap_or_else(|| own().into_iter().collect()),
            grid: grid(&mut s)?,
            volatility: s.required("volatility", "how far volatility moves", shock)?,
            contingencies: s.or("contingencies", Contingencies::default(), contingencies)?,
            initial_over: s.or("initial_over", Ppm::ONE, |f| f.rate_within(Ppm::ONE, TENFOLD))?,
        };
        s.finish()?;
        self.check(field, &policy)?;
        Ok(policy)
    }

    fn is_contract(&self, id: InstrumentId) -> bool {
        !matches!(self.instruments[id.index()].spec.kind, InstrumentKind::Spot { .. } | InstrumentKind::Option(_))
    }

    /// `["BTC-PERP", { instrument = "ETH-PERP", beta = "120%" }]`.
    fn contracts(&self, field: &Field<'_>) -> Outcome<Vec<Netted>> {
        let netted = |field: &Field<'_>| -> Outcome<Netted> {
            if !field.is_table() {
                return Ok(Netted { instrument: self.contract(field)?, beta: Ppm::ONE });
            }
            let mut s = field.section()?;
            let netted = Netted {
                instrument: s.required("instrument", "the name of a contract", |f| self.contract(f))?,
                beta: s.or("beta", Ppm::ONE, |f| f.rate_within(-TENFOLD, TENFOLD))?,
            };
            s.finish()?;
            Ok(netted)
        };
        let contracts = field.list()?.iter().map(netted).collect::<Outcome<Vec<_>>>()?;
        let distinct: BTreeSet<_> = contracts.iter().map(|netted| netted.instrument).collect();
        if distinct.len() < contracts.len() || contracts.len() > LARGEST_CONTRACT_COUNT {
            let expected = format!("at most {LARGEST_CONTRACT_COUNT}, each once");
            return Err(field.refuse("contracts that repeat, or too many", expected));
        }
        Ok(contracts)
    }

    fn contract(&self, field: &Field<'_>) -> Outcome<InstrumentId> {
        let name = field.string()?;
        let contracts: Vec<&str> = (0_u16..)
            .zip(self.instruments)
            .filter(|(n, _)| self.is_contract(InstrumentId(*n)))
            .map(|(_, known)| known.name.as_str())
            .collect();
        let found = self.place(name).filter(|id| self.is_contract(*id));
        found.ok_or_else(|| field.expected(format!("a perpetual or dated contract, {}", suggest(name, &contracts))))
    }

    /// What only the whole can be wrong about.
    fn check(&self, field: &Field<'_>, policy: &PortfolioPolicy) -> Outcome<()> {
        let foreign =
            |netted: &&Netted| self.instruments[netted.instrument.index()].spec.settlement != policy.settlement;
        if let Some(netted) = policy.contracts.iter().find(foreign) {
            let name = &self.instruments[netted.instrument.index()].name;
            let currency = &self.currencies.0[policy.settlement.index()].name;
            return Err(
                field.refuse(format!("{name}, settled in another currency"), format!("what settles in {currency}"))
            );
        }
        if policy.is_legal() {
            return Ok(());
        }
        Err(field.refuse("moves × beta of −100% or less, or above 900%", "moves of every contract in between"))
    }
}

/// `moves`, each with volatility up, unmoved and down, and `tails`, which count in part.
fn grid(s: &mut Section<'_>) -> Outcome<Vec<GridPoint>> {
    let moves =
        s.required("moves", "the moves of the price", |f| f.list()?.iter().map(price).collect::<Outcome<Vec<_>>>())?;
    let tails = s.or("tails", Vec::new(), |f| f.list()?.iter().map(tail).collect::<Outcome<Vec<_>>>())?;
    let each = |price: Ppm| VOLATILITY.map(|(_, volatility)| GridPoint { price, volatility, part: Ppm::ONE });
    let grid: Vec<GridPoint> = moves.into_iter().flat_map(each).chain(tails).collect();
    if (1..=LARGEST_GRID).contains(&grid.len()) {
        return Ok(grid);
    }
    let found = format!("{} points", grid.len());
    Err(s.refuse("moves", found, format!("from 1 to {LARGEST_GRID}: three for each move, and one for each tail")))
}

/// `{ move = "-66%", part = "25%", volatility = "up" }`.
fn tail(field: &Field<'_>) -> Outcome<GridPoint> {
    let mut s = field.section()?;
    let point = GridPoint {
        price: s.required("move", "the move of the price", price)?,
        part: s.required("part", "the part of the loss that counts", part)?,
        volatility: s.or("volatility", VolatilityMove::Up, |f| f.choice(&VOLATILITY))?,
    };
    s.finish()?;
    Ok(point)
}

fn shock(field: &Field<'_>) -> Outcome<VolatilityShock> {
    let mut s = field.section()?;
    let shock = VolatilityShock {
        up: s.required("up", "the relative rise at 30 days", tenfold)?,
        down: s.required("down", "the relative fall at 30 days", tenfold)?,
        short_power: s.or("short_power", Ppm::ZERO, tenfold)?,
        long_power: s.or("long_power", Ppm::ZERO, tenfold)?,
        floor: s.or("floor", Span::from_secs(86_400), Field::positive_span)?,
    };
    s.finish()?;
    Ok(shock)
}

fn contingencies(field: &Field<'_>) -> Outcome<Contingencies> {
    let mut s = field.section()?;
    let contingencies = Contingencies {
        short_option: s.or("short_option", Ppm::ZERO, part)?,
        offsetting: s.or("offsetting", Ppm::ZERO, part)?,
        contracts: s.or("contracts", Ppm::ZERO, part)?,
        options: s.or("options", Ppm::ZERO, part)?,
    };
    s.finish()?;
    Ok(contingencies)
}
