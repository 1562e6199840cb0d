//! No model allocates.

use downdraft_margin::model::black76::{Right, Terms, implied_vol};
use downdraft_margin::model::book::{Expiry, OptionLeg, Portfolio};
use downdraft_margin::model::bounds::{Leg, Region, Shock, at_least_in_all, bounds};
use downdraft_margin::model::deribit_pm::{Contingencies, DeribitPm, Grid, VOL_2019};
use downdraft_margin::model::health::{Perp, Scratch, Token, health};
use downdraft_margin::model::interval::Interval;
use downdraft_margin::model::liquidation::{Direction, Holding};
use downdraft_margin::model::netting::Correlations;
use downdraft_margin::model::predictive::ByUnwinding;
use downdraft_margin::model::span::{Scan, scanning_risk};
use downdraft_margin::model::standard::Standard;
use downdraft_margin::model::tiers::{Tier, Tiers};
use downdraft_margin::model::walk::{Account, Level, Rate, liquidate};
use downdraft_margin::model::{adl, derive_pm1, derive_pm2};
use downdraft_testkit::alloc::allocations;
use downdraft_types::{Money, Ppm, Price, Qty, Side};

/// What `work` allocates; its result is looked at, so that it is not optimised away.
fn allocated(work: impl FnOnce() -> f64) -> u64 {
    let before = allocations();
    let result = work();
    let after = allocations();
    assert!(result.is_finite());
    after - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocated(|| std::hint::black_box(String::from("one")).len() as f64), 1);
}

#[test]
fn option_models_do_not_allocate() {
    let leg = |strike, amount| OptionLeg { strike, right: Right::Call, amount, vol: 0.6 };
    let legs = [leg(95.0, 1.0), leg(105.0, -2.0)];
    let expiry = Expiry { seconds: 1e6, forward: 100.0, fixed: 0.0, rate: 0.05, confidence: 0.3, legs: &legs };
    let expiries = [expiry, Expiry { seconds: 9e6, ..expiry }];
    let portfolio = Portfolio {
        spot: 100.0,
        spot_confidence: 1.0,
        stable: 0.97,
        perps: -1.0,
        perp_price: 100.0,
        perp_confidence: 1.0,
        perp_value: 0.0,
        cash: 0.0,
        expiries: &expiries,
        collaterals: &[],
    };
    let pm1 = || derive_pm1::DerivePm1::new(derive_pm1::DERIVE).unwrap().margin(&portfolio).unwrap().initial;
    let pm2 = || derive_pm2::DerivePm2::new(derive_pm2::DERIVE).unwrap().margin(&portfolio).unwrap().initial;
    let grid = Grid { moves: &[-0.15, 0.15], vol: VOL_2019 };
    let deribit = DeribitPm { grid, contingencies: Contingencies::NONE, initial_factor: 1.3 };
    let terms = Terms { forward: 100.0, strike: 105.0, years: 0.1, vol: 0.6, discount: 1.0 };
    let scan = Scan { price_range: 10.0, vol_range: 0.05, extreme: 3.0, cover: 0.33 };
    assert_eq!(allocated(pm1), 0);
    assert_eq!(allocated(pm2), 0);
    assert_eq!(allocated(|| Standard::DERIVE.margin(&portfolio).unwrap().initial), 0);
    assert_eq!(allocated(|| deribit.margin(100.0, &[], &expiries).unwrap().0), 0);
    assert_eq!(allocated(|| scanning_risk(&scan.option(&terms, Right::Put, -1.0, 50.0))), 0);
    assert_eq!(allocated(|| implied_vol(&terms, Right::Call, 6.0).unwrap()), 0);
    assert_eq!(allocated(|| Correlations::uniform(3, 0.5).unwrap().requirement(&[1.0, -2.0, 3.0]).unwrap()), 0);
}

#[test]
fn bounds_do_not_allocate() {
    let option =
        Leg::Option { amount: -1.0, right: Right::Put, strike: 100.0, years: 0.1, vol: 0.6, carry: 1.0, rate: 0.0 };
    let legs = [option, Leg::Linear { amount: 1.0, entry: 90.0, carry: 1.0 }];
    let side = |lo, hi| Interval::new(lo, hi).unwrap();
    let region = Region::new(side(90.0, 110.0), side(-0.1, 0.1), side(0.0, 0.01));
    let (shocks, mut stack) = ([Shock { price: 0.9, vol: 1.5 }; 2], [region; 30]);
    assert_eq!(allocated(|| bounds(&legs, &region, [4, 2, 2]).unwrap().lo()), 0);
    let prove = || f64::from(u8::from(at_least_in_all(&legs, &region, &shocks, -30.0, &mut stack, 500).is_ok()));
    assert_eq!(allocated(prove), 0);
}

#[test]
fn linear_models_do_not_allocate() {
    let tiers = [Tier { floor: 0.0, rate: 0.01, amount: 0.0 }];
    let holding = Holding::linear(Direction::Long, 1.0, 100.0, 10.0, Tiers::new(&tiers).unwrap());
    assert_eq!(allocated(|| holding.price().unwrap().unwrap()), 0);
    let token =
        Token { balance: 100, asset_price: 1, debt_price: 1, asset_weight: Ppm(900_000), debt_weight: Ppm(1_100_000) };
    let perp = Perp {
        settlement: 0,
        lots: 1,
        bids: 2,
        asks: 3,
        quote: -30,
        asset_price: 30,
        debt_price: 30,
        asset_weight: Ppm(900_000),
        debt_weight: Ppm(1_100_000),
        overall_weight: Ppm(900_000),
    };
    assert_eq!(allocated(|| health(&[token], &[], &[perp], &mut [Scratch::default()]).unwrap() as f64), 0);
    let rate = |numerator| Rate { numerator, denominator: 1 };
    let levels = [Level { price: rate(97), size: 4 }, Level { price: rate(95), size: 6 }];
    let account = Account { quote: -950, size: 10 };
    let walk = || liquidate(account, rate(96), &levels, rate(90), 0, Ppm(10_000)).unwrap().fund as f64;
    assert_eq!(allocated(walk), 0);
    let rule = ByUnwinding { part: Ppm::ONE, beyond: Ppm(100_000), factor: Ppm::ONE, least: Ppm(10_000) };
    let book = [(Price(99), Qty(5))];
    let unwind = || rule.margin(Side::Buy, Qty(9), Money(100), Money(1), book.into_iter()).unwrap().0 as f64;
    assert_eq!(allocated(unwind), 0);
    let mut given = [0; 3];
    assert_eq!(allocated(|| f64::from(u8::from(adl::pro_rata(&[5, 6, 7], 10, &mut given).is_ok()))), 0);
}
