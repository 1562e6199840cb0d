//! Background flow: the orders of a crowd that has no opinion.
//!
//! Limit orders arrive as a Poisson process on each side, at a random distance from the opposite best; market
//! orders arrive as another; and each resting order is cancelled at a constant rate. So the book keeps a shape
//! around the touch, wherever the touch goes. (Smith, Farmer, Gillemot, Krishnamurthy: Statistical theory of the
//! continuous double auction, 2003, with placement uniform in the distance; Cont, Stoikov, Talreja: A stochastic
//! model for order book dynamics, 2010, with placement as a power of the distance.)

use crate::samplers::Distribution;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Price, Qty, Time};

/// Parameters of a [`Background`].
#[derive(Clone, PartialEq, Debug)]
pub struct BackgroundConfig {
    /// What is traded.
    pub instrument: InstrumentId,
    /// The currency of the deposits.
    pub currency: CurrencyId,
    /// The first of the crowd's accounts; the others follow it.
    pub first_account: AccountId,
    /// How many accounts the orders are spread over, at least 1.
    pub accounts: u32,
    /// What each account deposits at the start.
    pub deposit: Money,
    /// The mid while none has been seen.
    pub initial_price: Price,
    /// The book at the start, if the crowd makes it.
    pub seed: Option<BookSeed>,
    /// When the flow begins.
    pub start: Time,
    /// Limit orders per second on each side.
    pub limit_rate: f64,
    /// Ticks between a limit order and the best price of the opposite side, rounded down, at least 1.
    pub placement: Distribution,
    /// Lots of a limit order, rounded to the nearest, at least 1.
    pub limit_size: Distribution,
    /// Market orders per second on each side.
    pub market_rate: f64,
    /// Lots of a market order, rounded to the nearest, at least 1.
    pub market_size: Distribution,
    /// Cancellations per second of each resting order.
    pub cancel_rate: f64,
    /// The most orders at rest; a limit order beyond it is left out and counted.
    pub max_orders: u32,
}

/// A book around the initial price: on each side levels at `half_spread`, `half_spread + step`, ... ticks from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BookSeed {
    /// Ticks from the initial price to the first level of a side.
    pub half_spread: u64,
    /// Ticks from one level to the next.
    pub step: u64,
    /// Lots at each level, the same on both sides, from the touch outwards.
    pub levels: Vec<Qty>,
    /// The largest single order: a level of more is split, in turn over the crowd's accounts.
    pub order_size: Qty,
    /// Whether these orders stay until they are taken; otherwise they are cancelled like any other.
    pub lasting: bool,
}

/// Background flow.
#[derive(Debug)]
pub struct Background {
    #[expect(dead_code)]
    config: BackgroundConfig,
}
