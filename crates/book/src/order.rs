//! What is asked of the book and what it answers.

use core::fmt;

use downdraft_types::{OrderId, Price, Qty, Side};

/// How long an order stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum TimeInForce {
    /// Good till cancelled: what does not trade at once rests.
    #[default]
    Gtc,
    /// Immediate or cancel: what does not trade at once is dropped.
    Ioc,
    /// Fill or kill: refused unless the book holds all of it within the limit.
    Fok,
}

/// What happens where an order meets one of the same owner. The taker's setting decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum SelfTradePrevention {
    /// They trade.
    #[default]
    None,
    /// The rest of the taker is dropped; the maker stays.
    CancelNewest,
    /// The maker is cancelled and the taker goes on.
    CancelOldest,
    /// The maker is cancelled and the rest of the taker dropped.
    CancelBoth,
    /// Both lose the smaller of the two quantities without a trade; what is left goes on.
    Decrement,
}

/// An order to submit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewOrder {
    /// Buy or sell.
    pub side: Side,
    /// How many lots, positive.
    pub qty: Qty,
    /// The worst price accepted; `None` is a market order, which never rests.
    pub limit: Option<Price>,
    /// How long it stands.
    pub tif: TimeInForce,
    /// Refused if any of it could trade at once, an order of the same owner included.
    pub post_only: bool,
    /// What happens where it meets an order of the same owner.
    pub stp: SelfTradePrevention,
    /// Whose it is: a number of the caller's.
    pub owner: u32,
}

impl NewOrder {
    /// A good-till-cancelled limit order without self-trade prevention.
    #[must_use]
    pub const fn limit(side: Side, qty: Qty, limit: Price, owner: u32) -> Self {
        Self {
            side,
            qty,
            limit: Some(limit),
            tif: TimeInForce::Gtc,
            post_only: false,
            stp: SelfTradePrevention::None,
            owner,
        }
    }

    /// An immediate-or-cancel order at any price, without self-trade prevention.
    #[must_use]
    pub const fn market(side: Side, qty: Qty, owner: u32) -> Self {
        Self { side, qty, limit: None, tif: TimeInForce::Ioc, post_only: false, stp: SelfTradePrevention::None, owner }
    }
}

/// Why nothing is left to match of an order that was accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum End {
    /// It traded in full.
    Filled,
    /// What is left rests.
    Rested,
    /// An immediate order met nothing more within its limit. A fill-or-kill order ends so only where its
    /// matcher cancelled makers it had counted on.
    Unfilled,
    /// Self-trade prevention ended it.
    SelfTrade,
    /// Its matcher stopped it. Nothing of it rests, whatever its time in force.
    Stopped,
}

/// What became of an accepted order: `filled + decremented + remaining` is its quantity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Outcome {
    /// Lots traded.
    pub filled: Qty,
    /// Lots lost to [`SelfTradePrevention::Decrement`].
    pub decremented: Qty,
    /// Lots neither traded nor decremented: resting where `rested` is an id, dropped otherwise.
    pub remaining: Qty,
    /// The order's id where it rests.
    pub rested: Option<OrderId>,
    /// Why nothing is left to match.
    pub end: End,
}

/// An order in the book.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Resting {
    /// Its id.
    pub id: OrderId,
    /// Bid or ask.
    pub side: Side,
    /// Its limit.
    pub price: Price,
    /// Lots not traded yet.
    pub qty: Qty,
    /// Whose it is.
    pub owner: u32,
}

/// Why a command was refused. Nothing has changed then.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Reject {
    /// A quantity of zero.
    ZeroQuantity,
    /// No resting order has this id: it never had, or it left the book.
    UnknownOrder,
    /// A market order that is good till cancelled.
    MarketCannotRest,
    /// A post-only order that would trade at once.
    WouldTake,
    /// A fill-or-kill order that the book cannot fill within its limit.
    CannotFill,
    /// What would rest has no order slot or no price level left.
    CapacityReached,
    /// The level's total would exceed 2^64 − 1 lots.
    LevelFull,
    /// A reduction by more than the order has left.
    TooLarge,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroQuantity => "quantity is zero, expected at least one lot",
            Self::UnknownOrder => "no resting order has this id",
            Self::MarketCannotRest => "a market order must be immediate-or-cancel or fill-or-kill",
            Self::WouldTake => "a post-only order would trade at once",
            Self::CannotFill => "the book cannot fill the order within its limit",
            Self::CapacityReached => "the book has no order slot or price level left",
            Self::LevelFull => "the level's total would exceed 2^64 − 1 lots",
            Self::TooLarge => "the reduction exceeds what is left of the order",
        })
    }
}

impl core::error::Error for Reject {}
