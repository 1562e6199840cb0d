//! Tests that cross crates, one subject a module.

mod golden;
mod recorded;
mod threshold_ladder;
