//! `fork`: the same world with one thing changed, and what differs.

use crate::args::{self, TableFormat};
use crate::contributions::{attribute, measure};
use crate::output::{Failure, clear, create_directory, print};
use crate::screen::grouped;
use crate::tables::Tables;
use comfy_table::{ContentArrangement, Table, presets};
use downdraft_insight::Exact;
use downdraft_insight::metrics::Config;
use downdraft_insight::summary::Each;
use downdraft_lab::compare::{Comparison, DifferenceReport, Names, Report, RunReport, compare, write_accounts};
use downdraft_lab::fork::{Counterfactual, DriveError, MarkSeries, Opening, Origin, OriginError, Subject, journal_of};
use downdraft_lab::run::RunError;
use downdraft_lab::{Analysis, Recorder};
use downdraft_types::{AccountId, Span};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use std::fmt::Write;
use std::fs::{self, File};
use std::io::{BufWriter, IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

impl From<OriginError> for Failure {
    fn from(error: OriginError) -> Self {
        match error {
            OriginError::Playback(error) => error.into(),
            cut @ OriginError::Cut { .. } => Self::Damaged(cut.to_string()),
            error @ (OriginError::Scenario(_) | OriginError::Fixed(_) | OriginError::Usage(_)) => {
                Self::Usage(error.to_string())
            }
        }
    }
}

impl From<DriveError> for Failure {
    fn from(error: DriveError) -> Self {
        let message = error.to_string();
        match error {
            DriveError::Run { error, .. } if matches!(*error, RunError::World(_)) => Self::Broken(message),
            DriveError::Run { .. } => Self::Usage(message),
            DriveError::Playback { error, .. } => match Self::from(error) {
                Self::Damaged(_) => Self::Damaged(message),
                Self::Broken(_) => Self::Broken(message),
                Self::Usage(_) | Self::PipeClosed => Self::Usage(message),
            },
        }
    }
}

/// Files of a fork.
const FILES: [&str; 4] = ["comparison.json", "accounts.csv", "contributions.json", "journal.ddj"];

/// Refuses to write a fork's journal over that of its base, or among the files of another run.
fn keep_runs(source: &str, directory: &Path) -> Result<(), Failure> {
    let place = |path: &Path| fs::canonicalize(path).ok();
    let base = journal_of(source).and_then(|journal| place(&journal));
    let what = if base.is_some() && base == place(&directory.join("journal.ddj")) {
        "the base's journal"
    } else if directory.join("summary.json").exists() {
        "another run"
    } else {
        return Ok(());
    };
    let directory = directory.display();
    Err(Failure::Usage(format!("--out: found {directory}, where {what} is, expected another directory")))
}

/// Forks a scenario or a run.
pub fn fork(options: &args::Fork) -> Result<ExitCode, Failure> {
    let base = &options.base;
    let measure = measure(&options.measure)?;
    let counterfactuals = counterfactuals(&base.counterfactuals, base.all_counterfactuals)?;
    let origin = Origin::open(&opening(base))?;
    let without: Vec<AccountId> = options.without.iter().copied().map(AccountId).collect();
    let attributes = options.contributions.is_some() || !options.contribution_of.is_empty();
    let asked = !options.sets.is_empty() || !without.is_empty() || (counterfactuals.is_empty() && !attributes);
    let plain = match asked {
        true => Some(origin.fork("fork", &options.sets, options.at, &without)?),
        false => None,
    };
    let directory = options.out.clone().unwrap_or_else(|| default_directory(&base.source, origin.base.seed(), "fork"));
    options.tables.map_or(Ok(()), TableFormat::check)?;
    create_directory(&directory)?;
    keep_runs(&base.source, &directory)?;
    clear(&directory, &FILES)?;
    let spinner = spinner(base.batch.quiet || base.batch.json, "running base and forks");
    let all = base.all_counterfactuals;
    let (forks, comparison) = on_threads(base.batch.threads, || -> Result<_, Failure> {
        let mut forks: Vec<Subject> = plain.iter().cloned().collect();
        let (imagined, notes) = imagined(&origin, &counterfactuals, options.at, all)?;
        forks.extend(imagined);
        let mut comparison = compare(&origin.base, &forks)?;
        comparison.base.notes.splice(0..0, origin.notes.iter().cloned().chain(notes));
        Ok((forks, comparison))
    })??;
    spinner.finish_and_clear();
    let names = origin.names.clone().unwrap_or_else(|| Names::bare(&comparison.base.outcome));
    let mut files = write(&comparison, &names, &directory)?;
    if let Some(fork) = &plain {
        write_journal(&origin, fork, &directory)?;
        files.insert(0, "journal.ddj");
    }
    if let Some(format) = options.tables {
        let sides: Vec<&Subject> = [&origin.base].into_iter().chain(&forks).collect();
        on_threads(base.batch.threads, || write_tables(&sides, format, &names, &directory))??;
        files.push("tables");
    }
    let attributed = match attributes {
        true => Some(attribute(options, measure, &origin)?),
        false => None,
    };
    if let Some(attributed) = &attributed {
        files.push(attributed.write(&directory)?);
    }
    let report = Report::new(&comparison, &names);
    if base.batch.json {
        print(&json(&report)?)?;
    } else if !base.batch.quiet {
        let mut text = screen(&report);
        text += &attributed.map(|attributed| attributed.screen()).unwrap_or_default();
        let _ = writeln!(text, "\nFiles in {}: {}", directory.display(), files.join(", "));
        print(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How the base is opened.
pub fn opening(base: &args::ForkBase) -> Opening {
    Opening {
        source: base.source.clone(),
        with: base.with.clone(),
        seed: base.seed,
        files: base.recording.files.clone(),
        recorded_flow: base.recorded_flow,
        partial: base.recording.partial,
    }
}

/// Those asked for by name, or all.
fn counterfactuals(named: &[String], all: bool) -> Result<Vec<Counterfactual>, Failure> {
    if all {
        return Ok(Counterfactual::BUILT_IN.to_vec());
    }
    let find = |name: &String| {
        Counterfactual::named(name).ok_or_else(|| {
            let known: Vec<String> = Counterfactual::BUILT_IN.iter().map(|known| known.name()).collect();
            Failure::Usage(format!("--counterfactual: found {name:?}, expected one of {}", known.join(", ")))
        })
    };
    let mut found = named.iter().map(find).collect::<Result<Vec<_>, _>>()?;
    let all = found.clone();
    let mut place = 0;
    found.retain(|counterfactual| {
        place += 1;
        !all[..place - 1].contains(counterfactual)
    });
    Ok(found)
}

/// The forks of the counterfactuals, and what there is to say of those that change nothing; where all are asked for,
/// those are left out that change nothing or cannot be.
fn imagined(
    origin: &Origin,
    asked: &[Counterfactual],
    at: Option<downdraft_types::Time>,
    all: bool,
) -> Result<(Vec<Subject>, Vec<String>), Failure> {
    let marks = match asked.contains(&Counterfactual::ExogenousMark) {
        true => Some(suppressed_marks(origin, at)?),
        false => None,
    };
    let (mut forks, mut notes) = (Vec::new(), Vec::new());
    for counterfactual in asked {
        match origin.counterfactual(*counterfactual, at, marks.as_ref()) {
            Ok(Some(fork)) => forks.push(fork),
            Ok(None) if all => {}
            Ok(None) => notes.push(format!("{}: the base is like that already", counterfactual.name())),
            Err(OriginError::Usage(_)) if all => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok((forks, notes))
}

/// The marks of the fork without liquidations.
fn suppressed_marks(origin: &Origin, at: Option<downdraft_types::Time>) -> Result<MarkSeries, Failure> {
    let suppressed = origin.counterfactual(Counterfactual::Suppressed, at, None)?;
    let mut marks = MarkSeries::default();
    suppressed.as_ref().unwrap_or(&origin.base).drive(&mut marks, |_| false)?;
    Ok(marks)
}

/// Does something on so many threads; on one for each processor where that is not said.
pub fn on_threads<T: Send>(threads: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from)).build();
    let pool = pool.map_err(|error| Failure::Broken(format!("cannot start threads: {error}")))?;
    Ok(pool.install(work))
}

/// A sign of life, where someone looks.
pub fn spinner(hidden: bool, message: &'static str) -> ProgressBar {
    if hidden || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(message);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}, {elapsed}") {
        spinner.set_style(style);
    }
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}

/// `runs/NAME-SEED-WHAT`, where the name is that of the scenario or of the run's directory.
pub fn default_directory(source: &str, seed: u64, what: &str) -> PathBuf {
    let path = Path::new(source);
    let name = match path.file_name() {
        Some(name) if name == "journal.ddj" => path.parent().and_then(Path::file_name).unwrap_or(name),
        Some(name) => name,
        None => path.as_os_str(),
    };
    let name = name.to_string_lossy();
    let name = name.trim_end_matches(".toml").trim_start_matches('.');
    let is_run = path.exists() && !source.ends_with(".toml");
    let stem = if is_run { name.to_owned() } else { format!("{name}-{seed}") };
    Path::new("runs").join(format!("{stem}-{what}"))
}

/// Writes a comparison; returns the names of the files.
pub fn write(comparison: &Comparison, names: &Names, directory: &Path) -> Result<Vec<&'static str>, Failure> {
    let create = |name: &str| {
        let path = directory.join(name);
        File::create(&path).map(BufWriter::new).map_err(|error| Failure::file("create", &path, &error))
    };
    let failed = |name: &str, error: &std::io::Error| Failure::file("write", &directory.join(name), error);
    let text = json(&Report::new(comparison, names))?;
    let mut out = create("comparison.json")?;
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| failed("comparison.json", &error))?;
    let accounts = create("accounts.csv")?;
    write_accounts(accounts, comparison, names).map_err(|error| failed("accounts.csv", &error))?;
    Ok(vec!["comparison.json", "accounts.csv"])
}

/// Writes the journal of a fork, by driving it again.
fn write_journal(origin: &Origin, fork: &Subject, directory: &Path) -> Result<(), Failure> {
    let path = directory.join("journal.ddj");
    let file = File::create(&path).map_err(|error| Failure::file("create", &path, &error))?;
    let failed = |error: &dyn std::fmt::Display| Failure::Broken(format!("cannot write {}: {error}", path.display()));
    let header = origin.header(fork)?;
    let mut recorder = Recorder::with_header(file, &header).map_err(|error| failed(&error))?;
    let driven = fork.drive(&mut recorder, Recorder::failed)?;
    recorder.finish_with(driven.venue.state_hash()).map_err(|error| failed(&error))?;
    Ok(())
}

/// Writes the full tables of each run, in directories of their names, by driving it again.
fn write_tables(sides: &[&Subject], format: TableFormat, names: &Names, directory: &Path) -> Result<(), Failure> {
    let write = |side: &&Subject| -> Result<(), Failure> {
        let path = directory.join("tables").join(side.label());
        let tables = Tables::begin(format, names.units.clone(), &path)?;
        let accounts = side.capacity()?.accounts;
        let config = Config::over(Span(side.end().0));
        let mut analysis = Analysis::in_units(names.units.clone(), accounts, tables).with_metrics(config);
        let driven = side.drive(&mut analysis, |_| false)?;
        let (tables, metrics) = analysis.into_recorder(&driven.venue);
        tables.finish(&driven.venue, metrics.as_ref()).map_err(|error| Failure::file("write in", &path, &error))
    };
    sides.par_iter().map(write).collect()
}

pub fn json(report: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(report);
    text.map(|text| text + "\n").map_err(|error| Failure::Broken(format!("cannot write JSON: {error}")))
}

/// A comparison as a person reads it.
pub fn screen(report: &Report) -> String {
    let mut text = runs_table(&report.runs);
    for run in report.runs.iter().filter(|run| !run.notes.is_empty()) {
        let _ = write!(text, "\n{}: {}\n", run.run, run.notes.join("; "));
    }
    for difference in &report.differences {
        text += &difference_text(difference);
    }
    text
}

fn runs_table(runs: &[RunReport]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([
        "run",
        "low",
        "end",
        "liquidated",
        "largest cascade",
        "bad debt",
        "fund end",
        "deleveraged",
        "state",
    ]);
    for run in runs {
        table.add_row([
            run.run.clone(),
            each(&run.price, |price| grouped(&price.low.to_string())),
            each(&run.price, |price| grouped(&price.end.to_string())),
            grouped(&run.liquidated_accounts.to_string()),
            grouped(&run.largest_cascade.to_string()),
            each(&run.bad_debt, money),
            each(&run.fund, |fund| money(&fund.end)),
            grouped(&run.deleveraged_accounts.to_string()),
            run.state_hash.clone(),
        ]);
    }
    format!("{table}\n")
}

fn difference_text(difference: &DifferenceReport) -> String {
    let mut text = format!("\n{} against {}\n", difference.run, difference.against);
    let Some(divergence) = &difference.divergence else {
        text += "  the same happens in both\n";
        return text;
    };
    let seqs = [divergence.seq_against, divergence.seq_run].map(|seq| seq.map_or("-".to_owned(), |n| format!("#{n}")));
    let _ =
        writeln!(text, "  parts at {} s ({} here, {} there): {}", divergence.time_s, seqs[0], seqs[1], divergence.what);
    let mut line = |what: &str, value: String| {
        let _ = writeln!(text, "  {what:<22}{value}");
    };
    line("price low, end", each(&difference.price, |price| format!("{}, {}", signed(&price.low), signed(&price.end))));
    if difference.run == "suppressed" {
        let caused = |price: &downdraft_lab::compare::DistanceReport| {
            format!("{} of {}", money(&price.fall_caused), money(&price.fall_against))
        };
        line("caused of the fall", each(&difference.price, caused));
    }
    let farthest = |price: &downdraft_lab::compare::DistanceReport| match (price.largest, price.largest_s) {
        (Some(largest), Some(at)) => format!("{} at {at} s", signed(&largest)),
        _ => "none".to_owned(),
    };
    line("price farthest apart", each(&difference.price, farthest));
    line("liquidated accounts", format!("{:+}", difference.liquidated_accounts));
    line("bad debt", each(&difference.bad_debt, signed));
    line("fund at the end", each(&difference.fund_end, signed));
    line("deleveraged accounts", format!("{:+}", difference.deleveraged_accounts));
    let moved = difference.classes.iter().filter(|class| class.gain.0.iter().any(|(_, gain)| *gain != Exact::ZERO));
    for class in moved {
        line(&class.class, each(&class.gain, signed));
    }
    for (what, accounts) in [("gained most", &difference.gained), ("lost most", &difference.lost)] {
        let shown = accounts.iter().take(3).map(|account| {
            let name = account.name.clone().unwrap_or_else(|| format!("account {}", account.account));
            format!("{name} {}", signed(&account.gain))
        });
        let shown: Vec<String> = shown.collect();
        if !shown.is_empty() {
            line(what, shown.join(", "));
        }
    }
    text
}

fn each<T>(values: &Each<T>, print: impl Fn(&T) -> String) -> String {
    match values.only() {
        Some(value) => print(value),
        None => values.0.iter().map(|(name, value)| format!("{name} {}", print(value))).collect::<Vec<_>>().join(", "),
    }
}

/// To two digits, in groups of three.
fn money(value: &Exact) -> String {
    let text = value.to_string();
    let short = text.split_once('.').is_none_or(|(_, part)| part.len() <= 2);
    if short { grouped(&text) } else { grouped(&format!("{:.2}", value.to_f64())) }
}

fn signed(value: &Exact) -> String {
    let text = money(value);
    if text.starts_with('-') || *value == Exact::ZERO { text } else { format!("+{text}") }
}
