//! A book as bytes, and back.
//!
//! All integers are little-endian; an optional one is a byte 0, or a byte 1 and the integer; a flag is a byte.
//!
//! ```text
//!   "ddbook" version:u16
//!   orders levels window owners extras hidden_levels stops : u32   capacities
//!   collecting:flag now:u64 last:i64? mark:i64? last reference:i64? tickets:u64 numbers:u64 extra tickets:u64 arrivals:u64
//!   fresh:u32                                slots from here on were never taken
//!   count:u32 { slot:u32 generation:u32 }    free slots, the next to be taken first
//!   4 × count:u32 { order }                  displayed bids and asks, hidden bids and asks, as they would be met
//!   count:u32 { stop }                       as Book::stops has them
//!   owners × { group:u32 count:u32 slot:u32… }   orders of each, oldest first
//!   crc:u32                                  of all before it
//!
//!   order  slot generation owner:u32 price:i64 lots:u64 arrival:u64 extra?
//!   extra  peak:u64 reserve:u64 expires:u64? ticket:u64
//!   stop   slot generation:u32 by:u8 trigger ticket:u64 (0 anchor:i64? | 1 number:u64 crossed:i128) order extra?
//! ```
//!
//! Slots and generations are kept, so ids stay valid and later orders get the ids they would have got. Where the
//! dense windows lie is not: it changes nothing but speed.

mod read;
mod write;

use core::fmt;

/// The version of the format.
const VERSION: u16 = 1;
const MAGIC: &[u8; 6] = b"ddbook";

/// Why bytes are not a book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotError {
    /// They do not begin as a snapshot does.
    NotASnapshot,
    /// Of another version: the one found.
    Version(u16),
    /// They end early, or go on after the end.
    Length,
    /// Their checksum is not theirs: found and computed.
    Checksum(u32, u32),
    /// They contradict themselves.
    Contradiction(&'static str),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str("not a snapshot of a book: expected it to begin with \"ddbook\""),
            Self::Version(found) => write!(f, "a snapshot of version {found}, expected {VERSION}"),
            Self::Length => f.write_str("the snapshot ends early, or something follows it"),
            Self::Checksum(found, computed) => {
                write!(f, "the snapshot is damaged: checksum {found:08x}, expected {computed:08x}")
            }
            Self::Contradiction(what) => write!(f, "the snapshot contradicts itself: {what}"),
        }
    }
}

impl core::error::Error for SnapshotError {}
