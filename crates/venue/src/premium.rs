//! The premium of a perpetual over its index, as the venue samples it: from the best prices.

use downdraft_margin::funding::{Impact, premium};
use downdraft_types::{MarkPrice, Ppm, Price};

pub use downdraft_margin::funding::PremiumAverage;

/// The premium of the best prices, in mark increments, over the index: what `bid` is above it or `ask` below it, as
/// a part of it, rounded toward zero. A price that is not positive says nothing; `None` while the index is not
/// positive.
///
/// It is the formula of dYdX v4, BitMEX and Binance with an impact notional of zero: depth is not looked at.
pub fn premium_of(bid: MarkPrice, ask: MarkPrice, index: MarkPrice) -> Option<Ppm> {
    // All three are in mark increments, so the scale between them is one.
    premium(Impact::at(Price(bid.0)), Impact::at(Price(ask.0)), index, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_is_compared_with_the_side_it_is_beyond() {
        let of = |bid, ask, index| premium_of(MarkPrice(bid), MarkPrice(ask), MarkPrice(index));
        assert_eq!(of(101, 102, 100), Some(Ppm(10_000)));
        assert_eq!(of(99, 101, 100), Some(Ppm::ZERO));
        assert_eq!(of(97, 98, 100), Some(Ppm(-20_000)));
        assert_eq!(of(2, 4, 7), Some(Ppm(-428_571)), "toward zero");
        assert_eq!(of(10, 11, 7), Some(Ppm(428_571)), "toward zero");
        assert_eq!(of(-5, 4, 8), Some(Ppm(-500_000)));
        assert_eq!(of(1, 2, 0), None);
    }

    #[test]
    fn an_interval_averages_its_samples() {
        let mut average = PremiumAverage::default();
        [10_000, -1, 0].map(Ppm).into_iter().for_each(|premium| average.add(premium));
        assert_eq!(average.average(), Ppm(3_333));
    }
}
