//! Tests that cross crates, one subject a module.

mod golden;
mod threshold_ladder;
