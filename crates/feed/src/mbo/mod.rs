//! CME market-by-order in Databento Binary Encoding (DBN), schema MBO, versions 1 to 3.
//!
//! Source: <https://databento.com/docs/schemas-and-data-formats/mbo>; decoded with the `dbn` crate.
//!
//! | action | becomes | changes the book |
//! |---|---|---|
//! | `A` add | [`Body::Add`] | yes |
//! | `C` cancel, `size` of it | [`Body::Reduce`] | yes |
//! | `M` modify to `price`, `size` | [`Body::Modify`] | yes |
//! | `R` clear | [`Body::Clear`] | yes |
//! | `T` an aggressor's print | [`Body::Trade`]; [`Body::Cross`] where no side is given | no |
//! | `F` a resting order's part in it | [`Body::Fill`]; [`Body::Cross`] where no side is given | no |
//! | `N` nothing | [`Body::Notice`] | no |
//!
//! # What a replayer must apply
//!
//! - Only `A`, `C`, `M` and `R` change the book. A trade is written `T F.. C|M..`: the aggressor's print, one
//!   fill per resting order, then for each filled order the cancel (it is gone) or the modify (what it shows
//!   now; an iceberg may show as much as before). All carry one event's timestamp, and the last of them ends the
//!   event. So either apply the cancels and modifies and ignore prints and fills, or send the prints as taking
//!   orders and skip, within that event, the reductions of the filled orders. Never both.
//! - [`Record::end_of_event`] is the format's `LAST` flag. Between records of one event the book may be crossed.
//! - A file that begins in mid-session starts with the orders already resting, as adds flagged as a
//!   snapshot, with or without a clear before them. They come with the receive time of the file's start,
//!   price by price in queue order. Their last one need not carry `LAST`, so every snapshot record is delivered
//!   as an event of its own.
//! - Before the opening auction the book is legitimately crossed. The auction prints one `T` without a side and
//!   without an order, then `F`s without a side, some naming orders that are not in the book, then the cancels.
//! - A fill's price may differ from its order's, as in an auction.
//! - The format has no priority field: a level's queue is what adds, and modifies that lose their place (a new
//!   price, a larger size, a refilled iceberg), make of it. Fills mostly, not always, take its front.
//!
//! # Time
//!
//! [`Record::time`] is the receive timestamp (`ts_recv`), by which such files are sorted; a snapshot's event
//! timestamps lie before it. It counts from UTC midnight of the first record's day ([`MboReader::midnight`]).
//!
//! [`Body::Add`]: crate::Body::Add
//! [`Body::Reduce`]: crate::Body::Reduce
//! [`Body::Modify`]: crate::Body::Modify
//! [`Body::Clear`]: crate::Body::Clear
//! [`Body::Trade`]: crate::Body::Trade
//! [`Body::Cross`]: crate::Body::Cross
//! [`Body::Fill`]: crate::Body::Fill
//! [`Body::Notice`]: crate::Body::Notice
//! [`Record::end_of_event`]: crate::Record::end_of_event
//! [`Record::time`]: crate::Record::time

mod frames;
mod message;
mod reader;

pub use reader::{FileInfo, MboReader};

/// Decimals of a recorded price: its unit is 10⁻⁹ of the quote currency or point.
pub const PRICE_DECIMALS: u32 = 9;
