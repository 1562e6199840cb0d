//! What each account contributed: `fork --contributions`.

use crate::args;
use crate::fork::{json, on_threads};
use crate::output::Failure;
use comfy_table::{ContentArrangement, Table, presets};
use downdraft_insight::{Exact, Units};
use downdraft_lab::compare::{Names, trace};
use downdraft_lab::contribution::{Contributions, Game, Measure, largest};
use downdraft_lab::fork::Origin;
use downdraft_lab::outcome::Outcome;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money};
use serde::Serialize;
use std::fs;
use std::path::Path;

/// What was attributed, in human units.
#[derive(Serialize)]
pub struct Report {
    measure: String,
    /// Of the run as it is, and of the run without any player's liquidation.
    base: Exact,
    none: Exact,
    /// Runs that were executed for Shapley values, and orders drawn; all orders where there is none.
    runs: usize,
    permutations: Option<u32>,
    accounts: Vec<AccountReport>,
}

/// An account, or all others together.
#[derive(Serialize)]
struct AccountReport {
    account: Option<u32>,
    name: String,
    class: Option<String>,
    left_out: Option<Exact>,
    shapley: f64,
    standard_error: f64,
}

/// Attributes the outcome of the base.
pub fn attribute(options: &args::Fork, measure: Measure, origin: &Origin) -> Result<Report, Failure> {
    origin.check_moment(options.at)?;
    let outcome = trace(&origin.base)?.outcome;
    let names = origin.names.clone().unwrap_or_else(|| Names::bare(&outcome));
    let players = players(options, &outcome)?;
    let at = options.at.unwrap_or_default();
    let game = Game { base: origin.base.clone(), players, rest: options.contributions.is_some(), measure, at };
    let found = on_threads(options.base.batch.threads, || game.play(options.permutations))??;
    Ok(report(options, &game, &found, &outcome, &names))
}

/// The measure of that name.
pub fn measure(name: &str) -> Result<Measure, Failure> {
    Ok(match name {
        "price-fall" => Measure::PriceFall(InstrumentId(0)),
        "bad-debt" => Measure::BadDebt(CurrencyId(0)),
        "fund-paid" => Measure::FundPaid(CurrencyId(0)),
        "liquidated" => Measure::Liquidated,
        other => {
            return Err(Failure::Usage(format!(
                "--measure: found {other:?}, expected price-fall, bad-debt, fund-paid or liquidated"
            )));
        }
    })
}

/// The accounts named, then the largest liquidated ones.
fn players(options: &args::Fork, outcome: &Outcome) -> Result<Vec<AccountId>, Failure> {
    let mut players: Vec<AccountId> = options.contribution_of.iter().copied().map(AccountId).collect();
    let count = options.contributions.map_or(0, usize::from);
    for account in largest(outcome, InstrumentId(0), count + players.len(), options.at.unwrap_or_default()) {
        if players.len() < options.contribution_of.len() + count && !players.contains(&account) {
            players.push(account);
        }
    }
    let mut sorted = players.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() != players.len() || players.len() > 60 {
        let found = players.len();
        return Err(Failure::Usage(format!(
            "--contribution-of: found {found} accounts, expected at most 60, each once"
        )));
    }
    if players.is_empty() {
        let found = "--contributions: no account is liquidated from then on, expected one at least";
        return Err(Failure::Usage(found.to_owned()));
    }
    Ok(players)
}

/// The factor from a measure's units to human ones, by printing a large whole number of them.
fn scale(measure: Measure, units: &Units) -> f64 {
    const MANY: i64 = 1 << 40;
    let printed = print(measure, units, i128::from(MANY));
    printed.to_f64() / MANY as f64
}

fn print(measure: Measure, units: &Units, value: i128) -> Exact {
    match measure {
        Measure::PriceFall(instrument) => {
            let clamped = i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX });
            units.mark(instrument, MarkPrice(clamped))
        }
        Measure::BadDebt(currency) | Measure::FundPaid(currency) => units.money(currency, Money(value)),
        Measure::Liquidated => Exact::new(value, 0),
    }
}

fn report(options: &args::Fork, game: &Game, found: &Contributions, outcome: &Outcome, names: &Names) -> Report {
    let factor = scale(game.measure, &names.units);
    let print = |value| print(game.measure, &names.units, value);
    let account = |(place, share): (usize, &downdraft_lab::shapley::Share)| {
        let account = game.players.get(place).copied();
        let opened = account.and_then(|account| outcome.accounts.get(account.index())?.as_ref());
        let name = account.map_or("all others".to_owned(), |account| {
            names.account(account).map_or_else(|| format!("account {}", account.0), str::to_owned)
        });
        AccountReport {
            account: account.map(|account| account.0),
            name,
            class: account.zip(opened).map(|(account, opened)| names.class(account, opened.opened_by)),
            left_out: found.left_out.get(place).map(|value| print(*value)),
            shapley: share.value() * factor,
            standard_error: share.error * factor,
        }
    };
    Report {
        measure: options.measure.clone(),
        base: print(found.base),
        none: print(found.shapley.ends.0),
        runs: found.shapley.evaluated,
        permutations: found.shapley.permutations,
        accounts: found.shapley.shares.iter().enumerate().map(account).collect(),
    }
}

impl Report {
    /// Writes `contributions.json`.
    pub fn write(&self, directory: &Path) -> Result<&'static str, Failure> {
        let path = directory.join("contributions.json");
        fs::write(&path, json(self)?).map_err(|error| Failure::file("write", &path, &error))?;
        Ok("contributions.json")
    }

    /// As a person reads it.
    pub fn screen(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["account", "class", "left out", "Shapley value", "standard error"]);
        for account in &self.accounts {
            table.add_row([
                account.name.clone(),
                account.class.clone().unwrap_or_default(),
                account.left_out.map_or_else(|| "-".to_owned(), |value| value.to_string()),
                format!("{:.4}", account.shapley),
                format!("{:.4}", account.standard_error),
            ]);
        }
        let orders = self.permutations.map_or("all orders".to_owned(), |count| format!("{count} orders drawn"));
        format!(
            "\n{}: {} as it is, {} without the players' liquidations ({} runs, {orders})\n{table}\n",
            self.measure, self.base, self.none, self.runs
        )
    }
}
