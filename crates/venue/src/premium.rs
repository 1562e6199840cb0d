//! The premium of a perpetual: sampled from the book, averaged over the interval, turned into a funding rate.

use crate::policy::FundingPolicy;
use downdraft_margin::funding::{Average, Impact, premium, rate};
use downdraft_types::{MarkPrice, Money, Ppm, Price, Qty};

/// What a sample needs to know of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PremiumTerms {
    /// How much money the impact prices trade; zero: the best prices.
    pub impact_notional: Money,
    /// Money per tick per lot.
    pub tick_value: Money,
    /// Mark increments per tick.
    pub mark_scale: u32,
}

/// The premiums of the present interval.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct PremiumMaker {
    average: Average,
}

impl PremiumMaker {
    /// Samples the book's premium over the index; `bids` and `asks` are levels from the best outward. A side that
    /// holds less than the impact notional says nothing; without a positive index there is no sample. The premium
    /// sampled is returned.
    pub fn sample(
        &mut self,
        bids: impl Iterator<Item = (Price, Qty)>,
        asks: impl Iterator<Item = (Price, Qty)>,
        index: MarkPrice,
        terms: &PremiumTerms,
    ) -> Option<Ppm> {
        let bid = Impact::of(bids, terms.impact_notional, terms.tick_value);
        let ask = Impact::of(asks, terms.impact_notional, terms.tick_value);
        let sampled = premium(bid, ask, index, terms.mark_scale)?;
        self.average.add(sampled);
        Some(sampled)
    }

    /// The rate if the interval ended now, from the mean of its samples (zero without one).
    #[must_use]
    pub fn predicted(&self, policy: &FundingPolicy) -> Ppm {
        rate(self.average.mean(), policy.interest, policy.damper, policy.cap)
    }

    /// Ends the interval: its rate. The next starts without samples.
    pub fn close(&mut self, policy: &FundingPolicy) -> Ppm {
        let rate = self.predicted(policy);
        *self = Self::default();
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use downdraft_types::Span;

    #[test]
    fn an_interval() {
        let interval = Span::from_secs(28_800);
        let (interest, damper, cap) = (Ppm(100), Ppm(500), Ppm(7_500));
        let policy = FundingPolicy { interval, sample: Span::from_secs(60), interest, damper, cap };
        let terms = PremiumTerms { impact_notional: Money(2_000), tick_value: Money(1), mark_scale: 10 };
        let mut maker = PremiumMaker::default();
        assert_eq!(maker.predicted(&policy), interest);
        let level = |price, qty| std::iter::once((Price(price), Qty(qty)));
        // The bid is 1% above the index; the second time it is too thin.
        assert_eq!(maker.sample(level(1_010, 2), level(1_020, 2), MarkPrice(10_000), &terms), Some(Ppm(10_000)));
        assert_eq!(maker.sample(level(1_010, 1), level(1_020, 2), MarkPrice(10_000), &terms), Some(Ppm::ZERO));
        assert_eq!(maker.sample(level(1_010, 1), level(1_020, 2), MarkPrice(0), &terms), None);
        assert_eq!(maker.predicted(&policy), Ppm(5_000 - 500));
        assert_eq!(maker.close(&policy), Ppm(4_500));
        assert_eq!(maker.close(&policy), interest);
    }
}
