#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod book;
mod check;
mod decide;
mod level;
mod matcher;
mod matching;
mod order;
mod pool;
mod query;

pub use book::{Book, BookCapacity};
pub use matcher::{CancelCause, Cancelled, Fill, Matcher, Proposal, TradeAll, Verdict};
pub use order::{End, NewOrder, Outcome, Reject, Resting, SelfTradePrevention, TimeInForce};
pub use query::{Cost, Depth, DepthLevel, OrdersAt};
