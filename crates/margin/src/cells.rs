//! Cells: the boxes of certificates, laid out so that they stay where they are while the market moves within them, and what a
//! portfolio's instruments come to in them, computed once for all pools and reports that meet in a cell.
//!
//! ```text
//!   unit = 2^⌊log₂ level⌋ ÷ 2^shift        a cell: the nearest multiple of it, one unit to both sides
//!   ──┼────────┼───●────┼──                so that the level is at least half a unit from both ends
//! ```

use crate::engine::Margin;
use crate::portfolio::LARGEST_GRID;
use alloc::vec::Vec;
use downdraft_types::{InstrumentId, Time};

/// Shifts whose cells are kept. Narrower ones are computed each time.
const KEPT: usize = 33;

const fn unit(level: u64, shift: u32) -> u64 {
    if level == 0 || shift > 63 { 0 } else { (1 << (63 - level.leading_zeros())) >> shift }
}

/// The ends of a level's cell.
pub(crate) fn cell(level: i64, shift: u32) -> Ends {
    let Ok(unit @ 1..) = i64::try_from(unit(level.unsigned_abs(), shift)) else { return [level; 2] };
    let nearest = level.saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit);
    [nearest.saturating_sub(unit).min(level), nearest.saturating_add(unit).max(level)]
}

/// The moments around `at` within which so much is left of what expires: it begins at a multiple of its half.
pub(crate) fn moments(at: Time, expiry: Time, shift: u32) -> [Time; 2] {
    match unit(expiry.since(at).0, shift) {
        0 => [at; 2],
        unit => {
            let from = at.0 / unit * unit;
            [Time(from), Time(from.saturating_add(unit).saturating_add(unit).min(expiry.0).max(at.0))]
        }
    }
}

/// What an instrument's value depends on over a cell: the least and the most of each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ranges {
    /// Of an option the index, of a contract its mark.
    pub(crate) price: Ends,
    /// In parts per million, smile and all.
    pub(crate) volatility: Ends,
    /// Nanoseconds to expiry.
    pub(crate) left: [u64; 2],
}

/// The least and the most of a value.
pub(crate) type Ends = [i64; 2];

/// An instrument's values over cells, by shift: of an option in mark increments, of a contract its marks; unmoved, and then at
/// each point of its portfolio's grid.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cells {
    points: usize,
    ranges: Vec<Option<Ranges>>,
    ends: Vec<Ends>,
}

impl Cells {
    /// Makes room for the points of a grid, and forgets all.
    pub(crate) fn reset(&mut self, points: usize) {
        self.points = points;
        let kept = if points == 0 { 0 } else { KEPT };
        self.ranges.clear();
        self.ranges.resize(kept, None);
        self.ends.clear();
        self.ends.resize(kept * points, Ends::default());
    }

    /// What is known of these ranges.
    fn get(&self, shift: u32, ranges: &Ranges) -> Option<&[Ends]> {
        let shift = shift as usize;
        let known = self.ranges.get(shift)?.as_ref() == Some(ranges);
        known.then(|| &self.ends[shift * self.points..(shift + 1) * self.points])
    }
}

impl Margin {
    /// Checks that what is kept of every cell is what its ranges come to.
    ///
    /// # Panics
    /// Where that does not hold.
    pub(crate) fn check_cells(&self) {
        let mut ends = [Ends::default(); LARGEST_GRID + 1];
        for id in (0..self.capacity.instruments).map(InstrumentId) {
            let Some(terms) = self.get_instrument(id) else { continue };
            let Some(policy) = terms.portfolio.and_then(|of| self.portfolio_policy(of)) else { continue };
            let kept = (0_u32..).zip(&terms.cells.ranges).filter_map(|(shift, ranges)| Some((shift, (*ranges)?)));
            for (shift, ranges) in kept {
                let points = self.ends_over(policy, id, &ranges, &mut ends);
                assert_eq!(terms.cells.get(shift, &ranges), Some(&ends[..points]), "a cell of {id}");
            }
        }
    }

    /// Puts the values of an instrument of a portfolio over the cell of a shift in place.
    pub(crate) fn fill_cell(&mut self, id: InstrumentId, shift: u32) {
        let (terms, at) = (self.instrument(id), shift as usize);
        let Some(policy) = terms.portfolio.and_then(|of| self.portfolio_policy(of)) else { return };
        let ranges = self.ranges(id, shift);
        if at >= terms.cells.ranges.len() || terms.cells.get(shift, &ranges).is_some() {
            return;
        }
        let mut ends = [Ends::default(); LARGEST_GRID + 1];
        let points = self.ends_over(policy, id, &ranges, &mut ends);
        let cells = &mut self.instrument_mut(id).cells;
        cells.ends[at * points..(at + 1) * points].copy_from_slice(&ends[..points]);
        cells.ranges[at] = Some(ranges);
    }

    /// The values of an instrument of a portfolio over the cell of a shift, in place or computed into `buffer`.
    pub(crate) fn over_cell<'a>(
        &'a self,
        policy: &crate::PortfolioPolicy,
        id: InstrumentId,
        shift: u32,
        buffer: &'a mut [Ends; LARGEST_GRID + 1],
    ) -> &'a [Ends] {
        let terms = self.instrument(id);
        let ranges = self.ranges(id, shift);
        if let Some(known) = terms.cells.get(shift, &ranges) {
            return known;
        }
        let points = self.ends_over(policy, id, &ranges, buffer);
        &buffer[..points]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_level_is_well_inside_its_cell(level: i64, shift in 0_u32..70) {
            let [low, high] = cell(level, shift);
            prop_assert!(low <= level && level <= high);
            let unit = i128::from(unit(level.unsigned_abs(), shift));
            let (level, low, high) = (i128::from(level), i128::from(low), i128::from(high));
            prop_assert!(high - low <= 2 * unit);
            let far = level.abs() < i128::from(i64::MAX / 4);
            prop_assert!(!far || (level - low >= unit / 2 && high - level >= unit / 2), "{low} {level} {high} {unit}");
        }

        #[test]
        fn moments_hold_the_present_and_end_by_expiry(at: u64, left: u64, shift in 0_u32..70) {
            let (at, expiry) = (Time(at), Time(at.saturating_add(left)));
            let [from, until] = moments(at, expiry, shift);
            prop_assert!(from <= at && at <= until && until <= expiry);
        }
    }

    #[test]
    fn a_cell_stays_while_the_level_moves_within_it() {
        // 2^13 = 8,192, ÷ 2^5: units of 256.
        assert_eq!(cell(10_000, 5), [9_728, 10_240]);
        assert_eq!((cell(9_856, 5), cell(10_111, 5)), ([9_728, 10_240], [9_728, 10_240]));
        assert_eq!(cell(9_855, 5), [9_472, 9_984]);
        assert_eq!((cell(-10_000, 5), cell(0, 5), cell(7, 40)), ([-10_240, -9_728], [0, 0], [7, 7]));
    }
}
