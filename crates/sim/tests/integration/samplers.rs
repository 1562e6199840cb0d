//! Samplers: pinned bits, moments, and what distributions refuse.

use downdraft_sim::random::{Draw, Streams};
use downdraft_sim::samplers::Distribution;
use proptest::prelude::*;

const COUNT: u64 = 100_000;

fn samples(purpose: &str, mut sampler: impl FnMut(&mut Draw) -> f64) -> Vec<f64> {
    let stream = Streams::new(42).stream("samplers", purpose);
    (0..COUNT).map(|ordinal| sampler(&mut stream.draw(ordinal))).collect()
}

/// Mean and variance within five standard errors; `kurtosis` is the fourth central moment ÷ variance².
fn assert_moments(samples: &[f64], mean: f64, variance: f64, kurtosis: f64) {
    let n = samples.len() as f64;
    let found_mean = samples.iter().sum::<f64>() / n;
    let found_variance = samples.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let error = 5.0 * (variance / n).sqrt();
    assert!((found_mean - mean).abs() <= error, "mean: found {found_mean}, expected {mean} ± {error}");
    let error = 5.0 * variance * ((kurtosis - 1.0) / n).sqrt();
    assert!(
        (found_variance - variance).abs() <= error,
        "variance: found {found_variance}, expected {variance} ± {error}"
    );
}

/// Pinned: the same bits on every platform, in debug and in release.
#[test]
fn golden_bits() {
    let stream = Streams::new(42).stream("samplers", "golden");
    let bits = |ordinal: u64, sampler: fn(&mut Draw) -> f64| sampler(&mut stream.draw(ordinal)).to_bits();
    let found = [
        bits(0, Draw::unit),
        bits(1, Draw::unit_positive),
        bits(2, Draw::unit_open),
        bits(3, |draw| draw.below(1_000_003) as f64),
        bits(4, |draw| draw.exponential(2.5)),
        bits(5, Draw::standard_normal),
        bits(6, |draw| draw.log_normal(10.0, 0.5)),
        bits(7, |draw| draw.pareto(1.0, 1.5)),
        bits(8, |draw| draw.geometric(0.01) as f64),
        bits(9, |draw| draw.poisson(4.0) as f64),
        bits(10, |draw| draw.poisson(1e6) as f64),
        bits(11, |draw| draw.choose(&[1.0, 2.0, 3.0, 4.0]) as f64),
        bits(12, |draw| f64::from(u8::from(draw.bernoulli(0.5)))),
    ];
    assert_eq!(found, GOLDEN, "{found:#x?}");
}

const GOLDEN: [u64; 13] = [
    0x3fec_101f_e703_4ec1,
    0x3fd0_b791_ed6e_2872,
    0x3fde_2e7b_22c7_3142,
    0x411b_28f8_0000_0000,
    0x3fec_d8c6_dbc4_2114,
    0xbfef_e84d_e9e9_a79e,
    0x4018_33ea_33c8_77dc,
    0x3ff9_baff_dbde_567e,
    0x404f_0000_0000_0000,
    0x401c_0000_0000_0000,
    0x412e_7f80_0000_0000,
    0x4008_0000_0000_0000,
    0x0000_0000_0000_0000,
];

#[test]
fn golden_quantiles() {
    let found: Vec<_> = all_kinds().iter().map(|kind| kind.quantile(0.9).to_bits()).collect();
    assert_eq!(found, GOLDEN_QUANTILES, "{found:#x?}");
}

const GOLDEN_QUANTILES: [u64; 11] = [
    0x4008_0000_0000_0000,
    0x3ffb_3333_3333_3334,
    0x400c_813c_36e2_6d33,
    0x3ff5_9e61_72ca_9fc3,
    0x4032_fac2_4949_928a,
    0x4026_11f2_d77f_37b0,
    0x4022_6bb1_bbb5_5516,
    0x4010_712b_6e9b_cd0a,
    0x4012_90fc_a9c7_61f8,
    0x4012_74ae_652a_5cd8,
    0x4049_0000_0000_0000,
];

fn all_kinds() -> Vec<Distribution> {
    vec![
        Distribution::Constant { value: 3.0 },
        Distribution::Uniform { low: -1.0, high: 2.0 },
        Distribution::Normal { mean: 1.0, deviation: 2.0, minimum: None, maximum: None },
        Distribution::Normal { mean: 1.0, deviation: 2.0, minimum: Some(0.0), maximum: Some(1.5) },
        Distribution::LogNormal { median: 10.0, sigma: 0.5, maximum: None },
        Distribution::LogNormal { median: 10.0, sigma: 0.5, maximum: Some(12.0) },
        Distribution::Exponential { mean: 4.0, maximum: None },
        Distribution::Exponential { mean: 4.0, maximum: Some(5.0) },
        Distribution::Pareto { minimum: 1.0, alpha: 1.5, maximum: None },
        Distribution::Pareto { minimum: 1.0, alpha: 1.5, maximum: Some(100.0) },
        Distribution::Choice { values: vec![5.0, 10.0, 50.0], weights: vec![1.0, 2.0, 1.0] },
    ]
}

#[test]
fn moments() {
    assert_moments(&samples("unit", Draw::unit), 0.5, 1.0 / 12.0, 1.8);
    assert_moments(&samples("unit-positive", Draw::unit_positive), 0.5, 1.0 / 12.0, 1.8);
    assert_moments(&samples("unit-open", Draw::unit_open), 0.5, 1.0 / 12.0, 1.8);
    assert_moments(&samples("exponential", |draw| draw.exponential(2.5)), 2.5, 6.25, 9.0);
    assert_moments(&samples("normal", Draw::standard_normal), 0.0, 1.0, 3.0);
    let logs = samples("log-normal", |draw| libm::log(draw.log_normal(10.0, 0.5) / 10.0) / 0.5);
    assert_moments(&logs, 0.0, 1.0, 3.0);
    // The logarithm of a Pareto variable is exponential.
    let logs = samples("pareto", |draw| libm::log(draw.pareto(3.0, 1.5) / 3.0) * 1.5);
    assert_moments(&logs, 1.0, 1.0, 9.0);
    let p: f64 = 0.05;
    let variance = (1.0 - p) / (p * p);
    assert_moments(
        &samples("geometric", |draw| draw.geometric(p) as f64),
        (1.0 - p) / p,
        variance,
        9.0 + 1.0 / variance,
    );
    assert_moments(
        &samples("bernoulli", |draw| f64::from(u8::from(draw.bernoulli(0.3)))),
        0.3,
        0.21,
        1.0 / 0.21 - 3.0 + 0.1,
    );
    for mean in [0.1, 3.0, 9.99, 10.0, 11.5, 40.0, 1e4, 1e9] {
        let counts = samples("poisson", |draw| draw.poisson(mean) as f64);
        assert_moments(&counts, mean, mean, 3.0 + 1.0 / mean);
    }
}

#[test]
fn poisson_has_the_right_shape_on_both_sides_of_the_switch() {
    for mean in [9.0, 12.0] {
        let mut found = [0_u32; 40];
        for count in samples("poisson-shape", |draw| draw.poisson(mean) as f64) {
            found[(count as usize).min(39)] += 1;
        }
        let mut p = libm::exp(-mean);
        let mut chi_squared = 0.0;
        for (count, &found) in found.iter().enumerate().take(25) {
            if count > 0 {
                p *= mean / count as f64;
            }
            let expected = p * COUNT as f64;
            if expected > 5.0 {
                chi_squared += (f64::from(found) - expected) * (f64::from(found) - expected) / expected;
            }
        }
        // About 22 degrees of freedom: one in a million exceeds 70.
        assert!(chi_squared < 70.0, "mean {mean}: {chi_squared}");
    }
}

#[test]
fn whole_numbers_and_choices_are_fair() {
    let stream = Streams::new(42).stream("samplers", "below");
    let mut faces = [0_u32; 6];
    let mut chosen = [0_u32; 4];
    for ordinal in 0..COUNT {
        faces[stream.draw(ordinal).below(6) as usize] += 1;
        chosen[stream.draw(ordinal).choose(&[1.0, 0.0, 3.0, 4.0])] += 1;
    }
    let fair = |found: u32, p: f64| {
        let expected = p * COUNT as f64;
        (f64::from(found) - expected).abs() <= 5.0 * (expected * (1.0 - p)).sqrt()
    };
    assert!(faces.iter().all(|&found| fair(found, 1.0 / 6.0)), "{faces:?}");
    assert_eq!(chosen[1], 0);
    assert!(fair(chosen[0], 0.125) && fair(chosen[2], 0.375) && fair(chosen[3], 0.5), "{chosen:?}");
}

#[test]
fn whole_numbers_below_large_bounds_are_fair() {
    // Multiplication without rejection would give every third number twice the chance of its neighbours.
    let bound = 3 << 62;
    let stream = Streams::new(42).stream("samplers", "below-large");
    let low = (0..COUNT).filter(|&ordinal| stream.draw(ordinal).below(bound).is_multiple_of(3)).count();
    let expected = COUNT as f64 / 3.0;
    assert!((low as f64 - expected).abs() < 5.0 * (expected * 2.0 / 3.0).sqrt(), "{low}");
}

#[test]
fn edges() {
    let mut draw = Streams::new(42).stream("samplers", "edges").draw(0);
    assert_eq!((draw.below(1), draw.geometric(1.0), draw.poisson(0.0)), (0, 0, 0));
    assert!(draw.bernoulli(1.0) && !draw.bernoulli(0.0));
    assert!(draw.geometric(1e-300) > 1 << 60);
    assert_eq!(draw.exponential(0.0), 0.0);
}

#[test]
fn truncation_keeps_the_proportions_of_the_rest() {
    let truncated = Distribution::Exponential { mean: 4.0, maximum: Some(5.0) };
    let whole = Distribution::Exponential { mean: 4.0, maximum: None };
    let below = |bound: f64| -libm::expm1(-bound / 4.0);
    for p in [0.01, 0.3, 0.5, 0.99] {
        let same = whole.quantile(p * below(5.0));
        assert!((truncated.quantile(p) - same).abs() < 1e-12);
    }
    for kind in all_kinds() {
        let text = format!("{kind:?}");
        assert_eq!(kind.validate(), Ok(()), "{text}");
    }
    let bounded = Distribution::Normal { mean: 1.0, deviation: 2.0, minimum: Some(0.0), maximum: Some(1.5) };
    let found = samples("truncated", |draw| bounded.sample(draw));
    assert!(found.iter().all(|x| (0.0..=1.5).contains(x)));
    assert!(found.iter().any(|&x| x < 0.001) && found.iter().any(|&x| x > 1.499));
}

proptest! {
    #[test]
    fn quantiles_rise(a in 1_u64..1 << 53, b in 1_u64..1 << 53) {
        let p = |n: u64| n as f64 / (1_u64 << 53) as f64;
        let (low, high) = (p(a.min(b)), p(a.max(b)));
        for kind in all_kinds() {
            let (below, above) = (kind.quantile(low), kind.quantile(high));
            // The rational approximations join to the last bit but one.
            let rounding = 4.0 * f64::EPSILON * below.abs().max(1.0);
            prop_assert!(below <= above + rounding, "{kind:?}: {below} at {low}, {above} at {high}");
        }
    }

    #[test]
    fn validated_distributions_give_finite_samples(a: f64, b: f64, c: f64, number: u64) {
        let kinds = [
            Distribution::Uniform { low: a, high: b },
            Distribution::Normal { mean: a, deviation: b, minimum: Some(c), maximum: None },
            Distribution::Normal { mean: a, deviation: b, minimum: None, maximum: Some(c) },
            Distribution::LogNormal { median: a, sigma: b, maximum: None },
            Distribution::LogNormal { median: a, sigma: b, maximum: Some(c) },
            Distribution::Exponential { mean: a, maximum: Some(b) },
            Distribution::Pareto { minimum: a, alpha: b, maximum: None },
            Distribution::Pareto { minimum: a, alpha: b, maximum: Some(c) },
            Distribution::Choice { values: vec![a, b], weights: vec![b, c] },
        ];
        for kind in kinds {
            if kind.validate().is_ok() {
                let sample = kind.sample(&mut Streams::new(number).stream("finite", "").draw(0));
                prop_assert!(sample.is_finite(), "{kind:?}: {sample}");
            }
        }
    }
}

fn parse(text: &str) -> Result<Distribution, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn scenarios_name_distributions() {
    let parsed = parse("kind = 'pareto'\nminimum = 1\nalpha = 1.5").unwrap();
    assert_eq!(parsed, Distribution::Pareto { minimum: 1.0, alpha: 1.5, maximum: None });
    for kind in all_kinds() {
        assert_eq!(parse(&toml::to_string(&kind).unwrap()).unwrap(), kind);
    }
    assert!(parse("kind = 'pareto'\nminimum = 1\nalpha = 1.5\nalhpa = 2").unwrap_err().to_string().contains("alhpa"));
    assert!(parse("kind = 'lognormal'\nmedian = 1\nsigma = 1").unwrap_err().to_string().contains("log-normal"));
}

#[test]
fn wrong_parameters_are_named() {
    let refused = |kind: Distribution| kind.validate().unwrap_err();
    assert_eq!(
        refused(Distribution::LogNormal { median: 10.0, sigma: -1.0, maximum: None }),
        "sigma: found -1, expected a finite number, at least 0"
    );
    assert_eq!(
        refused(Distribution::Uniform { low: 2.0, high: 1.0 }),
        "high: found 1, expected a finite number, at least low"
    );
    assert_eq!(
        refused(Distribution::Pareto { minimum: 1.0, alpha: 0.0, maximum: None }),
        "alpha: found 0, expected a finite number above 0"
    );
    let overflowing = refused(Distribution::Pareto { minimum: 1.0, alpha: 0.01, maximum: None });
    assert!(overflowing.ends_with("to inf, expected parameters that keep them finite"), "{overflowing}");
    assert_eq!(
        refused(Distribution::Choice { values: vec![1.0], weights: vec![] }),
        "weights: found 0, expected one per value, that is 1"
    );
    assert_eq!(
        refused(Distribution::Choice { values: vec![1.0], weights: vec![0.0] }),
        "sum of weights: found 0, expected a finite number above 0"
    );
    assert!(refused(Distribution::Constant { value: f64::NAN }).starts_with("value: found NaN"));
    assert!(refused(Distribution::Exponential { mean: 4.0, maximum: Some(3.0) }).starts_with("maximum: found 3"));
}
