//! Forks: the same world with one thing changed.
//!
//! A fork is a re-execution from the start, with the same seed and the same recorded input. What is changed is a
//! setting of the scenario from the start, or, from a moment on, a setting that a venue takes as a command: then the
//! fork is the base's world up to that moment, event for event, and is gone on with from a snapshot of it where the
//! world can be saved.
//!
//! ```text
//!  SCENARIO ──► Variant (a scenario, its seed, a plan of changes) ──► executed ─┐
//!  RUN ──► its scenario, where that leads to the same run ──────────────────────┤──► observer, Outcome
//!      └─► else its commands as recorded flow (Playback) ───────────────────────┘
//! ```

mod counterfactual;
mod mid_run;
mod origin;
mod playback;
mod subject;
mod trunk;

pub use counterfactual::{Counterfactual, MarkSeries};
pub use mid_run::{FixedSetting, mid_run};
pub use origin::{Opening, Origin, OriginError, journal_of, journal_path, recorded};
pub use playback::{Playback, PlaybackError};
pub use subject::{DriveError, Driven, Subject};
pub use trunk::Trunk;

use crate::plan::Plan;
use crate::prepare::Prepared;
use crate::run::{Course, Finished, Progress, RunError};
use crate::snapshot::Snapshot;
use core::ops::ControlFlow;
use downdraft_sim::world::Observer;

/// A world that can be executed: a scenario, its seed, and what is done to it on the way.
#[derive(Clone, PartialEq, Debug)]
pub struct Variant {
    /// What it is called in a comparison.
    pub label: String,
    /// The scenario and the seed.
    pub prepared: Prepared,
    /// What is done on the way.
    pub plan: Plan,
}

impl Variant {
    /// A world to which nothing is done.
    #[must_use]
    pub fn new(label: impl Into<String>, prepared: Prepared) -> Self {
        Self { label: label.into(), prepared, plan: Plan::default() }
    }

    /// Executes it from its start to its end.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn run<O: Observer>(
        &self,
        observer: &mut O,
        progress: impl FnMut(&Progress, &O) -> ControlFlow<()>,
    ) -> Result<Finished, RunError> {
        self.run_from(None, observer, progress)
    }

    /// As [`Variant::run`]; from a snapshot, where there is one, of which it must be the same run up to then.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn run_from<O: Observer>(
        &self,
        snapshot: Option<&Snapshot>,
        observer: &mut O,
        progress: impl FnMut(&Progress, &O) -> ControlFlow<()>,
    ) -> Result<Finished, RunError> {
        let mut course = match snapshot {
            Some(snapshot) => snapshot.resume(&self.plan)?,
            None => Course::new(self.prepared.world()?, self.plan.clone()),
        };
        let interrupted = course.run(None, observer, progress)?;
        Ok(course.finish(interrupted))
    }
}
