//! Derive's portfolio margins beyond the published file: a whole published case, and properties.

use downdraft_margin::model::black76::Right;
use downdraft_margin::model::book::{BasisContingency, Collateral, Expiry, OptionLeg, Portfolio, Scenario, VolMove};
use downdraft_margin::model::derive_pm1::{self, DerivePm1};
use downdraft_margin::model::derive_pm2::{self, DerivePm2};
use downdraft_margin::model::surface::{SkewShock, Smile, TermShock};
use proptest::prelude::*;

const EMPTY: Portfolio<'static> = Portfolio {
    spot: 1_500.0,
    spot_confidence: 1.0,
    stable: 1.0,
    perps: 0.0,
    perp_price: 1_505.0,
    perp_confidence: 1.0,
    perp_value: 0.0,
    cash: 0.0,
    expiries: &[],
    collaterals: &[],
};

fn first() -> DerivePm1<'static> {
    DerivePm1::new(derive_pm1::DERIVE).unwrap()
}

fn second() -> DerivePm2<'static> {
    DerivePm2::new(derive_pm2::DERIVE).unwrap()
}

const fn leg(strike: f64, right: Right, amount: f64, vol: f64) -> OptionLeg {
    OptionLeg { strike, right, amount, vol }
}

const fn expiry(seconds: f64, forward: f64, rate: f64, legs: &[OptionLeg]) -> Expiry<'_> {
    Expiry { seconds, forward, fixed: 0.0, rate, confidence: 0.95, legs }
}

const fn held(amount: f64, price: f64, cancelling: bool, haircuts: (f64, f64)) -> Collateral {
    Collateral {
        amount,
        price,
        risk_cancelling: cancelling,
        maintenance_haircut: haircuts.0,
        initial_haircut: haircuts.1,
        confidence: 1.0,
    }
}

/// `PMRM_2/portfolio_cases/test_16_risk_cancelling_general_covered_call`, whole: margins, worst losses, and some of
/// the scenarios one by one.
#[test]
fn a_published_case() {
    let legs = [
        [leg(120_000.0, Right::Call, -2.0, 0.565_420_044_269_577_3)],
        [leg(100_000.0, Right::Put, -3.2, 0.554_337_751_178_796_5)],
        [leg(105_000.0, Right::Put, -12.2, 0.543_570_827_046_180_5)],
    ];
    let expiries = [
        expiry(3_214_052.0, 96_248.765_614_176_85, 0.21, &legs[0]),
        expiry(18_938_852.0, 100_374.610_001_170_72, 0.29, &legs[1]),
        expiry(11_076_452.0, 98_198.078_125_012_76, 0.27, &legs[2]),
    ];
    let collaterals = [
        held(0.4, 95_569.652_435_956_04, true, (0.03, 0.015)),
        held(2.0, 95_663.506_048_55, true, (0.02, 0.01)),
        held(0.8, 95_621.889_120_232_72, true, (0.04, 0.015)),
        held(100_000.0, 0.999_842_311_75, false, (0.02, 0.03)),
        held(5.0, 2_681.602_985_099_999_4, false, (0.15, 0.05)),
    ];
    let portfolio = Portfolio {
        spot: 95_663.506_048_55,
        stable: 1.000_190_886_35,
        cash: -320_000.0,
        expiries: &expiries,
        collaterals: &collaterals,
        ..EMPTY
    };
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
    let margin = second().margin(&portfolio).unwrap();
    near(margin.initial, -470_835.931_220_179_37);
    near(margin.maintenance, -398_180.918_143_608_6);
    near(margin.mark_to_market, -133_052.463_720_947_82);
    assert_eq!(margin.worst, Some(22));
    let losses = second().losses(&portfolio);
    near(losses.regular, -310_116.193_311_489_1);
    near(losses.tail, -57_607.417_290_902_93);
    near(losses.skew, -28_361.760_928_414_566);
    near(losses.basis, -42_111.416_688_206_72);
    let of = |i: usize| second().profit(&portfolio, &derive_pm2::SCENARIOS[i]);
    near(of(0), 31_032.558_877_656_033);
    near(of(1), 147_378.919_014_138_75);
    near(of(28), 7_423.022_153_023_835);
    near(of(29), -28_334.182_576_141_648);
}

/// `test_61_general_general_test_1`, whole: every feed unsure, the stable coin at 0.56, volatilities of thousands, a
/// linear skew that counts threefold and decides.
#[test]
#[allow(clippy::excessive_precision, reason = "as published")]
fn a_published_case_with_everything() {
    use Right::{Call, Put};
    let legs: [&[OptionLeg]; 5] = [
        &[leg(100.0, Call, -1.0, 1_886.294_649_613_074_2), leg(5_600.0, Call, -12.0, 1_861.087_694_981_364)],
        &[
            leg(2_300.0, Put, 52.0, 0.654_771_602_421_730_6),
            leg(3_000.0, Put, -23.0, 0.783_559_163_930_378_5),
            leg(3_100.0, Call, -23.0, 0.800_613_030_647_440_6),
        ],
        &[leg(5_000.0, Call, 3.0, 0.924_716_660_763_153_1), leg(20_000.0, Put, -23.0, 0.924_716_660_763_153_1)],
        &[leg(10_000.0, Call, -200.0, 0.962_280_857_112_951_9), leg(2_000.0, Put, 1_000.0, 0.879_582_073_902_817_1)],
        &[leg(3_000.0, Call, -1.0, 347.263_507_903_005_35), leg(4_000.0, Call, -200.0, 339.835_397_409_502_4)],
    ];
    let feeds = [
        (794_852.0, 1_734.0, 0.53, 0.4),
        (1_399_652.0, 2_134.0, 2.12, 0.2),
        (3_214_052.0, 1_111.0, 0.21, 0.31),
        (11_076_452.0, 611.0, 0.27, 0.11),
        (18_938_852.0, 2_234.0, 0.29, 0.51),
    ];
    let mut expiries = legs.map(|legs| expiry(0.0, 1.0, 0.0, legs));
    for (expiry, (seconds, forward, rate, confidence)) in expiries.iter_mut().zip(feeds) {
        *expiry = Expiry { seconds, forward, rate, confidence, ..*expiry };
    }
    let holdings = [
        (25.0, 3_124.0, 0.1456, true, (0.03, 0.01)),
        (100.0, 1_234.0, 0.1269, true, (0.015, 0.005)),
        (23.0, 112_468.0, 0.25478, false, (0.25, 0.05)),
        (4.0, 122_106.0, 0.5395, false, (0.35, 0.1)),
        (11_111.0, 1.42, 0.999, false, (0.12, 0.03)),
        (45_654.0, 1.1, 0.26, false, (0.2, 0.05)),
        (49.0, 4_329.0, 0.38953, true, (0.05, 0.01)),
        (99_853.0, 1.01, 0.8423, false, (0.08, 0.02)),
        (45_654.0, 2.4, 0.9, false, (0.25, 0.1)),
    ];
    let collaterals = holdings.map(|(amount, price, confidence, cancelling, haircuts)| Collateral {
        confidence,
        ..held(amount, price, cancelling, haircuts)
    });
    let portfolio = Portfolio {
        spot: 1_234.0,
        spot_confidence: 0.1269,
        stable: 0.56,
        perps: -123.0,
        perp_price: 4_000.0,
        perp_confidence: 0.2123,
        perp_value: -123_000.0 + 20_049.0,
        cash: -12_312_324.0,
        expiries: &expiries,
        collaterals: &collaterals,
    };
    let mut scenarios = derive_pm2::SCENARIOS[..23].to_vec();
    for (spot, dampening) in [(0.34, 0.25), (0.67, 0.5), (1.5, 1.0 / 3.0), (2.0, 0.2), (3.0, 0.1)] {
        scenarios.push(Scenario { spot, vol: VolMove::Up, dampening });
    }
    scenarios.push(Scenario { spot: 1.0, vol: VolMove::SkewLinear, dampening: 3.0 });
    scenarios.push(Scenario::new(1.0, VolMove::SkewAbsolute));
    let skew = SkewShock { linear_base: 4.0, width: 3.0, vol: 2.5, vol_slope: -0.9, ..derive_pm2::DERIVE.skew };
    let model = DerivePm2::new(derive_pm2::Parameters { scenarios: &scenarios, skew, ..derive_pm2::DERIVE }).unwrap();
    let near = |found: f64, expected: f64| assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
    let losses = model.losses(&portfolio);
    near(losses.regular, -382_576.114_860_956_15);
    near(losses.tail, -189_993.700_772_652_64);
    near(losses.skew, -721_717.338_429_136_2);
    // The case leaves out the third expiry's basis contingency, −792.19, which the contract's rule counts.
    near(losses.basis, -59_316.445_078_844_06 - 792.190_366_247_128_7);
    let margin = model.margin(&portfolio).unwrap();
    near(margin.mark_to_market, -5_258_774.975_987_909);
    near(margin.maintenance, -7_411_351.440_588_361);
    near(margin.initial, -16_201_837.751_427_88);
    assert_eq!(margin.worst, Some(28));
}

/// `test_66_misc_post_expiry`: the forward is settled, nothing moves it, and only the contingency is left.
#[test]
#[allow(clippy::excessive_precision, reason = "as published")]
fn a_published_case_after_expiry() {
    let legs = [leg(2_500.0, Right::Call, -1.0, 2_511.421_980_938_193)];
    let settled =
        Expiry { seconds: 0.0, forward: 0.0, fixed: 2_691.602_985_099_999_4, rate: 0.22, confidence: 1.0, legs: &legs };
    let (spot, stable) = (2_681.602_985_099_999_4, 1.000_190_886_35);
    let portfolio = Portfolio { spot, stable, expiries: &[settled], ..EMPTY };
    let margin = second().margin(&portfolio).unwrap();
    assert!((margin.mark_to_market - -191.602_985_099_999_4).abs() < 1e-9);
    assert!((margin.maintenance - -199.647_794_055_299_39).abs() < 1e-9);
    assert!((margin.initial - -205.011_000_025_499_38).abs() < 1e-9);
    assert_eq!(second().losses(&portfolio), derive_pm2::Losses::default());
}

/// The extremes that the source accepts: no floor of the term, a surface that flattens nowhere, a fall to nothing. At
/// expiry there is then nothing to divide by, and nothing to move.
#[test]
fn extremes_of_the_parameters() {
    let vol = TermShock { floor_seconds: 0.0, ..derive_pm2::DERIVE.vol };
    let skew = SkewShock { least_width: 0.0, ..derive_pm2::DERIVE.skew };
    let basis = BasisContingency { down: 0.0, ..derive_pm2::DERIVE.basis };
    let model = DerivePm2::new(derive_pm2::Parameters { vol, skew, basis, ..derive_pm2::DERIVE }).unwrap();
    let legs = [leg(1_400.0, Right::Call, 2.0, 0.6), leg(1_600.0, Right::Put, -1.0, 0.6)];
    for seconds in [0.0, 1.0, 3_600.0] {
        let expiries = [expiry(seconds, 1_500.0, 0.03, &legs)];
        let portfolio = Portfolio { expiries: &expiries, ..EMPTY };
        let margin = model.margin(&portfolio).unwrap();
        assert!(margin.initial.is_finite() && margin.maintenance.is_finite(), "{margin:?}");
        // In a fall to nothing the calls lose what they were worth, and the put costs its whole strike.
        let lost = 2.0 * 100.0 + (1_600.0 - 100.0);
        let found = model.basis_contingency(&portfolio);
        assert!((found + lost * (0.5 + 2.0 * seconds / 31_536_000.0)).abs() < 1.0, "{found}");
    }
    // A shorter term than the usual floor moves more without one.
    let hour = |shock: TermShock| shock.factor_up(3_600.0);
    assert!(hour(vol) > hour(derive_pm2::DERIVE.vol));
    assert_eq!(vol.factor_up(0.0), vol.factor_up(1.0));
    assert_eq!((skew.linear(0.3, 0.0), skew.absolute(-0.3, 0.0)), (1.0, 1.0));
}

#[test]
fn nothing_held_needs_nothing() {
    for cash in [0.0, 250.0, -250.0] {
        let portfolio = Portfolio { cash, ..EMPTY };
        let margins = [first().margin(&portfolio).unwrap(), second().margin(&portfolio).unwrap()];
        for margin in margins {
            assert_eq!((margin.initial, margin.maintenance, margin.mark_to_market), (cash, cash, cash));
        }
    }
}

/// By hand: one perpetual long at 1505, spot 1500. The worst of the first grid is −15%: 225.75; 2% of 1500 on top.
/// The second: −18% is 270.9, times 0.8, and 1.5% of 1500; initial whole, and 2%.
#[test]
fn a_perpetual_by_hand() {
    let portfolio = Portfolio { perps: 1.0, ..EMPTY };
    let margin = first().margin(&portfolio).unwrap();
    assert!((margin.maintenance - -255.75).abs() < 1e-9);
    assert!((margin.initial - -255.75 * 1.3).abs() < 1e-9);
    let margin = second().margin(&portfolio).unwrap();
    assert!((margin.maintenance - (-270.9 * 0.8 - 22.5)).abs() < 1e-9);
    assert!((margin.initial - (-270.9 - 30.0)).abs() < 1e-9);
}

/// A jump in implied volatility alone makes a margin call.
#[test]
fn volatility_alone_calls() {
    let cash = 450.0;
    let healthy = |vol: f64| {
        let legs = [leg(1_500.0, Right::Call, -1.0, vol), leg(1_500.0, Right::Put, -1.0, vol)];
        let expiries = [expiry(2_592_000.0, 1_500.0, 0.03, &legs)];
        let portfolio = Portfolio { cash, expiries: &expiries, ..EMPTY };
        first().margin(&portfolio).unwrap().maintenance >= 0.0
    };
    assert!(healthy(0.5));
    assert!(!healthy(1.0));
}

/// Unsure feeds and a depeg cost initial margin only.
#[test]
fn oracle_and_depeg_touch_initial_margin_only() {
    let portfolio = Portfolio { perps: -2.0, ..EMPTY };
    let unsure = Portfolio { spot_confidence: 0.3, ..portfolio };
    let depegged = Portfolio { stable: 0.9, ..portfolio };
    let plain = first().margin(&portfolio).unwrap();
    let margin = first().margin(&unsure).unwrap();
    assert!((plain.initial - margin.initial - 0.7 * 0.5 * 3_000.0).abs() < 1e-9);
    assert_eq!(plain.maintenance, margin.maintenance);
    let margin = first().margin(&depegged).unwrap();
    assert!((margin.initial - plain.maintenance * (1.3 + 0.16)).abs() < 1e-9);
    assert_eq!(plain.maintenance, margin.maintenance);
}

#[test]
fn shorts_are_naked_by_strike() {
    let legs = [
        leg(100.0, Right::Call, -2.0, 0.5),
        leg(100.0, Right::Put, 1.0, 0.5),
        leg(110.0, Right::Put, -1.0, 0.5),
        leg(110.0, Right::Call, -1.5, 0.5),
        leg(120.0, Right::Call, 3.0, 0.5),
        leg(120.0, Right::Put, -1.0, 0.5),
    ];
    let expiry = expiry(86_400.0, 100.0, 0.0, &legs);
    assert!((expiry.naked_shorts() - 3.5).abs() < 1e-12);
    assert!((expiry.gross() - 9.5).abs() < 1e-12);
}

#[test]
fn wrong_input_is_named() {
    let error = |portfolio: Portfolio<'_>| first().margin(&portfolio).unwrap_err();
    assert_eq!(error(Portfolio { spot: 0.0, ..EMPTY }).field, "spot");
    assert_eq!(error(Portfolio { spot_confidence: 1.1, ..EMPTY }).field, "spot_confidence");
    let legs = [leg(1_500.0, Right::Call, 1.0, 0.5), leg(1_500.0, Right::Call, 1.0, -0.5)];
    let found = error(Portfolio { expiries: &[expiry(1.0, 1.0, 0.0, &legs)], ..EMPTY });
    assert_eq!((found.field, found.index), ("vol", Some(1)));
    let skewed = [Scenario::new(1.0, VolMove::SkewLinear)];
    let refused = DerivePm1::new(derive_pm1::Parameters { scenarios: &skewed, ..derive_pm1::DERIVE });
    assert_eq!(refused.unwrap_err().field, "scenarios");
    let refused = DerivePm2::new(derive_pm2::Parameters { scenarios: &[], ..derive_pm2::DERIVE });
    assert_eq!(refused.unwrap_err().field, "scenarios");
    assert!(Smile::new(0.0, [0.0, 0.0, 0.0, 0.0, 0.1]).is_err());
}

fn legs() -> impl Strategy<Value = Vec<OptionLeg>> {
    let one = (0..7_u8, any::<bool>(), -5.0..5.0_f64, 0.1..2.0_f64).prop_map(|(strike, call, amount, vol)| {
        let right = if call { Right::Call } else { Right::Put };
        leg(1_200.0 + 100.0 * f64::from(strike), right, amount, vol)
    });
    prop::collection::vec(one, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Neither margin is a gift, initial is at least maintenance, and the worst scenario is the worst by brute force.
    #[test]
    fn margins_are_losses(
        near in legs(), far in legs(), perps in -3.0..3.0_f64, cash in -1e4..1e4_f64, stable in 0.9..1.1_f64,
    ) {
        let expiries = [expiry(400_000.0, 1_505.0, 0.03, &near), expiry(9e6, 1_560.0, 0.05, &far)];
        let portfolio = Portfolio { perps, cash, stable, expiries: &expiries, ..EMPTY };
        let (pm1, pm2) = (first().margin(&portfolio).unwrap(), second().margin(&portfolio).unwrap());
        for margin in [pm1, pm2] {
            prop_assert!(margin.maintenance <= margin.mark_to_market);
            prop_assert!(margin.initial <= margin.maintenance);
        }
        let brute = |profits: Vec<f64>, basis: f64| profits.into_iter().fold(basis, f64::min);
        let profits = derive_pm1::SCENARIOS.as_flattened().iter().map(|s| first().profit(&portfolio, s)).collect();
        let worst = brute(profits, first().basis_contingency(&portfolio));
        let found = pm1.worst.map_or_else(
            || first().basis_contingency(&portfolio),
            |i| first().profit(&portfolio, &derive_pm1::SCENARIOS.as_flattened()[i]),
        );
        prop_assert_eq!(found, worst);
        let losses = second().losses(&portfolio);
        let profits = derive_pm2::SCENARIOS.iter().map(|s| second().profit(&portfolio, s)).collect();
        let worst = brute(profits, losses.basis);
        prop_assert_eq!(worst.min(0.0), losses.regular.min(losses.tail).min(losses.skew).min(losses.basis));
    }

    /// A long option alone never needs more than it is worth; a second perpetual that offsets the first frees it all.
    #[test]
    fn long_options_lose_at_most_their_value(strike in 1_000.0..2_000.0_f64, vol in 0.2..1.5_f64, amount in 0.1..5.0_f64) {
        let legs = [leg(strike, Right::Call, amount, vol)];
        let expiries = [expiry(1e6, 1_500.0, 0.03, &legs)];
        let margin = first().margin(&Portfolio { expiries: &expiries, ..EMPTY }).unwrap();
        prop_assert!(margin.maintenance >= -1e-9);
        let flat = first().margin(&Portfolio { perps: amount - amount, ..EMPTY }).unwrap();
        prop_assert_eq!(flat.maintenance, 0.0);
    }
}
