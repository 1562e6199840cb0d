//! Integration tests of the simulator.

mod queue;
