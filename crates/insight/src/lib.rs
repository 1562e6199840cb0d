//! What a cascade was: read from the events of a run as they happen, or from its journal afterwards.
//!
//! ```text
//!   commands, events ──► Analyzer ──► rows      (prices, liquidations, waterfall: as they happen)
//!           │                ├──────► Forest    (which liquidation set off which)
//!           │                └──────► Summary   (at the end)
//!           └─ venue ──► Metrics ───► Series, Totals
//! ```
//!
//! An [`Analyzer`] keeps what it must: its memory grows with accounts, instruments and liquidations (their
//! [`genealogy`]), never with the length of the run; that of [`metrics`] with the moments of their grid. The fields of a
//! [`Summary`] and the columns of the tables are described in `docs/summary.md`, metrics in `docs/metrics.md`.

mod analyzer;
mod buckets;
mod census;
#[cfg(feature = "parquet")]
mod columnar;
mod episode;
mod exact;
mod fields;
pub mod genealogy;
mod histogram;
mod journal;
mod market;
pub mod metrics;
pub mod names;
pub mod overshoot;
mod ranges;
pub mod report;
pub mod rows;
pub mod summary;
pub mod table;
mod tables;
mod units;

pub use analyzer::{Analyzer, RunInfo};
#[cfg(feature = "parquet")]
pub use columnar::ParquetSheet;
pub use exact::Exact;
pub use fields::fields;
pub use histogram::Histogram;
pub use journal::ReplayError;
pub use rows::Recorder;
pub use summary::Summary;
pub use tables::{AllTables, CsvTables};
pub use units::{CurrencyUnits, InstrumentUnits, Units};
