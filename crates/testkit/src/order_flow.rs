//! Order flow for measuring books: seeded mixes, and what it takes to replay them through any book.
//!
//! An operation names its order by number, in the order of placing. Where an engine's own handle is wanted in
//! the operation, so that looking it up costs nothing, [`resolve`] writes it in: engines are deterministic, so a
//! first run tells the handles of all that follow.
//!
//! ```text
//!   generate(mix, seed) ──► Flow of order numbers ──resolve(engine)──► ops with handles
//!     └─ Oracle: digest of all fills                                      └──► replay(engine): the timed part
//! ```
//!
//! The fills that a flow leads to are known from its making, by a book of sorted maps that shares no code with
//! ours or with the floor; [`first_difference`] says where an engine's are others.

mod compare;
mod engines;
mod featured;
mod generate;
mod many;
mod oracle;
mod replay;
#[cfg(test)]
mod tests;

use downdraft_types::Side;

pub use compare::{Difference, first_difference};
pub use engines::{ByNumber, Null, book, book_with, book_with_everything, floor, naive_book};
pub use featured::{Featured, Features};
pub use generate::{generate, generate_with};
pub use many::{ManyBooks, Step, generate_many, replay_many, resolve_many};
pub use oracle::Oracle;
pub use replay::{Digest, LOOK_AHEAD, Resolved, apply, replay, replay_ahead, resolve};

/// A mix of operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mix {
    /// Of a hundred operations 45 to 50 place orders at power-law distances from a slowly wandering touch, 40
    /// cancel any order, 5 change one and 5 take from one to five levels.
    NearTouch {
        /// Orders live on average.
        live: u32,
    },
    /// As [`Mix::NearTouch`], but half of the takers want more than their limit gives, so that what is left of them
    /// is dropped or rests; and a quarter of the replaced orders cross.
    Leftovers {
        /// Orders live on average.
        live: u32,
    },
    /// As [`Mix::NearTouch`] over many levels: half of the orders anywhere, half near the touch.
    Resting {
        /// Orders live on average.
        live: u32,
        /// Levels, both sides together.
        levels: u32,
    },
    /// Takers that sweep 100 to 500 levels of five orders, and the refill in random order.
    Sweeps,
    /// As [`Mix::NearTouch`], but what is placed, cancelled and changed is 10^6 to 10^12 ticks from the touch,
    /// where orders that were taken are placed again one for one.
    Far {
        /// Orders live on average, half of them near the touch.
        live: u32,
    },
    /// As [`Mix::NearTouch`], but every few hundred operations a taker moves the touch to another of sixteen
    /// places, which are up to 10^9 ticks apart; orders stay behind.
    Teleport {
        /// Orders live on average.
        live: u32,
    },
}

impl Mix {
    /// About 5,000 orders near the touch.
    pub const A: Self = Self::NearTouch { live: 5_000 };
    /// Sweeps and refill.
    pub const C: Self = Self::Sweeps;

    /// So many orders on 10,000 levels.
    #[must_use]
    pub const fn b(live: u32) -> Self {
        Self::Resting { live, levels: 10_000 }
    }

    /// Whether all prices are within [`crate::floor::PRICES`].
    #[must_use]
    pub const fn fits_the_floor(self) -> bool {
        !matches!(self, Self::Far { .. } | Self::Teleport { .. })
    }
}

/// An operation; `H` names an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op<H> {
    /// Matches within the limit, and rests what is left.
    Place {
        /// Buy or sell.
        side: Side,
        /// The limit, in ticks.
        price: i64,
        /// Lots.
        qty: u32,
    },
    /// Matches within the limit, and drops what is left. It has a number, too.
    Take {
        /// Buy or sell.
        side: Side,
        /// The limit, in ticks.
        price: i64,
        /// Lots.
        qty: u32,
    },
    /// Matches at any price, and drops what is left. It has a number, too.
    Market {
        /// Buy or sell.
        side: Side,
        /// Lots.
        qty: u32,
    },
    /// Removes a resting order.
    Cancel(H),
    /// Takes lots off a resting order, which keeps its place.
    Reduce {
        /// Which.
        order: H,
        /// How many lots, fewer than it has.
        by: u32,
        /// How many it has then.
        left: u32,
    },
    /// Gives a resting order another price and quantity: it loses its place, matches within its new limit, and
    /// rests what is left.
    Replace {
        /// Which.
        order: H,
        /// Its side.
        side: Side,
        /// The new limit, in ticks.
        price: i64,
        /// The new quantity, in lots.
        qty: u32,
    },
}

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum Kind {
    Place,
    Take,
    Market,
    Cancel,
    Reduce,
    Replace,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Place, Self::Take, Self::Market, Self::Cancel, Self::Reduce, Self::Replace];
}

impl<H: Copy> Op<H> {
    /// What it does.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Place { .. } => Kind::Place,
            Self::Take { .. } => Kind::Take,
            Self::Market { .. } => Kind::Market,
            Self::Cancel(_) => Kind::Cancel,
            Self::Reduce { .. } => Kind::Reduce,
            Self::Replace { .. } => Kind::Replace,
        }
    }

    /// Whether it brings a new order, which has the next number.
    #[must_use]
    pub const fn is_new(&self) -> bool {
        matches!(self, Self::Place { .. } | Self::Take { .. } | Self::Market { .. })
    }

    /// The order it names.
    #[must_use]
    pub const fn order(&self) -> Option<H> {
        match *self {
            Self::Cancel(order) | Self::Reduce { order, .. } | Self::Replace { order, .. } => Some(order),
            _ => None,
        }
    }

    /// The same operation, its order named otherwise.
    #[must_use]
    pub fn rename<G>(&self, name: impl FnOnce(H) -> G) -> Op<G> {
        match *self {
            Self::Place { side, price, qty } => Op::Place { side, price, qty },
            Self::Take { side, price, qty } => Op::Take { side, price, qty },
            Self::Market { side, qty } => Op::Market { side, qty },
            Self::Cancel(order) => Op::Cancel(name(order)),
            Self::Reduce { order, by, left } => Op::Reduce { order: name(order), by, left },
            Self::Replace { order, side, price, qty } => Op::Replace { order: name(order), side, price, qty },
        }
    }
}

/// Operations on orders by number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// What fills the book first; all of it places.
    pub setup: Vec<Op<u32>>,
    /// What is measured.
    pub ops: Vec<Op<u32>>,
    /// The most orders ever resting at once.
    pub most_live: u32,
    /// The most levels that ever had an order at once, both sides together.
    pub most_levels: u32,
    /// Trades that the measured operations lead to.
    pub fills: u64,
    /// The [`Digest`] of those trades.
    pub digest: u64,
}

/// A trade with a resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trade {
    /// The resting order's number.
    pub maker: u32,
    /// In ticks.
    pub price: i64,
    /// Lots traded.
    pub lots: u32,
}

/// A book that can be measured. An order brings its number, by which `filled` hears of it later.
pub trait Engine {
    /// How it names a resting order.
    type Handle: Copy;

    /// Places a limit order and returns its handle, if it rests.
    fn place(
        &mut self,
        number: u32,
        side: Side,
        price: i64,
        qty: u32,
        filled: impl FnMut(Trade),
    ) -> Option<Self::Handle>;

    /// Takes within a limit.
    fn take(&mut self, number: u32, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade));

    /// Takes at any price.
    fn market(&mut self, number: u32, side: Side, qty: u32, filled: impl FnMut(Trade));

    /// Cancels a resting order.
    fn cancel(&mut self, order: Self::Handle);

    /// Takes lots off a resting order, which has `left` then and keeps its place.
    fn reduce(&mut self, order: Self::Handle, by: u32, left: u32);

    /// Gives a resting order another price and quantity; its handle stays the same.
    fn replace(&mut self, order: Self::Handle, side: Side, price: i64, qty: u32, filled: impl FnMut(Trade));

    /// Hears of an operation some operations ahead of time.
    #[inline]
    fn hint(&self, op: &Op<Self::Handle>) {
        let _ = op;
    }

    /// Hears of it again, half as many operations ahead.
    #[inline]
    fn hint_again(&self, op: &Op<Self::Handle>) {
        let _ = op;
    }
}
