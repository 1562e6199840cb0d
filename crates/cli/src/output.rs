//! How a command ends badly, and writing to a standard output that may be closed.

use downdraft_journal::OpenError;
use downdraft_lab::fork::PlaybackError;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// Why a command could not be done.
#[derive(Debug)]
pub enum Failure {
    /// What was asked for makes no sense: exit code 2.
    Usage(String),
    /// A journal is damaged or incomplete: exit code 3.
    Damaged(String),
    /// Something else went wrong on the way: exit code 1.
    Broken(String),
    /// Nobody reads standard output any more.
    PipeClosed,
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 2,
            Self::Damaged(_) => 3,
            Self::Broken(_) => 1,
            Self::PipeClosed => 0,
        })
    }

    /// A file that could not be read or written.
    pub fn file(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::Broken(format!("cannot {what} {}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Damaged(message) | Self::Broken(message) => f.write_str(message),
            Self::PipeClosed => f.write_str("standard output is closed"),
        }
    }
}

/// Failures of standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::PipeClosed,
            _ => Self::Broken(format!("cannot write to standard output: {error}")),
        }
    }
}

impl From<PlaybackError> for Failure {
    fn from(error: PlaybackError) -> Self {
        let message = error.to_string();
        match error {
            PlaybackError::Open { error: OpenError::Io(_), .. } => Self::Usage(message),
            PlaybackError::Open { .. } | PlaybackError::Order { .. } => Self::Damaged(message),
            PlaybackError::Io { .. } => Self::Broken(message),
            PlaybackError::Machines { .. } | PlaybackError::Refused(_) | PlaybackError::NoPosition { .. } => {
                Self::Usage(message)
            }
        }
    }
}

/// Makes a directory for files to come, and tries whether they can be written there: before anything is computed for them.
pub fn create_directory(path: &Path) -> Result<(), Failure> {
    fs::create_dir_all(path).map_err(|error| Failure::file("create", path, &error))?;
    let trial = path.join(format!(".downdraft-{}", std::process::id()));
    fs::write(&trial, "").map_err(|error| Failure::file("write in", path, &error))?;
    fs::remove_file(&trial).map_err(|error| Failure::file("write in", path, &error))
}

/// Takes away files of an earlier run: beside what is written now, and most of all beside what no longer could be, they
/// would pass for its own.
pub fn clear(directory: &Path, names: &[&str]) -> Result<(), Failure> {
    for path in names.iter().map(|name| directory.join(name)) {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound && error.kind() != io::ErrorKind::NotADirectory => {
                return Err(Failure::file("replace", &path, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Prints a text to standard output.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
