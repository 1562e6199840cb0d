//! What waits on the ladder and rests in the book, frame by frame: columns of price bins, in bounded memory.
//!
//! A frame is taken at regular simulated times, and whenever the mark has moved far enough since the one before:
//! a cascade of a second shows in a run of an hour. Whenever one kind of frame is too many, its step doubles and
//! those between are dropped.

use crate::buckets::Buckets;
use crate::census::Census;
use downdraft_types::{InstrumentId, MarkPrice, Qty, Side, Span, Time};
use downdraft_venue::Venue;

/// Bins from zero to the first mark: a bin is at most this part of it, or one tick.
const RESOLUTION: i64 = 4_096;

/// Bins that the mark moves for the first frames beside the regular ones: a five hundredth of it. A frame walks the whole
/// ladder, so a market that wavers should not ask for many.
const FIRST_STRIDE: u64 = 8;

/// Quantities by price bin, nearest the mark first.
pub(crate) type Bins = Vec<(i64, u64)>;

/// An instrument at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub time: Time,
    /// Taken because time had passed, not because the mark had moved.
    pub regular: bool,
    pub mark: MarkPrice,
    pub best: [Option<i64>; 2],
    pub open_interest: Qty,
    /// All that waits on the ladder, by side of the positions, and all that rests in the book.
    pub pending_total: [u128; 2],
    pub resting_total: [u128; 2],
    /// The part within half the mark.
    pub pending: [Bins; 2],
    pub resting: [Bins; 2],
}

/// Frames of an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Film {
    instrument: InstrumentId,
    frames: Vec<Frame>,
    /// At most so many frames of each kind.
    limit: usize,
    step: Span,
    /// When the next regular frame is due.
    due: Time,
    /// How far the mark must move for a frame.
    stride: u64,
    /// Mark increments of a bin.
    width: i64,
}

impl Film {
    /// A film of at most `frames` frames, of a run about as long as `horizon`.
    pub(crate) fn new(instrument: InstrumentId, frames: usize, horizon: Span) -> Self {
        let limit = (frames / 2).max(2);
        let step = Span((horizon.0 / limit as u64).max(1));
        Self { instrument, frames: Vec::new(), limit, step, due: Time(1), stride: 1, width: 1 }
    }

    pub(crate) fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// When the next regular frame is due.
    pub(crate) const fn due(&self) -> Time {
        self.due
    }

    /// Mark increments of a bin; bin `n` begins at `n` times as many.
    pub(crate) const fn width(&self) -> i64 {
        self.width
    }

    /// Looks at the venue after a command at `now`, and takes a frame if one is due.
    pub(crate) fn watch(&mut self, now: Time, venue: &Venue, census: &mut Census) {
        let mark = venue.margin().instrument(self.instrument).mark();
        let moved = |last: &Frame| last.mark.0.abs_diff(mark.0) >= self.stride;
        if now >= self.due {
            self.take(now, true, venue, census);
            self.due = Time((now.0 / self.step.0).saturating_add(1).saturating_mul(self.step.0));
            self.thin_regular(self.limit);
        } else if self.frames.last().is_some_and(moved) {
            self.take(now, false, venue, census);
            self.thin_moved(self.limit);
        }
    }

    /// The last frame, at the end of the run.
    pub(crate) fn end(&mut self, now: Time, venue: &Venue, census: &mut Census) {
        if self.frames.last().is_none_or(|last| last.time < now) && now > Time::ZERO {
            self.take(now, true, venue, census);
        }
    }

    /// Drops frames, by doubling the steps, until there are at most `most`, the last one apart.
    pub(crate) fn thin(&mut self, most: usize) {
        let Some(last) = self.frames.pop() else { return };
        self.thin_regular((most / 2).max(1));
        self.thin_moved((most / 2).max(1));
        self.frames.push(last);
    }

    fn thin_regular(&mut self, limit: usize) {
        while self.frames.iter().filter(|frame| frame.regular).count() > limit {
            self.step.0 = self.step.0.saturating_mul(2);
            let step = self.step.0;
            let mut kept = None;
            self.frames
                .retain(|frame| !frame.regular || kept.replace(frame.time.0 / step) != Some(frame.time.0 / step));
            self.due = Time(self.due.0.div_ceil(step).saturating_mul(step));
        }
    }

    fn thin_moved(&mut self, limit: usize) {
        while self.frames.iter().filter(|frame| !frame.regular).count() > limit {
            self.stride = self.stride.saturating_mul(2);
            let (stride, mut kept) = (self.stride, None::<i64>);
            self.frames.retain(|frame| {
                let near = kept.is_some_and(|mark| mark.abs_diff(frame.mark.0) < stride);
                let keep = frame.regular || !near;
                if keep {
                    kept = Some(frame.mark.0);
                }
                keep
            });
        }
    }

    fn take(&mut self, time: Time, regular: bool, venue: &Venue, census: &mut Census) {
        let Ok(market) = venue.market(self.instrument) else { return };
        let margin = venue.margin();
        census.refresh(margin);
        let terms = margin.instrument(self.instrument);
        let (mark, scale) = (terms.mark(), i64::from(terms.spec().mark_scale));
        if self.frames.is_empty() {
            self.width = (mark.0.saturating_abs() / RESOLUTION / scale).max(1).saturating_mul(scale);
            self.stride = self.width.unsigned_abs().saturating_mul(FIRST_STRIDE);
        }
        let near = near(mark);
        let levels = |side| market.book().depth(side).map(move |l| (l.price.0.saturating_mul(scale), l.qty.0));
        let ladder = margin.ladder(self.instrument);
        let lots = |slot, side| census.holding(slot, side).map_or(0, |holding| holding.lots);
        let waiting = |side| ladder.entries(side).map(move |(trigger, _, slot)| (trigger.0, lots(slot, side)));
        let [(pending_longs, longs), (pending_shorts, shorts)] =
            Side::BOTH.map(|side| bins(waiting(side), self.width, &near));
        let [(resting_bids, bids), (resting_asks, asks)] = Side::BOTH.map(|side| bins(levels(side), self.width, &near));
        self.frames.push(Frame {
            time,
            regular,
            mark,
            best: Side::BOTH.map(|side| market.best(side).map(|price| price.0.saturating_mul(scale))),
            open_interest: margin.open_interest(self.instrument),
            pending_total: [pending_longs, pending_shorts],
            resting_total: [resting_bids, resting_asks],
            pending: [longs, shorts],
            resting: [bids, asks],
        });
    }
}

/// Prices within half the mark of it.
fn near(mark: MarkPrice) -> core::ops::RangeInclusive<i64> {
    let half = mark.0.saturating_abs() / 2;
    mark.0.saturating_sub(half)..=mark.0.saturating_add(half)
}

/// The sum of all quantities, and those of prices in `near` by bin. Prices come in order, rising or falling.
fn bins(levels: impl Iterator<Item = (i64, u64)>, width: i64, near: &core::ops::RangeInclusive<i64>) -> (u128, Bins) {
    let (mut total, mut bins) = (0, Bins::new());
    let mut buckets = Buckets::of_width(width);
    for (price, qty) in levels {
        total += u128::from(qty);
        if !near.contains(&price) {
            continue;
        }
        let bin = buckets.of(price);
        match bins.last_mut() {
            Some((last, sum)) if *last == bin => *sum = sum.saturating_add(qty),
            _ => bins.push((bin, qty)),
        }
    }
    (total, bins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(time: u64, regular: bool, mark: i64) -> Frame {
        let (open_interest, best) = (Qty::ZERO, [None; 2]);
        let (pending_total, resting_total) = ([0; 2], [0; 2]);
        let (pending, resting) = Default::default();
        Frame {
            time: Time(time),
            regular,
            mark: MarkPrice(mark),
            best,
            open_interest,
            pending_total,
            resting_total,
            pending,
            resting,
        }
    }

    #[test]
    fn levels_of_one_bin_are_summed_and_far_ones_only_counted() {
        let levels = [(109, 1), (105, 2), (104, 4), (30, 8)];
        assert_eq!(bins(levels.into_iter(), 5, &near(MarkPrice(110))), (15, vec![(21, 3), (20, 4)]));
        assert_eq!(bins([(-1, 3), (-6, 1)].into_iter(), 5, &(-9..=0)), (4, vec![(-1, 3), (-2, 1)]));
    }

    proptest! {
        /// Thinning keeps the first frame and the last, the order, and the bound.
        #[test]
        fn thinning_keeps_the_ends(marks in proptest::collection::vec((any::<bool>(), 0_i64..500), 2..200), most in 2_usize..40) {
            let mut film = Film::new(InstrumentId(0), 40, Span(1_000));
            film.step = Span(7);
            let frames = marks.iter().zip(1..).map(|((regular, mark), n)| frame(n * 5, *regular || n == 1, *mark));
            film.frames = frames.collect();
            let (first, last) = (film.frames[0].clone(), film.frames.last().unwrap().clone());
            film.thin(most);
            prop_assert!(film.frames.len() <= most.max(2) + 1);
            prop_assert!(film.frames.windows(2).all(|pair| pair[0].time < pair[1].time));
            prop_assert_eq!(&film.frames[0], &first);
            prop_assert_eq!(film.frames.last(), Some(&last));
        }
    }
}
