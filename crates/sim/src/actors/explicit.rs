//! Given positions: a venue as it stands.

use downdraft_margin::{InstrumentSpec, MarginMode};
use downdraft_types::{AccountId, InstrumentId, Lots, MarkPrice, Money};

/// Parameters of an [`Explicit`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExplicitConfig {
    /// The instruments, with their terms as listed and their marks at the start.
    pub instruments: Vec<(InstrumentId, InstrumentSpec, MarkPrice)>,
    /// The positions, at most one per account and instrument.
    pub holdings: Vec<Holding>,
    /// The account that all trade against at the start; it ends flat and empty.
    pub pivot: AccountId,
    /// Who takes what does not net; `None`: then positions must net.
    pub balancing: Option<Balancing>,
}

/// A position as given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holding {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// Lots: positive long, negative short.
    pub size: Lots,
    /// What it cost, or was sold for, in all: positive for positive prices.
    pub value: Money,
    /// The money behind it, profit and loss apart.
    pub margin: Money,
    /// Cross or isolated.
    pub mode: MarginMode,
}

/// The account that takes the other side of positions that do not net, in cross margin, at the initial mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Balancing {
    /// The account, which holds no other position.
    pub account: AccountId,
    /// What it deposits.
    pub margin: Money,
}

/// Given positions.
#[derive(Debug)]
pub struct Explicit {
    #[expect(dead_code)]
    config: ExplicitConfig,
}
