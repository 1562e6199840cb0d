//! Margin from the cost of unwinding, and from a forecast of volatility.

use downdraft_margin::model::predictive::{ByUnwinding, Unwind, by_forecast, unwind};
use downdraft_types::{Money, Ppm, Price, Qty, Side};
use proptest::prelude::*;

const RULE: ByUnwinding =
    ByUnwinding { part: Ppm::ONE, beyond: Ppm(200_000), factor: Ppm(1_500_000), least: Ppm(10_000) };

const BIDS: [(Price, Qty); 3] = [(Price(99), Qty(10)), (Price(98), Qty(10)), (Price(95), Qty(10))];

fn margin(rule: ByUnwinding, side: Side, size: u64, levels: &[(Price, Qty)]) -> Money {
    rule.margin(side, Qty(size), Money(100), Money(1), levels.iter().copied()).unwrap()
}

/// By hand, a long at a mark of 100: 25 lots sell for 990 + 980 + 475, 55 below the mark; half as much again.
#[test]
fn unwinding_by_hand() {
    let walked = unwind(BIDS.into_iter(), Qty(25), Ppm::ONE, Money(1)).unwrap();
    assert_eq!(walked, Unwind { taken: Qty(25), value: Money(2_445), left: Qty(0) });
    assert_eq!(margin(RULE, Side::Buy, 25, &BIDS), Money(83));
    // 32 lots: 30 sell for 80 less, two that nobody takes cost 40: 120 × 1.5.
    assert_eq!(margin(RULE, Side::Buy, 32, &BIDS), Money(180));
    // Half of each level: 5 + 5 + 5 of 20 lots; 40 less, and five left cost 100.
    assert_eq!(margin(ByUnwinding { part: Ppm(500_000), ..RULE }, Side::Buy, 20, &BIDS), Money(210));
    // One lot: 1 × 1.5, rounded up to 2; the least is 1.
    assert_eq!(margin(RULE, Side::Buy, 1, &BIDS), Money(2));
    // A short buys asks; a book better than the mark costs nothing but the least.
    assert_eq!(margin(RULE, Side::Sell, 10, &[(Price(101), Qty(5)), (Price(103), Qty(5))]), Money(30));
    assert_eq!(margin(RULE, Side::Sell, 10, &[(Price(90), Qty(10))]), Money(10));
    assert_eq!(margin(RULE, Side::Buy, 0, &BIDS), Money(0));
    // An empty book.
    assert_eq!(margin(RULE, Side::Buy, 10, &[]), Money(300));
}

/// The same shock with and without: after half of the book is gone the same position needs more.
#[test]
fn a_thinner_book_asks_for_more() {
    let thin = BIDS.map(|(price, qty)| (price, Qty(qty.0 / 2)));
    assert!(margin(RULE, Side::Buy, 25, &thin) > margin(RULE, Side::Buy, 25, &BIDS));
}

#[test]
fn forecasts_by_hand() {
    // 2.33 × 80% × √(1 day ÷ 365) = 9.75663%, rounded up.
    let rate = by_forecast(0.8, 86_400.0, 2.33).unwrap();
    assert_eq!(rate, Ppm(97_567));
    assert_eq!(by_forecast(0.0, 1.0, 2.0).unwrap(), Ppm(0));
    assert_eq!(by_forecast(100.0, 1e9, 3.0).unwrap(), Ppm::ONE);
    assert_eq!(by_forecast(0.5, 0.0, 2.0).unwrap_err().field, "horizon");
}

#[test]
fn wrong_input_is_named() {
    let fails = |rule: ByUnwinding, mark: i128, tick: i128| {
        rule.margin(Side::Buy, Qty(1), Money(mark), Money(tick), BIDS.into_iter()).unwrap_err().field
    };
    assert_eq!(fails(ByUnwinding { part: Ppm(1_000_001), ..RULE }, 1, 1), "part");
    assert_eq!(fails(ByUnwinding { factor: Ppm(-1), ..RULE }, 1, 1), "factor");
    assert_eq!(fails(RULE, 0, 1), "mark_value");
    assert_eq!(fails(RULE, 1, 0), "tick_value");
    let huge = [(Price(i64::MAX), Qty(u64::MAX))];
    let error = unwind(huge.into_iter(), Qty(u64::MAX), Ppm::ONE, Money(1 << 40)).unwrap_err();
    assert_eq!(error.field, "levels");
}

proptest! {
    /// More lots never need less, nor a smaller part of the book; what is taken and left add up.
    #[test]
    fn monotone(
        steps in prop::collection::vec((0..4_i64, 1..30_u64), 0..8), size in 0..150_u64, more in 0..50_u64, part in 1..=1_000_000_i64,
    ) {
        let mut price = 100;
        let levels: Vec<(Price, Qty)> = steps.into_iter().map(|(step, qty)| {
            price -= step;
            (Price(price), Qty(qty))
        }).collect();
        let plain = margin(RULE, Side::Buy, size, &levels);
        prop_assert!(margin(RULE, Side::Buy, size + more, &levels) >= plain);
        // The worst level is above what lies beyond the book, so that less of it is dearer.
        let thin = ByUnwinding { part: Ppm(part), beyond: Ppm(400_000), ..RULE };
        let whole = ByUnwinding { beyond: Ppm(400_000), ..RULE };
        prop_assert!(margin(thin, Side::Buy, size, &levels) >= margin(whole, Side::Buy, size, &levels));
        let walked = unwind(levels.into_iter(), Qty(size), Ppm(part), Money(1)).unwrap();
        prop_assert_eq!(walked.taken.0 + walked.left.0, size);
    }
}
