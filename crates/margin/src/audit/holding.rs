//! The auditor's own arithmetic of positions. It is written out here, on plain integers, so that an error in
//! settlement cannot also be an error in its audit.

use super::Fault;

/// A position and, if isolated, its margin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Holding {
    /// Lots: positive long.
    pub(super) size: i64,
    /// Sum of what was paid to open it: positive long, negative short. Zero when flat.
    pub(super) cost: i128,
    /// Isolated margin.
    pub(super) margin: i128,
    /// Isolated, or cross.
    pub(super) isolated: bool,
}

impl Holding {
    /// The holding after trading `change` lots worth `value`, and what that realises.
    ///
    /// The part that closes `c` of `s` lots releases `ceil(cost × c ÷ s)` of the signed cost, so the holder bears
    /// the fraction of a unit. Where a trade goes on to open the other way, the closing part of it has
    /// `floor(value × c ÷ traded)` of its value.
    pub(super) fn traded(self, change: i64, value: i128) -> Result<(Self, i128), Fault> {
        let value = bounded(value)?;
        let (traded, held) = (change.unsigned_abs(), self.size.unsigned_abs());
        let opposite = (self.size < 0) != (change < 0);
        let closed = if self.size != 0 && opposite { traded.min(held) } else { 0 };
        let closed_value = share_down(value, closed, traded).ok_or(Fault::Overflow)?;
        let released = share_up(self.cost, closed, held).ok_or(Fault::Overflow)?;
        let signed = |value: i128| if change < 0 { -value } else { value };
        let realised = -signed(closed_value) - released;
        let opened = signed(value - closed_value);
        let next = Self {
            size: self.size.checked_add(change).ok_or(Fault::Overflow)?,
            cost: bounded(self.cost - released + opened)?,
            ..self
        };
        Ok((next, realised))
    }
}

/// An amount the auditor will add up: below 2^120, so that sums and differences of a few cannot overflow.
pub(super) fn bounded(amount: i128) -> Result<i128, Fault> {
    if amount.unsigned_abs() < 1 << 120 { Ok(amount) } else { Err(Fault::Overflow) }
}

/// `total × part ÷ whole` rounded toward minus infinity, for `part <= whole`; nothing of nothing.
fn share_down(total: i128, part: u64, whole: u64) -> Option<i128> {
    if part == whole {
        return Some(total);
    }
    // total = q × whole + r: only r × part needs dividing, and it is below 2^128.
    let (q, r) = (total.div_euclid(i128::from(whole)), total.rem_euclid(i128::from(whole)));
    let rest = r.unsigned_abs() * u128::from(part) / u128::from(whole);
    q.checked_mul(i128::from(part))?.checked_add(i128::try_from(rest).ok()?)
}

/// As [`share_down`], rounded toward plus infinity.
fn share_up(total: i128, part: u64, whole: u64) -> Option<i128> {
    share_down(total.checked_neg()?, part, whole)?.checked_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holding(size: i64, cost: i128) -> Holding {
        Holding { size, cost, ..Holding::default() }
    }

    #[test]
    fn shares_round_as_they_say() {
        assert_eq!((share_down(-7, 1, 2), share_up(-7, 1, 2)), (Some(-4), Some(-3)));
        assert_eq!((share_down(7, 1, 2), share_up(7, 1, 2)), (Some(3), Some(4)));
        assert_eq!((share_down(0, 0, 0), share_up(9, 3, 3)), (Some(0), Some(9)));
        let big = i128::MAX / 2;
        assert_eq!(share_down(big, u64::MAX - 1, u64::MAX).map(|n| n < big), Some(true));
    }

    #[test]
    fn closing_a_third_of_ten_releases_four_of_a_long_and_three_of_a_short() {
        assert_eq!(holding(3, 10).traded(-1, 5), Ok((holding(2, 6), 1)));
        assert_eq!(holding(-3, -10).traded(1, 5), Ok((holding(-2, -7), -2)));
    }

    #[test]
    fn a_flip_closes_at_the_floor_of_its_share() {
        // 3 of 5 lots close the short, worth floor(17 × 3 ÷ 5) = 10; two open at 7.
        assert_eq!(holding(-3, -12).traded(5, 17), Ok((holding(2, 7), 2)));
        assert_eq!(holding(3, 12).traded(-5, 17), Ok((holding(-2, -7), -2)));
    }

    #[test]
    fn a_full_close_releases_everything() {
        assert_eq!(holding(7, 1_003).traded(-7, 990), Ok((holding(0, 0), -13)));
        assert_eq!(holding(i64::MAX, 1).traded(1, 1), Err(Fault::Overflow));
    }

    proptest::proptest! {
        /// Whatever was rounded on the way, a position that ends flat has realised what its trades paid in.
        #[test]
        fn rounding_leaves_nothing(trades in proptest::collection::vec((-9_i64..10, -99_i128..100), 1..40)) {
            let (mut holding, mut realised, mut paid) = (Holding::default(), 0, 0);
            let mut trade = |change: i64, value: i128| {
                let (next, profit) = holding.traded(change, value).unwrap();
                paid += if change < 0 { -value } else { value };
                realised += profit;
                holding = next;
                holding
            };
            let mut size = 0;
            for (change, value) in trades {
                if change != 0 {
                    size = trade(change, value).size;
                }
            }
            if size != 0 {
                trade(-size, 12_345);
            }
            proptest::prop_assert_eq!((holding.size, holding.cost, realised), (0, 0, -paid));
        }
    }
}
