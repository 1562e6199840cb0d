//! Analysing a journal instead of a live run.

use crate::analyzer::Analyzer;
use crate::metrics::Metrics;
use crate::rows::Recorder;
use downdraft_journal::{Applied, Emitted, End, Reader, Record, Totals};
use downdraft_types::{EventId, Seq, Time};
use downdraft_venue::{Command, Event, OutOfOrder, Request, Sink, Stamp, Venue};
use std::io::{self, Read};

/// Why a journal could not be replayed into an analysis.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Reading failed.
    #[error("cannot read the journal: {0}")]
    Io(#[from] io::Error),
    /// A command comes before one that was applied.
    #[error("the journal is not in order: {0}")]
    OutOfOrder(#[from] OutOfOrder),
    /// The venue did something else than the journal says.
    #[error(
        "command {seq}: the replay has {found} events where the journal has {expected}, or other ones: \
             `downdraft replay` names the first difference"
    )]
    Diverged {
        /// At which command.
        seq: Seq,
        /// Events of the replay.
        found: usize,
        /// Events of the journal.
        expected: usize,
    },
}

/// A command of a journal with what came of it, twice: in the journal, and in the replay.
#[derive(Default)]
struct Step {
    journal: Vec<Emitted>,
    venue: Vec<Emitted>,
}

impl Sink for Step {
    fn event(&mut self, _: EventId, parent: Option<u32>, event: &Event) {
        self.venue.push(Emitted { parent, event: *event });
    }

    fn request(&mut self, _: &Request) {}
}

impl<R: Recorder> Analyzer<R> {
    /// Takes a whole journal, from its first record to its end, and says how it ends. `progress` is called at each
    /// block.
    ///
    /// # Errors
    /// Where reading fails. Damage is no error: it ends the journal.
    pub fn read_journal(
        &mut self,
        reader: &mut Reader<impl Read>,
        mut progress: impl FnMut(&Totals, Time),
    ) -> io::Result<End> {
        let mut next: Option<EventId> = None;
        let mut blocks = 0;
        while let Some(record) = reader.record()? {
            if reader.totals().blocks != blocks {
                blocks = reader.totals().blocks;
                progress(reader.totals(), reader.block().last_time);
            }
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

    /// As [`read_journal`](Self::read_journal), with the commands applied to an empty venue of the journal's
    /// capacities, so that it can be measured: the journal says what happened, but not what rested or was pending.
    /// `progress` is called at each block with the bytes read.
    ///
    /// # Errors
    /// [`ReplayError`]. Damage is no error: it ends the journal, and what is whole is analysed.
    pub fn replay_journal(
        &mut self,
        reader: &mut Reader<impl Read>,
        venue: &mut Venue,
        metrics: &mut Metrics,
        mut progress: impl FnMut(u64),
    ) -> Result<End, ReplayError> {
        let mut present: Option<(Stamp, Command)> = None;
        let mut step = Step::default();
        let mut blocks = 0;
        loop {
            let record = reader.record()?;
            if reader.totals().blocks != blocks {
                blocks = reader.totals().blocks;
                progress(reader.totals().bytes);
            }
            match record {
                Some(Record::Event(emitted)) => step.journal.push(emitted),
                Some(Record::Command(applied)) => {
                    if let Some((stamp, command)) = present.replace((applied.stamp, applied.command)) {
                        self.apply(&stamp, &command, venue, metrics, &mut step, false)?;
                    }
                }
                None => {
                    if let Some((stamp, command)) = present.take() {
                        self.apply(&stamp, &command, venue, metrics, &mut step, true)?;
                    }
                    metrics.sample_now(venue);
                    return Ok(reader.end().cloned().unwrap_or(End::NoFooter));
                }
            }
        }
    }

    /// Applies a command and takes its events. Of the `last` one the journal may lack some.
    fn apply(
        &mut self,
        stamp: &Stamp,
        command: &Command,
        venue: &mut Venue,
        metrics: &mut Metrics,
        step: &mut Step,
        last: bool,
    ) -> Result<(), ReplayError> {
        step.venue.clear();
        venue.apply(stamp.time, stamp.seq, command, step)?;
        let (found, expected) = (step.venue.len(), step.journal.len());
        let compared = if last { expected.min(found) } else { expected };
        if step.venue.get(..compared) != Some(&step.journal[..compared]) || (!last && found != expected) {
            return Err(ReplayError::Diverged { seq: stamp.seq, found, expected });
        }
        self.command(stamp, command);
        metrics.command(stamp, command);
        for (index, emitted) in (0..).zip(&step.venue) {
            let id = EventId { seq: stamp.seq, index };
            self.event(id, emitted.parent, &emitted.event);
            metrics.event(id, emitted.parent, &emitted.event);
        }
        self.done();
        metrics.done(venue);
        step.journal.clear();
        Ok(())
    }
}
