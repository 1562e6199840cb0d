//! Benches of the whole workspace: what they share. See the files beside this one and `docs/benchmarks.md`.

pub mod latency;
pub mod market;
pub mod measure;
pub mod race;
