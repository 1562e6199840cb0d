//! Tests of the venue as a whole.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod dydx;
mod dynamic;
mod expiry;
mod found;
mod funding;
mod options;
mod random;
mod several;
mod stage;
mod waterfall;
