//! A derivatives venue as a deterministic state machine: book, margin, liquidation, waterfall.
//!
//! ```text
//!   command ──► Venue::apply ──► events    (what happened, each with its cause)
//!                          └───► requests  (commands it wants applied later)
//! ```
//!
//! A venue has no clock, no randomness and no I/O, and never applies its own request: the scheduler, or an
//! embedder's own loop, sends it back as [`command::Command::Internal`] when it is due.

pub mod audit;
pub mod command;
pub mod event;
pub mod policy;

mod backstop;
mod clock;
mod collateral;
mod desk;
mod directory;
mod dynamic;
mod emit;
mod expiry;
mod floor;
mod forced;
mod invariants;
mod liquidation;
mod mark;
mod market;
mod marks;
mod options;
mod orders;
mod premium;
mod protect;
mod residual;
mod stamp;
mod takeover;
mod venue;
mod waterfall;

pub use command::{BookSize, Command, Internal, OrderRef, OrderRequest, SelfTradePrevention, TimeInForce};
pub use downdraft_margin::DeliveryFee;
pub use dynamic::{DynamicMargin, Measure};
pub use emit::Parent;
pub use event::{CancelReason, CauseKind, Event, LiquidationEnd, Rejection, Request, Sink, TradeSide};
pub use expiry::SettlementPolicy;
pub use market::{Market, Phase};
pub use policy::*;
pub use stamp::{Origin, Stamp};
pub use venue::{Capacity, OutOfOrder, Venue};
