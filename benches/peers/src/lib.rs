//! Other people's order books behind the testkit's engine trait, so that they run on the same order flow as ours
//! and are held to the same oracle.
//!
//! An operation that a peer refuses is left undone: what follows from that shows in its fills.

mod lobster;
mod matchcore;
mod orderbook_rs;

pub use lobster::Lobster;
pub use matchcore::Matchcore;
pub use orderbook_rs::OrderbookRs;

use downdraft_testkit::order_flow::{Difference, Engine, Flow, first_difference};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Each peer and what it lacks, with what is done instead.
pub const LACKS: [(&str, &str); 3] =
    [("matchcore 0.4", matchcore::LACKS), ("orderbook-rs 0.15", orderbook_rs::LACKS), ("lobster 0.7", lobster::LACKS)];

/// How a peer's fills compare with the oracle's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// All of them are the same, in order.
    Agrees,
    /// They are others from some operation on.
    Differs(Difference),
    /// It panicked, or has no room for what the flow asks.
    Panicked,
}

/// Runs a flow through a peer and the oracle, up to the first operation whose fills differ.
pub fn verdict<E: Engine<Handle = u32>>(peer: E, flow: &Flow) -> Verdict {
    match catch_unwind(AssertUnwindSafe(|| first_difference(peer, flow))) {
        Ok(None) => Verdict::Agrees,
        Ok(Some(difference)) => Verdict::Differs(difference),
        Err(_) => Verdict::Panicked,
    }
}
