//! A report from a journal: its commands are applied to an empty venue, which must say what the journal says.

use super::{Camera, Outcomes};
use crate::analyzer::Analyzer;
use crate::metrics::{Config, Metrics};
use crate::units::Units;
use downdraft_journal::{Applied, Emitted, End, Machine, Reader, Record, ReplayError, Totals, codec};
use downdraft_types::{EventId, Span, Time};
use downdraft_venue::{Capacity, Event, Request, Sink, Stamp, Venue};
use std::io::{self, Read};

/// Why no report can be made of a journal.
#[derive(Debug)]
pub enum JournalError {
    /// The journal's machines are not one venue, or reading failed.
    Replay(ReplayError),
    /// A report shows one venue.
    Machines {
        /// How many the journal has.
        found: usize,
    },
    /// This version of the venue does something else at a command than the journal holds.
    Differs {
        /// The command.
        stamp: Stamp,
        /// What is different.
        reason: String,
    },
}

impl core::fmt::Display for JournalError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Replay(error) => error.fmt(f),
            Self::Machines { found } => write!(f, "the journal has {found} machines, expected one venue"),
            Self::Differs { stamp, reason } => {
                let (seq, time) = (stamp.seq, stamp.time);
                write!(
                    f,
                    "at command {seq}, {time}, this version differs from the one that wrote the journal: {reason}"
                )
            }
        }
    }
}

impl std::error::Error for JournalError {}

impl JournalError {
    /// The venue said an event that the journal does not have.
    fn missing(stamp: Stamp, event: &Event) -> Self {
        Self::Differs { stamp, reason: format!("{event:?} found, no more events in the journal") }
    }
}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Replay(error.into())
    }
}

/// What a journal shows, as far as it goes.
#[derive(Debug)]
pub struct Replayed {
    /// The events' sum.
    pub analyzer: Analyzer<Outcomes>,
    /// The venue's picture.
    pub camera: Camera,
    /// What was measured on a grid over it.
    pub metrics: Metrics,
    /// The venue as it ended.
    pub venue: Venue,
    /// How the journal ends.
    pub end: End,
}

/// The capacity of the one venue in a journal.
///
/// # Errors
/// [`JournalError::Machines`], or a genesis that cannot be read.
pub fn capacity<R: Read>(reader: &Reader<R>) -> Result<Capacity, JournalError> {
    let [entry] = reader.header().machines.as_slice() else {
        return Err(JournalError::Machines { found: reader.header().machines.len() });
    };
    let machine = entry.id;
    let replay = |error| Err(JournalError::Replay(error));
    if entry.kind != Venue::KIND {
        return replay(ReplayError::Kind { machine, found: entry.kind.clone(), expected: Venue::KIND });
    }
    codec::decode_owned(&entry.genesis).or_else(|error| replay(ReplayError::Genesis { machine, error }))
}

/// Reads a journal to its end, and watches what happens. `horizon` is about how long it lasts; `progress` is called
/// at each block.
///
/// # Errors
/// [`JournalError`]. Damage is no error: it ends the journal.
pub fn replayed<R: Read>(
    reader: &mut Reader<R>,
    units: Units,
    horizon: Span,
    mut progress: impl FnMut(&Totals, Time),
) -> Result<Replayed, JournalError> {
    let capacity = capacity(reader)?;
    let mut run = Run {
        analyzer: Analyzer::new(units, capacity.accounts, Outcomes::default()),
        camera: Camera::new(capacity, horizon),
        metrics: Metrics::new(Config::over(horizon)),
        venue: Venue::with_capacity(capacity),
        said: Said::default(),
        stamp: None,
    };
    let mut blocks = 0;
    let mut missing = None;
    while let Some(record) = reader.record()? {
        missing = run.record(reader, record)?;
        if reader.totals().blocks != blocks {
            blocks = reader.totals().blocks;
            progress(reader.totals(), reader.block().last_time);
        }
    }
    let end = reader.end().cloned().unwrap_or(End::NoFooter);
    // Where the journal was cut, the last command's events may have been cut with it.
    if let (Some(missing), Some(stamp), End::Complete(_)) = (missing, run.stamp, &end) {
        return Err(JournalError::missing(stamp, &missing));
    }
    if let (End::Complete(footer), Some(stamp)) = (&end, run.stamp) {
        let (found, expected) = (run.venue.state_hash(), footer.states.first().map(|(_, hash)| *hash));
        if expected != Some(found) {
            let reason = format!("state hash {found:016x} found, {:016x} in the journal", expected.unwrap_or(0));
            return Err(JournalError::Differs { stamp, reason });
        }
    }
    let Run { analyzer, camera, mut metrics, venue, .. } = run;
    metrics.sample_now(&venue);
    Ok(Replayed { analyzer, camera, metrics, venue, end })
}

/// A replay under way.
struct Run {
    analyzer: Analyzer<Outcomes>,
    camera: Camera,
    metrics: Metrics,
    venue: Venue,
    said: Said,
    stamp: Option<Stamp>,
}

/// What the venue said at a command.
#[derive(Default)]
struct Said(Vec<(EventId, Option<u32>, Event)>);

impl Sink for Said {
    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.0.push((id, parent, *event));
    }

    fn request(&mut self, _: &Request) {}
}

impl Run {
    /// Applies a command, analyses what the venue says, and makes sure that the journal says the same. Returns the first
    /// event that is missing where the journal ends within the command.
    fn record<R: Read>(&mut self, reader: &mut Reader<R>, record: Record) -> Result<Option<Event>, JournalError> {
        let Applied { stamp, command } = match (record, self.stamp) {
            (Record::Command(applied), _) => applied,
            // As many as the venue has were passed with their command.
            (Record::Event(Emitted { event, .. }), Some(stamp)) => {
                let reason = format!("no more events found, {event:?} in the journal");
                return Err(JournalError::Differs { stamp, reason });
            }
            // The reader lets no event come before the first command.
            (Record::Event(_), None) => return Ok(None),
        };
        self.stamp = Some(stamp);
        self.analyzer.command(&stamp, &command);
        self.camera.command(&stamp);
        self.metrics.command(&stamp, &command);
        self.said.0.clear();
        let applied = self.venue.apply(stamp.time, stamp.seq, &command, &mut self.said);
        applied.map_err(|error| JournalError::Differs { stamp, reason: error.to_string() })?;
        for (id, parent, event) in &self.said.0 {
            self.analyzer.event(*id, *parent, event);
            self.camera.event(event);
            self.metrics.event(*id, *parent, event);
        }
        self.analyzer.done();
        self.camera.done(&self.venue);
        self.metrics.done(&self.venue);
        self.confirm(stamp, reader)
    }

    /// Compares what the venue said with what the journal has next.
    fn confirm<R: Read>(&self, stamp: Stamp, reader: &mut Reader<R>) -> Result<Option<Event>, JournalError> {
        for (_, parent, event) in &self.said.0 {
            match reader.pass_event(*parent, event)? {
                Some(true) => {}
                Some(false) => {
                    return match reader.record()? {
                        Some(Record::Event(Emitted { event: expected, .. })) => {
                            let reason = format!("{event:?} found, {expected:?} in the journal");
                            Err(JournalError::Differs { stamp, reason })
                        }
                        Some(Record::Command(_)) => Err(JournalError::missing(stamp, event)),
                        None => Ok(Some(*event)),
                    };
                }
                None => return Ok(Some(*event)),
            }
        }
        Ok(None)
    }
}
