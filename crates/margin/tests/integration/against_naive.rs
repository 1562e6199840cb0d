//! Any sequence of commands, beside the model that looks at everyone after each of them.

use crate::steps::{Step, step};
use crate::trial::Trial;
use downdraft_testkit::naive_margin::maintenance_e6;
use downdraft_types::{InstrumentId, Money};
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn exactly_those_below_maintenance_fall(steps in vec(step(), 1..120)) {
        let mut trial = Trial::new();
        for step in steps {
            trial.apply(&step);
        }
    }

    /// A whole world above one price and one below: the ladder finds the same pools as a look at everyone.
    #[test]
    fn a_crash_finds_everyone(trades in vec(any::<(u8, u8, u16, i8)>(), 10..60), falls in vec(0..60_000_i32, 1..20)) {
        let mut trial = Trial::new();
        for (buyer, seller, lots, offset) in trades {
            trial.apply(&Step::Deposit { account: buyer, instrument: 1, lots: lots / 4, part: 200_000 });
            trial.apply(&Step::Deposit { account: seller, instrument: 1, lots: lots / 3, part: 150_000 });
            trial.apply(&Step::Trade { buyer, seller, instrument: 1, lots, offset, fee: 0 });
        }
        for fall in falls {
            trial.apply(&Step::Walk { instrument: 1, by: -fall });
        }
    }
}

/// Maintenance is continuous at the edge of a tier: it grows by the lower tier's rate up to the floor, and by the
/// upper one's from there.
#[test]
fn tiers_meet_at_their_floors() {
    let trial = Trial::new();
    for id in [1, 2, 3].map(InstrumentId) {
        let terms = trial.engine().instrument(id);
        let spec = terms.spec();
        for pair in spec.tiers.windows(2) {
            let (lower, upper) = (pair[0].maintenance + spec.close_fee, pair[1].maintenance + spec.close_fee);
            let floor = pair[1].floor;
            let around = [-1, 0, 1].map(|by| terms.maintenance_e6(floor + Money(by)));
            assert_eq!(around[1] - around[0], i128::from(lower.0));
            assert_eq!(around[2] - around[1], i128::from(upper.0));
            for by in -1..=1 {
                let notional = floor.0 + by;
                assert_eq!(terms.maintenance_e6(Money(notional)), maintenance_e6(spec, notional, notional));
            }
        }
    }
}
