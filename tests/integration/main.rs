//! Tests that cross crates, one subject a module.

mod golden;
