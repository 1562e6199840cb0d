//! What is compared: a world to execute, or a journal to play.

use super::Variant;
use super::playback::{Playback, PlaybackError};
use crate::plan::Change;
use crate::run::{Course, Finished, RunError};
use crate::snapshot::Snapshot;
use core::ops::ControlFlow;
use downdraft_journal::End;
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, Time};
use downdraft_venue::{Capacity, Command, Event, Stamp, Venue};

/// A run that can be driven past an observer as often as is needed.
#[derive(Clone, PartialEq, Debug)]
pub enum Subject {
    /// A world.
    Executed(Box<Variant>),
    /// A journal.
    Played {
        /// What it is called in a comparison.
        label: String,
        /// The journal, and what is done on the way.
        playback: Playback,
        /// The seed of its run.
        seed: u64,
    },
}

/// A run that was driven.
pub struct Driven {
    /// The venue as it ended.
    pub venue: Venue,
    /// Commands applied.
    pub commands: u64,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
    /// What a reader of its figures has to know.
    pub notes: Vec<String>,
}

/// Why a run could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// A world did not reach its end.
    #[error("{label}: {error}")]
    Run {
        /// Which.
        label: String,
        /// Why.
        error: Box<RunError>,
    },
    /// A journal could not be played.
    #[error("{label}: {error}")]
    Playback {
        /// Which.
        label: String,
        /// Why.
        error: PlaybackError,
    },
}

impl Subject {
    /// What it is called.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Executed(variant) => &variant.label,
            Self::Played { label, .. } => label,
        }
    }

    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Time {
        match self {
            Self::Executed(variant) => variant.prepared.end(),
            Self::Played { playback, .. } => playback.end,
        }
    }

    /// What its venue has room for.
    ///
    /// # Errors
    /// Where a journal cannot be opened any more, or is not of one venue.
    pub fn capacity(&self) -> Result<Capacity, DriveError> {
        match self {
            Self::Executed(variant) => Ok(variant.prepared.scenario.capacity),
            Self::Played { label, playback, .. } => {
                playback.capacity().map_err(|error| DriveError::Playback { label: label.clone(), error })
            }
        }
    }

    /// The seed of its run.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        match self {
            Self::Executed(variant) => variant.prepared.seed,
            Self::Played { seed, .. } => *seed,
        }
    }

    /// The same run with more done on the way.
    #[must_use]
    pub fn changed(&self, label: &str, changes: impl IntoIterator<Item = (Time, Change)>) -> Self {
        let mut changed = self.clone();
        match &mut changed {
            Self::Executed(variant) => {
                variant.label = label.to_owned();
                variant.plan = core::mem::take(&mut variant.plan).and(changes);
            }
            Self::Played { label: own, playback, .. } => {
                *own = label.to_owned();
                playback.plan = core::mem::take(&mut playback.plan).and(changes);
            }
        }
        changed
    }

    /// Drives it to its end, or until `stop` says so, which is asked every few thousand steps at least.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn drive<O: Observer>(&self, observer: &mut O, stop: impl Fn(&O) -> bool) -> Result<Driven, DriveError> {
        self.drive_from(None, observer, stop)
    }

    /// As [`Subject::drive`]; from a snapshot, where there is one, of which it must be the same run up to then. A
    /// journal is played from its start all the same.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn drive_from<O: Observer>(
        &self,
        snapshot: Option<&Snapshot>,
        observer: &mut O,
        stop: impl Fn(&O) -> bool,
    ) -> Result<Driven, DriveError> {
        self.drive_erased(snapshot, &mut Erased(&mut Adapter { observer, stop }))
    }

    /// Drives it up to a moment and saves it there. `None` of a journal, and where an actor cannot be saved; what the
    /// observer heard is of no use then.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn snapshot<O: Observer>(&self, moment: Time, observer: &mut O) -> Result<Option<Snapshot>, DriveError> {
        let Self::Executed(variant) = self else { return Ok(None) };
        let failed = |error| DriveError::Run { label: variant.label.clone(), error: Box::new(error) };
        let world = variant.prepared.world().map_err(|error| failed(error.into()))?;
        let mut course = Course::new(world, variant.plan.clone());
        let mut adapter = Adapter { observer, stop: |_: &O| false };
        course.run(Some(moment), &mut Erased(&mut adapter), |_, _| ControlFlow::Continue(())).map_err(failed)?;
        Ok(Snapshot::take(&course, moment).ok())
    }

    /// Drives it to its end, and lets `look` see the venue on the way, at a moment: ahead of all that is due then. Of a
    /// journal there is no such look.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn drive_past<O: Observer>(
        &self,
        moment: Time,
        observer: &mut O,
        look: impl FnOnce(&Venue),
    ) -> Result<Driven, DriveError> {
        let Self::Executed(variant) = self else { return self.drive(observer, |_| false) };
        let failed = |error| DriveError::Run { label: variant.label.clone(), error: Box::new(error) };
        let world = variant.prepared.world().map_err(|error| failed(error.into()))?;
        let mut course = Course::new(world, variant.plan.clone());
        let mut adapter = Adapter { observer, stop: |_: &O| false };
        let mut erased = Erased(&mut adapter);
        course.run(Some(moment), &mut erased, |_, _| ControlFlow::Continue(())).map_err(failed)?;
        look(course.world().venue());
        course.run(None, &mut erased, |_, _| ControlFlow::Continue(())).map_err(failed)?;
        Ok(driven(course.finish(false)))
    }

    /// The moment up to which it is the same run as another, both of worlds that are executed. `None` where they never
    /// part, or are not the same even at their start.
    #[must_use]
    pub fn parts_from(&self, other: &Self) -> Option<Time> {
        match (self, other) {
            (Self::Executed(a), Self::Executed(b)) if a.prepared == b.prepared => a.plan.parts_from(&b.plan),
            _ => None,
        }
    }

    fn drive_erased(&self, snapshot: Option<&Snapshot>, observer: &mut Erased<'_>) -> Result<Driven, DriveError> {
        match self {
            Self::Executed(variant) => {
                let watch = |_: &_, observer: &Erased<'_>| match observer.0.has_enough() {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                };
                let finished = variant.run_from(snapshot, observer, watch);
                let finished = finished
                    .map_err(|error| DriveError::Run { label: variant.label.clone(), error: Box::new(error) })?;
                Ok(driven(finished))
            }
            Self::Played { label, playback, .. } => {
                let played = playback.play(observer, |observer| observer.0.has_enough());
                let played = played.map_err(|error| DriveError::Playback { label: label.clone(), error })?;
                let mut notes = Vec::new();
                if !playback.verbatim {
                    notes.push(RECORDED_FLOW.to_owned());
                }
                if played.dropped > 0 {
                    notes.push(format!(
                        "{} recorded commands on orders that never rested here were left out",
                        played.dropped
                    ));
                }
                if let Some(end) = played.end.filter(|end| !matches!(end, End::Complete(_))) {
                    notes.push(format!("the journal is not whole, and what can be read was used: {end}"));
                }
                let (venue, commands, interrupted) = (played.venue, played.commands, played.interrupted);
                Ok(Driven { venue, commands, interrupted, notes })
            }
        }
    }
}

fn driven(finished: Finished) -> Driven {
    let (commands, interrupted) = (finished.commands, finished.interrupted);
    Driven { venue: finished.world.into_venue(), commands, interrupted, notes: Vec::new() }
}

/// An observer that says when it has seen enough.
trait Watching: Observer {
    fn has_enough(&self) -> bool;
}

struct Adapter<'a, O, F> {
    observer: &'a mut O,
    stop: F,
}

impl<O: Observer, F: Fn(&O) -> bool> Watching for Adapter<'_, O, F> {
    fn has_enough(&self) -> bool {
        (self.stop)(self.observer)
    }
}

impl<O: Observer, F> Observer for Adapter<'_, O, F> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.observer.command(stamp, command);
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.observer.event(id, parent, event);
    }

    fn done(&mut self, venue: &Venue) {
        self.observer.done(venue);
    }
}

/// Any observer: the venue's code is compiled for this one alone, and not again for each kind that drives a run.
struct Erased<'a>(&'a mut dyn Watching);

impl Observer for Erased<'_> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.0.command(stamp, command);
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.0.event(id, parent, event);
    }

    fn done(&mut self, venue: &Venue) {
        self.0.done(venue);
    }
}

/// What a fork of a bare journal is.
const RECORDED_FLOW: &str = "without its scenario's actors, the journal's commands are recorded flow: nobody reacts to \
                             what the fork does differently";
