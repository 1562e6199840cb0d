//! Naive reference models, workload generators, the world builder and fuzz bodies. Unpublished.
