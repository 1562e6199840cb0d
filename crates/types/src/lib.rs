//! Units, identifiers, time and checked arithmetic shared by every downdraft crate.
//!
//! State is exact: a price is a whole number of ticks, a quantity a whole number of lots, money a whole
//! number of its currency's smallest unit. Each unit is its own type, so that adding a price to a quantity
//! does not compile:
//!
//! ```compile_fail
//! use downdraft_types::{Price, Qty};
//! let _ = Price(100) + Qty(5);
//! ```
#![no_std]

pub mod arith;
mod id;
mod time;
mod unit;

pub use id::{AccountId, ClientOrderId, CurrencyId, EventId, InstrumentId, MachineId, OrderId, Seq};
pub use time::{Span, Time};
pub use unit::{Lots, MarkPrice, Money, Ppm, Price, Qty, Side};
