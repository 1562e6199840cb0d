//! Tests of the venue as a whole.

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
