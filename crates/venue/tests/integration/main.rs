//! Tests of the venue as a whole.

mod found;
mod random;
