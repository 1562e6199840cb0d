//! Benches of the whole workspace: what they share. See the files beside this one and `docs/benchmarks.md`.

pub mod market;
pub mod measure;
