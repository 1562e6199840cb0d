//! A derivatives venue as a deterministic state machine: book, margin, liquidation, waterfall.
