//! The margin models, against published worked examples, naive references, and properties.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod black76;
mod derive;
mod vectors;
