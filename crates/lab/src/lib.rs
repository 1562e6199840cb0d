//! Scenarios in TOML, the built-in library, and how to run them.

pub mod analysis;
pub mod compare;
pub mod contribution;
pub mod decimal;
pub mod document;
pub mod error;
pub mod foresight;
pub mod fork;
#[doc(hidden)]
pub mod fuzz;
pub mod library;
pub mod outcome;
pub mod picture;
pub mod plan;
pub mod prepare;
pub mod probe;
pub mod resilience;
pub mod run;
pub mod scenario;
pub mod shapley;
pub mod snapshot;
pub mod statistics;
pub mod study;

mod read;
mod reproduce;
mod venues;

pub use analysis::Analysis;
pub use document::Document;
pub use error::ScenarioError;
pub use library::{Builtin, library, load, read_text, show};
pub use picture::{Filming, JournalReport, journal_report, run_report};
pub use plan::{Change, Plan, Refusal};
pub use prepare::Prepared;
pub use reproduce::reproduce;
pub use run::{Course, Finished, Progress, Recorder, RunError, Tee, run, run_planned, run_world};
pub use scenario::Scenario;
pub use snapshot::Snapshot;
pub use venues::{Preset, venues};
