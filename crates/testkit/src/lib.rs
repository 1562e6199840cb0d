//! Naive reference models, workload generators, the world builder and fuzz bodies. Unpublished.

pub mod queue_model;
