//! Tests of the margin engine as its users see it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod audit;
mod vectors;
mod world;
