//! Liquidation and bankruptcy prices over tiers: by hand, and against halving the definition.

use downdraft_margin::model::liquidation::{Basis, Contract, Direction, Holding, inverse_bankruptcy_with_fee, to_tick};
use downdraft_margin::model::standard::SizeScaled;
use downdraft_margin::model::tiers::{Tier, Tiers, amounts};
use downdraft_types::{Money, Ppm, Qty};
use proptest::prelude::*;

const fn tier(floor: f64, rate: f64) -> Tier {
    Tier { floor, rate, amount: 0.0 }
}

fn three() -> [Tier; 3] {
    let mut tiers = [tier(0.0, 0.005), tier(50_000.0, 0.01), tier(250_000.0, 0.025)];
    amounts(&mut tiers).unwrap();
    tiers
}

/// By hand: 10 units long at 10,000 with 15,000: in the second tier (50,000 to 250,000; 1% less 250) at
/// 10(P − 10000) + 15000 = 0.1P − 250, P = 84750 ÷ 9.9.
#[test]
fn linear_by_hand() {
    let tiers = three();
    assert_eq!(tiers[1].amount, 250.0);
    assert!((tiers[2].amount - 4_000.0).abs() < 1e-9);
    let tiers = Tiers::new(&tiers).unwrap();
    let holding = Holding::linear(Direction::Long, 10.0, 10_000.0, 15_000.0, tiers);
    assert!((holding.price().unwrap().unwrap() - 84_750.0 / 9.9).abs() < 1e-9);
    assert!((holding.bankruptcy_price().unwrap().unwrap() - 8_500.0).abs() < 1e-9);
    // Short: 10(10000 − P) + 15000 = 0.1P − 250, P = 115250 ÷ 10.1.
    let short = Holding { direction: Direction::Short, ..holding };
    assert!((short.price().unwrap().unwrap() - 115_250.0 / 10.1).abs() < 1e-9);
    assert!((short.bankruptcy_price().unwrap().unwrap() - 11_500.0).abs() < 1e-9);
    // So much money that no price reaches a long.
    assert_eq!(Holding { available: 200_000.0, ..holding }.price().unwrap(), None);
}

/// By hand, coins: 30,000 dollars long at 30,000 with 0.1 coin, 0.4% at the mark:
/// 0.1 + 1 − 30000/P = 0.004 × 30000/P, P = 30120 ÷ 1.1. A short of all its coins cannot be liquidated by a rise.
#[test]
fn inverse_by_hand() {
    let tiers = [tier(0.0, 0.004)];
    let tiers = Tiers::new(&tiers).unwrap();
    let plain = Holding::linear(Direction::Long, 30_000.0, 30_000.0, 0.1, tiers);
    let long = Holding { contract: Contract::Inverse, ..plain };
    assert!((long.price().unwrap().unwrap() - 30_120.0 / 1.1).abs() < 1e-8);
    assert!((long.bankruptcy_price().unwrap().unwrap() - 30_000.0 / 1.1).abs() < 1e-8);
    let short = Holding { direction: Direction::Short, ..long };
    // 0.1 + 30000/P − 1 = 120/P, P = 29880 ÷ 0.9.
    assert!((short.price().unwrap().unwrap() - 29_880.0 / 0.9).abs() < 1e-8);
    assert_eq!(Holding { available: 1.0, ..short }.price().unwrap(), None);
    let fee = |direction| inverse_bankruptcy_with_fee(direction, 30_000.0, 30_000.0, 0.1, 0.001).unwrap().unwrap();
    assert!((fee(Direction::Long) - 30_030.0 / 1.1).abs() < 1e-8);
    assert!((fee(Direction::Short) - 29_970.0 / 0.9).abs() < 1e-8);
}

#[test]
fn ticks_come_first() {
    assert_eq!(to_tick(Direction::Long, 100.1, 0.5).unwrap(), 100.5);
    assert_eq!(to_tick(Direction::Short, 100.4, 0.5).unwrap(), 100.0);
    assert_eq!(to_tick(Direction::Long, 100.5, 0.5).unwrap(), 100.5);
    assert_eq!(to_tick(Direction::Long, 0.3, 0.1).unwrap(), 3.0 * 0.1);
    assert_eq!(to_tick(Direction::Long, 1.0, 0.0).unwrap_err().field, "tick");
}

#[test]
fn wrong_tiers_are_named() {
    let named = |mut tiers: Vec<Tier>| amounts(&mut tiers).unwrap_err();
    assert_eq!(named(vec![]).field, "tiers");
    assert_eq!(named(vec![tier(1.0, 0.1)]).field, "tiers.floor");
    assert_eq!(named(vec![tier(0.0, 0.1), tier(0.0, 0.2)]).index, Some(1));
    assert_eq!(named(vec![tier(0.0, 0.2), tier(5.0, 0.1)]).field, "tiers.rate");
    assert_eq!(named(vec![tier(0.0, 1.0)]).found, 1.0);
    let tiers = [tier(0.0, 0.5)];
    let plain = Holding::linear(Direction::Long, 1.0, 1.0, 1.0, Tiers::new(&tiers).unwrap());
    assert_eq!(Holding { size: 0.0, ..plain }.price().unwrap_err().field, "size");
    assert_eq!(Holding { close_fee: 0.5, ..plain }.price().unwrap_err().field, "rate + close_fee");
    assert_eq!(Holding { available: f64::NAN, ..plain }.price().unwrap_err().field, "available");
}

/// Exact: 3 lots at 10% + 1% per 2 lots, worth 7: 11.5% of 7 is 0.805, 0.1 + 1.5% … each rounded up once.
#[test]
fn size_scaled_rounds_up_once() {
    let rule = SizeScaled { initial: Ppm(100_000), maintenance: Ppm(50_000), slope: Ppm(10_000), per: Qty(2) };
    assert_eq!(rule.margin(Qty(3), Money(1_000)).unwrap(), (Money(115), Money(65)));
    assert_eq!(rule.margin(Qty(3), Money(7)).unwrap(), (Money(1), Money(1)));
    assert_eq!(rule.margin(Qty(0), Money(0)).unwrap(), (Money(0), Money(0)));
    assert_eq!(rule.maintenance_rate(Qty(3)), 65_000);
    let wrong = SizeScaled { per: Qty(0), ..rule };
    assert_eq!(wrong.margin(Qty(3), Money(7)).unwrap_err().field, "per");
    assert_eq!(rule.margin(Qty(3), Money(-7)).unwrap_err().field, "notional");
}

fn ladders() -> impl Strategy<Value = Vec<Tier>> {
    prop::collection::vec((1.0..1e5_f64, 0.0..0.1_f64), 1..6).prop_map(|steps| {
        let (mut floor, mut rate) = (0.0, 0.002);
        let mut tiers = Vec::new();
        for (width, rise) in steps {
            tiers.push(tier(floor, rate));
            floor += width;
            rate += rise;
        }
        amounts(&mut tiers).unwrap();
        tiers
    })
}

/// The first mark at which slack is below zero, by halving, as the mark moves against the position from entry.
fn by_halving(holding: &Holding<'_>) -> Option<f64> {
    let (mut good, far) = match (holding.direction, holding.slack(holding.entry) > 0.0) {
        (Direction::Long, true) => (holding.entry, 1e-6),
        (Direction::Short, true) => (holding.entry, holding.entry * 1e6),
        _ => return None,
    };
    if holding.slack(far) > 0.0 {
        return None;
    }
    let mut bad = far;
    for _ in 0..200 {
        let middle = 0.5 * (good + bad);
        if holding.slack(middle) > 0.0 { good = middle } else { bad = middle }
    }
    Some(good)
}

proptest! {
    /// Continuous at every floor, rising, and never more than the top rate of all.
    #[test]
    fn tiers_are_continuous(tiers in ladders(), notional in 0.0..1e6_f64) {
        let all = Tiers::new(&tiers).unwrap();
        for tier in &tiers[1..] {
            let (below, above) = (all.maintenance(tier.floor * (1.0 - 1e-12)), all.maintenance(tier.floor * (1.0 + 1e-12)));
            prop_assert!((above - below).abs() <= 1e-9 * tier.floor);
        }
        let mine = tiers.iter().rev().find(|tier| tier.floor <= notional).unwrap();
        let expected = notional * mine.rate - mine.amount;
        prop_assert!((all.maintenance(notional) - expected).abs() <= 1e-9 * (1.0 + expected));
        prop_assert!(all.maintenance(notional) <= notional * tiers.last().unwrap().rate + 1e-9);
        prop_assert_eq!(all.maintenance(0.0), 0.0);
    }

    /// The closed form is where halving the definition ends, for either contract, direction and basis.
    #[test]
    fn closed_form_against_halving(
        tiers in ladders(), long in any::<bool>(), linear in any::<bool>(), entry_basis in any::<bool>(),
        size in 0.01..100.0_f64, entry in 1.0..1e4_f64, margin in 0.02..0.9_f64, fee in 0.0..0.01_f64, part in 0.0..1.0_f64,
    ) {
        let tiers = Tiers::new(&tiers).unwrap();
        let direction = if long { Direction::Long } else { Direction::Short };
        let (contract, size, notional) = match linear {
            true => (Contract::Linear, size, size * entry),
            // The same notional, in coins.
            false => (Contract::Inverse, size * entry * entry, size * entry),
        };
        let plain = Holding::linear(direction, size, entry, margin * notional, tiers);
        let basis = if entry_basis { Basis::Entry } else { Basis::Mark };
        let holding = Holding { contract, basis, close_fee: fee, part, reserve: 0.001 * notional, ..plain };
        match (by_halving(&holding), holding.price().unwrap()) {
            (Some(expected), Some(found)) => prop_assert!((found / expected - 1.0).abs() < 1e-6, "{found} {expected}"),
            (Some(expected), None) => prop_assert!(false, "nothing found, expected {expected}"),
            // Healthy as far as halving looks.
            (None, Some(found)) if holding.slack(entry) > 0.0 => prop_assert!(found < 1e-5 || found > entry * 1e5, "{found}"),
            (None, _) => {}
        }
    }

    /// More money is a better price; bankruptcy comes after liquidation.
    #[test]
    fn prices_are_in_order(tiers in ladders(), size in 0.01..100.0_f64, entry in 1.0..1e4_f64, margin in 0.02..0.5_f64) {
        let tiers = Tiers::new(&tiers).unwrap();
        for direction in [Direction::Long, Direction::Short] {
            let holding = Holding::linear(direction, size, entry, margin * size * entry, tiers);
            let (liquidation, bankruptcy) = (holding.price().unwrap().unwrap(), holding.bankruptcy_price().unwrap().unwrap());
            prop_assert!(direction.sign() * (liquidation - bankruptcy) >= -1e-9 * entry);
            let richer = Holding { available: holding.available * 1.1, ..holding };
            prop_assert!(direction.sign() * (richer.price().unwrap().unwrap() - liquidation) <= 1e-9 * entry);
        }
    }
}
