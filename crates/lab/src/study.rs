//! Studies: one scenario over many seeds and values of its fields, in parallel, and what a risk engineer asks first.
//!
//! ```text
//!  cells (one per combination of values) × seeds ──► runs, one deterministic run per thread ──► figures ──► answers
//! ```
//!
//! Cells share their seeds, so that they differ by the values alone. Nothing is kept of a run but its figures.

mod answers;
mod chart;
mod figures;
mod foresight;
mod page;
mod table;

pub use answers::{
    Answers, BearerAnswers, CellAnswers, Exceeding, FigureAnswers, FundAnswer, TierAnswers, WaitAnswers,
};
pub use figures::{Borne, Figure, RunFigures, TierSums, Unit};
pub use foresight::{ForesightAnswers, Group, RankCorrelation};
pub use page::page;
pub use table::{write_figures, write_foresight, write_runs, write_tiers};

use crate::compare::Names;
use crate::error::ScenarioError;
use crate::foresight::{Expected, Foresight};
use crate::fork::{DriveError, Subject, Variant};
use crate::library::Text;
use crate::outcome::Outcome;
use crate::prepare::Prepared;
use crate::probe::Probe;
use crate::run::Tee;
use crate::scenario::{ActorKind, Scenario};
use downdraft_sim::actors::ShockOrder;
use downdraft_types::{CurrencyId, Money};
use downdraft_venue::Venue;
use rayon::prelude::*;

/// A field, and the values that it takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vary {
    /// The path of the field, as `--set` takes it.
    pub path: String,
    /// The values, as `--set` takes them.
    pub values: Vec<String>,
}

impl Vary {
    /// Reads `path=a,b,c`. A comma within brackets, braces or quotes does not part two values.
    ///
    /// # Errors
    /// What was found and what was expected.
    pub fn parse(argument: &str) -> Result<Self, String> {
        let (path, values) =
            argument.split_once('=').ok_or_else(|| format!("found {argument:?}, expected path=value,value"))?;
        let (mut depth, mut quoted) = (0_i32, false);
        let parts = values.split(|c: char| {
            match c {
                '"' => quoted = !quoted,
                '[' | '{' if !quoted => depth += 1,
                ']' | '}' if !quoted => depth -= 1,
                _ => {}
            }
            c == ',' && depth == 0 && !quoted
        });
        let values: Vec<String> = parts.map(|value| value.trim().to_owned()).collect();
        if path.trim().is_empty() || values.iter().any(String::is_empty) {
            return Err(format!("found {argument:?}, expected path=value,value"));
        }
        Ok(Self { path: path.trim().to_owned(), values })
    }
}

/// What is studied.
#[derive(Clone, Debug)]
pub struct Study {
    /// The scenario.
    pub text: Text,
    /// Changes that all runs share.
    pub sets: Vec<String>,
    /// What is varied: each combination is a cell.
    pub vary: Vec<Vary>,
    /// The first seed; the scenario's own where there is none.
    pub first_seed: Option<u64>,
    /// How many seeds, counted up from the first.
    pub seeds: u64,
    /// Sizes of cascades whose exceeding is counted.
    pub exceeds: Vec<u32>,
}

/// A combination of values.
#[derive(Clone, Debug)]
pub struct Cell {
    /// A value for each field that is varied.
    pub values: Vec<String>,
    /// The scenario with them.
    pub scenario: Scenario,
}

/// A cell that was run.
#[derive(Clone, Debug)]
pub struct CellRuns {
    /// The cell.
    pub cell: Cell,
    /// Names and units.
    pub names: Names,
    /// Its runs, in order of their seeds.
    pub runs: Vec<RunFigures>,
}

/// A fund that no loss in any scenario empties, far below what a ledger bears.
const AMPLE: Money = Money(1 << 96);

impl Study {
    /// The cells, the last field varying fastest.
    ///
    /// # Errors
    /// The first thing that is wrong with any of them.
    pub fn cells(&self) -> Result<Vec<Cell>, ScenarioError> {
        self.check_distinct()?;
        let mut combinations: Vec<Vec<String>> = vec![Vec::new()];
        for vary in &self.vary {
            let grown = combinations.iter().flat_map(|values| {
                vary.values.iter().map(move |value| values.iter().chain([value]).cloned().collect())
            });
            combinations = grown.collect();
        }
        combinations.into_iter().map(|values| self.cell(values)).collect()
    }

    /// Neither a field nor a value of one is there twice: cells would not differ as their names say.
    fn check_distinct(&self) -> Result<(), ScenarioError> {
        let twice = |list: &[&String]| (1..list.len()).find(|place| list[..*place].contains(&list[*place]));
        let refuse = |vary: &Vary, reason: String| {
            let argument = format!("{}={}", vary.path, vary.values.join(","));
            Err(ScenarioError::Set { option: "--vary", argument, reason })
        };
        let paths: Vec<&String> = self.vary.iter().map(|vary| &vary.path).collect();
        if let Some(place) = twice(&paths) {
            let vary = &self.vary[place];
            return refuse(vary, format!("found {} varied twice, expected all its values in one --vary", vary.path));
        }
        for vary in &self.vary {
            if let Some(place) = twice(&vary.values.iter().collect::<Vec<_>>()) {
                return refuse(vary, format!("found {} twice, expected each value once", vary.values[place]));
            }
        }
        Ok(())
    }

    fn cell(&self, values: Vec<String>) -> Result<Cell, ScenarioError> {
        let varied = self.vary.iter().zip(&values).map(|(vary, value)| format!("{}={value}", vary.path));
        let varied: Vec<String> = varied.collect();
        let sets: Vec<String> = self.sets.iter().chain(&varied).cloned().collect();
        let scenario = self.text.read(&sets).map_err(|error| error.of_option("--vary", &varied))?;
        Ok(Cell { values, scenario })
    }

    /// The first seed.
    #[must_use]
    pub fn first_seed(&self, cells: &[Cell]) -> u64 {
        self.first_seed.or_else(|| cells.first().map(|cell| cell.scenario.seed)).unwrap_or(1)
    }

    /// Runs all cells over all seeds, on as many threads as there are; the result does not depend on how many.
    /// `progress` hears of every run that is over.
    ///
    /// # Errors
    /// The first of the runs', in order of cells and seeds.
    pub fn run(&self, cells: Vec<Cell>, progress: impl Fn() + Sync) -> Result<Vec<CellRuns>, DriveError> {
        let first = self.first_seed(&cells);
        let jobs: Vec<(usize, u64)> =
            (0..cells.len()).flat_map(|cell| (0..self.seeds).map(move |n| (cell, first.saturating_add(n)))).collect();
        let names: Vec<Names> = cells.iter().map(|cell| Names::of_scenario(&cell.scenario)).collect();
        let figures = jobs.par_iter().with_max_len(1).map(|(cell, seed)| {
            let figures = run_one(&cells[*cell].scenario, &names[*cell], *seed);
            progress();
            figures
        });
        let figures: Vec<Result<RunFigures, DriveError>> = figures.collect();
        let mut figures = figures.into_iter();
        let with_runs = |(cell, names): (Cell, Names)| {
            let runs = figures.by_ref().take(self.seeds as usize).collect::<Result<_, _>>()?;
            Ok(CellRuns { names, cell, runs })
        };
        cells.into_iter().zip(names).map(with_runs).collect()
    }
}

fn run_one(scenario: &Scenario, names: &Names, seed: u64) -> Result<RunFigures, DriveError> {
    let (outcome, expected) = foreseen_outcome(scenario, seed)?;
    // While a fund suffices its size changes nothing, so what it paid is what it needed. Where it may have been short,
    // a fund that cannot be shows what it would have taken.
    let ample = if may_be_short(&outcome) { Some(self::outcome(&with_ample_fund(scenario), seed)?) } else { None };
    Ok(RunFigures::new(names, seed, &outcome, ample.as_ref().unwrap_or(&outcome), expected))
}

fn subject(scenario: &Scenario, seed: u64) -> Subject {
    let prepared = Prepared::new(scenario.clone(), Some(seed));
    Subject::Executed(Box::new(Variant::new(format!("{} seed {seed}", scenario.name), prepared)))
}

fn outcome(scenario: &Scenario, seed: u64) -> Result<Outcome, DriveError> {
    let run = subject(scenario, seed);
    let mut probe = Probe::new(run.end());
    let driven = run.drive(&mut probe, |_| false)?;
    Ok(probe.finish(&driven.venue))
}

/// The outcome, and what was to be expected before the first shock and at the first liquidation.
fn foreseen_outcome(scenario: &Scenario, seed: u64) -> Result<(Outcome, [Option<Expected>; 2]), DriveError> {
    let run = subject(scenario, seed);
    let mut observers = Tee(Probe::new(run.end()), Foresight::default());
    // An order that waits in the book shocks nobody.
    let shocks = scenario.actors.iter().filter_map(|actor| match &actor.kind {
        ActorKind::Shock(shock) if !matches!(shock.order, ShockOrder::Limit { rests: true, .. }) => Some(shock),
        _ => None,
    });
    let mut before = None;
    let driven = match shocks.min_by_key(|shock| shock.start) {
        Some(shock) => {
            let look = |venue: &Venue| before = Expected::of(venue, shock.start, shock.instrument, shock.side);
            run.drive_past(shock.start, &mut observers, look)?
        }
        None => run.drive(&mut observers, |_| false)?,
    };
    let Tee(probe, foresight) = observers;
    Ok((probe.finish(&driven.venue), [before, foresight.first()]))
}

fn may_be_short(outcome: &Outcome) -> bool {
    let purses =
        outcome.purses.iter().any(|purse| purse.fund_refused > 0 || purse.socialised > 0 || purse.uncovered > 0);
    purses || outcome.listed().any(|(_, market)| market.deleveraged > 0)
}

/// All funds of the scenario are such that none is short.
fn with_ample_fund(scenario: &Scenario) -> Scenario {
    let currencies = (0_u16..).map(CurrencyId).take(scenario.currencies.0.len());
    let ample: Vec<(CurrencyId, Money)> = currencies.map(|currency| (currency, AMPLE)).collect();
    let mut changed = scenario.clone();
    changed.funds.groups.iter_mut().for_each(|fund| fund.amounts.clone_from(&ample));
    changed.fund = ample;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_parted_by_commas_outside_of_brackets() {
        let vary = Vary::parse("liquidation.rest=adl, { fund = { fraction = \"25%\", interval = \"1s\" } },\"a,b\"");
        let values = ["adl", "{ fund = { fraction = \"25%\", interval = \"1s\" } }", "\"a,b\""];
        assert_eq!(vary.unwrap().values, values);
        for wrong in ["depth", "depth=", "depth=1,,2", "=1"] {
            assert!(Vary::parse(wrong).unwrap_err().contains("expected path=value,value"), "{wrong}");
        }
    }

    fn study(vary: &[&str]) -> Study {
        Study {
            text: Text::open("thin-book").unwrap(),
            sets: vec!["actors.crowd.count=10".to_owned()],
            vary: vary.iter().map(|vary| Vary::parse(vary).unwrap()).collect(),
            first_seed: None,
            seeds: 1,
            exceeds: Vec::new(),
        }
    }

    #[test]
    fn what_is_wrong_with_a_value_that_is_varied_names_vary() {
        let message = |vary: &[&str]| study(vary).cells().unwrap_err().to_string();
        for (vary, expected) in [
            (["depth=1,x"], "--vary depth=x: depth: found \"x\", expected a decimal such as \"0.1\""),
            (["depth.x.y=1"], "--vary depth.x.y=1: depth: found a table, expected a decimal"),
            (["nowhere.x=1"], "--vary nowhere.x=1: nowhere: found an unknown field, expected one of name"),
            (["actors.crwd.count=1"], "--vary actors.crwd.count=1: actors has no element \"crwd\""),
            (["venue=nowhere"], "--vary venue=nowhere: venue: found \"nowhere\""),
            (["depth=1,2,1"], "--vary depth=1,2,1: found 1 twice, expected each value once"),
        ] {
            assert!(message(&vary).starts_with(expected), "{}", message(&vary));
        }
        assert_eq!(
            message(&["depth=1", "depth=2"]),
            "--vary depth=2: found depth varied twice, expected all its values in one --vary"
        );
        let of_a_set = Study { sets: vec!["depth=y".to_owned()], ..study(&["fund.USDT=1"]) };
        assert!(of_a_set.cells().unwrap_err().to_string().starts_with("--set depth=y: "));
    }

    #[test]
    fn every_combination_is_a_cell() {
        let study = study(&["depth=1,2", "fund.USDT=1,2,3"]);
        let cells = study.cells().unwrap();
        let values: Vec<String> = cells.iter().map(|cell| cell.values.join(" ")).collect();
        assert_eq!(values, ["1 1", "1 2", "1 3", "2 1", "2 2", "2 3"]);
        assert_eq!(
            cells[4].scenario,
            study.text.read(&["actors.crowd.count=10", "depth=2", "fund.USDT=2"].map(str::to_owned)).unwrap()
        );
    }
}
