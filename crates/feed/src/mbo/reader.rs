//! Records of one instrument, in file order.

use super::frames::Frames;
use super::message;
use crate::counts::Counts;
use crate::error::{FeedError, Position, quoted};
use crate::steps::Steps;
use crate::{Record, Source};
use dbn::{MboMsg, UNDEF_TIMESTAMP};
use downdraft_types::Time;
use std::io::Read;

const DAY_NS: u64 = 86_400_000_000_000;

/// What the file's header says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileInfo {
    /// Version of the encoding.
    pub version: u8,
    /// The publisher's name of the data set, such as `GLBX.MDP3`.
    pub dataset: String,
    /// The symbols that were asked for.
    pub symbols: Vec<String>,
}

/// Reads a DBN file of schema MBO record by record.
pub struct MboReader<R> {
    frames: Frames<R>,
    info: FileInfo,
    steps: Steps,
    instrument: Option<u32>,
    filter: bool,
    midnight: Option<u64>,
    counts: Counts,
}

impl<R: Read> MboReader<R> {
    /// Reads the header from uncompressed bytes; [`crate::Input`] decompresses. `steps` in 10⁻⁹ of the quote
    /// currency and contracts. Records of other instruments than `instrument` are counted, not delivered;
    /// without it the file must be of one instrument only.
    ///
    /// # Errors
    /// Where the header is damaged, or announces another version or schema.
    pub fn new(bytes: R, steps: Steps, instrument: Option<u32>) -> Result<Self, FeedError> {
        let (frames, metadata) = Frames::open(bytes)?;
        let info = FileInfo { version: metadata.version, dataset: metadata.dataset, symbols: metadata.symbols };
        let filter = instrument.is_some();
        Ok(Self { frames, info, steps, instrument, filter, midnight: None, counts: Counts::default() })
    }

    /// What the file's header says.
    #[must_use]
    pub const fn info(&self) -> &FileInfo {
        &self.info
    }

    /// Where times count from, in nanoseconds of the UNIX epoch; known once a record is read.
    #[must_use]
    pub const fn midnight(&self) -> Option<u64> {
        self.midnight
    }

    fn read(&mut self) -> Result<Option<Record>, FeedError> {
        while let Some((message, ordinal, position)) = self.frames.next()? {
            let time = self.time(&message, position)?;
            if !self.wanted(message.hd.instrument_id, position)? {
                self.counts.filtered();
                continue;
            }
            let body = message::body(&message, self.steps)
                .map_err(|bad| FeedError::malformed(position, bad.field, bad.expected, quoted(&[bad.found])))?;
            let snapshot = message.flags.is_snapshot();
            let record = Record {
                time,
                ordinal,
                instrument: message.hd.instrument_id,
                end_of_event: message.flags.is_last() || snapshot,
                snapshot,
                body,
            };
            self.counts.delivered(&record);
            self.counts.maybe_bad_book += u64::from(message.flags.is_maybe_bad_book());
            return Ok(Some(record));
        }
        Ok(None)
    }

    fn time(&mut self, message: &MboMsg, position: Position) -> Result<Time, FeedError> {
        let received = message.ts_recv;
        let refused = |expected: String| Err(FeedError::malformed(position, "ts_recv", expected, received.to_string()));
        if received == UNDEF_TIMESTAMP {
            return refused("a timestamp".to_owned());
        }
        let midnight = *self.midnight.get_or_insert(received - received % DAY_NS);
        match received.checked_sub(midnight) {
            Some(since) => Ok(Time(since)),
            None => refused(format!("at least {midnight}, the midnight before the first record")),
        }
    }

    fn wanted(&mut self, found: u32, position: Position) -> Result<bool, FeedError> {
        let expected = *self.instrument.get_or_insert(found);
        if found == expected || self.filter {
            return Ok(found == expected);
        }
        let expected = format!("{expected} throughout, or a choice of one instrument");
        Err(FeedError::malformed(position, "instrument id", expected, found.to_string()))
    }
}

impl<R: Read> Iterator for MboReader<R> {
    type Item = Result<Record, FeedError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().inspect_err(|_| self.frames.finish()).transpose()
    }
}

impl<R: Read> Source for MboReader<R> {
    fn counts(&self) -> &Counts {
        &self.counts
    }
}
