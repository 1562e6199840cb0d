//! How much of what was traded, and of how far the mark moved, was forced.

use downdraft_types::{MarkPrice, Qty, Side};

/// An instrument's volume and moves of the mark, and the forced part of each. Forced is what a liquidation order, or
/// the fund's order selling what it took over, did itself: its fills, and the moves of the mark in its own command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Forced {
    /// Lots traded in the book.
    pub volume: u128,
    /// Of these, by forced orders.
    pub forced_volume: u128,
    /// Sum of all falls of the mark, in mark increments.
    pub falls: u128,
    /// Of these, by forced orders.
    pub forced_falls: u128,
    /// Sum of all rises of the mark.
    pub rises: u128,
    /// Of these, by forced orders.
    pub forced_rises: u128,
    /// The deepest fall of the mark from a peak to a later trough.
    pub drawdown: Option<Swing>,
    /// The highest rise of the mark from a trough to a later peak.
    pub runup: Option<Swing>,
}

/// A swing of the mark, from one extreme to a later one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Swing {
    /// Where it began.
    pub from: MarkPrice,
    /// Where it ended.
    pub to: MarkPrice,
    /// The sum of the forced moves between the two: of the same sign where they went with it.
    pub forced: i128,
}

impl Forced {
    /// The forced share of the volume; `None` where nothing was traded.
    #[must_use]
    pub fn volume_share(&self) -> Option<f64> {
        share(self.forced_volume, self.volume)
    }

    /// The forced share of all falls; `None` where the mark never fell.
    #[must_use]
    pub fn fall_share(&self) -> Option<f64> {
        share(self.forced_falls, self.falls)
    }

    /// The forced share of all rises; `None` where the mark never rose.
    #[must_use]
    pub fn rise_share(&self) -> Option<f64> {
        share(self.forced_rises, self.rises)
    }
}

impl Swing {
    /// What was forced, net, as a share of the whole: above 1 where others leaned against it, negative where forced
    /// orders did.
    #[must_use]
    pub fn forced_share(&self) -> f64 {
        self.forced as f64 / (i128::from(self.to.0) - i128::from(self.from.0)) as f64
    }
}

fn share(part: u128, whole: u128) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Counts [`Forced`] as it happens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ForcedCounts {
    pub forced: Forced,
    /// Sum of forced moves so far.
    moved: i128,
    /// Highest and lowest mark so far, with the sum when it was reached.
    peak: Option<(MarkPrice, i128)>,
    trough: Option<(MarkPrice, i128)>,
}

impl ForcedCounts {
    pub(crate) fn traded(&mut self, qty: Qty, forced: bool) {
        let lots = u128::from(qty.0);
        self.forced.volume = self.forced.volume.saturating_add(lots);
        if forced {
            self.forced.forced_volume = self.forced.forced_volume.saturating_add(lots);
        }
    }

    /// The mark moved.
    pub(crate) fn marked(&mut self, before: Option<MarkPrice>, mark: MarkPrice, forced: bool) {
        if let Some(before) = before {
            self.moved(i128::from(mark.0) - i128::from(before.0), forced);
        }
        let (_, at_peak) = *self.peak.get_or_insert((mark, self.moved));
        let (_, at_trough) = *self.trough.get_or_insert((mark, self.moved));
        let (peak, trough) = (self.extreme(Side::Sell), self.extreme(Side::Buy));
        longest(&mut self.forced.drawdown, peak, mark, self.moved - at_peak, Side::Sell);
        longest(&mut self.forced.runup, trough, mark, self.moved - at_trough, Side::Buy);
        if mark >= peak {
            self.peak = Some((mark, self.moved));
        }
        if mark <= trough {
            self.trough = Some((mark, self.moved));
        }
    }

    /// Where a swing of that direction would have begun.
    fn extreme(&self, direction: Side) -> MarkPrice {
        let of = if direction == Side::Sell { self.peak } else { self.trough };
        of.map(|(mark, _)| mark).unwrap_or_default()
    }

    fn moved(&mut self, by: i128, forced: bool) {
        let forced_by = if forced { by } else { 0 };
        self.moved = self.moved.saturating_add(forced_by);
        let totals = &mut self.forced;
        let (all, part) = match by {
            ..0 => (&mut totals.falls, &mut totals.forced_falls),
            0.. => (&mut totals.rises, &mut totals.forced_rises),
        };
        *all = all.saturating_add(by.unsigned_abs());
        *part = part.saturating_add(forced_by.unsigned_abs());
    }
}

/// Keeps the longer swing, the first of equal ones.
fn longest(swing: &mut Option<Swing>, from: MarkPrice, to: MarkPrice, forced: i128, direction: Side) {
    let length = |from: MarkPrice, to: MarkPrice| match direction {
        Side::Sell => i128::from(from.0) - i128::from(to.0),
        Side::Buy => i128::from(to.0) - i128::from(from.0),
    };
    let known = swing.map_or(0, |known| length(known.from, known.to));
    if length(from, to) > known {
        *swing = Some(Swing { from, to, forced });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(moves: &[(i64, bool)]) -> Forced {
        let mut counts = ForcedCounts::default();
        let mut before = None;
        for (mark, forced) in moves {
            counts.marked(before, MarkPrice(*mark), *forced);
            before = Some(MarkPrice(*mark));
        }
        counts.forced
    }

    #[test]
    fn falls_and_rises_are_told_apart() {
        let forced = counted(&[(100, false), (97, false), (90, true), (92, false), (93, true)]);
        assert_eq!((forced.falls, forced.forced_falls, forced.rises, forced.forced_rises), (10, 7, 3, 1));
        assert_eq!(forced.fall_share(), Some(0.7));
        assert_eq!(forced.drawdown, Some(Swing { from: MarkPrice(100), to: MarkPrice(90), forced: -7 }));
        assert_eq!(forced.runup, Some(Swing { from: MarkPrice(90), to: MarkPrice(93), forced: 1 }));
    }

    #[test]
    fn the_deepest_fall_is_from_the_peak_before_it() {
        let forced = counted(&[(100, false), (95, true), (120, false), (110, false), (100, true), (130, false)]);
        let drawdown = forced.drawdown.unwrap();
        assert_eq!((drawdown.from.0, drawdown.to.0, drawdown.forced), (120, 100, -10));
        assert_eq!(drawdown.forced_share(), 0.5);
    }

    #[test]
    fn forced_orders_may_lean_against_a_swing() {
        let drawdown = counted(&[(100, false), (104, true), (90, false)]).drawdown.unwrap();
        assert_eq!((drawdown.from.0, drawdown.forced), (104, 0));
        let drawdown = counted(&[(100, false), (80, false), (90, true), (70, false)]).drawdown.unwrap();
        assert_eq!((drawdown.from.0, drawdown.to.0, drawdown.forced), (100, 70, 10));
        assert!(drawdown.forced_share() < 0.0);
    }

    #[test]
    fn nothing_has_no_share() {
        let forced = counted(&[(5, false)]);
        assert_eq!((forced.fall_share(), forced.volume_share(), forced.drawdown), (None, None, None));
    }
}
