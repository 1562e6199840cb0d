//! The book beside its naive twin, and each feature by itself.

mod combinations;
mod differential;
mod display;
mod edges;
mod many;
mod orders;
mod self_trade;
mod stops;
mod support;
mod verdicts;
mod window;
