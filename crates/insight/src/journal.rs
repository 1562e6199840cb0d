//! Analysing a journal instead of a live run.

use crate::analyzer::Analyzer;
use crate::rows::Recorder;
use downdraft_journal::{Applied, End, Reader, Record};
use downdraft_types::{EventId, Seq};
use std::io::{self, Read};

impl<R: Recorder> Analyzer<R> {
    /// Takes a whole journal, from its first record to its end, and says how it ends.
    ///
    /// # Errors
    /// Where reading fails. Damage is no error: it ends the journal.
    pub fn read_journal(&mut self, reader: &mut Reader<impl Read>) -> io::Result<End> {
        let mut next: Option<EventId> = None;
        while let Some(record) = reader.record()? {
            match record {
                Record::Command(Applied { stamp, command }) => {
                    if next.is_some() {
                        self.done();
                    }
                    self.command(&stamp, &command);
                    next = Some(EventId { seq: stamp.seq, index: 0 });
                }
                Record::Event(emitted) => {
                    let id = next.get_or_insert(EventId { seq: Seq(0), index: 0 });
                    self.event(*id, emitted.parent, &emitted.event);
                    id.index += 1;
                }
            }
        }
        if next.is_some() {
            self.done();
        }
        Ok(reader.end().cloned().unwrap_or(End::NoFooter))
    }
}
