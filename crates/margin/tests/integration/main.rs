//! Tests of the margin engine as its users see it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod against_naive;
mod audit;
mod collateral;
mod deleveraging;
mod forms;
mod isolated;
mod limits;
mod notionals;
mod options;
mod orders;
mod portfolios;
mod queries;
mod rounding;
mod shares;
mod states;
mod steps;
mod vectors;
mod world;
