#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod auction;
mod batch;
mod bitmap;
mod book;
mod capacity;
mod check;
mod decide;
mod extras;
mod ladder;
mod mass;
mod matcher;
mod matching;
mod order;
mod owners;
mod plain;
mod pool;
mod prefetch;
mod query;
mod queue;
mod snapshot;
mod stops;
mod trigger;
mod uncross;

pub use auction::Indicative;
pub use batch::{Command, Done};
pub use book::Book;
pub use capacity::BookCapacity;
pub use mass::Which;
pub use matcher::{CancelCause, Cancelled, Cross, Fill, LevelChange, Matcher, Proposal, TradeAll, Verdict};
pub use order::{
    Display, End, NewOrder, Outcome, PostOnly, Reject, Replacement, Resting, SelfTradePrevention, TimeInForce,
};
pub use query::{Cost, Depth, DepthLevel, OrdersAt, Position, Within};
pub use snapshot::SnapshotError;
pub use stops::{Fired, PendingStop, StopOrder};
pub use trigger::{Trigger, TriggerBy};

// The units that its methods speak in, so that whoever uses the book needs no other crate.
pub use downdraft_types::{OrderId, Price, Qty, Side, Time};
