//! Proven bounds of an option portfolio's value: against dense sampling, and where corners mislead.

use downdraft_margin::model::black76::{Right, Terms};
use downdraft_margin::model::bounds::{Leg, Proof, Region, Shock, at_least, at_least_in_all, bounds, enclosure};
use downdraft_margin::model::interval::Interval;
use proptest::prelude::*;

fn interval(lo: f64, hi: f64) -> Interval {
    Interval::new(lo, hi).unwrap()
}

fn region(price: (f64, f64), shift: (f64, f64), elapsed: (f64, f64)) -> Region {
    let of = |(lo, hi): (f64, f64)| interval(lo, hi);
    Region::new(of(price), of(shift), of(elapsed))
}

const fn option(amount: f64, right: Right, strike: f64, years: f64, vol: f64) -> Leg {
    Leg::Option { amount, right, strike, years, vol, carry: 1.0, rate: 0.0 }
}

/// The plain definition, in floats.
fn value(legs: &[Leg], [price, shift, elapsed]: [f64; 3]) -> f64 {
    let of = |leg: &Leg| match *leg {
        Leg::Option { amount, right, strike, years, vol, carry, rate } => {
            let years = (years - elapsed).max(0.0);
            let discount = libm::exp(-rate * years);
            let terms = Terms { forward: price * carry, strike, years, vol: (vol + shift).max(0.0), discount };
            amount * terms.price(right)
        }
        Leg::Linear { amount, entry, carry } => amount * (price * carry - entry),
    };
    legs.iter().map(of).sum()
}

/// How far a float sum may be from the real one.
fn noise(legs: &[Leg], region: &Region) -> f64 {
    let of = |leg: &Leg| match *leg {
        Leg::Option { amount, strike, carry, .. } => amount.abs() * (strike + carry * region.price.hi()),
        Leg::Linear { amount, entry, carry } => amount.abs() * (entry.abs() + carry * region.price.hi()),
    };
    legs.iter().map(of).sum::<f64>() * 1e-13
}

fn grid(side: Interval, n: u32) -> Vec<f64> {
    (0..=n).map(|i| (side.lo() + (side.hi() - side.lo()) * f64::from(i) / f64::from(n)).min(side.hi())).collect()
}

fn samples(region: &Region, n: u32) -> Vec<[f64; 3]> {
    let mut points = Vec::new();
    for price in grid(region.price, n) {
        for shift in grid(region.vol_shift, n) {
            points.extend(grid(region.elapsed, n).into_iter().map(|elapsed| [price, shift, elapsed]));
        }
    }
    points
}

/// A straddle is worth least inside the box: at every corner it is worth 15 or more, inside less than 13.
#[test]
fn a_straddle_healthy_at_every_corner_and_not_inside() {
    let legs = [option(1.0, Right::Call, 100.0, 0.1, 0.5), option(1.0, Right::Put, 100.0, 0.1, 0.5)];
    let around = region((80.0, 125.0), (-0.05, 0.05), (0.0, 0.01));
    for corner in samples(&around, 1) {
        assert!(value(&legs, corner) >= 15.0);
    }
    let mut stack = [around; 30];
    let Proof::Below(point) = at_least(&legs, &around, 15.0, &mut stack, 1_000).unwrap() else {
        panic!("the straddle is worth less than 15 inside");
    };
    assert!(value(&legs, point) < 15.0);
    // The least is about 10.8, at the strike, with the least volatility and the least time.
    let least = samples(&around, 40).into_iter().map(|at| value(&legs, at)).fold(f64::INFINITY, f64::min);
    assert!(least > 10.5 && least < 11.0, "{least}");
    assert_eq!(at_least(&legs, &around, 10.5, &mut stack, 10_000).unwrap(), Proof::AtLeast);
    // Without effort nothing is claimed.
    assert_eq!(at_least(&legs, &around, 10.5, &mut stack, 2).unwrap(), Proof::Unknown);
    assert_eq!(at_least(&legs, &around, 10.5, &mut [around], 10_000).unwrap(), Proof::Unknown);
}

#[test]
fn parts_tighten() {
    let legs = [option(1.0, Right::Call, 100.0, 0.1, 0.5), option(1.0, Right::Put, 100.0, 0.1, 0.5)];
    let around = region((80.0, 125.0), (-0.05, 0.05), (0.0, 0.01));
    let least = samples(&around, 40).into_iter().map(|at| value(&legs, at)).fold(f64::INFINITY, f64::min);
    let lower = [1, 4, 16, 64].map(|n| bounds(&legs, &around, [n, 4, 4]).unwrap().lo());
    assert!(lower.windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(lower[3] <= least && lower[3] > least - 0.5, "{} {least}", lower[3]);
}

/// A call, a short put and a short forward are worth the same everywhere.
#[test]
fn what_offsets_is_seen_to_offset() {
    let legs = [
        option(3.0, Right::Call, 100.0, 0.5, 0.6),
        option(-3.0, Right::Put, 100.0, 0.5, 0.6),
        Leg::Linear { amount: -3.0, entry: 100.0, carry: 1.0 },
    ];
    let around = region((98.0, 102.0), (-0.01, 0.01), (0.0, 0.001));
    let found = bounds(&legs, &around, [8, 2, 2]).unwrap();
    assert!(found.contains(0.0));
    let by_leg = region((98.0, 102.0), (0.0, 0.0), (0.0, 0.0)).price.width() * 3.0;
    assert!(found.hi() - found.lo() < 0.1 * by_leg, "{found:?}");
}

/// A short strangle's worst over a grid of ±20% and volatility by a half: proven to stay above the worst corner's value
/// less a little, and refused above what a sample says.
#[test]
fn a_grid_is_proven_over_a_box() {
    let legs = [option(-1.0, Right::Call, 120.0, 0.2, 0.6), option(-1.0, Right::Put, 85.0, 0.2, 0.6)];
    let around = region((95.0, 105.0), (-0.02, 0.02), (0.0, 0.005));
    let mut shocks = Vec::new();
    for price in [0.8, 1.0, 1.2] {
        shocks.extend([0.5, 1.0, 1.5].map(|vol| Shock { price, vol }));
    }
    let shocked = |shock: &Shock, [price, shift, elapsed]: [f64; 3]| {
        let of = |leg: &Leg| match *leg {
            Leg::Option { amount, right, strike, years, vol, .. } => {
                let (forward, vol) = (price * shock.price, (vol + shift) * shock.vol);
                amount * Terms { forward, strike, years: years - elapsed, vol, discount: 1.0 }.price(right)
            }
            Leg::Linear { .. } => 0.0,
        };
        legs.iter().map(of).sum::<f64>()
    };
    let values = samples(&around, 8).into_iter().flat_map(|at| shocks.iter().map(move |shock| shocked(shock, at)));
    let least = values.fold(f64::INFINITY, f64::min);
    let proof = |threshold| at_least_in_all(&legs, &around, &shocks, threshold, &mut [around; 30], 20_000).unwrap();
    assert_eq!(proof(least - 0.05), Proof::AtLeast);
    let refuted = proof(least + 0.05);
    let Proof::Below([price, shift, elapsed]) = refuted else { panic!("{least} is sampled, {refuted:?}") };
    // Where the scenario took the market: one of the outer ones, with volatility up.
    assert!(!around.price.contains(price) && around.vol_shift.contains(shift) && around.elapsed.contains(elapsed));
    let wrong = [Shock { price: 1.0, vol: 1.0 }, Shock { price: 0.0, vol: 1.0 }];
    let error = at_least_in_all(&[], &around, &wrong, -1.0, &mut [around], 1).unwrap_err();
    assert_eq!((error.field, error.index), ("shock.price", Some(1)));
}

#[test]
fn nothing_held_is_worth_nothing() {
    let around = region((1.0, 1e6), (-1.0, 1.0), (0.0, 1.0));
    let found = bounds(&[], &around, [1, 1, 1]).unwrap();
    assert!(found.contains(0.0) && found.width() < 1e-300);
}

#[test]
fn wrong_input_is_named() {
    let good = region((80.0, 125.0), (0.0, 0.0), (0.0, 0.0));
    let fails = |legs: &[Leg], region: &Region, parts| bounds(legs, region, parts).unwrap_err();
    assert_eq!(fails(&[], &Region { price: interval(0.0, 1.0), ..good }, [1, 1, 1]).field, "price.lo");
    assert_eq!(fails(&[], &Region { elapsed: interval(-1.0, 1.0), ..good }, [1, 1, 1]).field, "elapsed.lo");
    assert_eq!(fails(&[], &good, [1, 0, 1]).field, "parts of volatility");
    let wrong = [option(1.0, Right::Call, 100.0, 1.0, 0.5), option(1.0, Right::Call, 0.0, 1.0, 0.5)];
    let error = fails(&wrong, &good, [1, 1, 1]);
    assert_eq!((error.field, error.index), ("strike", Some(1)));
    assert_eq!(at_least(&[], &good, f64::NAN, &mut [good], 1).unwrap_err().field, "threshold");
    assert_eq!(at_least(&[], &good, 0.0, &mut [], 1).unwrap_err().field, "stack");
    assert_eq!(Interval::new(2.0, 1.0).unwrap_err().field, "hi");
}

fn legs() -> impl Strategy<Value = Vec<Leg>> {
    let option =
        (-4.0..4.0_f64, any::<bool>(), 60.0..160.0_f64, 0.0..0.6_f64, 0.0..1.5_f64, 0.97..1.05_f64, 0.0..0.2_f64)
            .prop_map(|(amount, call, strike, years, vol, carry, rate)| {
                let right = if call { Right::Call } else { Right::Put };
                Leg::Option { amount, right, strike, years, vol, carry, rate }
            });
    let linear = (-4.0..4.0_f64, 60.0..160.0_f64).prop_map(|(amount, entry)| Leg::Linear { amount, entry, carry: 1.0 });
    prop::collection::vec(prop_oneof![4 => option, 1 => linear], 1..6)
}

fn regions() -> impl Strategy<Value = Region> {
    (50.0..150.0_f64, 0.0..60.0_f64, -0.6..0.6_f64, 0.0..0.6_f64, 0.0..0.5_f64, 0.0..0.4_f64).prop_map(
        |(price, wide, shift, wider, elapsed, longer)| {
            region((price, price + wide), (shift, shift + wider), (elapsed, elapsed + longer))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// No sample is outside: neither of the whole, nor of the parts.
    #[test]
    fn samples_are_enclosed(legs in legs(), region in regions(), n in 1..5_usize) {
        let noise = noise(&legs, &region);
        for found in [enclosure(&legs, &region), bounds(&legs, &region, [n, 2, n]).unwrap()] {
            prop_assert!(found.lo().is_finite() && found.hi().is_finite());
            for at in samples(&region, 6) {
                let value = value(&legs, at);
                prop_assert!(value >= found.lo() - noise && value <= found.hi() + noise, "{value} {found:?} {at:?}");
            }
        }
    }

    /// What is proven holds at every sample, and what is refuted fails at the point named.
    #[test]
    fn proofs_hold(legs in legs(), region in regions(), part in 0.0..1.0_f64) {
        let noise = noise(&legs, &region);
        let values: Vec<f64> = samples(&region, 6).into_iter().map(|at| value(&legs, at)).collect();
        let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
        let threshold = least - 1.0 + part * (most - least + 2.0);
        match at_least(&legs, &region, threshold, &mut [region; 40], 400).unwrap() {
            Proof::AtLeast => prop_assert!(least >= threshold - noise),
            Proof::Below(at) => prop_assert!(value(&legs, at) < threshold + noise),
            Proof::Unknown => {}
        }
    }

    /// Each operation encloses what its members give.
    #[test]
    fn intervals_enclose(a in -9.0..9.0_f64, b in -9.0..9.0_f64, s in 0.0..3.0_f64, t in 0.0..3.0_f64, x in 0.0..1.0_f64, y in 0.0..1.0_f64) {
        let (left, right) = (interval(a, a + s), interval(b, b + t));
        let (p, q) = ((a + x * s).min(left.hi()), (b + y * t).min(right.hi()));
        prop_assert!((left + right).contains(p + q));
        prop_assert!((left - right).contains(p - q));
        prop_assert!((left * right).contains(p * q));
        prop_assert!(left.over(right).contains(p / q) || q == 0.0);
        prop_assert!(left.square().contains(p * p));
        prop_assert!(left.exp().contains(libm::exp(p)));
        prop_assert!(p <= 0.0 || left.ln().contains(libm::log(p)));
        prop_assert!(p < 0.0 || left.sqrt().contains(libm::sqrt(p)));
        prop_assert!(left.normal_cdf().contains(downdraft_margin::model::black76::normal_cdf(p)));
        prop_assert!(left.normal_pdf().contains(downdraft_margin::model::black76::normal_pdf(p)));
        let parts: Vec<Interval> = (0..3).map(|i| left.part(i, 3)).collect();
        prop_assert!(parts.iter().any(|part| part.contains(p)));
        prop_assert_eq!((parts[0].lo(), parts[2].hi()), (left.lo(), left.hi()));
    }
}
