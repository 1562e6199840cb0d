//! Reading a journal: block by block, each checked whole before anything in it is believed, up to the footer
//! or to the first byte that cannot be trusted.

use crate::codec;
use crate::frame::{Block, Damage, FRAME_LEN, Footer, Frame, Kind};
use crate::header::{Header, OpenError};
use crate::limits::MAX_PAYLOAD;
use crate::record::{Record, RecordRef};
use downdraft_types::{Seq, Time};
use downdraft_venue::Event;
use std::io::{self, Read};

/// How a journal ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// With its footer: the run ended well, and the journal is complete.
    Complete(Footer),
    /// After a whole block, without a footer: the run was stopped.
    NoFooter,
    /// Within a block or the footer: cut there, at `offset`, and `bytes` of it dropped.
    Torn {
        /// Where the last whole block ends, in bytes from the start.
        offset: u64,
        /// How much follows.
        bytes: u64,
    },
    /// What follows the last whole block is not what was written.
    Damaged {
        /// Where the last whole block ends, in bytes from the start.
        offset: u64,
        /// What is wrong.
        damage: Damage,
    },
}

impl core::fmt::Display for End {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Complete(footer) => {
                write!(f, "complete: {} commands, {} events", footer.commands, footer.events)
            }
            Self::NoFooter => f.write_str("incomplete: no footer found after the last block"),
            Self::Torn { offset, bytes } => {
                write!(f, "torn: the last {bytes} bytes, from byte {offset}, are part of a block or footer")
            }
            Self::Damaged { offset, damage } => write!(f, "damaged after byte {offset}: {damage}"),
        }
    }
}

/// Reads a journal, in memory bounded by one block whatever the bytes.
pub struct Reader<R> {
    input: R,
    header: Header,
    journal: u32,
    block: Block,
    payload: Vec<u8>,
    /// How much of the payload was read as records, how many they were, and how many of them commands.
    used: usize,
    records: u32,
    commands: u32,
    /// The command last read.
    last: Option<(Seq, Time)>,
    totals: Totals,
    end: Option<End>,
    /// Whether the present block, whole as it is, was found to contradict itself.
    distrusted: bool,
    /// Room for an encoded event.
    scratch: Vec<u8>,
}

/// What the whole blocks so far hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Blocks.
    pub blocks: u64,
    /// Commands.
    pub commands: u64,
    /// Events.
    pub events: u64,
    /// Bytes of the file, header included: where a torn or damaged file is to be cut.
    pub bytes: u64,
}

impl<R: Read> Reader<R> {
    /// Opens a journal and reads its header.
    ///
    /// # Errors
    /// Where it is not a journal of this format, or its header is torn or damaged.
    pub fn open(mut input: R) -> Result<Self, OpenError> {
        let (header, journal, bytes) = Header::read(&mut input)?;
        Ok(Self {
            input,
            header,
            journal,
            block: Block::default(),
            payload: Vec::new(),
            used: 0,
            records: 0,
            commands: 0,
            last: None,
            totals: Totals { bytes, ..Totals::default() },
            end: None,
            distrusted: false,
            scratch: Vec::new(),
        })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The block that the last record came from.
    #[must_use]
    pub const fn block(&self) -> &Block {
        &self.block
    }

    /// What the whole blocks so far hold, the present one included.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// How the journal ends, once [`record`](Self::record) or [`next_block`](Self::next_block) came to it.
    #[must_use]
    pub const fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The next record; `None` at the [`end`](Self::end).
    ///
    /// # Errors
    /// Where reading fails. What is wrong with the bytes is no error but an [`End`].
    pub fn record(&mut self) -> io::Result<Option<Record>> {
        if !self.fill()? {
            return Ok(None);
        }
        let decoded = codec::decode_prefix::<Record>(&self.payload[self.used..]);
        let checked = decoded.map_err(|error| error.to_string()).and_then(|(record, length)| {
            self.count(&record)?;
            self.used += length;
            Ok(record)
        });
        match checked {
            Ok(record) => Ok(Some(record)),
            Err(message) => {
                self.distrust_block(message);
                Ok(None)
            }
        }
    }

    /// Goes to the next block, past any records left in the present one. `false` at the [`end`](Self::end).
    ///
    /// # Errors
    /// Where reading fails.
    pub fn next_block(&mut self) -> io::Result<bool> {
        if self.end.is_some() {
            return Ok(false);
        }
        let mut bytes = [0; FRAME_LEN];
        let found = read_up_to(&mut self.input, &mut bytes)?;
        if found < FRAME_LEN {
            return Ok(self.stop(self.cut(found)));
        }
        let frame = match Frame::open(&bytes, self.journal, self.totals.blocks) {
            Ok(frame) => frame,
            Err(damage) => return Ok(self.stop_damaged(damage)),
        };
        self.payload.clear();
        // Grows with what is there, so a length without bytes behind it reserves nothing.
        let found = (&mut self.input).take(frame.length as u64).read_to_end(&mut self.payload)?;
        if found < frame.length {
            return Ok(self.stop(self.cut(FRAME_LEN + found)));
        }
        let checksum = crc32fast::hash(&self.payload);
        if checksum != frame.payload_checksum {
            let damage = Damage::PayloadChecksum { found: checksum, expected: frame.payload_checksum };
            return Ok(self.stop_damaged(damage));
        }
        match frame.kind {
            Kind::Block => Ok(self.enter(&frame.block)),
            Kind::Footer => self.close().map(|end| self.stop(end)),
        }
    }

    /// Whether, at the end, the last command may have had more events than there are.
    pub(crate) const fn ends_within_command(&self) -> bool {
        self.block.open == 1 || self.distrusted
    }

    /// Whether all of the present block was read.
    pub(crate) const fn at_block_end(&self) -> bool {
        self.used == self.payload.len()
    }

    /// Goes to the next block from one read to its last byte. `false` at the end.
    pub(crate) fn leave_block(&mut self) -> io::Result<bool> {
        if self.end.is_none()
            && let Err(message) = self.check_block_read()
        {
            self.distrust_block(message);
        }
        self.next_block()
    }

    /// Whether the next record is this event of the command last read: then that record is passed, else
    /// [`record`](Self::record) returns it next. `None` at the [`end`](Self::end).
    ///
    /// Bytes are compared, since equal events have equal ones: that is quicker than decoding.
    ///
    /// # Errors
    /// Where reading fails.
    pub fn pass_event(&mut self, parent: Option<u32>, event: &Event) -> io::Result<Option<bool>> {
        if !self.fill()? {
            return Ok(None);
        }
        self.scratch.resize(MAX_PAYLOAD, 0);
        let length = codec::encode_into(&RecordRef::Event(parent, event), &mut self.scratch);
        // One longer than a block is in none.
        let encoded = length.map(|length| &self.scratch[..length]);
        let equal = encoded.filter(|encoded| self.payload[self.used..].starts_with(encoded));
        if let Some(encoded) = equal {
            self.used += encoded.len();
            self.records += 1;
        }
        Ok(Some(equal.is_some()))
    }

    /// Makes sure that a record is next in the present block; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        while self.at_block_end() {
            if !self.leave_block()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes a block whose checksums hold. `false` where it contradicts itself or the one before.
    fn enter(&mut self, block: &Block) -> bool {
        let events = block.records.checked_sub(block.commands);
        let Some(events) = events.filter(|_| block.records > 0 && block.open <= 1) else {
            let message = format!("{} commands in {} records", block.commands, block.records);
            return self.stop_damaged(Damage::Malformed(message));
        };
        if self.block.open == 1 && block.first_seq != self.block.last_seq {
            let message = format!("block goes on with {}, expected {}", block.first_seq, self.block.last_seq);
            return self.stop_damaged(Damage::Malformed(message));
        }
        let was_open = self.block.open == 1;
        self.last = was_open.then_some((block.first_seq, block.first_time));
        self.block = *block;
        (self.used, self.records, self.commands) = (0, 0, 0);
        self.totals.blocks += 1;
        self.totals.commands += u64::from(block.commands);
        self.totals.events += u64::from(events);
        self.totals.bytes += (FRAME_LEN + self.payload.len()) as u64;
        true
    }

    /// Counts a record, and checks that it is where it may be.
    fn count(&mut self, record: &Record) -> Result<(), String> {
        self.records += 1;
        match record {
            Record::Command(applied) => {
                let at = (applied.stamp.seq, applied.stamp.time);
                if self.records == 1 && at != (self.block.first_seq, self.block.first_time) {
                    return Err(format!("first command {} found, {} expected", at.0, self.block.first_seq));
                }
                self.commands += 1;
                self.last = Some(at);
            }
            Record::Event(_) if self.last.is_none() => return Err("an event without a command".into()),
            Record::Event(_) => {}
        }
        Ok(())
    }

    /// Checks a block read to its last byte against its frame.
    fn check_block_read(&self) -> Result<(), String> {
        let block = &self.block;
        if (self.records, self.commands) != (block.records, block.commands) {
            return Err(format!(
                "{} records with {} commands found, {} with {} expected",
                self.records, self.commands, block.records, block.commands
            ));
        }
        match self.last {
            Some(last) if last != (block.last_seq, block.last_time) => {
                Err(format!("last command {} found, {} expected", last.0, block.last_seq))
            }
            _ => Ok(()),
        }
    }

    /// Reads the footer, whose payload is there, and makes sure that nothing follows it.
    fn close(&mut self) -> io::Result<End> {
        let footer = match codec::decode::<Footer>(&self.payload) {
            Ok(footer) => footer,
            Err(error) => return Ok(self.damaged(Damage::Malformed(error.to_string()))),
        };
        let found = (footer.blocks, footer.commands, footer.events);
        let expected = (self.totals.blocks, self.totals.commands, self.totals.events);
        if found != expected || self.block.open == 1 {
            let message = format!("footer counts (blocks, commands, events) {found:?} found, {expected:?} expected");
            return Ok(self.damaged(Damage::Malformed(message)));
        }
        if read_up_to(&mut self.input, &mut [0])? > 0 {
            return Ok(self.damaged(Damage::Malformed("bytes found after the footer".into())));
        }
        self.totals.bytes += (FRAME_LEN + self.payload.len()) as u64;
        Ok(End::Complete(footer))
    }

    /// The present block is whole, but not what it says: it does not count among the whole ones.
    fn distrust_block(&mut self, message: String) {
        self.totals.blocks -= 1;
        self.totals.commands -= u64::from(self.block.commands);
        self.totals.events -= u64::from(self.block.records - self.block.commands);
        self.totals.bytes -= (FRAME_LEN + self.payload.len()) as u64;
        self.distrusted = true;
        self.stop_damaged(Damage::Malformed(message));
    }

    fn cut(&self, bytes: usize) -> End {
        match bytes {
            0 => End::NoFooter,
            _ => End::Torn { offset: self.totals.bytes, bytes: bytes as u64 },
        }
    }

    const fn damaged(&self, damage: Damage) -> End {
        End::Damaged { offset: self.totals.bytes, damage }
    }

    fn stop_damaged(&mut self, damage: Damage) -> bool {
        self.stop(self.damaged(damage))
    }

    fn stop(&mut self, end: End) -> bool {
        self.payload.clear();
        self.used = 0;
        self.end = Some(end);
        false
    }
}

/// Fills `bytes` as far as the input goes; returns how many there were.
fn read_up_to(input: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut found = 0;
    while found < bytes.len() {
        match input.read(&mut bytes[found..]) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Reads a whole journal without decoding its records, and says what of it is whole.
///
/// # Errors
/// Where reading fails.
pub fn survey<R: Read>(reader: &mut Reader<R>) -> io::Result<(Totals, End)> {
    while reader.next_block()? {}
    let end = reader.end.clone().expect("a journal read to its end has one");
    Ok((reader.totals, end))
}
