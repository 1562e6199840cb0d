//! The event queue, the scheduler, latency, oracles, actors and populations.

pub mod queue;
