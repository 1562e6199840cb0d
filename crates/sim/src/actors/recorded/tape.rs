//! What a recorded-flow actor reads: records one at a time, with the book file's row where there is one.

use downdraft_feed::lobster::{LevelRow, MessageReader, PairReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{FeedError, Record};
use std::io::{BufRead, Read};

/// A recording, whatever its format.
pub trait Tape: Send {
    /// The next record; `row` is replaced where the recording has one for it. `None` after the last.
    ///
    /// # Errors
    /// Where the recording is damaged.
    fn read(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError>;

    /// Whether records come with rows of the book file.
    fn has_rows(&self) -> bool {
        false
    }

    /// A recording at the same record, for a snapshot; `None`: it cannot be read twice.
    fn save(&self) -> Option<Box<dyn Tape>> {
        None
    }
}

/// LOBSTER messages alone.
impl<R: BufRead + Send> Tape for MessageReader<R> {
    fn read(&mut self, _: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        self.next().transpose()
    }
}

/// LOBSTER messages with their book file.
impl<M: BufRead + Send, L: BufRead + Send> Tape for PairReader<M, L> {
    fn read(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        self.read_into(row)
    }

    fn has_rows(&self) -> bool {
        true
    }
}

/// CME market-by-order.
impl<R: Read + Send> Tape for MboReader<R> {
    fn read(&mut self, _: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        self.next().transpose()
    }
}

/// LOBSTER messages whose book file is only good for its first row: the levels that rested before the file.
pub struct Seeded<R> {
    /// The messages.
    pub messages: MessageReader<R>,
    /// The book after the first message.
    pub first_row: LevelRow,
}

impl<R: BufRead + Send> Tape for Seeded<R> {
    fn read(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        row.clone_from(&self.first_row);
        self.messages.next().transpose()
    }

    fn has_rows(&self) -> bool {
        false
    }
}
