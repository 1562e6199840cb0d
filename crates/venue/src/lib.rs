//! A derivatives venue as a deterministic state machine: book, margin, liquidation, waterfall.

pub mod command;
pub mod event;
pub mod policy;
