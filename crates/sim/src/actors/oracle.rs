//! The index: a reference price, blended with our own mid, seen through an oracle.

use crate::index_path::{OracleRules, PathSpec};
use downdraft_types::InstrumentId;

/// Parameters of an [`OracleActor`].
#[derive(Clone, PartialEq, Debug)]
pub struct OracleConfig {
    /// Whose index it is.
    pub instrument: InstrumentId,
    /// The reference price, in its own unit of price.
    pub path: PathSpec,
    /// Mark increments per unit of the path's price: `mark_scale ÷ tick size`.
    pub marks_per_unit: f64,
    /// Mark increments per tick, as the instrument's.
    pub mark_scale: u32,
    /// Weight of our own mid in the index: 0 is exogenous, 1 is nothing but our own book.
    pub coupling: f64,
    /// Heartbeat, threshold and latency. The latency is the oracle's own: give the actor none beside it.
    pub rules: OracleRules,
}

/// An oracle that reports the index.
#[derive(Debug)]
pub struct OracleActor {
    #[expect(dead_code)]
    config: OracleConfig,
}
