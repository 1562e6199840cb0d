//! `replay`: whether a journal leads to what it says.

use crate::args;
use crate::output::{Failure, print};
use crate::progress::Progress;
use downdraft_journal::{OpenError, Reader, ReplayError, replay as replay_journal};
use downdraft_lab::fork::journal_path;
use downdraft_venue::Venue;
use std::fs::File;
use std::io::BufReader;
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
    let journal = journal_path(&options.journal);
    let (reader, length) = open(&journal)?;
    let progress = Progress::new(length, options.quiet);
    let replayed = replay_journal::<Venue, _>(reader, |totals, time| progress.at(totals, time));
    drop(progress);
    let replayed = replayed.map_err(|error| match error {
        ReplayError::Io(error) => Failure::file("read", &journal, &error),
        damaged => Failure::Damaged(format!("{}: {damaged}", journal.display())),
    })?;
    print(&format!("{replayed}\n"))?;
    Ok(ExitCode::from(replayed.exit_code()))
}
