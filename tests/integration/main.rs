//! Tests that cross crates, one subject a module.

mod fuzz_seeds;
mod genealogy;
mod golden;
mod metrics;
mod recorded;
mod recorded_book;
mod resilience;
mod snapshots;
mod threshold_ladder;
