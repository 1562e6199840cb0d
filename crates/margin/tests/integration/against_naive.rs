//! Any sequence of commands, beside the model that looks at everyone after each of them.

use crate::steps::{portfolio_step, step, unified_step};
use downdraft_testkit::margin_commands::{Step, Trial, World, tallied_margin_differential};
use downdraft_testkit::naive_margin::maintenance_e6;
use downdraft_types::{InstrumentId, Lots, Money};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn exactly_those_below_maintenance_fall(steps in vec(step(), 1..120)) {
        let mut trial = Trial::new(World::Plain);
        for step in steps {
            trial.apply(&step);
        }
    }

    /// As above, where accounts stand for their positions with three currencies, two of them coins with a market.
    #[test]
    fn exactly_those_below_maintenance_fall_by_their_collateral(steps in vec(unified_step(), 1..160)) {
        let mut trial = Trial::new(World::Unified);
        for step in steps {
            trial.apply(&step);
        }
    }

    /// As above, where some net their positions in a grid of price and volatility moves.
    #[test]
    fn exactly_those_below_maintenance_fall_in_a_portfolio(steps in vec(portfolio_step(), 1..160)) {
        let mut trial = Trial::new(World::Portfolio);
        for step in steps {
            trial.apply(&step);
        }
    }

    /// A crash of two instruments in small steps finds everyone, whose pools stand for positions in one or both.
    #[test]
    fn a_crash_finds_everyone(
        trades in vec(any::<(u8, u8, bool, u16, i8)>(), 10..60),
        falls in vec((any::<bool>(), 0..15_000_i32), 1..60),
    ) {
        let mut trial = Trial::new(World::Plain);
        for (buyer, seller, first, lots, offset) in trades {
            let instrument = u8::from(!first);
            let lots = 1 + lots % 200;
            for (account, part) in [(buyer, 120_000), (seller, 90_000)] {
                trial.apply(&Step::Deposit { account, instrument, lots, part });
            }
            trial.apply(&Step::Trade { buyer, seller, instrument, lots, offset, fee: 0 });
        }
        for (first, fall) in falls {
            trial.apply(&Step::Walk { instrument: u8::from(!first), by: -fall });
        }
    }
}

/// In each world bytes make pools fall, give triggers and, where pools depend on several prices, boxes.
#[test]
fn bytes_reach_what_a_world_is_for() {
    for world in 0..3 {
        let mut state = 7_u32 + u32::from(world);
        let noise = std::iter::from_fn(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((state >> 24) as u8)
        });
        let bytes: Vec<u8> = std::iter::once(world).chain(noise.take(2_000)).collect();
        let tally = tallied_margin_differential(&bytes);
        println!("{world} {tally:?}");
        assert!(tally.steps > 250, "{tally:?}");
        assert!(tally.fallen > 3 && tally.triggers > 100 && tally.boxes > 100, "{tally:?}");
    }
}

/// Maintenance is continuous at the edge of a tier: it grows by the lower tier's rate up to the floor, and by the
/// upper one's from there.
#[test]
fn tiers_meet_at_their_floors() {
    let trial = Trial::new(World::Plain);
    for id in [1, 2, 3].map(InstrumentId) {
        let terms = trial.engine().instrument(id);
        let spec = terms.spec();
        for pair in spec.tiers.windows(2) {
            let (lower, upper) = (pair[0].maintenance + spec.close_fee, pair[1].maintenance + spec.close_fee);
            let floor = pair[1].floor;
            let around = [-1, 0, 1].map(|by| terms.maintenance_e6(Lots(1), floor + Money(by)));
            assert_eq!(around[1] - around[0], i128::from(lower.0));
            assert_eq!(around[2] - around[1], i128::from(upper.0));
            for by in -1..=1 {
                let notional = floor.0 + by;
                assert_eq!(terms.maintenance_e6(Lots(1), Money(notional)), maintenance_e6(spec, notional, notional));
            }
        }
    }
}
