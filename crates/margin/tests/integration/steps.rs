//! Any steps of a trial of each world.

use downdraft_testkit::margin_commands::{Resolution, Step};
use proptest::prelude::*;

pub fn step() -> impl Strategy<Value = Step> {
    let (account, instrument, lots) = (any::<u8>, any::<u8>, || 1..1_000_u16);
    prop_oneof![
        6 => (account(), instrument(), lots(), 0..600_000_u32)
            .prop_map(|(account, instrument, lots, part)| Step::Deposit { account, instrument, lots, part }),
        2 => (account(), any::<u8>(), 0..300_u16)
            .prop_map(|(account, currency, part)| Step::Withdraw { account, currency, part }),
        8 => (account(), account(), instrument(), lots(), any::<i8>(), -200..400_i16)
            .prop_map(|(buyer, seller, instrument, lots, offset, fee)| {
                Step::Trade { buyer, seller, instrument, lots, offset, fee }
            }),
        8 => (account(), instrument(), any::<bool>(), lots(), any::<i8>(), any::<bool>())
            .prop_map(|(account, instrument, buys, lots, offset, rests)| {
                Step::Order { account, instrument, buys, lots, offset, rests }
            }),
        2 => Just(Step::Cancel),
        8 => (instrument(), -80_000..80_000_i32).prop_map(|(instrument, by)| Step::Walk { instrument, by }),
        1 => (instrument(), any::<i64>(), 0..63_u8)
            .prop_map(|(instrument, to, shift)| Step::Jump { instrument, to, shift }),
        2 => (instrument(), -20_000..20_000_i32).prop_map(|(instrument, rate)| Step::Funding { instrument, rate }),
        1 => (instrument(), 0..24_u8).prop_map(|(instrument, raise)| Step::Tiers { instrument, raise }),
        2 => (instrument(), 0..300_u16, 0..400_u16, any::<bool>())
            .prop_map(|(instrument, slope, per, scaled)| Step::Form { instrument, slope, per, scaled }),
        2 => (instrument(), 0..60_000_u32).prop_map(|(instrument, least)| Step::Least { instrument, least }),
        4 => (any::<bool>(), -150_000..150_000_i32, -400_000..500_000_i32)
            .prop_map(|(call, by, mark)| Step::Index { instrument: if call { 6 } else { 7 }, by, mark }),
        1 => (6..8_u8, 0..3_000_000_u32).prop_map(|(instrument, to)| Step::Volatility { instrument, to }),
        1 => (6..8_u8, 0..200_u16).prop_map(|(instrument, hours)| Step::Time { instrument, hours }),
        4 => (account(), instrument(), any::<bool>(), proptest::option::of(10_000..1_000_000_u32))
            .prop_map(|(account, instrument, isolated, initial)| {
                Step::Configure { account, instrument, isolated, initial }
            }),
        3 => (account(), instrument(), -300..300_i16)
            .prop_map(|(account, instrument, part)| Step::MoveMargin { account, instrument, part }),
        1 => instrument().prop_map(|instrument| Step::Expire { instrument }),
        4 => (any::<u8>(), prop_oneof![Just(Resolution::End), Just(Resolution::Rescue), Just(Resolution::Close)])
            .prop_map(|(which, how)| Step::Resolve { which, how }),
    ]
}

/// Steps of a world with a collateral policy: those of any world, and those that only unified accounts know.
pub fn unified_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => step(),
        3 => (any::<u8>(), prop::bool::weighted(0.8)).prop_map(|(account, unified)| Step::Unify { account, unified }),
        1 => Just(Step::Interest),
        1 => (0..60_u8).prop_map(|cut| Step::Haircut { cut }),
        3 => any::<(u8, bool)>().prop_map(|(account, all)| Step::Convert { account, all }),
    ]
}

/// Steps of a world with portfolio margin: those of one with collateral, and what moves options.
pub fn portfolio_step() -> impl Strategy<Value = Step> {
    let lots = || 1..1_000_u16;
    let options = 5..8_u8;
    prop_oneof![
        14 => unified_step(),
        4 => (any::<u8>(), options, any::<bool>(), lots(), any::<i8>(), any::<bool>())
            .prop_map(|(account, instrument, buys, lots, offset, rests)| {
                Step::Order { account, instrument, buys, lots, offset, rests }
            }),
        4 => (-150_000..150_000_i32, -200_000..200_000_i32)
            .prop_map(|(by, mark)| Step::Index { instrument: 5, by, mark }),
        3 => (0..3_000_000_u32).prop_map(|to| Step::Volatility { instrument: 5, to }),
        2 => (0..400_u16).prop_map(|hours| Step::Time { instrument: 5, hours }),
        2 => any::<(u8, bool)>().prop_map(|(account, portfolio)| Step::Portfolio { account, portfolio }),
        1 => any::<Option<bool>>().prop_map(|contingent| Step::Grid { contingent }),
    ]
}
