//! `check`, `scenarios`, `show`.

use crate::args;
use crate::output::{Failure, print};
use comfy_table::{ContentArrangement, Table, presets};
use core::ops::ControlFlow;
use downdraft_lab::{Course, Plan, Prepared, library, load};
use downdraft_types::Time;
use std::process::ExitCode;

/// Reads a scenario and sets its world up, without running it.
pub fn check(options: &args::Check) -> Result<ExitCode, Failure> {
    let usage = |error: downdraft_lab::ScenarioError| Failure::Usage(error.to_string());
    let scenario = load(&options.scenario, &options.sets).map_err(usage)?;
    let prepared = Prepared::new(scenario, None);
    let mut course = Course::new(prepared.world().map_err(usage)?, Plan::default());
    course
        .run(Some(Time::ZERO), &mut (), |_, ()| ControlFlow::Continue(()))
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let scenario = &prepared.scenario;
    let accounts: u64 = scenario.actors.iter().map(|actor| u64::from(actor.accounts.1)).sum();
    print(&format!(
        "{}: ok, {}, {} and {} over {} s\n",
        scenario.name,
        count(scenario.instruments.len() as u64, "instrument"),
        count(scenario.actors.len() as u64, "actor"),
        count(accounts, "account"),
        downdraft_insight::Exact::new(i128::from(scenario.duration.0), 9),
    ))?;
    Ok(ExitCode::SUCCESS)
}

fn count(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Lists the built-in scenarios.
pub fn scenarios() -> Result<ExitCode, Failure> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for entry in library() {
        table.add_row([entry.name.to_owned(), entry.summary()]);
    }
    let text: String = table.lines().map(|line| line.trim().to_owned() + "\n").collect();
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a built-in scenario.
pub fn show(name: &str) -> Result<ExitCode, Failure> {
    print(downdraft_lab::show(name).map_err(|error| Failure::Usage(error.to_string()))?)?;
    Ok(ExitCode::SUCCESS)
}
