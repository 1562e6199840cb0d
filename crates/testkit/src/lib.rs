//! Naive reference models, workload generators, the world builder and fuzz bodies. Unpublished.

pub mod alloc;
pub mod book_commands;
pub mod floor;
pub mod margin_commands;
pub mod naive_book;
pub mod naive_margin;
pub mod order_flow;
pub mod queue_model;
pub mod recorded_flow;
pub mod recordings;
pub mod runner;
pub mod trace;
pub mod venue_commands;
pub mod world;
