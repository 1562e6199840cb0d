//! What a reader has read so far.

use crate::record::{Kind, Reason, Record};
use downdraft_types::Time;

/// Tallies of one reader: every record is either of one kind or counted under one reason, so
/// `read = Σ kinds + Σ reasons`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Records read, those of other instruments included.
    pub read: u64,
    /// Delivered records whose time is before the previous one's.
    pub out_of_order: u64,
    /// Delivered records that the publisher marks as following a gap in its own input.
    pub maybe_bad_book: u64,
    /// Delivered records whose time was written with digits below a nanosecond and was rounded to the nearest.
    pub rounded_times: u64,
    kinds: [u64; Kind::ALL.len()],
    reasons: [u64; Reason::ALL.len()],
    latest: Time,
}

impl Counts {
    /// Records of one kind.
    #[must_use]
    pub const fn kind(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize]
    }

    /// Records that could not be used for one reason.
    #[must_use]
    pub const fn reason(&self, reason: Reason) -> u64 {
        self.reasons[reason as usize]
    }

    /// Every kind's name and count, in a fixed order.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Kind::ALL.iter().map(|&kind| (kind.name(), self.kind(kind)))
    }

    /// Every reason's name and count, in a fixed order.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Reason::ALL.iter().map(|&reason| (reason.name(), self.reason(reason)))
    }

    pub(crate) fn delivered(&mut self, record: &Record) {
        self.read += 1;
        match record.body.kind() {
            Ok(kind) => self.kinds[kind as usize] += 1,
            Err(reason) => self.reasons[reason as usize] += 1,
        }
        self.out_of_order += u64::from(record.time < self.latest);
        self.latest = record.time;
    }

    pub(crate) const fn filtered(&mut self) {
        self.read += 1;
        self.reasons[Reason::OtherInstrument as usize] += 1;
    }
}
