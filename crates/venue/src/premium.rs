//! The premium of a perpetual over its index, as the venue samples it from its book.

use downdraft_book::Book;
use downdraft_margin::funding::{Impact, premium};
use downdraft_types::{MarkPrice, Money, Ppm, Side};

pub use downdraft_margin::funding::PremiumAverage;

/// The premium of a book over `index`: what its impact bid is above it or its impact ask below it, as a part of it,
/// rounded toward zero. `impact` money is traded to find those prices, at `tick_value` money per tick per lot; with none
/// they are the best prices, and both must be there. A side that holds less says nothing. `None` without an index, or
/// while it is not positive.
pub fn premium_of_book(
    book: &Book,
    impact: Money,
    tick_value: Money,
    index: Option<MarkPrice>,
    mark_scale: u32,
) -> Option<Ppm> {
    if impact.is_zero() && (book.best_bid().is_none() || book.best_ask().is_none()) {
        return None;
    }
    let of = |side| Impact::of(book.depth(side).map(|level| (level.price, level.qty)), impact, tick_value);
    premium(of(Side::Buy), of(Side::Sell), index?, mark_scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_book::{BookCapacity, NewOrder, TradeAll};
    use downdraft_types::{Price, Qty};

    fn book(bids: &[(i64, u64)], asks: &[(i64, u64)]) -> Book {
        let mut book = Book::with_capacity(BookCapacity::new(16, 16));
        for (side, levels) in [(Side::Buy, bids), (Side::Sell, asks)] {
            for (price, qty) in levels {
                book.submit(&NewOrder::limit(side, Qty(*qty), Price(*price), 1), &mut TradeAll).expect("room");
            }
        }
        book
    }

    fn best(bid: i64, ask: i64, index: i64) -> Option<Ppm> {
        premium_of_book(&book(&[(bid, 1)], &[(ask, 1)]), Money::ZERO, Money(1), Some(MarkPrice(index)), 1)
    }

    #[test]
    fn the_index_is_compared_with_the_side_it_is_beyond() {
        assert_eq!(best(101, 102, 100), Some(Ppm(10_000)));
        assert_eq!(best(99, 101, 100), Some(Ppm::ZERO));
        assert_eq!(best(97, 98, 100), Some(Ppm(-20_000)));
        assert_eq!(best(2, 4, 7), Some(Ppm(-428_571)), "toward zero");
        assert_eq!(best(10, 11, 7), Some(Ppm(428_571)), "toward zero");
        assert_eq!(best(-5, 4, 8), Some(Ppm(-500_000)));
        assert_eq!(best(1, 2, 0), None);
        let one_sided = book(&[(101, 1)], &[]);
        assert_eq!(premium_of_book(&one_sided, Money::ZERO, Money(1), Some(MarkPrice(100)), 1), None);
    }

    /// dydx.premium.index_above_impact_ask, in tenths: 5,000 dollars buy at more than the best ask.
    #[test]
    fn depth_is_walked_for_the_impact_price() {
        let book = book(&[(99_990, 10)], &[(100_010, 1), (100_015, 1), (100_020, 10)]);
        let of = |impact| premium_of_book(&book, Money(impact), Money(1), Some(MarkPrice(100_030)), 1);
        assert_eq!((of(500_000), of(0)), (Some(Ppm(-129)), Some(Ppm(-199))));
        assert_eq!(of(1 << 60), Some(Ppm::ZERO), "no side holds that much");
    }

    #[test]
    fn an_interval_averages_its_samples() {
        let mut average = PremiumAverage::default();
        [10_000, -1, 0].map(Ppm).into_iter().for_each(|premium| average.add(premium));
        assert_eq!(average.average(), Ppm(3_333));
    }
}
