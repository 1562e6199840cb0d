//! Scenarios in TOML, the built-in library, and how to run them.

pub mod analysis;
pub mod decimal;
pub mod document;
pub mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod library;
pub mod picture;
pub mod prepare;
pub mod run;
pub mod scenario;

mod read;
mod reproduce;

pub use analysis::Analysis;
pub use document::Document;
pub use error::ScenarioError;
pub use library::{Builtin, library, load, show};
pub use picture::{Filming, JournalReport, journal_report, run_report};
pub use prepare::Prepared;
pub use reproduce::reproduce;
pub use run::{Finished, Progress, Recorder, RunError, Tee, run, run_world};
pub use scenario::Scenario;
