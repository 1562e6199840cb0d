//! Commands for a book as plain data, made from any bytes, and the trial that drives the book and its naive twin
//! with them.
//!
//! Prices stay within a few ticks and orders within a few owners, so that queues form, takers meet several
//! makers, and what was partly filled is cancelled inside its level; now and then a price is far away, so that
//! levels leave the window and come back.

mod mirror;
mod scribe;
mod tally;
mod trial;

use arbitrary::Unstructured;
use downdraft_book::{
    Book, BookCapacity, Display, NewOrder, PostOnly, Replacement, SelfTradePrevention, StopOrder, TimeInForce, Trigger,
    TriggerBy, Which,
};
use downdraft_types::{Price, Qty, Side, Time};

use crate::naive_book::Fault;

pub use tally::Tally;
pub use trial::{book_after, compare_books};

/// A command on a book. Orders are named by how long ago they were given a place.
#[derive(Clone, Copy, Debug)]
pub enum BookCommand {
    /// Submits an order; the matcher follows the verdicts.
    Submit(NewOrder, Verdicts),
    /// Submits a stop.
    SubmitStop(StopOrder),
    /// Cancels an order.
    Cancel(u8),
    /// Cancels a stop.
    CancelStop(u8),
    /// Replaces an order; a price of `None` is the one it has.
    Replace(u8, Option<Price>, Replacement, Verdicts),
    /// Takes lots off an order.
    Reduce(u8, Qty),
    /// Uses an id that the book has never issued.
    Forged {
        /// Its slot.
        slot: u8,
        /// Its generation.
        generation: u8,
    },
    /// Tells the mark price.
    SetMark(Price),
    /// Fires stops, at most so many.
    Fire(u8, Verdicts),
    /// Moves the book's clock on by so much (or back, to where it does nothing).
    Expire(i8),
    /// Cancels many.
    CancelAll(Which),
    /// Puts an owner into a group.
    SetGroup(u32, u32),
    /// Begins to collect orders.
    OpenAuction,
    /// Ends the auction.
    Uncross(Option<Price>),
    /// Goes on with a clone of the book.
    Clone,
    /// Goes on with a book restored from a snapshot; the first one beside the book itself.
    Restore,
    /// Tries so many of the commands that follow as a batch, on a copy.
    Batch(u8, Verdicts),
}

/// What a matcher says: the first bytes decide one proposal each, then everything trades. Most say "trade".
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdicts(pub [u8; 3]);

/// Fuzz body: three bytes choose the capacities, the others become commands for [`compare_books`].
///
/// # Panics
/// As [`compare_books`].
pub fn run_book_differential(bytes: &[u8]) {
    run_book_differential_with(Fault::None, bytes);
}

/// As [`run_book_differential`], with a twin that makes a mistake. Tells how often what happened.
///
/// # Panics
/// As [`compare_books`], so most likely for a fault that is one.
pub fn run_book_differential_with(fault: Fault, bytes: &[u8]) -> Tally {
    let Some((capacity, bytes)) = capacity_from(bytes) else { return Tally::default() };
    compare_books(capacity, fault, commands_from(bytes))
}

/// Fuzz body: a book driven by some of the bytes is saved; others change the snapshot, whose checksum is mended.
/// What can be restored of it is a sound book.
///
/// # Panics
/// Where a restored book breaks an invariant, or is not restored again from its own snapshot.
pub fn run_book_snapshot(bytes: &[u8]) {
    let [changes, bytes @ ..] = bytes else { return };
    let (changes, bytes) = bytes.split_at(usize::from(changes % 8).saturating_mul(3).min(bytes.len()));
    let Some((capacity, bytes)) = capacity_from(bytes) else { return };
    let mut saved = book_after(capacity, commands_from(bytes)).save();
    let end = saved.len() - 4;
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % end;
        saved[at] = change[2];
    }
    let crc = crc32fast::hash(&saved[..end]).to_le_bytes();
    saved[end..].copy_from_slice(&crc);
    // A changed capacity may be more than there is memory for.
    let modest = |capacity: BookCapacity| {
        let sizes = [capacity.orders, capacity.levels, capacity.owners, capacity.extras, capacity.hidden_levels];
        sizes.into_iter().chain([capacity.stops]).all(|size| size < 1 << 16)
    };
    if !Book::saved_capacity(&saved).is_ok_and(modest) {
        return;
    }
    if let Ok(book) = Book::restore(&saved) {
        book.check_invariants();
        // Not what was read, which may have had its stops in another order.
        let again = Book::restore(&book.save()).expect("a snapshot just taken");
        assert!(again.save() == book.save(), "a restored book is saved as it was");
    }
}

fn capacity_from(bytes: &[u8]) -> Option<(BookCapacity, &[u8])> {
    let [orders, levels, extras, bytes @ ..] = bytes else { return None };
    let pick = |shift: u8, of: [u32; 4]| of[usize::from(extras >> shift & 3)];
    let capacity = BookCapacity {
        owners: pick(0, [0, 4, 4, 4]),
        extras: pick(2, [0, 2, 8, 32]),
        hidden_levels: pick(4, [0, 1, 4, 16]),
        stops: pick(6, [0, 2, 8, 32]),
        ..BookCapacity::new(u32::from(orders % 32), u32::from(levels % 16))
    };
    Some((capacity, bytes))
}

fn commands_from(bytes: &[u8]) -> impl Iterator<Item = BookCommand> {
    let mut bytes = Unstructured::new(bytes);
    let (mut count, mut now) = (0_i64, 0_u64);
    std::iter::from_fn(move || {
        // The middle drifts up and down again, so that the window has to follow.
        let middle = (count / 4 % 400 - 200).abs() - 200;
        count += 1;
        // Past the end every byte would read as zero, without end.
        if bytes.is_empty() {
            return None;
        }
        let command = command_from(&mut bytes).shifted(middle, now);
        if let BookCommand::Expire(by) = command {
            now = now.max(now.saturating_add_signed(i64::from(by)));
        }
        Some(command)
    })
}

impl BookCommand {
    /// With its orders' limits so many ticks further, unless they are far away already, and their times so much later.
    fn shifted(self, ticks: i64, now: u64) -> Self {
        let shift = |price: Price| if price.0.unsigned_abs() < 500 { Price(price.0 + ticks) } else { price };
        let later = |tif: TimeInForce| match tif {
            TimeInForce::Gtd(Time(time)) => TimeInForce::Gtd(Time(now + time)),
            other => other,
        };
        let order = |order: NewOrder| NewOrder { limit: order.limit.map(shift), tif: later(order.tif), ..order };
        match self {
            Self::Submit(submitted, verdicts) => Self::Submit(order(submitted), verdicts),
            Self::Replace(of, price, change, verdicts) => {
                let change = Replacement { price: shift(change.price), ..change };
                Self::Replace(of, price.map(shift), change, verdicts)
            }
            Self::SubmitStop(stop) => Self::SubmitStop(StopOrder { order: order(stop.order), ..stop }),
            other => other,
        }
    }
}

/// The next command in the bytes; past their end zeros are read.
fn command_from(bytes: &mut Unstructured<'_>) -> BookCommand {
    let kind = next(bytes);
    match kind % 64 {
        0..=23 => BookCommand::Submit(next_order(bytes), next_verdicts(bytes)),
        24..=30 => BookCommand::Cancel(next(bytes)),
        31..=36 => {
            let (of, price, shape) = (next(bytes), next(bytes), next(bytes));
            let keeps = price.is_multiple_of(4);
            let post_only = [PostOnly::Off, PostOnly::Off, PostOnly::Reject, PostOnly::Slide][usize::from(shape & 3)];
            let change = Replacement {
                price: price_from(price),
                qty: qty_from(next(bytes)),
                post_only,
                stp: stp_from(shape >> 2),
            };
            BookCommand::Replace(of, (!keeps).then_some(change.price), change, next_verdicts(bytes))
        }
        37..=40 => BookCommand::Reduce(next(bytes), qty_from(next(bytes))),
        41..=45 => BookCommand::SubmitStop(next_stop(bytes)),
        46..=48 => BookCommand::SetMark(price_from(next(bytes))),
        49..=52 => BookCommand::Fire(1 + next(bytes) % 4, next_verdicts(bytes)),
        53 => BookCommand::CancelStop(next(bytes)),
        54..=55 => BookCommand::Expire((next(bytes) % 8) as i8 - 1),
        56 => BookCommand::CancelAll(which_from(next(bytes))),
        57 => BookCommand::SetGroup(u32::from(next(bytes) % 5), u32::from(next(bytes) % 4)),
        58 => BookCommand::OpenAuction,
        59..=61 => {
            let reference = next(bytes);
            BookCommand::Uncross((!reference.is_multiple_of(3)).then(|| price_from(reference)))
        }
        62 if kind < 128 => BookCommand::Forged { slot: next(bytes), generation: next(bytes) },
        62 => BookCommand::Batch(next(bytes) % 40, next_verdicts(bytes)),
        63 if kind < 128 => BookCommand::Clone,
        _ => BookCommand::Restore,
    }
}

fn next(bytes: &mut Unstructured<'_>) -> u8 {
    bytes.arbitrary().unwrap_or(0)
}

fn next_verdicts(bytes: &mut Unstructured<'_>) -> Verdicts {
    Verdicts([next(bytes), next(bytes), next(bytes)])
}

fn next_order(bytes: &mut Unstructured<'_>) -> NewOrder {
    let order = order_from(next(bytes), next(bytes), next(bytes), next(bytes));
    let (special, amount) = (next(bytes), next(bytes));
    match special % 16 {
        0..=2 => NewOrder { display: Display::Iceberg(Qty(u64::from(amount % 6))), ..order },
        3..=4 => NewOrder { display: Display::Hidden, ..order },
        5 => NewOrder { min_qty: qty_from(amount), ..order },
        6 => NewOrder { to_limit: true, ..order },
        7 => NewOrder { to_limit: true, limit: None, ..order },
        8 => NewOrder { post_only: PostOnly::Slide, ..order },
        // From the present on; zero is too late.
        9..=11 => NewOrder { tif: TimeInForce::Gtd(Time(u64::from(amount % 10))), ..order },
        _ => order,
    }
}

fn next_stop(bytes: &mut Unstructured<'_>) -> StopOrder {
    let (kind, price) = (next(bytes), next(bytes));
    let trigger = match kind & 3 {
        0 => Trigger::Trailing { offset: u64::from(price % 8) },
        _ => Trigger::At(price_from(price)),
    };
    let by = if kind & 4 == 0 { TriggerBy::Last } else { TriggerBy::Mark };
    StopOrder { trigger, by, order: next_order(bytes) }
}

/// An order of limit, market and time in force: bit 0 of `shape` is the side, bits 1-3 the time in force (mostly
/// good till cancelled), bits 4-5 at zero post-only, bits 6-7 at zero market; bits 0-2 of `owner` are the self-trade
/// prevention, bits 3-4 the owner.
#[must_use]
pub fn order_from(shape: u8, price: u8, qty: u8, owner: u8) -> NewOrder {
    let side = if shape & 1 == 0 { Side::Buy } else { Side::Sell };
    NewOrder {
        limit: if shape >> 6 == 0 { None } else { Some(price_from(price)) },
        tif: match shape >> 1 & 7 {
            0 => TimeInForce::Ioc,
            1 => TimeInForce::Fok,
            _ => TimeInForce::Gtc,
        },
        post_only: if shape >> 4 & 3 == 0 { PostOnly::Reject } else { PostOnly::Off },
        stp: stp_from(owner),
        ..NewOrder::limit(side, qty_from(qty), Price(0), u32::from(owner >> 3 & 3))
    }
}

/// A price in ticks around zero; the highest bytes are far away.
fn price_from(byte: u8) -> Price {
    Price(match byte {
        255 => i64::MAX,
        254 => i64::MIN,
        252..=253 => (i64::from(byte) - 252) * 2_000_000_000 - 1_000_000_000,
        248..=251 => [-1_000, -100, 100, 1_000][usize::from(byte - 248)],
        _ => i64::from(byte % 12) - 4,
    })
}

fn qty_from(byte: u8) -> Qty {
    match byte {
        255 => Qty(u64::MAX),
        254 => Qty(u64::MAX / 2),
        _ => Qty(u64::from(byte % 24)),
    }
}

fn stp_from(byte: u8) -> SelfTradePrevention {
    match byte & 7 {
        0 => SelfTradePrevention::CancelNewest,
        1 => SelfTradePrevention::CancelOldest,
        2 => SelfTradePrevention::CancelBoth,
        3 => SelfTradePrevention::Decrement,
        _ => SelfTradePrevention::None,
    }
}

fn which_from(byte: u8) -> Which {
    let side = if byte & 4 == 0 { Side::Buy } else { Side::Sell };
    let owner = u32::from(byte >> 3 & 7) % 5;
    match byte & 3 {
        0 => Which::Owner(owner),
        1 => Which::OwnerSide(owner, side),
        2 => Which::Side(side),
        _ => Which::All,
    }
}
