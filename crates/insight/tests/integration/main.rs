//! The analyzer against venues that run.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod drive;
mod golden;
mod journal;
mod mediated;
mod random;
mod reference;
