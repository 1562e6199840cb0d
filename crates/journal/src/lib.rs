//! The journal: everything that was applied to the machines of a run, with what came of it, in a file that
//! shows any damage and replays bit for bit.
//!
//! ```text
//! header │ frame block │ frame block │ … │ frame footer
//!          └ command, its events, command, its events …
//! ```
//!
//! A [`Writer`] takes commands and events as they happen; a [`Reader`] gives back whole blocks and says how
//! the journal ends; [`replay`] feeds the commands to empty [`Machine`]s and compares. The bytes are
//! described in `docs/journal.md`, so that they can be read without this crate.

pub mod codec;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod header;
mod inspect;
pub mod limits;
mod machine;
mod read;
mod record;
mod replay;
mod verdict;
mod write;

pub use downdraft_venue::{Origin, Stamp};
pub use frame::{Block, Damage, Footer};
pub use header::{FORMAT_VERSION, Header, MAGIC, MachineEntry, OpenError};
pub use inspect::{Body, Entries, Entry};
pub use machine::Machine;
pub use read::{End, Reader, Totals, survey};
pub use record::{Applied, Emitted, Record};
pub use replay::{ReplayError, replay};
pub use verdict::{Difference, Divergence, Replay, Verdict};
pub use write::{WriteError, Writer};
