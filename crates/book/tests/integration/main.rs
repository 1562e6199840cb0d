//! The book beside its naive twin, and each feature by itself.

mod differential;
mod edges;
mod orders;
mod self_trade;
mod support;
mod verdicts;
