//! Integration tests of the simulator.

mod actors;
mod index_path;
mod intervention;
mod latency;
mod queue;
mod random;
mod samplers;
