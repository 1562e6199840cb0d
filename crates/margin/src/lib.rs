//! Accounts, positions, margin, the risk ladder, the ledger and its auditor, in exact integers.
#![no_std]

extern crate alloc;

pub mod instrument;
mod pool;

pub use instrument::{InstrumentKind, InstrumentSpec, ListingError, MaintenanceBasis, TierSpec};
pub use pool::{Health, MarginMode, Pool};
