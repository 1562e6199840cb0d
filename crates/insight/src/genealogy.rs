//! The genealogy of liquidations: which set off which, directly and through others.
//!
//! ```text
//!   outside sells ─► mark ─► 1 ┬─► 2 ──► 4        direct: a liquidation's fills moved the mark across a line
//!                              └─► 3 ┄┄► 5        mediated: a maker hit by 3 withdrew, the next trade fell further
//! ```
//!
//! A [`Forest`] has one [`Node`] per liquidation, in order of trigger; a parent always comes before its children.
//! It is about 300 bytes for each liquidation, and the one thing that an analysis keeps of the length of a run.
//! The rule, its sources and its limits are in `docs/metrics.md`: ancestry describes, only forks claim causation.

mod draw;
mod forced;
mod lineage;
mod shape;
mod touch;

pub use draw::draw;
pub use forced::{Forced, Swing};
pub use lineage::{DEFAULT_REACTION, Mediated, VIAS, Via};
pub use shape::{Branching, Tree, Window};

pub(crate) use forced::ForcedCounts;
pub(crate) use lineage::Lineage;

use downdraft_margin::Pool;
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Qty, Time};
use downdraft_venue::{CauseKind, LiquidationEnd};

/// A liquidation of a pool, from trigger to end, with its place among the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its number, from 1 in order of trigger.
    pub episode: u64,
    /// The pool.
    pub pool: Pool,
    /// The liquidation whose order set it off.
    pub parent: Option<u64>,
    /// Where there is none: the liquidation that set it off through others.
    pub mediated: Option<Mediated>,
    /// What put the pool below its line.
    pub kind: CauseKind,
    /// The instrument whose mark did it, where a mark did.
    pub through: Option<InstrumentId>,
    /// That mark.
    pub mark: Option<MarkPrice>,
    /// When it was triggered.
    pub triggered: Time,
    /// The pool's equity then.
    pub equity: Money,
    /// Its first fill in a book.
    pub first_fill: Option<Time>,
    /// When it ended; `None`: the run ended first.
    pub ended: Option<Time>,
    /// How it ended.
    pub end: Option<LiquidationEnd>,
    /// The currency of all amounts.
    pub currency: CurrencyId,
    /// The instrument closed first.
    pub instrument: Option<InstrumentId>,
    /// Of that instrument, closed in the book.
    pub quantity: Qty,
    /// Of that instrument, closed by auto-deleveraging.
    pub deleveraged: Qty,
    /// Of that instrument, taken over by the fund.
    pub taken_over: Qty,
    /// How many instruments were closed.
    pub legs: u32,
    /// Value of what was closed in books, of all instruments, at the marks at which the orders were sent.
    pub notional: Money,
    /// What the fills were worse than that; positive is against the trader.
    pub slippage: Money,
    /// What the insurance fund received; negative: paid.
    pub fund: Money,
    /// Its trigger's place among all triggers and ends.
    pub(crate) born: u64,
    /// Its end's.
    pub(crate) gone: Option<u64>,
}

/// Which ancestry counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ancestry {
    /// A liquidation's own order only.
    Direct,
    /// That, and what came about through others.
    Any,
}

/// All liquidations of a run, with their parents.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Forest {
    /// In order of trigger: the liquidation of number `n` is at place `n − 1`.
    pub nodes: Vec<Node>,
}

impl Node {
    /// Its parent under an ancestry.
    #[must_use]
    pub fn parent_by(&self, ancestry: Ancestry) -> Option<u64> {
        match ancestry {
            Ancestry::Direct => self.parent,
            Ancestry::Any => self.parent.or(self.mediated.map(|mediated| mediated.parent)),
        }
    }
}

impl Forest {
    /// A liquidation by its number.
    #[must_use]
    pub fn node(&self, episode: u64) -> Option<&Node> {
        self.nodes.get(usize::try_from(episode.checked_sub(1)?).ok()?)
    }

    /// How many liquidations there were.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}
