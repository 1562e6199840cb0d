//! Writing a journal: records go straight into one block's buffer, which is sealed and handed over when full.

use crate::codec;
use crate::frame::{Block, FRAME_LEN, Footer, Frame, Kind};
use crate::header::Header;
use crate::limits::{BLOCK_SPLIT, BLOCK_TARGET, MAX_HEADER, MAX_PAYLOAD};
use crate::record::RecordRef;
use downdraft_types::{EventId, MachineId};
use downdraft_venue::{Command, Event, Request, Sink, Stamp};
use std::io::{self, Write};
use std::sync::Arc;

/// Why a journal was not, or not wholly, written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    /// Writing failed.
    #[error("cannot write the journal: {0}")]
    Io(#[source] Arc<io::Error>),
    /// The scenario and machines take too much room.
    #[error("the journal's header is longer than {MAX_HEADER} bytes")]
    HeaderTooLong,
    /// A single command takes too much room.
    #[error("command {seq} is longer than {MAX_PAYLOAD} bytes")]
    CommandTooLong {
        /// Which.
        seq: downdraft_types::Seq,
    },
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// Writes a journal: for each command [`begin`](Self::begin), its events, [`end`](Self::end); at last
/// [`finish`](Self::finish).
///
/// It is a [`Sink`], so a machine can emit into it. It holds one block in memory and allocates nothing after
/// construction. The first failure is kept: nothing is written after it, and every later `end`, `flush` and
/// `finish` returns it.
#[derive(Clone)]
pub struct Writer<W> {
    out: W,
    journal: u32,
    /// A frame's room, then the payload so far.
    buffer: Box<[u8]>,
    used: usize,
    block: Block,
    /// The first command's, for the footer.
    first: Option<Stamp>,
    last: Option<Stamp>,
    /// Events of the present command; `None` between commands.
    emitted: Option<u32>,
    commands: u64,
    events: u64,
    failure: Option<WriteError>,
}

impl<W: Write> Writer<W> {
    /// Begins a journal: the header is written at once.
    ///
    /// # Errors
    /// Where the header is too long, or cannot be written.
    pub fn new(mut out: W, header: &Header) -> Result<Self, WriteError> {
        let (bytes, journal) = header.encode().ok_or(WriteError::HeaderTooLong)?;
        out.write_all(&bytes)?;
        Ok(Self {
            out,
            journal,
            buffer: vec![0; FRAME_LEN + MAX_PAYLOAD].into_boxed_slice(),
            used: FRAME_LEN,
            block: Block::default(),
            first: None,
            last: None,
            emitted: None,
            commands: 0,
            events: 0,
            failure: None,
        })
    }

    /// Begins the record of a command.
    ///
    /// # Panics
    /// Where the last command was not ended, or the order `(time, seq)` is broken.
    pub fn begin(&mut self, stamp: &Stamp, command: &Command) {
        assert!(self.emitted.is_none(), "the last command was not ended");
        if let Some(last) = &self.last {
            assert!(last.seq < stamp.seq && last.time <= stamp.time, "commands go back in time or order");
        }
        self.emitted = Some(0);
        self.last = Some(*stamp);
        self.first.get_or_insert(*stamp);
        if self.failure.is_some() {
            return;
        }
        if !self.push(&RecordRef::Command(stamp, command)) {
            self.seal(false);
            if !self.push(&RecordRef::Command(stamp, command)) {
                return self.fail(WriteError::CommandTooLong { seq: stamp.seq });
            }
        }
        if self.block.records == 1 {
            (self.block.first_seq, self.block.first_time) = (stamp.seq, stamp.time);
        }
        (self.block.last_seq, self.block.last_time) = (stamp.seq, stamp.time);
        self.block.commands += 1;
        self.commands += 1;
    }

    /// Adds the next event of the command begun.
    ///
    /// # Panics
    /// Where no command was begun, or the parent is not an earlier event.
    pub fn emit(&mut self, parent: Option<u32>, event: &Event) {
        let index = self.emitted.expect("an event outside a command");
        assert!(parent.is_none_or(|parent| parent < index), "an event before its parent");
        self.emitted = Some(index + 1);
        if self.used >= FRAME_LEN + BLOCK_SPLIT {
            self.seal(true);
        }
        if self.failure.is_some() {
            return;
        }
        // An event is far shorter than what lies between the split and the limit of a payload.
        assert!(self.push(&RecordRef::Event(parent, event)), "an event exceeds a block");
        self.events += 1;
    }

    /// Ends the command begun, and hands over the block if it is full.
    ///
    /// # Errors
    /// The first failure, again each time.
    ///
    /// # Panics
    /// Where no command was begun.
    pub fn end(&mut self) -> Result<(), WriteError> {
        assert!(self.emitted.take().is_some(), "no command was begun");
        if self.used >= FRAME_LEN + BLOCK_TARGET {
            self.seal(false);
        }
        self.status()
    }

    /// Hands over the commands ended so far, full block or not. Without [`finish`](Self::finish) they are an
    /// incomplete journal that can be read and verified to there.
    ///
    /// # Errors
    /// The first failure, again each time.
    ///
    /// # Panics
    /// Within a command.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        assert!(self.emitted.is_none(), "flushed within a command");
        self.seal(false);
        if self.failure.is_none()
            && let Err(error) = self.out.flush()
        {
            self.fail(error.into());
        }
        self.status()
    }

    /// Ends the journal of a run that did not end well, within a command or not: without a footer. Returns the
    /// output.
    ///
    /// # Errors
    /// The first failure.
    pub fn stop(mut self) -> Result<W, WriteError> {
        let within_command = self.emitted.take().is_some();
        self.seal(within_command);
        self.flush()?;
        Ok(self.out)
    }

    /// Ends the journal of a run that ended well, with each machine's state hash in the header's order.
    /// Returns the output, and what the footer says.
    ///
    /// # Errors
    /// The first failure.
    ///
    /// # Panics
    /// Within a command.
    pub fn finish(mut self, states: &[(MachineId, u64)]) -> Result<(W, Footer), WriteError> {
        self.flush()?;
        let footer =
            Footer { blocks: self.block.number, commands: self.commands, events: self.events, states: states.to_vec() };
        let payload = codec::encode(&footer);
        let mut frame = Block { number: footer.blocks, ..Block::default() };
        if let (Some(first), Some(last)) = (self.first, self.last) {
            (frame.first_seq, frame.first_time) = (first.seq, first.time);
            (frame.last_seq, frame.last_time) = (last.seq, last.time);
        }
        let mut bytes = vec![0; FRAME_LEN];
        Frame::seal(Kind::Footer, self.journal, &frame, &payload, &mut bytes);
        bytes.extend_from_slice(&payload);
        self.out.write_all(&bytes)?;
        self.out.flush()?;
        Ok((self.out, footer))
    }

    /// Appends a record; `false`, and nothing done, where it does not fit.
    #[inline]
    fn push(&mut self, record: &RecordRef<'_>) -> bool {
        let Some(length) = codec::encode_into(record, &mut self.buffer[self.used..]) else { return false };
        self.used += length;
        self.block.records += 1;
        true
    }

    /// Hands over the block, if it has a record. `open`: the last command's events go on in the next.
    fn seal(&mut self, open: bool) {
        if self.block.records == 0 || self.failure.is_some() {
            return;
        }
        self.block.open = u32::from(open);
        let (frame, payload) = self.buffer[..self.used].split_at_mut(FRAME_LEN);
        Frame::seal(Kind::Block, self.journal, &self.block, payload, frame);
        if let Err(error) = self.out.write_all(&self.buffer[..self.used]) {
            self.fail(error.into());
        }
        self.used = FRAME_LEN;
        self.block = Block {
            number: self.block.number + 1,
            first_seq: self.block.last_seq,
            first_time: self.block.last_time,
            commands: 0,
            records: 0,
            open: 0,
            ..self.block
        };
    }

    fn fail(&mut self, error: WriteError) {
        self.failure.get_or_insert(error);
    }

    fn status(&self) -> Result<(), WriteError> {
        self.failure.clone().map_or(Ok(()), Err)
    }
}

impl<W: Write> Sink for Writer<W> {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        let expected = (self.last.map(|stamp| stamp.seq), self.emitted);
        assert!(expected == (Some(id.seq), Some(id.index)), "event {id} is not the next of its command");
        self.emit(parent, event);
    }

    /// Requests are not kept: a replay has them again from its own machines.
    fn request(&mut self, _: &Request) {}
}
