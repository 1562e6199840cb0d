//! The event queue, the scheduler, latency, oracles, actors and populations.

pub mod actor;
pub mod actors;
pub mod index_path;
pub mod latency;
pub mod queue;
pub mod random;
pub mod samplers;
pub mod world;
