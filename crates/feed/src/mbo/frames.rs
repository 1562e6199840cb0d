//! The file's header and its frames, one record at a time.

use crate::error::{ErrorKind, FeedError, Position};
use dbn::decode::dbn::fsm::{DbnFsm, ProcessResult};
use dbn::{MboMsg, Metadata, Schema, VersionUpgradePolicy, WithTsOut};
use std::io::{ErrorKind as IoKind, Read};

/// `DBN`, a version byte and the length of what follows.
const PRELUDE_LEN: usize = 8;
/// The fixed part of the metadata.
const METADATA_FLOOR: u32 = 100;
/// More symbols than any exchange lists.
const METADATA_CEILING: u32 = 64 << 20;
/// Versions whose market-by-order record is the same 56 bytes.
const VERSIONS: std::ops::RangeInclusive<u8> = 1..=3;

/// Feeds bytes to the decoder's state machine and takes records out of it.
pub(super) struct Frames<R> {
    source: R,
    machine: DbnFsm,
    /// Bytes of each record.
    size: usize,
    ordinal: u64,
    byte: u64,
    finished: bool,
}

impl<R: Read> Frames<R> {
    /// Reads the header, and checks that records of the one schema follow.
    pub(super) fn open(mut source: R) -> Result<(Self, Metadata), FeedError> {
        let header = read_header(&mut source)?;
        // As it is: the record does not differ between versions, and upgrading other, damaged records asserts
        // their length.
        let mut machine = DbnFsm::builder()
            .upgrade_policy(VersionUpgradePolicy::AsIs)
            .build()
            .map_err(|error| FeedError::malformed(Position::Header, "decoder", "a valid setup", error.to_string()))?;
        machine.write_all(&header);
        let metadata = match machine.process() {
            ProcessResult::Metadata(metadata) => metadata,
            ProcessResult::Err(error) => {
                return Err(FeedError::malformed(Position::Header, "metadata", "DBN metadata", error.to_string()));
            }
            ProcessResult::ReadMore(_) | ProcessResult::Record(()) => {
                unreachable!("the machine was given the whole header and no more")
            }
        };
        if metadata.schema != Some(Schema::Mbo) {
            let found = metadata.schema.map_or("a mixture", |schema| schema.as_str());
            let expected = "mbo (market-by-order)";
            return Err(FeedError::new(ErrorKind::Unsupported, Position::Header, "schema", expected, found));
        }
        // A file may append the publisher's sending time to each record.
        let size = if metadata.ts_out { size_of::<WithTsOut<MboMsg>>() } else { size_of::<MboMsg>() };
        let byte = header.len() as u64;
        Ok((Self { source, machine, size, ordinal: 0, byte, finished: false }, metadata))
    }

    /// Nothing more is read.
    pub(super) const fn finish(&mut self) {
        self.finished = true;
    }

    /// The next record, `None` after the last, with its position.
    pub(super) fn next(&mut self) -> Result<Option<(MboMsg, u64, Position)>, FeedError> {
        if self.finished || !self.advance()? {
            self.finished = true;
            return Ok(None);
        }
        let position = self.position();
        let record = self.machine.last_record().expect("the machine has just decoded a record");
        let size = record.header().record_size();
        // One length only: the decoder expects every record to begin at a multiple of eight bytes, which a record
        // of another length, though its frame is sound, would deny to the next.
        if !record.has::<MboMsg>() || size != self.size {
            let expected = format!("type 0xa0, {} bytes", self.size);
            let found = format!("type {:#04x}, {size} bytes", record.header().rtype);
            return Err(FeedError::malformed(position, "record", expected, found));
        }
        let message = record.get::<MboMsg>().expect("type and size were checked").clone();
        let ordinal = self.ordinal;
        self.ordinal += 1;
        self.byte += size as u64;
        Ok(Some((message, ordinal, position)))
    }

    const fn position(&self) -> Position {
        Position::Record { ordinal: self.ordinal, byte: self.byte }
    }

    /// Reads until the machine holds a whole record; `false` at the end of the file.
    fn advance(&mut self) -> Result<bool, FeedError> {
        loop {
            let missing = match self.machine.process() {
                ProcessResult::Record(()) => return Ok(true),
                ProcessResult::ReadMore(missing) => missing,
                ProcessResult::Err(error) => {
                    return Err(FeedError::malformed(self.position(), "length", "a record", error.to_string()));
                }
                ProcessResult::Metadata(_) => unreachable!("metadata was decoded at the start"),
            };
            let read = match self.source.read(self.machine.space()) {
                Ok(read) => read,
                Err(error) if error.kind() == IoKind::Interrupted => continue,
                Err(error) => return Err(FeedError::io(self.position(), "record", &error)),
            };
            if read == 0 {
                let left = self.machine.data().len();
                if left == 0 {
                    return Ok(false);
                }
                let (expected, found) = (format!("{missing} more bytes"), format!("the end after {left} bytes"));
                return Err(FeedError::new(ErrorKind::Truncated, self.position(), "record", expected, found));
            }
            self.machine.fill(read);
        }
    }
}

/// Prelude and metadata. Memory grows with what is really there, whatever length the prelude claims.
fn read_header(source: &mut impl Read) -> Result<Vec<u8>, FeedError> {
    let mut header = Vec::with_capacity(PRELUDE_LEN);
    read_up_to(source, PRELUDE_LEN as u64, &mut header)?;
    let &[b'D', b'B', b'N', version, a, b, c, d] = header.as_slice() else {
        let kind = if b"DBN".starts_with(&header[..header.len().min(3)]) && header.len() < PRELUDE_LEN {
            ErrorKind::Truncated
        } else {
            ErrorKind::Malformed
        };
        let found = crate::error::quoted(&header);
        return Err(FeedError::new(kind, Position::Header, "magic bytes", "`DBN`, a version and a length", found));
    };
    if !VERSIONS.contains(&version) {
        let found = version.to_string();
        return Err(FeedError::new(ErrorKind::Unsupported, Position::Header, "DBN version", "1, 2 or 3", found));
    }
    let length = u32::from_le_bytes([a, b, c, d]);
    if !(METADATA_FLOOR..=METADATA_CEILING).contains(&length) {
        let expected = format!("{METADATA_FLOOR} to {METADATA_CEILING} bytes");
        return Err(FeedError::malformed(Position::Header, "metadata length", expected, length.to_string()));
    }
    read_up_to(source, u64::from(length), &mut header)?;
    let read = header.len() - PRELUDE_LEN;
    if read < length as usize {
        let (expected, found) = (format!("{length} bytes"), format!("the end after {read}"));
        return Err(FeedError::new(ErrorKind::Truncated, Position::Header, "metadata", expected, found));
    }
    Ok(header)
}

fn read_up_to(source: &mut impl Read, length: u64, into: &mut Vec<u8>) -> Result<(), FeedError> {
    source
        .take(length)
        .read_to_end(into)
        .map(|_| ())
        .map_err(|error| FeedError::io(Position::Header, "metadata", &error))
}
