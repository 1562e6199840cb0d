//! A market maker with an inventory, which withdraws when it gets rough and comes back at its own speed.
//!
//! It quotes levels around a reservation price that falls with its inventory (Avellaneda, Stoikov:
//! High-frequency trading in a limit order book, 2008), widens with realised volatility, and withdraws above a
//! threshold. How fast it puts size back, after fills and after a withdrawal, is stated.

use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Ppm, Price, Qty, Span};

/// Parameters of a [`Maker`].
#[derive(Clone, PartialEq, Debug)]
pub struct MakerConfig {
    /// What is quoted.
    pub instrument: InstrumentId,
    /// The currency of the deposit.
    pub currency: CurrencyId,
    /// The maker's account.
    pub account: AccountId,
    /// What it deposits at the start.
    pub deposit: Money,
    /// The price to quote around while nothing has been seen.
    pub initial_price: Price,
    /// What it quotes around.
    pub reference: Reference,
    /// Mark increments per tick, as the instrument's.
    pub mark_scale: u32,
    /// Lots at each level of a side, from the touch outwards.
    pub levels: Vec<Qty>,
    /// Ticks from the reservation price to the first level, in calm.
    pub half_spread: f64,
    /// Ticks from one level to the next.
    pub step: u64,
    /// Ticks by which the reservation price falls per lot of inventory.
    pub skew: f64,
    /// A side on which a fill could take the inventory past this many lots is cut to fit.
    pub max_inventory: Qty,
    /// The maker's clock: it measures and requotes this often.
    pub interval: Span,
    /// A quote is moved when it is at least this many ticks from where it should be.
    pub tolerance: u64,
    /// Weight of the newest squared return in the volatility, above 0, at most 1.
    pub weight: f64,
    /// How many one-second standard deviations of the reference are added to the half-spread.
    pub widen: f64,
    /// Withdraws when volatility is above this: standard deviation of the logarithm of the reference per square
    /// root of a second. `None`: never.
    pub withdraw_above: Option<f64>,
    /// Comes back when volatility is below this; at most `withdraw_above`.
    pub return_below: f64,
    /// Withdraws when the mark has moved by this much of it or more since the last tick of the maker's clock.
    /// `None`: never.
    pub jump: Option<Ppm>,
    /// Stays away at least this long after a withdrawal.
    pub pause: Span,
    /// Share of a side's full size that it puts back per second, after fills and after a withdrawal. `None`: at
    /// once.
    pub refill: Option<f64>,
}

/// What a maker quotes around.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Reference {
    /// The mid it last saw.
    #[default]
    Mid,
    /// The mark it last heard of.
    Mark,
}

/// A market maker.
#[derive(Debug)]
pub struct Maker {
    #[expect(dead_code)]
    config: MakerConfig,
}
