//! What a cascade was: read from the events of a run as they happen, or from its journal afterwards.
//!
//! ```text
//!   commands, events ──► Analyzer ──► rows      (prices, liquidations, waterfall: as they happen)
//!                            └──────► Summary   (at the end)
//! ```
//!
//! An [`Analyzer`] keeps what it must: its memory grows with accounts, instruments and the liquidations under way,
//! never with the length of the run. The fields of a [`Summary`] and the columns of the tables are described in
//! `docs/summary.md`.

mod analyzer;
mod episode;
mod exact;
mod histogram;
mod journal;
mod market;
pub mod names;
mod ranges;
pub mod report;
pub mod rows;
pub mod summary;
mod tables;
mod units;

pub use analyzer::{Analyzer, RunInfo};
pub use exact::Exact;
pub use histogram::Histogram;
pub use rows::Recorder;
pub use summary::Summary;
pub use tables::{CsvTables, LIQUIDATIONS_HEADER, PRICES_HEADER, WATERFALL_HEADER};
pub use units::{CurrencyUnits, InstrumentUnits, Units};
