//! `replay`: whether a journal leads to what it says.

use crate::args;
use crate::output::{Failure, print};
use downdraft_journal::{OpenError, Reader, ReplayError, replay as replay_journal};
use downdraft_venue::Venue;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{BufReader, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

/// Opens a journal.
pub fn open(path: &Path) -> Result<(Reader<BufReader<File>>, u64), Failure> {
    let usage = |error: std::io::Error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
    let file = File::open(path).map_err(usage)?;
    let length = file.metadata().map_err(usage)?.len();
    let reader = Reader::open(BufReader::with_capacity(1 << 20, file)).map_err(|error| match error {
        OpenError::Io(error) => usage(error),
        damaged => Failure::Damaged(format!("{}: {damaged}", path.display())),
    })?;
    Ok((reader, length))
}

/// Replays a journal.
pub fn replay(options: &args::Replay) -> Result<ExitCode, Failure> {
    let (reader, length) = open(&options.journal)?;
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(length) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}%  {msg}") {
        bar.set_style(style);
    }
    let replayed = replay_journal::<Venue, _>(reader, |totals, time| {
        bar.set_position(totals.bytes);
        bar.set_message(format!("{time}, {} commands", totals.commands));
    });
    bar.finish_and_clear();
    let replayed = replayed.map_err(|error| match error {
        ReplayError::Io(error) => Failure::file("read", &options.journal, &error),
        damaged => Failure::Damaged(format!("{}: {damaged}", options.journal.display())),
    })?;
    print(&format!("{replayed}\n"))?;
    Ok(ExitCode::from(replayed.exit_code()))
}
