//! What a contract is worth: how size and price become money.
//!
//! A *linear* contract of `s` lots is worth `s × mark × point value`, an *inverse* one, which promises an amount of
//! quote currency and is settled in the coin, `−s × point value ÷ mark`: a linear contract in the negated reciprocal
//! of the price. Both rise with the mark for a long and fall for a short, so that cost, profit, margin and bankruptcy
//! are one arithmetic of values, and only this file knows how a value follows from a price.

use downdraft_types::arith::{ceil_div, floor_div, mul_div_ceil};
use downdraft_types::{Lots, MarkPrice, Money, Ppm, Price, Qty, Side};

/// How a contract's value depends on its price.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Payoff {
    /// In proportion to the price. With a settlement currency other than the quote's, and so a fixed exchange rate
    /// within the point value, it is a *quanto*.
    #[default]
    Linear,
    /// In proportion to −1 ÷ price: margined and settled in the coin that is traded (Bybit inverse, BitMEX XBTUSD,
    /// Binance COIN-M, Deribit). Prices are positive.
    ///
    /// Source: Bybit, *P&L calculations (inverse contract)*: `contracts × (1 ÷ entry − 1 ÷ exit)`.
    Inverse,
}

impl Payoff {
    /// A notional, positive where prices are, as the value of a trade; and the reverse.
    #[must_use]
    pub const fn of_notional(self, notional: Money) -> Money {
        match self {
            Self::Linear => notional,
            Self::Inverse => Money(notional.0.saturating_neg()),
        }
    }
}

/// A contract's payoff with its scales: all that valuing it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Valuation {
    /// How value depends on price.
    pub payoff: Payoff,
    /// Mark increments per tick, at least 1.
    pub mark_scale: u32,
    /// Money (smallest units) per mark increment per lot; of an inverse contract money × mark increments per lot.
    pub point_value: u64,
}

impl Valuation {
    /// Signed value of `size` lots at `mark`: what they would cost there. Of an inverse contract it is rounded down,
    /// which for longs and shorts alike is against who holds them; of a linear one it is exact.
    ///
    /// An inverse contract has no value at zero: a mark below 1 counts as 1.
    #[inline]
    #[must_use]
    pub fn value_at(self, size: Lots, mark: MarkPrice) -> Money {
        let face = i128::from(size.0) * i128::from(self.point_value);
        match self.payoff {
            Payoff::Linear => Money(face * i128::from(mark.0)),
            Payoff::Inverse => Money(floor_div(-face, i128::from(mark.0.max(1)))),
        }
    }

    /// What the buyer of `qty` lots pays at `price`, and the seller receives: the same amount on both sides. Of an
    /// inverse contract it is negative, and rounded down: the buyer gains the fraction of a unit.
    #[inline]
    #[must_use]
    pub fn trade_value(self, qty: Qty, price: Price) -> Money {
        let (lots, scale) = (i128::from(qty.0), i128::from(self.mark_scale));
        let face = lots * i128::from(self.point_value);
        match self.payoff {
            Payoff::Linear => Money(face * i128::from(price.0) * scale),
            Payoff::Inverse => Money(floor_div(-face, i128::from(price.0.max(1)) * scale)),
        }
    }

    /// The trade value of `qty` lots held on `held` at which closing them realises just what they are valued at.
    #[must_use]
    pub fn closing_value(self, held: Side, qty: Qty, mark: MarkPrice) -> Money {
        let value = self.value_at(held.signed(qty), mark);
        if held == Side::Buy { value } else { -value }
    }

    /// The largest absolute value of `qty` lots at any legal price up to `max_price`. `None` past 128 bits.
    #[must_use]
    pub fn largest_value(self, qty: Qty, max_price: Price) -> Option<Money> {
        let face = i128::from(qty.0).checked_mul(i128::from(self.point_value))?;
        let at = match self.payoff {
            Payoff::Linear => i128::from(max_price.0).checked_mul(i128::from(self.mark_scale))?,
            Payoff::Inverse => 1,
        };
        face.checked_mul(at).map(Money)
    }

    /// The smallest price that the contract can have, where there is one.
    #[must_use]
    pub const fn smallest_price(self) -> Option<Price> {
        match self.payoff {
            Payoff::Linear => None,
            Payoff::Inverse => Some(Price(1)),
        }
    }

    /// The limit of an order of `qty` lots on `side` that is to be worth `value` in all: the price no worse for the
    /// taker than that, rounded to the tick; the end of all prices where none is.
    #[must_use]
    pub fn price_of(self, qty: Qty, value: Money, side: Side) -> Price {
        let face = i128::from(qty.0) * i128::from(self.point_value);
        let scale = i128::from(self.mark_scale);
        let ticks = match (self.payoff, side) {
            (Payoff::Linear, Side::Buy) => floor_div(value.0, face * scale),
            (Payoff::Linear, Side::Sell) => ceil_div(value.0, face * scale),
            // A buyer may pay any price for what is worth nothing; a seller finds none.
            (Payoff::Inverse, _) if value.0 >= 0 => i128::MAX,
            (Payoff::Inverse, side) => {
                // Past 128 bits the price is below a tick, as it is at their end.
                let per_tick = value.0.saturating_neg().saturating_mul(scale);
                if side == Side::Buy { floor_div(face, per_tick) } else { ceil_div(face, per_tick) }
            }
        };
        let bound = if ticks < 0 { i64::MIN } else { i64::MAX };
        Price(i64::try_from(ticks).unwrap_or(bound))
    }

    /// The first mark at which `size` lots are worth at most `value`: the highest such for a long, the lowest for a
    /// short. `None` when flat, or where no legal mark is.
    #[must_use]
    pub fn mark_at_most(self, size: Lots, value: i128) -> Option<i64> {
        let face = i128::from(size.quantity().0) * i128::from(self.point_value);
        let mark = match (self.payoff, size.0.signum()) {
            (_, 0) => return None,
            (Payoff::Linear, 1) => floor_div(value, face),
            (Payoff::Linear, _) => ceil_div(-value, face),
            // ⌊−face ÷ m⌋ ≤ value: everywhere from −1 up, otherwise where face ÷ m > −value − 1.
            (Payoff::Inverse, 1) if value >= -1 => i128::from(i64::MAX),
            (Payoff::Inverse, 1) => (ceil_div(face, -value - 1) - 1).min(i128::from(i64::MAX)),
            // ⌊face ÷ m⌋ ≤ value: nowhere below 0, otherwise where face ÷ m < value + 1.
            (Payoff::Inverse, _) if value < 0 => return None,
            (Payoff::Inverse, _) => floor_div(face, value + 1) + 1,
        };
        let legal = self.payoff == Payoff::Linear || mark >= 1;
        i64::try_from(mark).ok().filter(|_| legal)
    }

    /// What `size` lots pay (negative: receive) at a funding rate, `⌈notional × rate⌉` with the sign of the size, from
    /// the unrounded notional: who pays bears the fraction of a unit and who receives forgoes it, so that over
    /// positions that sum to zero the residue is never negative.
    #[must_use]
    pub fn funding(self, size: Lots, mark: MarkPrice, rate: Ppm) -> Money {
        let face = i128::from(size.0) * i128::from(self.point_value);
        let one = i128::from(Ppm::ONE.0);
        match self.payoff {
            Payoff::Linear => Money(mul_div_ceil(face * i128::from(mark.0), rate.0.into(), one)),
            Payoff::Inverse => Money(mul_div_ceil(face, rate.0.into(), one * i128::from(mark.0.max(1)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One lot is a dollar, a tick half a dollar, money a satoshi: 10^8 × 2 per lot.
    const COIN: Valuation = Valuation { payoff: Payoff::Inverse, mark_scale: 1, point_value: 200_000_000 };

    #[test]
    fn an_inverse_contract_gains_the_difference_of_reciprocals() {
        // 10,000 dollars from 10,000 to 12,500: 1 − 0.8 coins.
        let bought = COIN.trade_value(Qty(10_000), Price(20_000));
        assert_eq!(bought, Money(-100_000_000));
        assert_eq!(COIN.value_at(Lots(10_000), MarkPrice(25_000)) - bought, Money(20_000_000));
        assert_eq!(COIN.value_at(Lots(-10_000), MarkPrice(25_000)) + bought, Money(-20_000_000));
    }

    #[test]
    fn values_are_rounded_against_the_holder() {
        let coin = Valuation { point_value: 10, ..COIN };
        assert_eq!(coin.value_at(Lots(1), MarkPrice(3)), Money(-4));
        assert_eq!(coin.value_at(Lots(-1), MarkPrice(3)), Money(3));
        assert_eq!(coin.closing_value(Side::Buy, Qty(1), MarkPrice(3)), Money(-4));
        assert_eq!(coin.closing_value(Side::Sell, Qty(1), MarkPrice(3)), Money(-3));
        assert_eq!(coin.value_at(Lots(1), MarkPrice(0)), coin.value_at(Lots(1), MarkPrice(1)));
    }

    #[test]
    fn a_limit_is_no_worse_than_the_value_asked() {
        for qty in [1, 3, 1_000] {
            for value in [-1, -17, -1_000, -123_456_789] {
                let worth = |price: i64| COIN.trade_value(Qty(qty), Price(price)).0;
                let buy = COIN.price_of(Qty(qty), Money(value), Side::Buy).0;
                assert!(worth(buy) <= value, "{qty} {value}");
                let sell = COIN.price_of(Qty(qty), Money(value), Side::Sell).0;
                assert!(worth(sell) >= value, "{qty} {value}");
                assert!(sell == 1 || worth(sell - 1) < value, "{qty} {value}: the lowest such");
            }
        }
        let fine = Valuation { mark_scale: u32::MAX, ..COIN };
        let all = Money(-(1 << 100));
        let prices = [Side::Buy, Side::Sell].map(|side| fine.price_of(Qty(1), all, side));
        assert_eq!(prices, [Price(0), Price(1)], "a value past 128 bits a tick");
        assert_eq!(COIN.price_of(Qty(1), Money(0), Side::Sell), Price(i64::MAX));
        assert_eq!(COIN.price_of(Qty(1), Money(5), Side::Buy), Price(i64::MAX));
    }

    #[test]
    fn the_first_mark_is_the_first() {
        let linear = Valuation { payoff: Payoff::Linear, mark_scale: 1, point_value: 7 };
        let coin = Valuation { payoff: Payoff::Inverse, mark_scale: 1, point_value: 1_000 };
        for terms in [linear, coin] {
            for size in [-9_i64, -1, 1, 4] {
                for value in (-3_000..3_000).step_by(7) {
                    let worth = |mark: i64| terms.value_at(Lots(size), MarkPrice(mark)).0;
                    let Some(mark) = terms.mark_at_most(Lots(size), value) else {
                        let marks = if terms.payoff == Payoff::Linear { -5_000..5_000 } else { 1..5_000 };
                        assert!(marks.into_iter().all(|mark| worth(mark) > value), "{terms:?} {size} {value}");
                        continue;
                    };
                    assert!(worth(mark) <= value, "{terms:?} {size} {value}: {mark}");
                    let before = mark.saturating_add(size.signum());
                    let legal = terms.payoff == Payoff::Linear || (before >= 1 && mark < i64::MAX);
                    assert!(!legal || worth(before) > value, "{terms:?} {size} {value}: {mark} is not the first");
                }
            }
        }
    }

    #[test]
    fn funding_leaves_a_residue_that_is_not_negative() {
        for rate in [-777, -1, 1, 100, 9_999] {
            for mark in [1, 3, 7, 12_345] {
                let due = |size| COIN.funding(Lots(size), MarkPrice(mark), Ppm(rate)).0;
                let residue = due(10) + due(-7) + due(-3);
                assert!((0..3).contains(&residue), "{rate} {mark}: {residue}");
                assert!(rate < 0 || due(10) > 0, "longs pay a positive rate");
            }
        }
    }
}
