//! Tests of the lab through its public interface.

mod errors;
mod forks;
mod given_positions;
mod library;
mod outcome;
mod outcomes;
mod running;
mod studies;
mod units;
