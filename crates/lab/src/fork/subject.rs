//! What is compared: a world to execute, or a journal to play.

use super::Variant;
use super::playback::{Playback, PlaybackError};
use crate::plan::Change;
use crate::run::RunError;
use core::ops::ControlFlow;
use downdraft_journal::End;
use downdraft_sim::world::Observer;
use downdraft_types::Time;
use downdraft_venue::Venue;

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
        /// When it ends, for its price path; what is later is counted to the end.
        end: Time,
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
            Self::Played { end, .. } => *end,
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
    pub fn drive<O: Observer>(&self, observer: &mut O, mut stop: impl FnMut(&O) -> bool) -> Result<Driven, DriveError> {
        match self {
            Self::Executed(variant) => {
                let watch = |_: &_, observer: &O| match stop(observer) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                };
                let finished = variant.run(observer, watch);
                let finished = finished
                    .map_err(|error| DriveError::Run { label: variant.label.clone(), error: Box::new(error) })?;
                let (commands, interrupted) = (finished.commands, finished.interrupted);
                Ok(Driven { venue: finished.world.into_venue(), commands, interrupted, notes: Vec::new() })
            }
            Self::Played { label, playback, .. } => {
                let played = playback.play(observer, stop);
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

/// What a fork of a bare journal is.
const RECORDED_FLOW: &str = "without its scenario's actors, the journal's commands are recorded flow: nobody reacts to \
                             what the fork does differently";
