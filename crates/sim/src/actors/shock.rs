//! A shock: someone sells (or buys) a quantity, in slices, whatever the market does. Its orders are root causes.

use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Price, Qty, Side, Span, Time};

/// Parameters of a [`Shock`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShockConfig {
    /// What is traded.
    pub instrument: InstrumentId,
    /// The currency of the deposit.
    pub currency: CurrencyId,
    /// Whose shock it is.
    pub account: AccountId,
    /// What it deposits at the start.
    pub deposit: Money,
    /// Sells or buys.
    pub side: Side,
    /// Lots in all.
    pub qty: Qty,
    /// How many orders, at most one per lot; where they do not divide the quantity the first are a lot larger.
    pub slices: u32,
    /// When the first is sent.
    pub start: Time,
    /// From one order to the next.
    pub interval: Span,
    /// What kind of order.
    pub order: ShockOrder,
}

/// The kind of order that a shock sends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ShockOrder {
    /// Immediate-or-cancel at any price.
    #[default]
    Market,
    /// Limited.
    Limit {
        /// The limit, in ticks.
        price: Price,
        /// Whether what does not trade at once rests; otherwise it is dropped.
        rests: bool,
    },
}

/// A shock.
#[derive(Debug)]
pub struct Shock {
    #[expect(dead_code)]
    config: ShockConfig,
}
