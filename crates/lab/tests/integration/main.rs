//! Tests of the lab through its public interface.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod collateral;
mod errors;
mod forks;
mod given_positions;
mod library;
mod margins;
mod mid_run;
mod outcome;
mod outcomes;
mod portfolios;
mod running;
mod studies;
mod units;
mod waterfall;
