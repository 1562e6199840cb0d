//! Streaming readers of recorded order flow: LOBSTER message and order book files, and CME market-by-order
//! in Databento Binary Encoding (DBN).
//!
//! A reader turns bytes into [`Record`]s that carry the recording's own order ids. It keeps no book and
//! decides nothing: what cannot be expressed exactly is delivered as [`Body::Unusable`] with its reason and
//! counted, so that records read = records applied + records counted by reason.
//!
//! ```text
//!   file, socket, bytes ──► Input ──► lobster::MessageReader ──┐
//!   (plain, gzip, zstd:     BufRead   lobster::LevelReader     ├──► Record { time, ordinal, body, .. }
//!    by magic bytes)              └─► mbo::MboReader ──────────┘    + Counts
//! ```
//!
//! Memory is bounded: one line or one record at a time, whatever the file's length. A reader that has
//! reported an error or the end yields nothing more; everything before the damage has been delivered.
//!
//! ```
//! use downdraft_feed::{Body, Steps, lobster::MessageReader};
//! use downdraft_types::{Price, Qty, Side};
//!
//! // LOBSTER prices are dollars × 10,000: a tick of one cent is 100.
//! let csv: &[u8] = b"34200.004241176,1,16113575,18,5853300,1\n";
//! let mut reader = MessageReader::new(csv, Steps::new(100, 1)?);
//! let record = reader.next().expect("one line")?;
//! assert_eq!(record.time.0, 34_200_004_241_176);
//! assert_eq!(
//!     record.body,
//!     Body::Add { order: 16_113_575, side: Side::Buy, price: Price(58_533), qty: Qty(18) },
//! );
//! # Ok::<(), downdraft_feed::FeedError>(())
//! ```

mod counts;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod input;
pub mod lobster;
pub mod mbo;
mod record;
mod steps;

pub use counts::Counts;
pub use error::{ErrorKind, FeedError, Position};
pub use input::{Compression, Input};
pub use record::{Body, Kind, Reason, Record, TradingPhase};
pub use steps::Steps;

/// A reader of records, whatever the format: an iterator that also says what it has read so far.
pub trait Source: Iterator<Item = Result<Record, FeedError>> {
    /// What was read so far, by kind and by reason.
    fn counts(&self) -> &Counts;
}
