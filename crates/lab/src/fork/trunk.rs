//! The beginning that a base and its forks have in common: executed once, with an observer that heard it.

use super::subject::{DriveError, Driven, Subject};
use crate::snapshot::Snapshot;
use downdraft_sim::world::Observer;
use downdraft_types::Time;

/// A snapshot of a base, and an observer as it was then.
pub struct Trunk<O> {
    snapshot: Snapshot,
    observer: O,
}

impl<O: Observer + Clone> Trunk<O> {
    /// Executes a base up to a moment. `None` where it cannot be saved then: it is a journal, or an actor cannot be
    /// saved; its forks are executed from their start.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn grow(base: &Subject, moment: Time, mut observer: O) -> Result<Option<Self>, DriveError> {
        Ok(base.snapshot(moment, &mut observer)?.map(|snapshot| Self { snapshot, observer }))
    }

    /// The observer as it was at the snapshot.
    #[must_use]
    pub const fn observer(&self) -> &O {
        &self.observer
    }

    /// Its snapshot.
    #[must_use]
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether a fork of its base is the same run up to the snapshot.
    #[must_use]
    pub fn bears(&self, base: &Subject, fork: &Subject) -> bool {
        base.parts_from(fork).is_some_and(|moment| moment >= self.snapshot.moment())
    }

    /// Goes on with a run that it bears, or with its base, to its end.
    ///
    /// # Errors
    /// [`DriveError`].
    pub fn go_on(&self, run: &Subject) -> Result<(O, Driven), DriveError> {
        let mut observer = self.observer.clone();
        let driven = run.drive_from(Some(&self.snapshot), &mut observer, |_| false)?;
        Ok((observer, driven))
    }
}
