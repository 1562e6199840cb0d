//! A message file and its order book file, side by side.

use super::{LevelReader, LevelRow, MessageReader};
use crate::counts::Counts;
use crate::error::{ErrorKind, FeedError};
use crate::{Record, Source};
use std::io::BufRead;

/// Reads a message and the book after it in step.
pub struct PairReader<M, L> {
    messages: MessageReader<M>,
    levels: LevelReader<L>,
    finished: bool,
}

impl<M: BufRead, L: BufRead> PairReader<M, L> {
    /// Pairs two readers that are both at their start.
    pub const fn new(messages: MessageReader<M>, levels: LevelReader<L>) -> Self {
        Self { messages, levels, finished: false }
    }

    /// The next message, with `row` replaced by the book after it; `None` after the last of both.
    ///
    /// # Errors
    /// Where either file is damaged or ends before the other. The reader is then at its end.
    pub fn read_into(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        if self.finished {
            return Ok(None);
        }
        let outcome = self.read_both(row);
        self.finished = !matches!(outcome, Ok(Some(_)));
        outcome
    }

    fn read_both(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        let message = self.messages.next().transpose()?;
        let has_row = self.levels.read_into(row)?;
        let (field, position) = match (&message, has_row) {
            (Some(_), true) | (None, false) => return Ok(message),
            (Some(_), false) => ("order book file", self.messages.position()),
            (None, true) => ("message file", self.levels.position()),
        };
        Err(FeedError::new(ErrorKind::Truncated, position, field, "a row for each of the other file's", "the end"))
    }

    /// What was read of the message file.
    pub fn counts(&self) -> &Counts {
        self.messages.counts()
    }
}
