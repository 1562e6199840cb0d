//! Tests of the venue as a whole.

mod dydx;
mod found;
mod random;
mod several;
mod waterfall;
