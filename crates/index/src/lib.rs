//! An ordered map of fixed capacity: every byte is reserved by [`OrderedMap::with_capacity`], and nothing
//! allocates afterwards. It holds the price levels of a book and the liquidation triggers of a venue.
//!
//! It is a B+tree whose nodes live in two arrays and name each other by index:
//!
//! ```text
//!                 inner [ _ | 40 | 90 ]
//!                   /        |       \
//!        leaf [10 20 30] ⇄ [40 70] ⇄ [90 95]      leaves are chained in key order
//! ```
//!
//! ```
//! use downdraft_index::OrderedMap;
//!
//! let mut levels = OrderedMap::with_capacity(3);
//! for (price, slot) in [(101, 'a'), (99, 'b'), (100, 'c')] {
//!     assert_eq!(levels.insert(price, slot), Ok(None));
//! }
//! assert!(levels.insert(98, 'd').is_err());
//! assert_eq!(levels.first(), Some((99, 'b')));
//! assert_eq!(levels.next_after(&99), Some((100, 'c')));
//! assert_eq!(levels.remove(&99), Some('b'));
//! ```
#![no_std]

extern crate alloc;

mod arena;
mod check;
mod iter;
mod map;
mod node;

pub use iter::Iter;
pub use map::{Full, OrderedMap};
