//! Readers against recordings where they are at hand, against hand-written files, and against damage.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod damage;
mod dbn_es;
mod lobster_aapl;
mod naive;
mod noise;
mod recordings;
mod synthetic;
