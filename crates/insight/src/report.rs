//! The report: what a run looked like, as one HTML page that needs nothing else.
//!
//! ```text
//!   commands, events ──► Analyzer ──► Summary ─┐
//!        │                  └─rows─► Outcomes ─┼─► RunReport ─┐
//!        └──► Camera ◄── the venue, after each ┘   RunReport ─┴─► page
//! ```
//!
//! A live run and its journal give the same page, byte for byte. What is on it, and how much is left out of a long
//! run, is described in `docs/report.md`.

mod camera;
mod changes;
mod data;
mod fields;
mod film;
pub mod html;
mod outcomes;
mod page;
mod readings;
mod replayed;
mod series;
mod standing;
mod tables;

pub use camera::Camera;
pub use fields::{grouped, short};
pub use outcomes::Outcomes;
pub use page::{page, style};
pub use replayed::{JournalError, Replayed, capacity, replayed};

use crate::metrics::Metrics;
use crate::summary::Summary;
use crate::units::Units;
use camera::Scene;
use downdraft_types::{CurrencyId, InstrumentId};
use downdraft_venue::Venue;
use fields::Fields;
use readings::Readings;
use standing::Standing;

/// What a run's scenario and its circumstances say.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct About {
    /// What the scenario shows, in a line.
    pub summary: String,
    /// The scenario's text, changes included.
    pub scenario: String,
    /// Names of actors, by number.
    pub actors: Vec<String>,
    /// What to type to get this run again, a command a line.
    pub reproduce: Vec<String>,
    /// What the reader must know first: that the journal was cut, for one.
    pub warning: Option<String>,
}

/// A run, ready to be shown.
#[derive(Clone, Debug)]
pub struct RunReport {
    label: String,
    about: About,
    units: Units,
    summary: Summary,
    fields: Fields,
    camera: Camera,
    outcomes: Outcomes,
    /// By currency.
    standings: Vec<Standing>,
    /// By instrument; empty of a run that was not measured.
    readings: Vec<Readings>,
}

impl RunReport {
    /// Takes what was seen of a run, and the venue as it ended.
    #[must_use]
    pub fn new(
        about: About,
        units: Units,
        mut summary: Summary,
        mut outcomes: Outcomes,
        mut camera: Camera,
        venue: &Venue,
    ) -> Self {
        // What two equal runs do not share, and what a journal does not tell.
        summary.timing = None;
        summary.feed.0.clear();
        summary.actors.0.clear();
        camera.end(venue);
        outcomes.settle();
        let currencies = (0..venue.capacity().currencies).map(CurrencyId);
        let standings = currencies.map(|currency| Standing::new(&camera, venue, currency)).collect();
        let label = format!("{} · seed {}", summary.scenario, summary.seed);
        let fields = Fields::of(&summary);
        Self { label, about, units, summary, fields, camera, outcomes, standings, readings: Vec::new() }
    }

    /// Shows what was measured over the run too.
    #[must_use]
    pub fn with_metrics(mut self, metrics: &Metrics) -> Self {
        let instruments = (0..self.camera.scenes.len() as u16).map(InstrumentId);
        self.readings = instruments.map(|instrument| Readings::new(metrics, instrument)).collect();
        self
    }

    /// Instruments that are shown, with their scenes: the first of them, where there are many.
    fn scenes(&self) -> impl Iterator<Item = (InstrumentId, &Scene)> {
        const MOST: usize = 12;
        let all = (0..=u16::MAX).map(InstrumentId).zip(&self.camera.scenes);
        all.filter_map(|(id, scene)| scene.as_ref().map(|scene| (id, scene))).take(MOST)
    }

    /// Listed instruments that are not shown.
    fn left_out(&self) -> usize {
        self.camera.scenes.iter().flatten().count() - self.scenes().count()
    }
}

/// How runs share a page, so that it stays small.
struct Share {
    runs: usize,
}

impl Share {
    /// A run's part of what one alone may have, never very little.
    fn of(&self, alone: usize) -> usize {
        let least = alone.min(64);
        (alone / self.runs.max(1)).max(least)
    }
}
