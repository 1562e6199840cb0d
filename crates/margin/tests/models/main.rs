//! The margin models, against published worked examples, naive references, and properties.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod black76;
mod bounds;
mod derive;
mod dynamic;
mod forced;
mod health;
mod liquidation;
mod no_alloc;
mod portfolio;
mod predictive;
mod vectors;

/// Counts by thread, so that tests do not disturb each other.
#[global_allocator]
static ALLOCATOR: downdraft_testkit::alloc::Counting = downdraft_testkit::alloc::Counting;
