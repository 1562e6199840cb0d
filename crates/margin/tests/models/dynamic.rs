//! Rates that follow the market, and the schedule that holds them back.

use downdraft_margin::model::dynamic::{Bounds, ByDepth, ByVolatility, Ewma, Ramp, Schedule, Stepped};
use downdraft_types::{Ppm, Span, Time};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { least: Ppm(10_000), most: Ppm(500_000) };

fn at(seconds: u64) -> Time {
    Time(seconds * 1_000_000_000)
}

/// Equal steps give RiskMetrics' form: v = λ v + (1 − λ) r², with λ = 2^(−Δ/half-life).
#[test]
fn equal_steps_are_riskmetrics() {
    let mut found = Ewma::new(600.0, 0.8).unwrap();
    let lambda = libm::exp2(-60.0 / 600.0);
    let mut variance = 0.8 * 0.8 / 31_536_000.0 * 60.0;
    let prices = [100.0, 101.0, 99.5, 99.6, 104.0];
    for (i, price) in prices.into_iter().enumerate() {
        found.observe(at(60 * i as u64), price).unwrap();
        if i > 0 {
            let change = libm::log(price / prices[i - 1]);
            variance = lambda * variance + (1.0 - lambda) * change * change;
        }
    }
    assert!((found.vol() - (variance / 60.0 * 31_536_000.0).sqrt()).abs() < 1e-12);
}

/// By hand: after one half-life a move of 1% in 3600 seconds weighs as much as what was before.
#[test]
fn a_half_life_by_hand() {
    let mut found = Ewma::new(3_600.0, 0.0).unwrap();
    found.observe(at(0), 100.0).unwrap();
    assert_eq!(found.vol(), 0.0);
    found.observe(at(3_600), 100.0 * libm::exp(0.01)).unwrap();
    // 0.5 × 0.0001 ÷ 3600 × 31536000 = 0.438.
    assert!((found.vol() - 0.438_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn wrong_observations_change_nothing() {
    let mut found = Ewma::new(60.0, 0.5).unwrap();
    found.observe(at(10), 100.0).unwrap();
    let before = found;
    assert_eq!(found.observe(at(10), 101.0).unwrap_err().field, "at");
    assert_eq!(found.observe(at(11), 0.0).unwrap_err().field, "price");
    assert_eq!(found, before);
    assert_eq!(Ewma::new(0.0, 0.5).unwrap_err().field, "half_life");
}

#[test]
fn rates_by_hand() {
    let by_vol = ByVolatility { base: Ppm(20_000), reference: 0.6, bounds: BOUNDS };
    assert_eq!(by_vol.check(), Ok(()));
    assert_eq!(by_vol.rate(0.9), Ppm(30_000));
    assert_eq!(by_vol.rate(0.9 + 1e-9), Ppm(30_001));
    assert_eq!((by_vol.rate(0.0), by_vol.rate(1e300), by_vol.rate(f64::NAN)), (BOUNDS.least, BOUNDS.most, BOUNDS.most));
    let ramp = Ramp { from: 100, to: 400, bounds: BOUNDS };
    assert_eq!(
        (ramp.rate(0), ramp.rate(100), ramp.rate(400), ramp.rate(i128::MAX)),
        (BOUNDS.least, BOUNDS.least, BOUNDS.most, BOUNDS.most)
    );
    // A third of 490,000 and its fraction, up.
    assert_eq!(ramp.rate(200), Ppm(10_000 + 163_334));
    let by_depth = ByDepth { base: Ppm(20_000), reference: 1_000, bounds: BOUNDS };
    assert_eq!((by_depth.rate(1_000), by_depth.rate(300), by_depth.rate(0)), (Ppm(20_000), Ppm(66_667), BOUNDS.most));
}

#[test]
fn wrong_policies_are_named() {
    let order = Bounds { least: Ppm(2), most: Ppm(1) };
    assert_eq!(order.check().unwrap_err().field, "most");
    assert_eq!(ByVolatility { base: Ppm(1), reference: 0.0, bounds: BOUNDS }.check().unwrap_err().field, "reference");
    assert_eq!(Ramp { from: 1, to: 1, bounds: BOUNDS }.check().unwrap_err().field, "to");
    assert_eq!(ByDepth { base: Ppm(0), reference: 1, bounds: BOUNDS }.check().unwrap_err().field, "base");
    let never = Schedule { period: Span::ZERO, rise: Ppm(1), fall: Ppm(1) };
    assert_eq!(Stepped::new(never, Ppm(1), Time::ZERO).unwrap_err().field, "period");
}

/// Hourly, 5% up and 1% down at a time. A day that passes at once is one step.
#[test]
fn steps_by_hand() {
    let schedule = Schedule { period: Span::from_secs(3_600), rise: Ppm(50_000), fall: Ppm(10_000) };
    let mut stepped = Stepped::new(schedule, Ppm(100_000), at(100)).unwrap();
    assert_eq!(stepped.step(at(3_599), Ppm(500_000)), None);
    assert_eq!(stepped.step(at(3_600), Ppm(500_000)), Some(Ppm(150_000)));
    assert_eq!(stepped.step(at(3_601), Ppm(500_000)), None);
    assert_eq!(stepped.step(at(7_200), Ppm(160_000)), Some(Ppm(160_000)));
    assert_eq!(stepped.step(at(90_000), Ppm(0)), Some(Ppm(150_000)));
    assert_eq!(stepped.next(), at(93_600));
    assert_eq!(stepped.step(at(93_600), Ppm(150_000)), None);
    assert_eq!(stepped.rate(), Ppm(150_000));
}

proptest! {
    /// A rate never moves faster than its schedule lets it, and reaches a target that stays.
    #[test]
    fn speed_is_capped(targets in prop::collection::vec(0..=1_000_000_i64, 1..40), rise in 1..200_000_i64, fall in 1..200_000_i64) {
        let schedule = Schedule { period: Span::from_secs(60), rise: Ppm(rise), fall: Ppm(fall) };
        let mut stepped = Stepped::new(schedule, Ppm(100_000), Time::ZERO).unwrap();
        for (i, target) in targets.iter().enumerate() {
            let before = stepped.rate().0;
            stepped.step(at(60 * (i as u64 + 1)), Ppm(*target));
            let change = stepped.rate().0 - before;
            prop_assert!(change <= rise && change >= -fall);
            prop_assert!((target - stepped.rate().0).abs() <= (target - before).abs());
        }
        let last = *targets.last().unwrap();
        let from = targets.len() as u64 + 1;
        (0..1_000_000 / rise.min(fall) as u64 + 1).for_each(|i| { stepped.step(at(60 * (from + i)), Ppm(last)); });
        prop_assert_eq!(stepped.rate(), Ppm(last));
    }

    /// Dearer with volatility, open interest, and a thinner book; within bounds.
    #[test]
    fn rates_are_monotone(a in 0..2_000_i128, b in 0..2_000_i128) {
        let (low, high) = (a.min(b), a.max(b));
        let by_vol = ByVolatility { base: Ppm(20_000), reference: 0.6, bounds: BOUNDS };
        let ramp = Ramp { from: 500, to: 1_500, bounds: BOUNDS };
        let by_depth = ByDepth { base: Ppm(20_000), reference: 900, bounds: BOUNDS };
        prop_assert!(by_vol.rate(low as f64 / 1e3) <= by_vol.rate(high as f64 / 1e3));
        prop_assert!(ramp.rate(low) <= ramp.rate(high));
        prop_assert!(by_depth.rate(low) >= by_depth.rate(high));
        for rate in [by_vol.rate(low as f64), ramp.rate(low), by_depth.rate(low)] {
            prop_assert!(rate >= BOUNDS.least && rate <= BOUNDS.most);
        }
    }
}
