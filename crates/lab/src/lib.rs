//! Scenarios in TOML, the built-in library, and how to run them.

pub mod analysis;
pub mod decimal;
pub mod document;
pub mod error;
#[doc(hidden)]
pub mod fuzz;
pub mod library;
pub mod prepare;
pub mod run;
pub mod scenario;

mod read;

pub use analysis::Analysis;
pub use document::Document;
pub use error::ScenarioError;
pub use library::{Builtin, library, load, read_text, show};
pub use prepare::Prepared;
pub use run::{Finished, Progress, Recorder, RunError, Tee, run, run_world};
pub use scenario::Scenario;
