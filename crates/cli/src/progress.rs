//! How far the reading of a journal has come, shown on a terminal.

use downdraft_journal::Totals;
use downdraft_types::Time;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// A bar on standard error. It is hidden where that is no terminal, or nothing is to be shown.
pub struct Progress(ProgressBar);

impl Progress {
    /// Of a journal of so many bytes.
    pub fn new(length: u64, quiet: bool) -> Self {
        let hidden = quiet || !std::io::stderr().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::new(length) };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3}%  {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// So much is read.
    pub fn at(&self, totals: &Totals, time: Time) {
        self.0.set_position(totals.bytes);
        self.0.set_message(format!("{time}, {} commands", totals.commands));
    }
}

impl Drop for Progress {
    /// Whatever comes next has the line to itself.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
