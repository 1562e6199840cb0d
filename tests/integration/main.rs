//! Tests that cross crates, one subject a module.

mod fuzz_seeds;
mod golden;
mod recorded;
mod threshold_ladder;
