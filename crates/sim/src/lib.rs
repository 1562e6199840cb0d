//! The event queue, the scheduler, latency, oracles, actors and populations.

pub mod index_path;
pub mod latency;
pub mod queue;
pub mod random;
pub mod samplers;
