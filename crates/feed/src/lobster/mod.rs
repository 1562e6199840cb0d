//! LOBSTER: NASDAQ order flow as pairs of CSV files without a heading, one row per message.
//!
//! Source: <https://lobsterdata.com/info/DataStructure.php>.
//!
//! # Message file: `time,type,order,size,price,direction`
//!
//! Time is seconds after midnight, the price dollars × 10,000, the direction that of the *resting* order (1 buy,
//! −1 sell). Times have nine decimals; where a file has a stray time with more, the noise of a binary float it
//! passed through, it is rounded to the nearest nanosecond and counted in [`Counts::rounded_times`].
//!
//! | type | meaning | becomes |
//! |---|---|---|
//! | 1 | new limit order | [`Body::Add`] |
//! | 2 | part of an order withdrawn, `size` of it | [`Body::Reduce`] |
//! | 3 | an order withdrawn, `size` was left | [`Body::Delete`] |
//! | 4 | a displayed order executed, `size` of it | [`Body::Execute`] |
//! | 5 | a hidden order executed (order id 0) | [`Body::HiddenExecute`] |
//! | 6 | cross trade, such as an auction | [`Body::Cross`] |
//! | 7 | trading status: price −1 halted, 0 quoting, 1 trading | [`Body::Phase`] |
//!
//! Hidden executions often print between two ticks; they are then [`Reason::OffTick`].
//!
//! # Order book file: `ask,size,bid,size` for each level, best first
//!
//! Row *n* is the book after message *n*. A level that does not exist is ±9,999,999,999 with size 0.
//!
//! # What a replayer must know
//!
//! - Messages begin in mid-session, so the first row seeds the book, and messages on orders that were resting
//!   before have ids never seen: side, price and size of the message say what to take from the seeded level.
//! - The recording covers a number of levels only. A level that enters this range from beyond it comes without
//!   a message: it is *revealed*, and may be set from the row. One that was among the previous row's prices on
//!   its side may not: there the messages are complete.
//! - A file cut in the middle of a row is an error, except where the cut falls inside the very last number of
//!   an order book row, which the format cannot show.
//!
//! [`Body::Add`]: crate::Body::Add
//! [`Body::Reduce`]: crate::Body::Reduce
//! [`Body::Delete`]: crate::Body::Delete
//! [`Body::Execute`]: crate::Body::Execute
//! [`Body::HiddenExecute`]: crate::Body::HiddenExecute
//! [`Body::Cross`]: crate::Body::Cross
//! [`Body::Phase`]: crate::Body::Phase
//! [`Counts::rounded_times`]: crate::Counts::rounded_times
//! [`Reason::OffTick`]: crate::Reason::OffTick

mod levels;
mod line;
mod messages;
mod pair;

pub use levels::{LevelReader, LevelRow};
pub use messages::MessageReader;
pub use pair::PairReader;

/// Decimals of a recorded price: its unit is 10⁻⁴ dollar.
pub const PRICE_DECIMALS: u32 = 4;
