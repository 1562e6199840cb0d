//! What is asked of the book and what it answers.

use core::fmt;

use downdraft_types::{OrderId, Price, Qty, Side, Time};

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
    /// Good till a time: as [`TimeInForce::Gtc`], and cancelled by the first [`Book::expire`](crate::Book::expire)
    /// at that time or later.
    Gtd(Time),
}

impl TimeInForce {
    /// Whether what does not trade at once rests.
    #[must_use]
    pub const fn rests(self) -> bool {
        matches!(self, Self::Gtc | Self::Gtd(_))
    }
}

/// What happens where an order meets one of the same owner, or of the same group of owners
/// ([`Book::set_group`](crate::Book::set_group)). The taker's setting decides.
///
/// ```
/// # use downdraft_book::*;
/// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
/// book.submit(&NewOrder::limit(Side::Sell, Qty(3), Price(100), 7), &mut TradeAll)?;
/// let stp = SelfTradePrevention::Decrement;
/// let outcome = book.submit(&NewOrder { stp, ..NewOrder::limit(Side::Buy, Qty(5), Price(100), 7) }, &mut TradeAll)?;
/// assert_eq!((outcome.filled, outcome.decremented, outcome.remaining), (Qty(0), Qty(3), Qty(2)));
/// assert_eq!(book.best_ask(), None);
/// # Ok::<(), Reject>(())
/// ```
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
    /// Both lose the smaller of the two quantities without a trade; what is left goes on. Of an iceberg the
    /// displayed quantity counts.
    Decrement,
}

/// What happens where an order that is only to rest would trade at once.
///
/// ```
/// # use downdraft_book::*;
/// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
/// book.submit(&NewOrder::limit(Side::Sell, Qty(5), Price(101), 1), &mut TradeAll)?;
/// let bid = NewOrder { post_only: PostOnly::Slide, ..NewOrder::limit(Side::Buy, Qty(5), Price(105), 2) };
/// book.submit(&bid, &mut TradeAll)?;
/// assert_eq!(book.best_bid(), Some(Price(100)));
/// # Ok::<(), Reject>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum PostOnly {
    /// It is not only to rest: it trades.
    #[default]
    Off,
    /// It is refused, even where what it would meet is of the same owner, or hidden.
    Reject,
    /// It rests at the nearest price that does not trade: one tick from the other side's best, hidden orders
    /// counted.
    Slide,
}

/// How much of a resting order can be seen.
///
/// ```
/// # use downdraft_book::*;
/// # let mut book = Book::with_capacity(BookCapacity { extras: 10, ..BookCapacity::new(100, 100) });
/// let iceberg = NewOrder { display: Display::Iceberg(Qty(2)), ..NewOrder::limit(Side::Sell, Qty(8), Price(100), 1) };
/// let id = book.submit(&iceberg, &mut TradeAll)?.rested.expect("nothing to meet");
/// book.submit(&NewOrder::limit(Side::Sell, Qty(5), Price(100), 2), &mut TradeAll)?;
/// book.submit(&NewOrder::market(Side::Buy, Qty(2), 3), &mut TradeAll)?;
/// // Its next two lots are at the back.
/// assert_eq!(book.order(id).map(|order| (order.displayed, order.qty)), Some((Qty(2), Qty(6))));
/// assert_eq!(book.quantity_ahead(id), Some(Qty(5)));
/// # Ok::<(), Reject>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Display {
    /// All of it.
    #[default]
    Full,
    /// An iceberg: at most so many lots, at least one, and at least 1/1,024 of the order, so that the work of
    /// matching it is bounded. When they are gone the next ones join the back of the queue.
    Iceberg(Qty),
    /// Nothing. Displayed orders of its price go first, reserves of icebergs included.
    Hidden,
}

impl Display {
    /// Times that an iceberg shows lots, at most.
    const MOST_TRANCHES: u64 = 1_024;

    /// Whether an order of `qty` lots can be displayed so.
    pub(crate) fn suits(self, qty: Qty) -> bool {
        match self {
            Self::Full | Self::Hidden => true,
            Self::Iceberg(peak) => !peak.is_zero() && peak <= qty && Self::are_few(qty, peak),
        }
    }

    /// Whether `qty` lots, `peak` at a time, are shown in few enough times.
    pub(crate) const fn are_few(qty: Qty, peak: Qty) -> bool {
        qty.0.div_ceil(peak.0) <= Self::MOST_TRANCHES
    }
}

/// An order to submit.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct NewOrder {
    /// Buy or sell.
    pub side: Side,
    /// How many lots, positive.
    pub qty: Qty,
    /// The worst price accepted; `None` is a market order.
    pub limit: Option<Price>,
    /// Of a market order: it takes at the best price only, and that becomes its limit (market-to-limit).
    pub to_limit: bool,
    /// How long it stands.
    pub tif: TimeInForce,
    /// Whether it may trade at once.
    pub post_only: PostOnly,
    /// Refused unless so many lots could trade at once (counted as for [`TimeInForce::Fok`]); zero for any.
    pub min_qty: Qty,
    /// How much of it can be seen while it rests.
    pub display: Display,
    /// What happens where it meets an order of the same owner.
    pub stp: SelfTradePrevention,
    /// Whose it is: a number of the caller's.
    pub owner: u32,
}

impl NewOrder {
    /// A good-till-cancelled limit order without self-trade prevention.
    #[inline]
    #[must_use]
    pub const fn limit(side: Side, qty: Qty, limit: Price, owner: u32) -> Self {
        Self {
            side,
            qty,
            limit: Some(limit),
            to_limit: false,
            tif: TimeInForce::Gtc,
            post_only: PostOnly::Off,
            min_qty: Qty::ZERO,
            display: Display::Full,
            stp: SelfTradePrevention::None,
            owner,
        }
    }

    /// An immediate-or-cancel order at any price, without self-trade prevention.
    #[inline]
    #[must_use]
    pub const fn market(side: Side, qty: Qty, owner: u32) -> Self {
        Self { limit: None, tif: TimeInForce::Ioc, ..Self::limit(side, qty, Price(0), owner) }
    }

    /// An order at the best price of the other side, which rests there with what it does not trade.
    ///
    /// ```
    /// # use downdraft_book::*;
    /// # let mut book = Book::with_capacity(BookCapacity::new(100, 100));
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(3), Price(100), 1), &mut TradeAll)?;
    /// book.submit(&NewOrder::limit(Side::Sell, Qty(3), Price(101), 1), &mut TradeAll)?;
    /// let outcome = book.submit(&NewOrder::market_to_limit(Side::Buy, Qty(5), 2), &mut TradeAll)?;
    /// assert_eq!((outcome.filled, book.best_bid(), book.best_ask()), (Qty(3), Some(Price(100)), Some(Price(101))));
    /// # Ok::<(), Reject>(())
    /// ```
    #[inline]
    #[must_use]
    pub const fn market_to_limit(side: Side, qty: Qty, owner: u32) -> Self {
        Self { limit: None, to_limit: true, ..Self::limit(side, qty, Price(0), owner) }
    }
}

/// A change of a resting order's price and quantity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Replacement {
    /// The new limit.
    pub price: Price,
    /// What is to rest or trade from now on, in lots, an iceberg's reserve included.
    pub qty: Qty,
    /// Whether it may trade at once.
    pub post_only: PostOnly,
    /// What happens where it meets an order of the same owner.
    pub stp: SelfTradePrevention,
}

impl Replacement {
    /// One that may trade, without self-trade prevention.
    #[inline]
    #[must_use]
    pub const fn new(price: Price, qty: Qty) -> Self {
        Self { price, qty, post_only: PostOnly::Off, stp: SelfTradePrevention::None }
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
    /// Lots not traded yet, an iceberg's reserve included.
    pub qty: Qty,
    /// Those of them that can be seen.
    pub displayed: Qty,
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
    /// A market order that is good till cancelled, and not market-to-limit.
    MarketCannotRest,
    /// A post-only order that would trade at once, or has no price to slide to.
    WouldTake,
    /// The book cannot fill within the limit what must be filled at once: all of a fill-or-kill order, or the
    /// minimum quantity.
    CannotFill,
    /// What would rest has no order slot, no price level, or none of what else it needs left.
    CapacityReached,
    /// The level's total would exceed 2^64 − 1 lots.
    LevelFull,
    /// A reduction by more than the order has left, or a minimum above the quantity.
    TooLarge,
    /// An owner's number at or above the capacity for owners.
    UnknownOwner,
    /// An iceberg that would display nothing, more than it has, or less than 1/1,024; or a display for an order
    /// that cannot rest.
    BadDisplay,
    /// `to_limit` with a limit.
    LimitAlready,
    /// A market-to-limit order or a trailing stop that finds no price to go by.
    NoReference,
    /// Good till a time that has come already.
    Expired,
    /// The order is a stop that has not fired.
    NotTriggered,
    /// Orders are being collected for an auction: this one could only trade at once, or must not trade.
    InAuction,
    /// No auction is open.
    NotInAuction,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroQuantity => "quantity is zero, expected at least one lot",
            Self::UnknownOrder => "no resting order has this id",
            Self::MarketCannotRest => {
                "a market order cannot rest: expected immediate-or-cancel, fill-or-kill or market-to-limit"
            }
            Self::WouldTake => "a post-only order would trade at once",
            Self::CannotFill => "the book cannot fill within the limit what must be filled at once",
            Self::CapacityReached => "the book has no room for the order: slots, levels, extras or stops are used up",
            Self::LevelFull => "the level's total would exceed 2^64 − 1 lots",
            Self::TooLarge => "the quantity exceeds that of the order",
            Self::UnknownOwner => "the owner's number is at or above the book's capacity for owners",
            Self::BadDisplay => {
                "an iceberg displays at least one lot, 1/1,024 of the order, and no more than it has; only what rests is displayed"
            }
            Self::LimitAlready => "an order with a limit cannot be market-to-limit",
            Self::NoReference => "there is no price to go by: no order to meet, or no reference price yet",
            Self::Expired => "the order's time has come already",
            Self::NotTriggered => "the order is a stop that has not fired; stops have a cancel of their own",
            Self::InAuction => "orders are being collected for an auction: only what may rest and trade is accepted",
            Self::NotInAuction => "no auction is open",
        })
    }
}

impl core::error::Error for Reject {}
