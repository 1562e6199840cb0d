//! Margin models as pure functions: from what an account holds to what it must have.
//!
//! ```text
//!   parameters, checked once ──┐
//!                              ├──► requirement, in floats ──units::requirement──► whole units of money
//!   slices of positions ───────┘      or exactly, where the rule is in whole numbers
//! ```
//!
//! Nothing here knows an engine, and nothing allocates. Formulas, symbols, units, rounding and sources of each model
//! are in `docs/margin/models.md`.

pub mod adl;
pub mod bands;
pub mod black76;
pub mod book;
pub mod bounds;
pub mod deribit_pm;
pub mod derive_pm1;
pub mod derive_pm2;
pub mod dynamic;
pub mod error;
pub mod health;
pub mod interval;
pub mod laws;
pub mod liquidation;
pub mod netting;
pub mod partial;
pub mod predictive;
pub mod span;
pub mod standard;
pub mod surface;
pub mod tiers;
pub mod units;
pub mod walk;

pub use error::ModelError;
