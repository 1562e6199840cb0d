//! `run`: a scenario, its files, and what is shown of it.

use crate::args::{self, TableFormat};
use crate::output::{Failure, clear, create_directory, print};
use crate::report::write_page;
use crate::screen;
use crate::tables::{Tables, clear_tables};
use core::ops::ControlFlow;
use downdraft_insight::metrics::Config;
use downdraft_insight::report::{Outcomes, page};
use downdraft_insight::{CsvTables, Summary, summary::Timing};
use downdraft_lab::analysis::{Findings, units};
use downdraft_lab::{
    Analysis, Filming, Finished, Prepared, Recorder, RunError, Tee, load, run as run_scenario, run_report,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

type Recorders = ((CsvTables<BufWriter<File>>, Option<Tables>), Outcomes);
type Observers = Tee<Recorder<File>, Tee<Analysis<Recorders>, Filming>>;

/// Runs a scenario.
pub fn run(options: &args::Run) -> Result<ExitCode, Failure> {
    let usage = |error: downdraft_lab::ScenarioError| Failure::Usage(error.to_string());
    let prepared = Prepared::new(load(&options.scenario, &options.sets).map_err(usage)?, options.seed);
    let directory = options.out.clone().unwrap_or_else(|| default_directory(&prepared));
    if let Some(format) = options.tables {
        format.check()?;
    }
    create_directory(&directory)?;
    clear(&directory, &["summary.json", "report.html"])?;
    clear_tables(&directory.join("tables"))?;
    let film = if options.no_report { Filming::off() } else { Filming::new(&prepared) };
    let mut observers = observers(&prepared, &directory, options.tables, film)?;

    let bar = if options.quiet || options.json { ProgressBar::hidden() } else { progress_bar() };
    let started = now();
    let finished = run_scenario(&prepared, &mut observers, |progress, observers| {
        bar.set_position((progress.fraction() * 1_000.0) as u64);
        bar.set_message(format!("{} commands", screen::grouped(&progress.commands.to_string())));
        if observers.0.failed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let elapsed = started.elapsed();
    bar.finish_and_clear();

    let Tee(journal, Tee(analysis, film)) = observers;
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => {
            // What was applied before stays readable.
            let _ = journal.abandon();
            return Err(match error {
                RunError::World(_) => Failure::Broken(error.to_string()),
                RunError::Scenario(_)
                | RunError::SetUp { .. }
                | RunError::Refused(_)
                | RunError::NoPosition { .. }
                | RunError::Unsaved(_) => Failure::Usage(error.to_string()),
            });
        }
    };
    let write = |error: &dyn std::fmt::Display| Failure::Broken(format!("in {}: {error}", directory.display()));
    journal.finish(&finished).map_err(|error| write(&error))?;
    let Findings { mut summary, metrics, recorder: ((tables, all), outcomes), .. } =
        analysis.conclude(&prepared, &finished);
    tables.finish().map_err(|error| write(&error))?;
    if let Some(all) = all {
        all.finish(finished.world.venue(), metrics.as_ref()).map_err(|error| write(&error))?;
    }
    if let Some(report) = run_report(&prepared, &finished, film, summary.clone(), outcomes, metrics.as_ref()) {
        write_page(&directory.join("report.html"), &page(&[report]))?;
    }
    summary.timing = Some(timing(elapsed, &finished));
    let json = write_summary(&directory, &summary)?;
    if options.json {
        print(&json)?;
    } else if !options.quiet {
        print(&screen::result(&summary, &prepared, &directory, !options.no_report))?;
    }
    match &summary.audit {
        None => Ok(ExitCode::SUCCESS),
        Some(fault) => Err(Failure::Broken(format!("the auditor found a fault, please report it: {fault}"))),
    }
}

/// The journal, the analysis with its tables, and what the report needs.
fn observers(
    prepared: &Prepared,
    directory: &Path,
    format: Option<TableFormat>,
    film: Filming,
) -> Result<Observers, Failure> {
    let create = |name: &str| {
        let path = directory.join(name);
        File::create(&path).map_err(|error| Failure::file("create", &path, &error))
    };
    let failed = |error: &dyn std::fmt::Display| Failure::Broken(format!("in {}: {error}", directory.display()));
    // The journal writes whole blocks itself: what it has handed over survives whatever happens to us.
    let journal = Recorder::new(create("journal.ddj")?, prepared).map_err(|error| failed(&error))?;
    let table = |name: &str| create(name).map(|file| BufWriter::with_capacity(1 << 16, file));
    let (prices, liquidations, waterfall) = (table("prices.csv")?, table("liquidations.csv")?, table("waterfall.csv")?);
    let tables = CsvTables::new(units(&prepared.scenario), prices, liquidations, waterfall);
    let all = format.map(|format| Tables::begin(format, units(&prepared.scenario), &directory.join("tables")));
    let recorder = ((tables.map_err(|error| failed(&error))?, all.transpose()?), Outcomes::default());
    let config = Config::over(prepared.scenario.duration);
    Ok(Tee(journal, Tee(Analysis::new(prepared, recorder).with_metrics(config), film)))
}

/// `runs/NAME-SEED`, with what a file's name should not hold replaced in the scenario's.
fn default_directory(prepared: &Prepared) -> PathBuf {
    let legal = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = prepared.scenario.name.trim_start_matches('.').chars().map(legal).collect();
    Path::new("runs").join(format!("{name}-{}", prepared.seed))
}

fn write_summary(directory: &Path, summary: &Summary) -> Result<String, Failure> {
    let path = directory.join("summary.json");
    let failed = |error: std::io::Error| Failure::file("write", &path, &error);
    let json = serde_json::to_string_pretty(summary).map_err(|error| failed(error.into()))? + "\n";
    File::create(&path).and_then(|mut file| file.write_all(json.as_bytes())).map_err(failed)?;
    Ok(json)
}

fn timing(elapsed: Duration, finished: &Finished) -> Timing {
    let seconds = elapsed.as_secs_f64();
    let per_second = if seconds > 0.0 { finished.commands as f64 / seconds } else { 0.0 };
    Timing { elapsed_s: (seconds * 1e6).round() / 1e6, commands_per_s: per_second.round() }
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1_000);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}") {
        bar.set_style(style);
    }
    bar
}

#[allow(clippy::disallowed_methods, reason = "the command line is where a run is timed")]
fn now() -> Instant {
    Instant::now()
}
