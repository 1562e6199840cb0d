//! Forks: the same world with one thing changed.
//!
//! A fork is a re-execution from the start, with the same seed and the same recorded input. What is changed is a
//! setting of the scenario from the start, or, from a moment on, a setting that a venue takes as a command: then the
//! fork is the base's world up to that moment, event for event.
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

pub use counterfactual::{Counterfactual, MarkSeries};
pub use mid_run::{FixedSetting, mid_run};
pub use origin::{Opening, Origin, OriginError, journal_of, recorded};
pub use playback::{Playback, PlaybackError};
pub use subject::{DriveError, Driven, Subject};

use crate::plan::Plan;
use crate::prepare::Prepared;
use crate::run::{Finished, Progress, RunError, run_planned};
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
        run_planned(self.prepared.world()?, self.plan.clone(), observer, progress)
    }
}
