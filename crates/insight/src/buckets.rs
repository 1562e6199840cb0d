//! Buckets of prices, for prices that come in order: most fall into the bucket of the one before, which costs two
//! comparisons instead of a division.

/// Buckets of one width: number `n` holds the prices from `n × width` up to, not including, `(n + 1) × width`.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    width: i64,
    /// The last bucket found, and its first price and last one.
    last: i64,
    first_price: i64,
    last_price: i64,
}

impl Buckets {
    /// Buckets of a width from 1 up.
    pub(crate) const fn of_width(width: i64) -> Self {
        assert!(width > 0, "a bucket has a width");
        Self { width, last: 0, first_price: 0, last_price: width - 1 }
    }

    /// The bucket of a price.
    #[inline]
    pub(crate) const fn of(&mut self, price: i64) -> i64 {
        if price < self.first_price || price > self.last_price {
            self.last = price.div_euclid(self.width);
            // At the end of all prices a bucket may begin before the first or end after the last of them.
            self.first_price = self.last.saturating_mul(self.width);
            let into = price.rem_euclid(self.width);
            self.last_price = price.saturating_add(self.width - 1 - into);
        }
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_quotient_rounded_down(
            prices in prop::collection::vec(prop_oneof![-50_i64..50, any::<i64>(), Just(i64::MIN), Just(i64::MAX)], 1..60),
            width in prop_oneof![1_i64..20, 1..=i64::MAX],
        ) {
            let mut buckets = Buckets::of_width(width);
            for price in prices {
                prop_assert_eq!(buckets.of(price), price.div_euclid(width), "{}", price);
            }
        }
    }
}
