//! Looking into a journal: commands and events one by one, each with its place, within a span of time.

use crate::read::{Reader, Totals};
use crate::record::{Emitted, Record};
use downdraft_types::{EventId, Time};
use downdraft_venue::{Command, Stamp};
use std::io::{self, Read};
use std::ops::RangeInclusive;

/// A record and its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The block it is in.
    pub block: u64,
    /// The command, or the command of the event.
    pub stamp: Stamp,
    /// The record.
    pub body: Body,
}

/// What an [`Entry`] holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// A command.
    Command(Command),
    /// An event.
    Event(EventId, Emitted),
}

/// The records of the commands applied within a span of time. Blocks outside it are checked, but not decoded.
///
/// After the last one, the reader's [`end`](Reader::end) says how the journal ends; it is `None` where the
/// span ended first.
pub struct Entries<'a, R> {
    reader: &'a mut Reader<R>,
    span: RangeInclusive<Time>,
    stamp: Option<Stamp>,
    /// Events of the present command so far.
    emitted: u32,
}

impl<R: Read> Reader<R> {
    /// The records from here on of commands applied within `span`.
    pub fn entries(&mut self, span: RangeInclusive<Time>) -> Entries<'_, R> {
        Entries { reader: self, span, stamp: None, emitted: 0 }
    }
}

impl<R: Read> Entries<'_, R> {
    /// What the whole blocks so far hold, the present one included.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        self.reader.totals()
    }

    fn step(&mut self) -> io::Result<Option<Entry>> {
        loop {
            if !self.seek()? {
                return Ok(None);
            }
            let Some(record) = self.reader.record()? else { return Ok(None) };
            let body = match record {
                Record::Command(applied) => {
                    (self.stamp, self.emitted) = (Some(applied.stamp), 0);
                    Body::Command(applied.command)
                }
                Record::Event(event) => {
                    // Events whose command was in a block passed over are outside the span, as it is.
                    let Some(stamp) = self.stamp else { continue };
                    let index = self.emitted;
                    self.emitted += 1;
                    Body::Event(EventId { seq: stamp.seq, index }, event)
                }
            };
            if let Some(stamp) = self.stamp.filter(|stamp| self.span.contains(&stamp.time)) {
                return Ok(Some(Entry { block: self.reader.block().number, stamp, body }));
            }
        }
    }

    /// Goes to the next block with a record in the span, if the present one is read. `false` when there is none.
    fn seek(&mut self) -> io::Result<bool> {
        if !self.reader.at_block_end() {
            return Ok(true);
        }
        let mut there = self.reader.leave_block()?;
        while there && self.reader.block().last_time < *self.span.start() {
            self.stamp = None;
            there = self.reader.next_block()?;
        }
        Ok(there && self.reader.block().first_time <= *self.span.end())
    }
}

impl<R: Read> Iterator for Entries<'_, R> {
    type Item = io::Result<Entry>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
