//! Tests that cross crates: see `integration/`.
