//! The caller's side of a match.

use downdraft_types::{OrderId, Price, Qty};

/// Steers a taking order and hears of every change it makes, in the order they happen.
///
/// Where self-trade prevention applies to a pair of orders, the matcher is not asked about it.
pub trait Matcher {
    /// Asked before each match. After a [`Verdict::TradeAtMost`] that left something of both orders it is
    /// asked about the same maker again.
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        let _ = proposal;
        Verdict::Trade
    }

    /// A maker traded.
    fn filled(&mut self, fill: &Fill);

    /// A maker lost quantity without a trade.
    fn cancelled(&mut self, cancelled: &Cancelled) {
        let _ = cancelled;
    }
}

/// A matcher that lets everything trade and listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct TradeAll;

impl Matcher for TradeAll {
    fn filled(&mut self, _: &Fill) {}
}

/// A match about to happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Proposal {
    /// The resting order.
    pub maker: OrderId,
    /// Whose it is.
    pub owner: u32,
    /// Its price, at which the trade would be.
    pub price: Price,
    /// Lots that would trade.
    pub qty: Qty,
}

/// The answer to a [`Proposal`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// Trade all of it.
    Trade,
    /// Trade at most so many lots. Zero lots mean [`Verdict::Stop`], else matching would never end.
    TradeAtMost(Qty),
    /// Remove the maker without a trade and go on with the next.
    CancelMaker,
    /// End matching. The rest of the taker is dropped, whatever its time in force.
    Stop,
}

/// A trade.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fill {
    /// The resting order. Its id is stale already where nothing of it remains.
    pub maker: OrderId,
    /// Whose it is.
    pub maker_owner: u32,
    /// The maker's price.
    pub price: Price,
    /// Lots traded.
    pub qty: Qty,
    /// Lots the maker has left; at zero it has left the book.
    pub maker_remaining: Qty,
}

/// A maker that left the book, or shrank, without a trade.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cancelled {
    /// The resting order. Its id is stale already where nothing of it remains.
    pub maker: OrderId,
    /// Whose it is.
    pub owner: u32,
    /// Its price.
    pub price: Price,
    /// Lots it lost.
    pub qty: Qty,
    /// Lots it has left; at zero it has left the book.
    pub remaining: Qty,
    /// Why.
    pub cause: CancelCause,
}

/// Why a maker lost quantity without a trade.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum CancelCause {
    /// Self-trade prevention.
    SelfTrade,
    /// [`Verdict::CancelMaker`].
    Verdict,
}
