//! Snapshots: a world at a moment, from which runs go on as often as is needed.
//!
//! ```text
//!  start ──── the common beginning, executed once ────┬──► base
//!                                     snapshot at TIME ├──► fork
//!                                                      └──► fork …
//! ```
//!
//! A snapshot is a copy in memory of all that a run is: the venue with its books and margin, what is pending, every
//! actor with its random streams and its place in its recording, and what is on its way to it. An observer that heard
//! the beginning is copied beside it. A run that goes on from a snapshot is the run from the start, byte for byte.

use crate::plan::Plan;
use crate::run::Course;
use downdraft_sim::world::{Unsaved, World};
use downdraft_types::Time;
use std::sync::Mutex;

/// A world at a moment: before all that is due then, or, at time zero, when set-up is over.
pub struct Snapshot {
    moment: Time,
    // Actors can be sent to another thread but not be shared with it.
    world: Mutex<World>,
}

impl Snapshot {
    /// Saves a run that has come to this moment.
    ///
    /// # Errors
    /// Where an actor cannot be saved.
    pub fn take(course: &Course, moment: Time) -> Result<Self, Unsaved> {
        Ok(Self { moment, world: Mutex::new(course.world().save()?) })
    }

    /// Its moment.
    #[must_use]
    pub const fn moment(&self) -> Time {
        self.moment
    }

    /// A run that goes on from here; of the plan, what is due from the moment on is carried out.
    ///
    /// # Errors
    /// Where an actor cannot be saved again: its recording is gone.
    pub fn resume(&self, plan: &Plan) -> Result<Course, Unsaved> {
        // Saving changes nothing, so what another thread's panic left is whole.
        let world = self.world.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(Course::new(world.save()?, plan.from(self.moment)))
    }
}
