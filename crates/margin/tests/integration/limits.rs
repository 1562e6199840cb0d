//! What is refused at listing, and the largest instrument that is not.

use crate::world::{A, CAPACITY, CASH, FIRST, HOUSE, cross, engine, perpetual, position, tier, trade};
use downdraft_margin::{AdlPolicy, Eligibility, InstrumentSpec, ListingError, MaintenanceBasis, Margin, Socialising};
use downdraft_types::{CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};

fn list(spec: InstrumentSpec) -> Result<(), ListingError> {
    Margin::with_capacity(CAPACITY).list(FIRST, &spec)
}

#[test]
fn refused_listings() {
    let spec = || perpetual(10_000, 100_000);
    let tiers = |tiers: &[_]| list(InstrumentSpec { tiers: tiers.to_vec(), ..spec() });
    assert_eq!(list(spec()), Ok(()));
    assert_eq!(list(InstrumentSpec { mark_scale: 0, ..spec() }), Err(ListingError::NotPositive));
    assert_eq!(list(InstrumentSpec { point_value: 0, ..spec() }), Err(ListingError::NotPositive));
    assert_eq!(list(InstrumentSpec { max_price: Price(0), ..spec() }), Err(ListingError::NotPositive));
    assert_eq!(list(InstrumentSpec { max_order: Qty(0), ..spec() }), Err(ListingError::NotPositive));
    assert_eq!(list(InstrumentSpec { max_position: Qty(0), ..spec() }), Err(ListingError::NotPositive));
    assert_eq!(list(InstrumentSpec { settlement: CurrencyId(1), ..spec() }), Err(ListingError::CapacityReached));
    assert_eq!(list(InstrumentSpec { taker_fee: Ppm(1_000_001), ..spec() }), Err(ListingError::RateOutOfRange));
    assert_eq!(list(InstrumentSpec { close_fee: Ppm(90_001), ..spec() }), Err(ListingError::RateOutOfRange));
    assert_eq!(list(InstrumentSpec { close_fee: Ppm(i64::MAX), ..spec() }), Err(ListingError::RateOutOfRange));
    assert_eq!(tiers(&[]), Err(ListingError::TiersNotRising));
    assert_eq!(tiers(&[tier(1, 0, 0)]), Err(ListingError::TiersNotRising));
    assert_eq!(tiers(&[tier(0, 0, 0), tier(0, 0, 0)]), Err(ListingError::TiersNotRising));
    assert_eq!(tiers(&[tier(0, 2, 2), tier(1, 1, 2)]), Err(ListingError::TiersNotRising));
    assert_eq!(tiers(&[tier(0, 2, 1)]), Err(ListingError::RateOutOfRange));
    assert_eq!(tiers(&[tier(0, 1_000_000, 1_000_000)]), Err(ListingError::RateOutOfRange));
    assert_eq!(tiers(&[tier(0, 0, 0), tier(i128::MAX, 0, 0)]), Err(ListingError::RateOutOfRange));
    let many: Vec<_> = (0..=64).map(|n| tier(n, 0, 0)).collect();
    assert_eq!((tiers(&many[..64]), tiers(&many)), (Ok(()), Err(ListingError::CapacityReached)));
    let mut margin = engine(&[spec()]);
    assert_eq!(margin.list(FIRST, &spec()), Err(ListingError::AlreadyListed));
    assert_eq!(margin.list(InstrumentId(9), &spec()), Err(ListingError::CapacityReached));
    assert_eq!(margin.set_tiers(FIRST, &[]), Err(ListingError::TiersNotRising));
}

/// Powers of two of price, size and value at the bounds: with 16 positions, sizes below 2^59, and the product at
/// most 2^95.
fn largest() -> Vec<InstrumentSpec> {
    let bounds = [(30, 58, 7), (30, 40, 25), (61, 31, 3), (1, 1, 62), (0, 58, 37), (61, 1, 33)];
    let spec = |(price, size, value): (u32, u32, u32)| InstrumentSpec {
        max_price: Price(1 << price),
        max_order: Qty(1 << size),
        max_position: Qty(1 << size),
        point_value: 1 << value,
        taker_fee: Ppm(1_000_000),
        tiers: vec![tier(0, 5_000, 10_000), tier(1_000, 400_000, 500_000)],
        ..perpetual(0, 0)
    };
    bounds.map(spec).to_vec()
}

#[test]
fn past_the_bound_a_listing_is_refused() {
    let listed = InstrumentSpec { max_price: Price(1 << 30), max_position: Qty(1 << 58), ..perpetual(0, 0) };
    assert_eq!(list(InstrumentSpec { mark_scale: 128, ..listed.clone() }), Ok(()));
    assert_eq!(list(InstrumentSpec { mark_scale: 256, ..listed.clone() }), Err(ListingError::TooLarge));
    assert_eq!(list(InstrumentSpec { point_value: 128, ..listed.clone() }), Ok(()));
    assert_eq!(list(InstrumentSpec { point_value: 256, ..listed.clone() }), Err(ListingError::TooLarge));
    assert_eq!(list(InstrumentSpec { max_price: Price(i64::MAX), ..listed.clone() }), Err(ListingError::TooLarge));
    assert_eq!(list(InstrumentSpec { max_order: Qty(u64::MAX), ..listed.clone() }), Err(ListingError::TooLarge));
    for lots in [1 << 59, u64::MAX] {
        assert_eq!(list(InstrumentSpec { max_position: Qty(lots), ..listed.clone() }), Err(ListingError::TooLarge));
    }
}

/// Everything the engine computes, on the largest position at the largest marks of both signs, does not overflow.
#[test]
fn the_largest_position_is_computed_exactly() {
    for basis in [MaintenanceBasis::Mark, MaintenanceBasis::Entry] {
        for spec in largest() {
            for long in [true, false] {
                stress(&InstrumentSpec { maintenance_basis: basis, ..spec.clone() }, long);
            }
        }
    }
}

fn stress(spec: &InstrumentSpec, long: bool) {
    let mut margin = engine(std::slice::from_ref(spec));
    let lots = i64::try_from(spec.max_position.0).unwrap() * if long { 1 } else { -1 };
    let value = margin.instrument(FIRST).trade_value(spec.max_position, spec.max_price);
    margin.set_mark(FIRST, margin.instrument(FIRST).to_mark(spec.max_price));
    margin.deposit(A, CASH, Money(1 << 100)).unwrap();
    let side = if long { Side::Buy } else { Side::Sell };
    margin.check_order(A, FIRST, side, spec.max_position, spec.max_price).unwrap();
    trade(&mut margin, A, FIRST, lots, value.0);
    let largest = margin.instrument(FIRST).largest_mark();
    for mark in [largest, MarkPrice(0), -largest, MarkPrice(1)] {
        margin.set_mark(FIRST, mark);
        margin.end_liquidation(cross(A));
        margin.check_risk_index();
        let _ = margin.liquidation_price(A, FIRST);
        let all = margin.bankruptcy_value(A, FIRST, spec.max_position);
        assert_eq!(margin.over_bankruptcy(A, FIRST, spec.max_position, all), Money::ZERO);
        let _ = margin.fillable_value(A, FIRST, spec.max_position, Ppm(2_000_000), Ppm::ONE);
        let _ = (margin.above_tier(A, FIRST), margin.lots_to_cover(A, FIRST, Ppm(0)), margin.free(A, CASH));
        let policy = AdlPolicy { profitable_only: false, ..AdlPolicy::default() };
        margin.plan_deleveraging(HOUSE, FIRST, side.opposite(), spec.max_position, Eligibility::Policy(policy, all));
        margin.plan_socialising(HOUSE, FIRST, Money(1 << 100), Socialising::Winners);
        margin.plan_socialising(HOUSE, FIRST, Money(1 << 100), Socialising::Holders);
        margin.pay_funding(FIRST, Ppm::ONE, |_, _| {});
        margin.pay_funding(FIRST, -Ppm::ONE, |_, _| {});
    }
    // In thirds, so that the products with the cost are formed.
    let third = lots / 3;
    for part in [third, third, lots - 2 * third].into_iter().filter(|part| *part != 0) {
        trade(&mut margin, A, FIRST, -part, value.0 / 3);
    }
    assert_eq!(position(&margin, A), (0, 0));
    assert_eq!(crate::world::imbalance(&margin), 0);
}

#[test]
#[should_panic(expected = "a mark in range")]
fn a_mark_past_its_range_is_a_callers_mistake() {
    let mut margin = engine(&[perpetual(0, 0)]);
    margin.set_mark(FIRST, MarkPrice(i64::MIN));
}
