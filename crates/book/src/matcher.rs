//! The caller's side of a match, and what it hears of the book.

use downdraft_types::{OrderId, Price, Qty, Side};

use crate::order::Resting;

/// Steers a taking order and hears of every change it makes, in the order they happen.
///
/// Everything but [`Matcher::filled`] has a default that does nothing and costs nothing. With all of them a
/// listener can keep a copy of the book: [`rested`](Matcher::rested), [`left`](Matcher::left),
/// [`reduced`](Matcher::reduced), [`refilled`](Matcher::refilled), [`filled`](Matcher::filled),
/// [`cancelled`](Matcher::cancelled) and [`crossed`](Matcher::crossed) are its level-3 feed, and
/// [`level`](Matcher::level) the level-2 feed.
pub trait Matcher {
    /// Asked before each match, but not where self-trade prevention applies to the pair. After a
    /// [`Verdict::TradeAtMost`] that left something of both orders it is asked about the same maker again.
    #[inline]
    fn before(&mut self, proposal: &Proposal) -> Verdict {
        let _ = proposal;
        Verdict::Trade
    }

    /// A maker traded.
    fn filled(&mut self, fill: &Fill);

    /// An order lost quantity without a trade.
    #[inline]
    fn cancelled(&mut self, cancelled: &Cancelled) {
        let _ = cancelled;
    }

    /// An order joined the back of its queue.
    #[inline]
    fn rested(&mut self, order: &Resting) {
        let _ = order;
    }

    /// An order left its queue to be replaced. It may trade, and join a queue again under the same id.
    #[inline]
    fn left(&mut self, order: &Resting) {
        let _ = order;
    }

    /// An order has fewer lots than before, as told, and kept its place.
    #[inline]
    fn reduced(&mut self, order: &Resting) {
        let _ = order;
    }

    /// An iceberg's displayed lots were gone; it shows its next ones, as told, at the back of its queue.
    #[inline]
    fn refilled(&mut self, order: &Resting) {
        let _ = order;
    }

    /// Two resting orders traded in an auction.
    #[inline]
    fn crossed(&mut self, cross: &Cross) {
        let _ = cross;
    }

    /// What a displayed level has come to: once for each level that a step of a command changed, after the
    /// orders' own changes.
    #[inline]
    fn level(&mut self, change: &LevelChange) {
        let _ = change;
    }
}

/// A matcher that lets everything trade and listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct TradeAll;

impl Matcher for TradeAll {
    #[inline]
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
    /// Lots the maker has left, an iceberg's reserve included; at zero it has left the book.
    pub maker_remaining: Qty,
}

/// An order that left the book, or shrank, without a trade.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cancelled {
    /// The resting order. Its id is stale already where nothing of it remains.
    pub maker: OrderId,
    /// Whose it is.
    pub owner: u32,
    /// Its price; of a stop that has not fired, its trigger.
    pub price: Price,
    /// Lots it lost.
    pub qty: Qty,
    /// Lots it has left; at zero it has left the book.
    pub remaining: Qty,
    /// Why.
    pub cause: CancelCause,
}

/// Why an order lost quantity without a trade.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum CancelCause {
    /// Self-trade prevention.
    SelfTrade,
    /// [`Verdict::CancelMaker`].
    Verdict,
    /// A command that named it.
    Requested,
    /// A mass cancel.
    Mass,
    /// Its time came.
    Expired,
}

/// A trade of two resting orders in an auction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cross {
    /// The bid. Its id is stale already where nothing of it remains.
    pub bid: OrderId,
    /// The ask, likewise.
    pub ask: OrderId,
    /// Whose the bid is.
    pub bid_owner: u32,
    /// Whose the ask is.
    pub ask_owner: u32,
    /// The auction's price.
    pub price: Price,
    /// Lots traded.
    pub qty: Qty,
    /// Lots the bid has left.
    pub bid_remaining: Qty,
    /// Lots the ask has left.
    pub ask_remaining: Qty,
}

/// What a displayed level has come to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LevelChange {
    /// Bids or asks.
    pub side: Side,
    /// Its price.
    pub price: Price,
    /// The displayed lots of its orders; zero where it has gone.
    pub qty: Qty,
    /// How many orders it has.
    pub orders: u32,
}
