//! The threshold-ladder law: accounts whose triggers lie one spacing apart fall one after another exactly when
//! one liquidation displaces the mark by at least the spacing.
//!
//! Tick 0.1, spacing 1.0 (ten ticks). Ten longs of one lot, entered at 100.0, fire on touching 99.0, 98.0 … 90.0:
//! maintenance is zero, so each fires where its equity goes below zero. The book holds one lot every λ ticks from
//! 99.0 down, so each lot sold displaces the mark (last trade) by λ. Source: `cascade.threshold_ladder.*` of the
//! published vectors.

use downdraft_testkit::world::{Builder, World, margin, world};

const NAMES: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];

/// The world after an outside sell of one lot, which puts the mark at 99.0.
pub fn shocked(displacement: i64) -> World {
    let mut world = ladder(displacement).start();
    world.sell(1);
    world
}

/// The world before it.
pub fn ladder(displacement: i64) -> Builder {
    let bids: Vec<String> = (0..30).map(|n| format!("1@{}", 990 - n * displacement)).collect();
    let mut builder = world().maintenance(0).mark(1_000).bids(&bids.join(",")).fund(1_000_000);
    for (name, trigger) in NAMES.into_iter().zip((0..10).map(|n| 990 - n * 10)) {
        builder = builder.long(name, 1, 1_000, margin(999 - trigger));
    }
    builder
}

#[test]
fn below_the_spacing_one_falls() {
    for displacement in 1..10 {
        let world = shocked(displacement);
        assert_eq!(world.liquidated(), ["A"], "displacement {displacement}");
        assert_eq!(world.mark(), 990 - displacement);
    }
    assert_eq!(shocked(9).mark(), 981, "the published case: 98.1");
}

#[test]
fn from_the_spacing_up_all_fall() {
    for displacement in 10..20 {
        let world = shocked(displacement);
        assert_eq!(world.liquidated(), NAMES, "displacement {displacement}");
        assert_eq!(world.mark(), 990 - 10 * displacement);
    }
    assert_eq!(shocked(11).mark(), 880, "the published case: 88.0");
}

/// Each is its predecessor's child, so the branching ratio is 9/10.
#[test]
fn the_cascade_is_a_chain() {
    let parents = shocked(10).parents();
    let expected = NAMES.iter().enumerate().map(|(n, name)| (*name, if n == 0 { "outside" } else { NAMES[n - 1] }));
    assert_eq!(parents, expected.collect::<Vec<_>>());
}
