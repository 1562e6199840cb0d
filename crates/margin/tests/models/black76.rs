//! Black-76: a worked example, derivatives against differences, parity, monotonicity, and the inverse.

use downdraft_margin::model::black76::{Right, Terms, implied_vol, normal_cdf};
use downdraft_margin::model::surface::{Move, SkewShock, Smile, Surface, TermShock};
use proptest::prelude::*;

const BOTH: [Right; 2] = [Right::Call, Right::Put];

fn terms() -> impl Strategy<Value = Terms> {
    (1.0..1e5_f64, 0.2..5.0_f64, 1e-3..3.0_f64, 0.02..3.0_f64, 0.5..1.0_f64).prop_map(
        |(forward, moneyness, years, vol, discount)| Terms {
            forward,
            strike: forward * moneyness,
            years,
            vol,
            discount,
        },
    )
}

/// By hand, from tables: F = 100, K = 110, T = 1, σ = 20%: d1 = ln(1/1.1)/0.2 + 0.1 = −0.37655, d2 = −0.57655,
/// N(d1) = 0.353254, N(d2) = 0.282123, call = 35.3254 − 31.0335 = 4.2919, put = call + 10.
#[test]
fn by_hand() {
    let terms = Terms { forward: 100.0, strike: 110.0, years: 1.0, vol: 0.2, discount: 1.0 };
    assert!((terms.price(Right::Call) - 4.2919).abs() < 1e-3);
    assert!((terms.price(Right::Put) - 14.2919).abs() < 1e-3);
    assert!((normal_cdf(1.96) - 0.975_002_104_851_779_5).abs() < 1e-15);
}

/// The bits of a few results: another platform, or another version of `libm`, must give the same.
#[test]
fn bits() {
    let terms = Terms { forward: 96_248.75, strike: 120_000.0, years: 0.125, vol: 0.565, discount: 0.98 };
    let (call, put) = (terms.greeks(Right::Call), terms.greeks(Right::Put));
    let vol = implied_vol(&terms, Right::Call, 2_000.0).unwrap();
    let found = [call.value, call.delta, call.gamma, call.vega, call.theta, put.value, vol].map(f64::to_bits);
    let pinned = [
        0x4096_4d19_f00b_0c7d,
        0x3fc3_c5fa_dda5_c8bf,
        0x3ee9_c17f_7da0_51b8,
        0x40bf_6329_96e9_f2f1,
        0xc0d1_bbdd_e5e8_056c,
        0x40d8_1fe0_0567_172d,
        0x3fe4_37ee_6411_1fd6,
    ];
    assert_eq!(found, pinned);
}

#[test]
fn limits() {
    let at = |years, vol, strike| Terms { forward: 100.0, strike, years, vol, discount: 0.9 };
    assert_eq!(at(0.0, 0.5, 90.0).price(Right::Call), 9.0);
    assert_eq!(at(1.0, 0.0, 110.0).price(Right::Put), 9.0);
    assert_eq!(at(1.0, 0.5, 0.0).price(Right::Call), 90.0);
    assert_eq!(at(0.0, 0.5, 90.0).greeks(Right::Call).delta, 0.9);
    let huge = at(1.0, 1e3, 100.0);
    assert_eq!((huge.price(Right::Call), huge.price(Right::Put)), (90.0, 90.0));
}

#[test]
fn wrong_terms_are_named() {
    let good = Terms { forward: 100.0, strike: 100.0, years: 1.0, vol: 0.5, discount: 1.0 };
    let fields = [
        Terms { forward: 0.0, ..good },
        Terms { strike: -1.0, ..good },
        Terms { years: f64::NAN, ..good },
        Terms { vol: f64::INFINITY, ..good },
        Terms { discount: -0.1, ..good },
    ];
    let named = fields.map(|terms| terms.check().unwrap_err().field);
    assert_eq!(named, ["forward", "strike", "years", "vol", "discount"]);
    assert_eq!(good.check(), Ok(()));
    let error = implied_vol(&good, Right::Call, 100.0).unwrap_err();
    assert!(error.to_string().starts_with("price is 100, expected at least"));
}

proptest! {
    #[test]
    fn put_call_parity(terms in terms()) {
        let difference = terms.price(Right::Call) - terms.price(Right::Put);
        let forward = terms.discount * (terms.forward - terms.strike);
        prop_assert!((difference - forward).abs() <= 1e-12 * (terms.forward + terms.strike));
    }

    #[test]
    fn greeks_are_the_derivatives(terms in terms()) {
        for right in BOTH {
            let greeks = terms.greeks(right);
            let scale = terms.forward;
            let slope = |up: Terms, down: Terms, step: f64| (up.price(right) - down.price(right)) / (2.0 * step);
            let step = 1e-4 * terms.forward;
            let up = Terms { forward: terms.forward + step, ..terms };
            let down = Terms { forward: terms.forward - step, ..terms };
            // The error of a central difference is the third derivative's, largest for little volatility.
            let total = terms.vol * terms.years.sqrt();
            let error = 1e-7 / (total * total) + 1e-9;
            prop_assert!((greeks.delta - slope(up, down, step)).abs() < error);
            let gamma = (up.greeks(right).delta - down.greeks(right).delta) / (2.0 * step);
            prop_assert!((greeks.gamma - gamma).abs() * scale < error / total + 1e-6);
            let step = 1e-4 * terms.vol;
            let (up, down) = (Terms { vol: terms.vol + step, ..terms }, Terms { vol: terms.vol - step, ..terms });
            prop_assert!((greeks.vega - slope(up, down, step)).abs() < 1e-5 * scale * terms.years.sqrt());
            let step = 1e-4 * terms.years;
            let (up, down) = (Terms { years: terms.years + step, ..terms }, Terms { years: terms.years - step, ..terms });
            prop_assert!((greeks.theta + slope(up, down, step)).abs() < 1e-5 * scale * terms.vol / terms.years.sqrt());
        }
    }

    #[test]
    fn dearer_with_volatility_and_time(terms in terms(), more in 1.0..2.0_f64) {
        let slack = 1e-13 * (terms.forward + terms.strike);
        for right in BOTH {
            let price = terms.price(right);
            let (dearer, longer) = (terms.vol * more, terms.years * more);
            let more_vol = Terms { vol: dearer, ..terms };
            let more_time = Terms { years: longer, ..terms };
            prop_assert!(more_vol.price(right) >= price - slack);
            prop_assert!(more_time.price(right) >= price - slack);
            prop_assert!(price >= terms.discount * right.payoff(terms.forward, terms.strike) - slack);
        }
        let higher = Terms { forward: terms.forward * more, ..terms };
        prop_assert!(higher.price(Right::Call) >= terms.price(Right::Call) - slack);
        prop_assert!(higher.price(Right::Put) <= terms.price(Right::Put) + slack);
    }

    #[test]
    fn a_price_gives_its_volatility(terms in terms()) {
        for right in BOTH {
            let price = terms.price(right);
            let time_value = price / terms.discount - right.payoff(terms.forward, terms.strike);
            // Below this the price's last digit no longer tells volatilities apart.
            if time_value <= 1e-9 * terms.forward {
                continue;
            }
            let found = implied_vol(&terms, right, price).unwrap();
            let repriced = Terms { vol: found, ..terms }.price(right);
            prop_assert!((repriced - price).abs() <= 1e-12 * (terms.forward + terms.strike), "{repriced} {price}");
            let vega = terms.greeks(right).vega;
            let error = 1e-13 * (terms.forward + terms.strike) / vega;
            prop_assert!((found - terms.vol).abs() <= error.max(1e-11), "{found} {}", terms.vol);
        }
    }
}

/// The three marks that Derive publishes with their smiles (`PMRM_2/portfolio_cases/test_16`).
#[test]
#[allow(clippy::excessive_precision, reason = "as published")]
fn published_smiles() {
    let rows = [
        (
            0.101_919_710_806_7,
            96_248.765_614_176_85,
            120_000.0,
            0.565_420_044_269_577_3,
            [
                0.014_300_357_704_211_502,
                0.082_752_452_745_792_4,
                -0.382_822_578_433_611_968,
                -0.095_805_529_178_798_88,
                0.130_054_633_001_893_984,
            ],
        ),
        (
            0.600_548_579_401_320_064,
            100_374.610_001_170_72,
            100_000.0,
            0.554_337_751_178_796_5,
            [
                0.073_682_366_928_516_56,
                0.205_025_228_089_922_624,
                -0.260_716_351_690_481_504,
                -0.220_169_931_306_819_072,
                0.556_540_627_238_575_424,
            ],
        ),
        (
            0.351_233_510_908_169_984,
            98_198.078_125_012_76,
            105_000.0,
            0.543_570_827_046_180_5,
            [
                0.048_077_891_716_671_768,
                0.178_708_998_415_908_352,
                -0.303_020_572_606_101_312,
                -0.135_449_045_846_644_848,
                0.313_322_419_209_750_784,
            ],
        ),
    ];
    for (years, forward, strike, vol, smile) in rows {
        let found = Smile::new(years, smile).unwrap().vol(libm::log(strike / forward));
        assert!((found - vol).abs() < 1e-12, "{found} {vol}");
    }
}

#[test]
fn a_surface_interpolates_variance_and_refuses_disorder() {
    let flat = |years: f64, vol: f64| Smile::new(years, [vol * vol * years, 0.0, 0.0, 0.0, 0.1]).unwrap();
    let smiles = [flat(0.25, 0.4), flat(1.0, 0.6)];
    let surface = Surface::new(&smiles).unwrap();
    assert!((surface.vol(0.3, 0.1) - 0.4).abs() < 1e-15);
    assert!((surface.vol(0.3, 2.0) - 0.6).abs() < 1e-15);
    // Half of the way: variance (0.04 + 0.36) ÷ 2 over 0.625 years.
    assert!((surface.vol(0.3, 0.625) - (0.2_f64 / 0.625).sqrt()).abs() < 1e-15);
    assert_eq!(Surface::new(&[smiles[1], smiles[0]]).unwrap_err().index, Some(1));
    assert_eq!(Surface::new(&[]).unwrap_err().field, "smiles");
    assert_eq!(Smile::new(1.0, [0.0, 0.1, 1.0, 0.0, 0.1]).unwrap_err().field, "rho");
}

/// Numbers of the same published case: caps, widths, multipliers and shocks by term.
#[test]
#[allow(clippy::excessive_precision, reason = "as published")]
fn published_moves() {
    let skew = SkewShock {
        linear_base: 0.15,
        linear_slope: -0.05,
        absolute_base: 0.15,
        absolute_slope: -0.05,
        least_width: 0.01,
        width: 4.0,
        vol: 0.6,
        vol_slope: -0.1,
    };
    let term = TermShock { up: 0.5, down: 0.275, short_power: 0.3, long_power: 0.13, floor_seconds: 86_400.0 };
    let rows = [
        (
            3_214_052.0,
            0.220_555_594_484_163_7,
            0.725_419_541_572_120_7,
            1.040_752_670_292_322_9,
            1.486_212_004_286_079_6,
        ),
        (
            18_938_852.0,
            -0.003_739_100_853_310_7,
            1.619_660_487_729_412,
            0.999_743_165_697_667_9,
            1.386_088_245_289_471_8,
        ),
    ];
    for (seconds, k, width, linear, up) in rows {
        let years = seconds / 31_536_000.0;
        assert!((skew.flattens_at(years) - width).abs() < 1e-12);
        assert!((Move::SkewLinear(skew).apply(1.0, k, years) - linear).abs() < 1e-12);
        let absolute = Move::SkewAbsolute(skew).apply(1.0, k, years);
        assert!((absolute - (1.0 + (linear - 1.0).abs())).abs() < 1e-12);
        assert!((Move::TermUp(term).apply(1.0, k, years) - up).abs() < 1e-12);
    }
    assert!((term.factor_down(3_214_052.0) - 0.732_583_397_642_656_1).abs() < 1e-12);
    assert_eq!(Move::Parallel(-2.0).apply(0.5, 0.0, 1.0), 0.0);
    assert_eq!(Move::Factor(1.5).apply(0.5, 0.0, 1.0), 0.75);
    // Far out the factor is capped.
    let (near, far) = (skew.linear(-5.0, 0.04), skew.linear(-50.0, 0.04));
    assert!((near - 0.86).abs() < 1e-12 && near == far);
}
