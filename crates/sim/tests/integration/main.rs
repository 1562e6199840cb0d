//! Integration tests of the simulator.

mod index_path;
mod latency;
mod queue;
mod random;
mod samplers;
