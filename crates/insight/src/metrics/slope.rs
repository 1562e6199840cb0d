//! Ladder against book, in one direction: what would be forced as the mark goes that way, and what would take it.
//!
//! ```text
//!   distance from the mark ──►   0        d1     d2  d3
//!   ladder (forced lots)         │        ▒      ▒   ▒▒
//!   book (lots that take them)   │ ▓ ▓▓  ▓▓ ▓ ▓▓▓▓ ▓▓
//! ```
//!
//! Distances are in mark increments from the mark, in the direction, so that one code serves falls (longs sold into
//! bids) and rises (shorts bought back from asks). All of it is a reading of the present ladder and book: it assumes
//! that positions are closed whole, at market, that the mark is the last trade, and that nobody else acts.

use downdraft_types::{AccountId, Money};

/// Lots that would be forced once the mark is a distance away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rung {
    /// In mark increments.
    pub distance: i64,
    /// Whose.
    pub account: AccountId,
    /// How many.
    pub lots: u64,
    /// The position's slot in the margin engine.
    pub slot: u32,
    /// Where its pool holds nothing else: the pool's money less what the position cost.
    pub alone: Option<Money>,
}

/// Lots of a price level that would take what is forced.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Level {
    /// In mark increments; negative where the level is better than the mark.
    pub distance: i64,
    /// How many.
    pub lots: u64,
}

/// Ladder and book in one direction, nearest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Slope {
    /// Mark increments per tick.
    pub mark_scale: u32,
    /// Triggers.
    pub ladder: Vec<Rung>,
    /// Price levels.
    pub book: Vec<Level>,
    /// Lots of pools whose liquidation is under way: they have no trigger any more.
    pub under_way: u64,
}

/// How far a cascade would run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Prediction {
    /// How far the shock itself moves the mark, in mark increments.
    pub shock: i64,
    /// How far the mark is in the end.
    pub distance: i64,
    /// Positions that would be liquidated.
    pub liquidations: u64,
    /// Their lots, those under way included.
    pub lots: u128,
    /// Of these, what the book does not take.
    pub unfilled: u128,
}

/// A part of a liquidation that a level takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Take {
    /// Whose; `None` of lots under way already.
    pub of: Option<Rung>,
    /// Where.
    pub distance: i64,
    /// How many.
    pub lots: u64,
}

impl Slope {
    /// Lots forced once the mark is `distance` away, those under way included.
    #[must_use]
    pub fn forced_within(&self, distance: i64) -> u128 {
        let reached = self.ladder.iter().take_while(|rung| rung.distance <= distance);
        reached.map(|rung| u128::from(rung.lots)).sum::<u128>() + u128::from(self.under_way)
    }

    /// Lots that the book holds down to `distance`.
    #[must_use]
    pub fn depth_within(&self, distance: i64) -> u128 {
        let levels = self.book.iter().take_while(|level| level.distance <= distance);
        levels.map(|level| u128::from(level.lots)).sum()
    }

    /// The distance of the nearest trigger.
    #[must_use]
    pub fn nearest(&self) -> Option<i64> {
        self.ladder.first().map(|rung| rung.distance)
    }

    /// Where the mark is once `lots` are sold into the levels beyond `from`, and how many of them were taken;
    /// `from` itself where there is no level.
    fn reach(&self, lots: u128, from: i64) -> (i64, u128) {
        let first = self.book.partition_point(|level| level.distance <= from);
        let (mut distance, mut taken) = (from, 0_u128);
        for level in &self.book[first..] {
            if taken >= lots {
                break;
            }
            taken += u128::from(level.lots);
            distance = level.distance;
        }
        (distance, taken.min(lots))
    }

    /// The recursion condition: how far liquidating what the nearest trigger holds would move the mark on from it,
    /// over the distance from it to the next trigger. From 1 up the next one falls too. `None` with fewer than two
    /// triggers, or where no level is left beyond the nearest.
    #[must_use]
    pub fn recursion(&self) -> Option<f64> {
        let nearest = self.nearest()?;
        let next = self.ladder.iter().find(|rung| rung.distance > nearest)?.distance;
        let lots = self.ladder.iter().take_while(|rung| rung.distance == nearest).map(|rung| u128::from(rung.lots));
        let (reached, taken) = self.reach(lots.sum(), nearest);
        (taken > 0).then(|| (reached - nearest) as f64 / (next - nearest) as f64)
    }

    /// The branching number to expect: forced lots per mark increment, from the nearest trigger to the last within
    /// `band`, times the mark increments by which a lot sold moves the mark there. `None` with fewer than two
    /// triggers, or where no level is left.
    #[must_use]
    pub fn branching(&self, band: i64) -> Option<f64> {
        let within = self.ladder.partition_point(|rung| rung.distance <= band);
        let [first, .., last] = self.ladder.get(..within)? else { return None };
        let all: u128 = self.ladder[..within].iter().map(|rung| u128::from(rung.lots)).sum();
        // Triggers at one price count as within a tick.
        let span = (last.distance - first.distance).max(i64::from(self.mark_scale.max(1)));
        let density = (all - u128::from(first.lots)) as f64 / span as f64;
        let (reached, taken) = self.reach(all, first.distance);
        (taken > 0).then(|| density * ((reached - first.distance) as f64 / taken as f64))
    }

    /// Forced lots per tick of price, over `band`: the system's gamma.
    #[must_use]
    pub fn gamma(&self, band: i64) -> Option<f64> {
        (band > 0).then(|| self.forced_within(band) as f64 * f64::from(self.mark_scale) / band as f64)
    }

    /// Lots of the book over lots forced within `band`: the liquidity depth ratio. `None` where nothing is forced.
    #[must_use]
    pub fn depth_ratio(&self, band: i64) -> Option<f64> {
        let forced = self.forced_within(band);
        (forced > 0).then(|| self.depth_within(band) as f64 / forced as f64)
    }

    /// Forced lots, and lots of the book beyond the nearest trigger, down to each trigger: the cumulative form of the
    /// recursion condition. A cascade that begins with the nearest trigger passes a trigger where the forced lots
    /// before it exceed the book's lots before it.
    #[must_use]
    pub fn profile(&self) -> Vec<(i64, u128, u128)> {
        let Some(nearest) = self.nearest() else { return Vec::new() };
        let mut levels = self.book.iter().skip_while(|level| level.distance <= nearest).peekable();
        let (mut forced, mut depth) = (0_u128, 0_u128);
        let at = |rung: &Rung| {
            forced += u128::from(rung.lots);
            while let Some(level) = levels.next_if(|level| level.distance <= rung.distance) {
                depth += u128::from(level.lots);
            }
            (rung.distance, forced, depth)
        };
        self.ladder.iter().map(at).collect()
    }

    /// How far a cascade runs that begins as the nearest trigger is touched; `None` without a trigger.
    #[must_use]
    pub fn run(&self) -> Option<Prediction> {
        self.nearest().map(|nearest| self.predict(nearest, |_| {}))
    }

    /// How far a shock that moves the mark by `shock` would run: the fixed point of ladder against book. The shock
    /// takes every level down to where it ends; then what is forced is sold into the levels beyond, and what that
    /// reaches is forced in turn. `each` hears which level takes what, in order.
    ///
    /// O(triggers reached + levels reached).
    pub fn predict(&self, shock: i64, mut each: impl FnMut(Take)) -> Prediction {
        let mut prediction = Prediction { shock, distance: shock, ..Prediction::default() };
        let mut book = self.book.iter().skip_while(|level| level.distance <= shock).copied();
        let mut level = book.next();
        let waiting = (self.under_way > 0).then_some((None, self.under_way));
        let mut rungs = self.ladder.iter().copied().peekable();
        let mut next = waiting;
        loop {
            let (of, lots) = match next.take() {
                Some(waiting) => waiting,
                None => match rungs.next_if(|rung| rung.distance <= prediction.distance) {
                    Some(rung) => (Some(rung), rung.lots),
                    None => return prediction,
                },
            };
            prediction.liquidations += u64::from(of.is_some());
            prediction.lots += u128::from(lots);
            let mut left = lots;
            while left > 0
                && let Some(at) = &mut level
            {
                let taken = left.min(at.lots);
                each(Take { of, distance: at.distance, lots: taken });
                prediction.distance = prediction.distance.max(at.distance);
                (left, at.lots) = (left - taken, at.lots - taken);
                if at.lots == 0 {
                    level = book.next();
                }
            }
            prediction.unfilled += u128::from(left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The threshold ladder: ten longs of a lot each ten increments from 10 down, a lot of the book each `step`.
    fn ladder(step: i64) -> Slope {
        let rung =
            |n: u32| Rung { distance: 10 + i64::from(n) * 10, account: AccountId(n), lots: 1, slot: n, alone: None };
        Slope {
            mark_scale: 1,
            ladder: (0..10).map(rung).collect(),
            book: (0..30).map(|n| Level { distance: 10 + n * step, lots: 1 }).collect(),
            under_way: 0,
        }
    }

    #[test]
    fn the_ladder_runs_from_the_spacing_up() {
        for step in 1..20 {
            let prediction = ladder(step).predict(10, |_| {});
            let (liquidations, distance) = if step < 10 { (1, 10 + step) } else { (10, 10 + 10 * step) };
            assert_eq!((prediction.liquidations, prediction.distance), (liquidations, distance), "step {step}");
            assert_eq!(ladder(step).run(), Some(prediction));
            assert_eq!(ladder(step).recursion(), Some(step as f64 / 10.0));
            let branching = ladder(step).branching(100).unwrap();
            assert!((branching - step as f64 / 10.0).abs() < 1e-12, "{branching}");
        }
    }

    #[test]
    fn what_is_within_a_band_is_known() {
        let slope = ladder(5);
        assert_eq!((slope.forced_within(29), slope.depth_within(29)), (2, 4));
        assert_eq!(slope.depth_ratio(29), Some(2.0));
        assert_eq!((slope.gamma(100), slope.gamma(0)), (Some(0.1), None));
        assert_eq!(slope.depth_ratio(9), None);
        assert_eq!(slope.profile()[..3], [(10, 1, 0), (20, 2, 2), (30, 3, 4)]);
    }

    #[test]
    fn a_book_that_ends_is_no_floor() {
        let mut slope = ladder(10);
        slope.book.truncate(4);
        let prediction = slope.predict(10, |_| {});
        assert_eq!((prediction.liquidations, prediction.distance, prediction.unfilled), (4, 40, 1));
        slope.book.clear();
        assert_eq!((slope.recursion(), slope.branching(100)), (None, None));
        assert_eq!(slope.predict(10, |_| {}).unfilled, 1);
    }

    #[test]
    fn what_is_under_way_comes_first() {
        let mut slope = ladder(5);
        slope.under_way = 2;
        let mut takes = Vec::new();
        let prediction = slope.predict(0, |take| takes.push((take.of.map(|rung| rung.account.0), take.distance)));
        assert_eq!(takes, [(None, 10), (None, 15), (Some(0), 20), (Some(1), 25)]);
        assert_eq!((prediction.liquidations, prediction.lots, prediction.distance), (2, 4, 25));
    }

    /// The same by brute force: sell a lot at a time, look at the whole ladder after each.
    fn naive(slope: &Slope, shock: i64) -> (u64, i64, u128) {
        let mut lots: Vec<i64> = Vec::new();
        let beyond = slope.book.iter().filter(|level| level.distance > shock);
        beyond.for_each(|level| lots.extend(std::iter::repeat_n(level.distance, level.lots as usize)));
        let (mut mark, mut sold, mut fallen) = (shock, 0_usize, vec![false; slope.ladder.len()]);
        let mut waiting = slope.under_way as usize;
        let mut unfilled = 0;
        loop {
            for _ in 0..waiting {
                match lots.get(sold) {
                    Some(at) => (mark, sold) = (mark.max(*at), sold + 1),
                    None => unfilled += 1,
                }
            }
            let next = slope.ladder.iter().zip(&mut fallen).find(|(rung, fallen)| rung.distance <= mark && !**fallen);
            let Some((rung, fallen)) = next else { break };
            *fallen = true;
            waiting = rung.lots as usize;
        }
        (fallen.iter().filter(|fallen| **fallen).count() as u64, mark, unfilled)
    }

    proptest! {
        #[test]
        fn the_fixed_point_is_what_selling_lot_by_lot_gives(
            mut rungs in prop::collection::vec((1_i64..60, 1_u64..5), 0..12),
            mut levels in prop::collection::btree_map(0_i64..80, 1_u64..4, 0..30),
            shock in 0_i64..40,
            under_way in 0_u64..4,
        ) {
            rungs.sort_unstable();
            let ladder = (0..).zip(&rungs).map(|(n, (distance, lots))| Rung { distance: *distance, account: AccountId(n), lots: *lots, slot: n, alone: None });
            let book = std::mem::take(&mut levels).into_iter().map(|(distance, lots)| Level { distance, lots });
            let slope = Slope { mark_scale: 1, ladder: ladder.collect(), book: book.collect(), under_way };
            let mut taken = 0_u128;
            let found = slope.predict(shock, |take| taken += u128::from(take.lots));
            prop_assert_eq!((found.liquidations, found.distance, found.unfilled), naive(&slope, shock));
            prop_assert_eq!(taken + found.unfilled, found.lots);
        }
    }
}
