//! What accounts, classes, instruments and currencies are called in a comparison.

use crate::analysis::units;
use crate::outcome::Outcome;
use crate::scenario::{ActorKind, Scenario};
use downdraft_insight::{CurrencyUnits, Exact, InstrumentUnits, Units};
use downdraft_types::AccountId;
use downdraft_venue::Origin;

/// Names and units of a comparison.
#[derive(Clone, Debug)]
pub struct Names {
    /// How prices, quantities and money are printed.
    pub units: Units,
    /// Classes of accounts: name, first account, how many.
    classes: Vec<(String, u32, u32)>,
    /// By number.
    accounts: Vec<(AccountId, String)>,
    actors: Vec<String>,
}

impl Names {
    /// Those of a scenario: an actor's accounts are a class of its name; a population's counterparties are one of
    /// their own, and so is the account that all trade against at the start.
    #[must_use]
    pub fn of_scenario(scenario: &Scenario) -> Self {
        let mut classes = Vec::new();
        for actor in &scenario.actors {
            let (first, count) = (actor.accounts.0.0, actor.accounts.1);
            if let ActorKind::Population(config) = &actor.kind {
                let (holders, others) = (config.holders.count, config.counterparties.count);
                classes.push((actor.name.clone(), first, holders));
                classes.push((format!("{} counterparties", actor.name), first + holders, others));
                classes.push((format!("{} opening", actor.name), first + holders + others, 1));
            } else {
                classes.push((actor.name.clone(), first, count));
            }
        }
        let mut accounts = scenario.account_names.clone();
        accounts.sort_unstable();
        Self {
            units: units(scenario),
            classes,
            accounts,
            actors: scenario.actors.iter().map(|actor| actor.name.clone()).collect(),
        }
    }

    /// Bare numbers, as they are in a run without a readable scenario.
    #[must_use]
    pub fn bare(outcome: &Outcome) -> Self {
        let scales: Vec<u32> = outcome.markets.iter().map(|m| m.as_ref().map_or(1, |m| m.mark_scale)).collect();
        let currencies = u16::try_from(outcome.purses.len()).unwrap_or(u16::MAX);
        Self { units: Units::bare(currencies, &scales), classes: Vec::new(), accounts: Vec::new(), actors: Vec::new() }
    }

    /// Whether prices, quantities and money of a run of these names and of `other` are of the same kind, so that one can
    /// be taken from the other: what has the same number has the same name and units.
    ///
    /// # Errors
    /// The first thing that differs: what was found in `other`, and what was expected.
    pub fn check_comparable(&self, other: &Self) -> Result<(), String> {
        let currency = |c: &CurrencyUnits| format!("{} with {} decimals", c.name, c.decimals);
        let currencies = self.units.currencies.iter().zip(&other.units.currencies);
        let currencies = currencies.map(|(a, b)| (currency(a), currency(b)));
        let instrument = |i: &InstrumentUnits| {
            let decimal = |(mantissa, scale): (i128, u32)| Exact::new(mantissa, scale);
            let (tick, lot) = (decimal(i.tick), decimal(i.lot));
            format!("{} in ticks of {tick} ({} marks each) and lots of {lot}", i.name, i.mark_scale)
        };
        let instruments = self.units.instruments.iter().zip(&other.units.instruments);
        let instruments = instruments.map(|(a, b)| (instrument(a), instrument(b)));
        match currencies.chain(instruments).find(|(expected, found)| expected != found) {
            Some((expected, found)) => Err(format!("found {found}, expected {expected}, to be compared")),
            None => Ok(()),
        }
    }

    /// The class of an account that was opened so.
    #[must_use]
    pub fn class(&self, account: AccountId, opened_by: Origin) -> String {
        if account == AccountId::FUND {
            return "insurance fund".to_owned();
        }
        let within =
            |(_, first, count): &&(String, u32, u32)| account.0.checked_sub(*first).is_some_and(|n| n < *count);
        if let Some((name, ..)) = self.classes.iter().find(within) {
            return name.clone();
        }
        match opened_by {
            Origin::Actor(number) => {
                self.actors.get(number as usize).cloned().unwrap_or_else(|| format!("actor {number}"))
            }
            Origin::Outside | Origin::Internal => "outside".to_owned(),
        }
    }

    /// The name that a scenario gives an account itself.
    #[must_use]
    pub fn account(&self, account: AccountId) -> Option<&str> {
        let place = self.accounts.binary_search_by_key(&account, |(known, _)| *known).ok()?;
        Some(self.accounts[place].1.as_str())
    }
}
