//! The margin models, against published worked examples, naive references, and properties.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod black76;
mod bounds;
mod derive;
mod dynamic;
mod forced;
mod health;
mod liquidation;
mod portfolio;
mod predictive;
mod vectors;
