//! `report`: what runs looked like, as one page.

use crate::args;
use crate::output::{Failure, print};
use crate::progress::Progress;
use crate::replay::open;
use downdraft_insight::report::{JournalError, RunReport, page};
use downdraft_journal::{End, ReplayError, survey};
use downdraft_lab::fork::journal_path;
use downdraft_lab::{JournalReport, journal_report};
use downdraft_types::Span;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Writes the report of one run or several.
pub fn report(options: &args::Report) -> Result<ExitCode, Failure> {
    let journals: Vec<PathBuf> = options.runs.iter().map(|run| journal_path(run)).collect();
    let reports =
        journals.iter().map(|journal| read(journal, options.partial, options.quiet)).collect::<Result<Vec<_>, _>>()?;
    let path = options.out.clone().unwrap_or_else(|| default_path(&journals));
    write_page(&path, &page(&reports))?;
    if !options.quiet {
        print(&format!("{}\n", path.display()))?;
    }
    if options.open {
        open_page(&path)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a page to a file.
pub fn write_page(path: &Path, page: &str) -> Result<(), Failure> {
    fs::write(path, page).map_err(|error| Failure::file("write", path, &error))
}

/// Beside a journal, under its name unless that is the usual one; of several, here.
fn default_path(journals: &[PathBuf]) -> PathBuf {
    match journals {
        [journal] if journal.file_name().is_some_and(|name| name == "journal.ddj") => {
            journal.with_file_name("report.html")
        }
        [journal] => journal.with_extension("html"),
        _ => PathBuf::from("report.html"),
    }
}

/// Reads a journal and makes its report. One that may not be whole is read twice: first to see how far it goes.
fn read(journal: &Path, partial: bool, quiet: bool) -> Result<RunReport, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", journal, &error);
    let (mut reader, length) = open(journal)?;
    let mut reached = None;
    if partial {
        let (_, end) = survey(&mut reader).map_err(failed)?;
        reached = (!matches!(end, End::Complete(_))).then(|| Span(reader.block().last_time.0));
        reader = open(journal)?.0;
    }
    let progress = Progress::new(length, quiet);
    let made = journal_report(&mut reader, reached, |totals, time| progress.at(totals, time));
    drop(progress);
    match made {
        Ok(JournalReport { end, .. }) if !partial && !matches!(end, End::Complete(_)) => {
            Err(Failure::Damaged(format!("{}: {end}; --partial shows what can be read", journal.display())))
        }
        Ok(JournalReport { report, .. }) => Ok(report),
        Err(JournalError::Replay(ReplayError::Io(error))) => Err(failed(error)),
        Err(error) => Err(Failure::Damaged(format!("{}: {error}", journal.display()))),
    }
}

/// Asks the system to open a page.
fn open_page(path: &Path) -> Result<(), Failure> {
    let path = fs::canonicalize(path).map_err(|error| Failure::file("find", path, &error))?;
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started =
        Command::new(opener).arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    match started {
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::Broken(format!("cannot open {} with {opener}: {error}", path.display()))),
    }
}
