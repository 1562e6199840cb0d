//! The price at which a call auction trades.
//!
//! Four rules, each where the ones before leave more than one price, as at ASX, Euronext, the London Stock Exchange
//! and Xetra: the largest volume; the smallest surplus; market pressure (where all surplus is on the buy side the
//! highest price, on the sell side the lowest); the reference price.
//!
//! Best bids are paired with best asks as long as they cross. The pairs are the volume; prices from the last ask
//! paired to the last bid paired trade all of it; and the surplus at one of them is what is left unpaired:
//!
//! ```text
//!   price   ── last ask ──────── next bid ──────── next ask ──────── last bid ──►
//!   surplus     bids left over      │     none        │     asks left over
//! ```

use core::iter::Peekable;

use downdraft_types::Price;

/// What a call auction comes to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Indicative {
    /// The price of all its trades.
    pub price: Price,
    /// Lots that trade.
    pub volume: u128,
    /// Lots wanted at the price, less lots offered: what is left over on the buy side, negative on the sell side.
    pub imbalance: i128,
}

/// A side's lots that are not paired yet, best first.
struct Unpaired<I: Iterator> {
    levels: Peekable<I>,
    /// The best price with lots left.
    next: Option<(i64, u128)>,
}

impl<I: Iterator<Item = (Price, u128)>> Unpaired<I> {
    fn new(levels: I) -> Self {
        let mut side = Self { levels: levels.peekable(), next: None };
        side.advance();
        side
    }

    fn advance(&mut self) {
        self.next = self.levels.next().map(|(price, mut lots)| {
            while let Some((_, more)) = self.levels.next_if(|(next, _)| *next == price) {
                lots += more;
            }
            (price.0, lots)
        });
    }

    /// Pairs lots of the best price, which has as many.
    fn pair(&mut self, lots: u128) {
        if let Some((_, left)) = &mut self.next {
            *left -= lots;
            if *left == 0 {
                self.advance();
            }
        }
    }
}

/// Prices that all rules but the last leave.
struct Tie {
    first: i64,
    last: i64,
}

/// The auction's price for bids from the highest and asks from the lowest, each a price and its lots (one price may
/// come twice); `None` where they do not cross. Linear in the levels that cross.
pub(crate) fn indicative(
    bids: impl Iterator<Item = (Price, u128)>,
    asks: impl Iterator<Item = (Price, u128)>,
    reference: Option<Price>,
) -> Option<Indicative> {
    let (mut bids, mut asks) = (Unpaired::new(bids), Unpaired::new(asks));
    let (mut volume, mut paired) = (0_u128, None);
    while let (Some((bid, wanted)), Some((ask, offered))) = (bids.next, asks.next) {
        if bid < ask {
            break;
        }
        let lots = wanted.min(offered);
        volume += lots;
        paired = Some((ask, bid));
        bids.pair(lots);
        asks.pair(lots);
    }
    let (last_ask, last_bid) = paired?;
    let (price, imbalance) = settle((last_ask, last_bid), &mut bids, &mut asks, reference);
    Some(Indicative { price: Price(price), volume, imbalance })
}

/// The price among those from the last ask to the last bid paired, and the surplus there.
fn settle(
    (last_ask, last_bid): (i64, i64),
    bids: &mut Unpaired<impl Iterator<Item = (Price, u128)>>,
    asks: &mut Unpaired<impl Iterator<Item = (Price, u128)>>,
    reference: Option<Price>,
) -> (i64, i128) {
    // Left-over lots beyond the paired prices play no part.
    let bid = bids.next.filter(|(price, _)| *price >= last_ask);
    let ask = asks.next.filter(|(price, _)| *price <= last_bid);
    // The prices without surplus. At the ends of the range of prices nothing is left over beyond them.
    let first = bid.map_or(Some(last_ask), |(price, _)| price.checked_add(1)).filter(|first| *first <= last_bid);
    let last = ask.map_or(Some(last_bid), |(price, _)| price.checked_sub(1)).filter(|last| *last >= last_ask);
    match (bid, ask, first, last) {
        (_, _, Some(first), Some(last)) if first <= last => (Tie { first, last }.nearest(reference), 0),
        (Some((bid, wanted)), Some((_, offered)), _, _) if wanted == offered => {
            bids.advance();
            asks.advance();
            let first = bids.next.map_or(last_ask, |(next, _)| (next + 1).max(last_ask));
            let last = asks.next.map_or(last_bid, |(next, _)| (next - 1).min(last_bid));
            let price = Tie { first, last }.nearest(reference);
            (price, if price <= bid { wanted as i128 } else { -(offered as i128) })
        }
        (Some((bid, wanted)), Some((_, offered)), _, _) if wanted < offered => (bid, wanted as i128),
        (_, Some((ask, offered)), _, _) => (ask, -(offered as i128)),
        (Some((bid, wanted)), None, _, _) => (bid, wanted as i128),
        (None, None, _, _) => unreachable!("without anything left over every price is without surplus"),
    }
}

impl Tie {
    /// The price nearest to the reference; without one the middle, rounded down.
    fn nearest(&self, reference: Option<Price>) -> i64 {
        let middle = (i128::from(self.first) + i128::from(self.last)).div_euclid(2) as i64;
        reference.map_or(middle, |reference| reference.0.clamp(self.first, self.last))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    type Side = Vec<(i64, u64)>;

    fn run(bids: &[(i64, u64)], asks: &[(i64, u64)], reference: Option<i64>) -> Option<(i64, u128, i128)> {
        let side = |levels: &[(i64, u64)]| {
            levels.iter().map(|(price, lots)| (Price(*price), u128::from(*lots))).collect::<Vec<_>>().into_iter()
        };
        indicative(side(bids), side(asks), reference.map(Price)).map(|at| (at.price.0, at.volume, at.imbalance))
    }

    #[test]
    fn the_largest_volume_decides_first() {
        assert_eq!(run(&[(102, 5), (100, 20)], &[(99, 15), (101, 10)], None), Some((100, 15, 10)));
    }

    #[test]
    fn then_the_smallest_surplus() {
        // 15 lots trade at 99 (10 bids left over) and at 100 (5 left over).
        assert_eq!(run(&[(100, 20), (99, 5)], &[(99, 15)], None), Some((100, 15, 5)));
        assert_eq!(run(&[(101, 15)], &[(99, 10), (100, 10), (101, 7)], None), Some((100, 15, -5)));
    }

    #[test]
    fn then_market_pressure() {
        // Ten lots trade from 95 to 100, five bids left over at each: the highest; mirrored, the lowest.
        assert_eq!(run(&[(100, 15)], &[(95, 10)], Some(97)), Some((100, 10, 5)));
        assert_eq!(run(&[(100, 10)], &[(95, 15)], Some(97)), Some((95, 10, -5)));
    }

    #[test]
    fn then_the_reference_price() {
        let (bids, asks) = ([(100, 10)], [(95, 10)]);
        for (reference, price) in [(Some(97), 97), (Some(90), 95), (Some(110), 100), (None, 97)] {
            assert_eq!(run(&bids, &asks, reference), Some((price, 10, 0)));
        }
    }

    #[test]
    fn an_equal_surplus_on_either_side_goes_by_the_reference() {
        let (bids, asks) = ([(101, 10), (98, 4)], [(97, 10), (99, 4)]);
        assert_eq!(run(&bids, &asks, Some(98)), Some((98, 10, 4)));
        assert_eq!(run(&bids, &asks, Some(120)), Some((101, 10, -4)));
    }

    #[test]
    fn prices_may_lie_between_limits_and_at_the_ends_of_the_range() {
        assert_eq!(run(&[(105, 10), (100, 5)], &[(95, 10), (103, 5)], None), Some((101, 10, 0)));
        assert_eq!(run(&[(i64::MAX, 10)], &[(i64::MIN, 10)], None), Some((-1, 10, 0)));
        assert_eq!(run(&[(i64::MAX, 11)], &[(i64::MAX, 10)], None), Some((i64::MAX, 10, 1)));
        assert_eq!(run(&[(i64::MIN, 10)], &[(i64::MIN, 11)], None), Some((i64::MIN, 10, -1)));
    }

    #[test]
    fn a_price_may_come_twice() {
        assert_eq!(run(&[(100, 15), (100, 7)], &[(95, 10)], None), Some((100, 10, 12)));
        assert_eq!(run(&[(100, 10), (100, 7)], &[(95, 10)], None), Some((100, 10, 7)));
    }

    #[test]
    fn sides_that_do_not_cross_have_no_price() {
        assert_eq!(run(&[(100, 10)], &[(101, 10)], Some(100)), None);
        assert_eq!(run(&[], &[(101, 10)], Some(100)), None);
    }

    /// The four rules over every tick.
    fn by_brute_force(bids: &Side, asks: &Side, reference: Option<i64>) -> Option<(i64, u128, i128)> {
        let sum = |side: &Side, counts: &dyn Fn(i64) -> bool| -> i128 {
            side.iter().filter(|(price, _)| counts(*price)).map(|(_, lots)| i128::from(*lots)).sum()
        };
        let at = |p: i64| (sum(bids, &|bid| bid >= p), sum(asks, &|ask| ask <= p));
        let ticks: Vec<i64> = (-1..45).collect();
        let volume = |p: &i64| at(*p).0.min(at(*p).1);
        let surplus = |p: &i64| at(*p).0 - at(*p).1;
        let most = ticks.iter().map(volume).max()?;
        if most == 0 {
            return None;
        }
        let left: Vec<i64> = ticks.iter().copied().filter(|p| volume(p) == most).collect();
        let least = left.iter().map(|p| surplus(p).abs()).min()?;
        let left: Vec<i64> = left.into_iter().filter(|p| surplus(p).abs() == least).collect();
        let (first, last) = (left[0], left[left.len() - 1]);
        let price = if left.iter().all(|p| surplus(p) > 0) {
            last
        } else if left.iter().all(|p| surplus(p) < 0) {
            first
        } else {
            let nearest = |to: i64| left.iter().copied().min_by_key(|p| (p - to).abs()).unwrap();
            reference.map_or((first + last).div_euclid(2), nearest)
        };
        Some((price, most as u128, surplus(&price)))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_the_four_rules_over_every_tick(
            bids in prop::collection::btree_map(0..40_i64, 1..6_u64, 0..8),
            asks in prop::collection::btree_map(0..40_i64, 1..6_u64, 0..8),
            reference in prop::option::of(-5..50_i64),
        ) {
            let bids: Side = bids.into_iter().rev().collect();
            let asks: Side = asks.into_iter().collect();
            prop_assert_eq!(run(&bids, &asks, reference), by_brute_force(&bids, &asks, reference));
        }
    }
}
