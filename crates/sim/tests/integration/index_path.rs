//! Reference prices and the oracle that reports them.

use downdraft_sim::index_path::{
    IndexPath, JumpDiffusion, Oracle, OracleRules, PathPoint, PathSpec, Report, Shape, blend, to_mark_price,
};
use downdraft_sim::latency::Latency;
use downdraft_sim::random::{Stream, Streams};
use downdraft_types::{MarkPrice, Ppm, Span, Time};

fn stream() -> Stream {
    Streams::new(11).stream("index", "path")
}

fn follow(spec: PathSpec, from: u64, count: usize) -> Vec<(u64, f64)> {
    let mut path = IndexPath::new(spec, stream()).expect("a legal path");
    let mut time = Time(from);
    std::iter::from_fn(|| {
        let (next, price) = path.next_after(time)?;
        assert!(next > time);
        time = next;
        Some((next.0, price))
    })
    .take(count)
    .collect()
}

fn points() -> Vec<PathPoint> {
    vec![PathPoint(Time(10), 100.0), PathPoint(Time(25), 70.0), PathPoint(Time(30), 80.0)]
}

#[test]
fn a_step_path_jumps_at_its_points() {
    let spec = PathSpec::Scripted { shape: Shape::Step, points: points() };
    assert_eq!(follow(spec.clone(), 0, 9), [(10, 100.0), (25, 70.0), (30, 80.0)]);
    assert_eq!(follow(spec, 10, 9), [(25, 70.0), (30, 80.0)]);
    assert_eq!(follow(PathSpec::Recorded { points: points() }, 24, 9), [(25, 70.0), (30, 80.0)]);
}

#[test]
fn a_linear_path_is_sampled_between_its_points() {
    let spec = PathSpec::Scripted { shape: Shape::Linear { interval: Span(10) }, points: points() };
    assert_eq!(follow(spec.clone(), 0, 9), [(10, 100.0), (20, 80.0), (25, 70.0), (30, 80.0)]);
    assert_eq!(follow(spec.clone(), 12, 1), [(20, 80.0)]);
    assert_eq!(IndexPath::new(spec, stream()).unwrap().first(), (Time(10), 100.0));
    let last = PathSpec::Scripted {
        shape: Shape::Linear { interval: Span(u64::MAX - 1) },
        points: vec![PathPoint(Time(0), 1.0), PathPoint(Time::MAX, 2.0)],
    };
    assert_eq!(follow(last, 5, 9), [(u64::MAX - 1, 2.0), (u64::MAX, 2.0)]);
}

fn walk() -> JumpDiffusion {
    JumpDiffusion {
        start: 100.0,
        interval: Span::from_secs(1),
        drift: 0.0,
        volatility: 0.8,
        jumps_per_day: 24.0,
        jump_mean: -0.01,
        jump_deviation: 0.005,
    }
}

/// Pinned: the same bits on every platform, in debug and in release.
#[test]
fn golden_jump_diffusion() {
    let found = follow(PathSpec::JumpDiffusion(walk()), 86_400_000_000_000 - 1, 2);
    let bits: Vec<_> = found.iter().map(|&(time, price)| (time / 1_000_000_000, price.to_bits())).collect();
    assert_eq!(bits, [(86_400, 0x4050_d2f8_ef68_d948), (86_401, 0x4050_d3e0_0422_194e)], "{found:?}");
}

#[test]
fn a_jump_diffusion_depends_on_time_alone() {
    let mut path = IndexPath::new(PathSpec::JumpDiffusion(walk()), stream()).unwrap();
    let in_order: Vec<_> = (0..500).map(|second| path.next_after(Time(second * 1_000_000_000))).collect();
    assert_eq!(path.next_after(Time(123_500_000_000)), in_order[123]);
    assert_eq!(path.next_after(Time(499_000_000_000)), in_order[499]);
    assert_eq!(path.next_after(Time(0)), in_order[0]);
    assert_eq!(path.next_after(Time::MAX), None);
    let other = IndexPath::new(PathSpec::JumpDiffusion(walk()), Streams::new(12).stream("index", "path"));
    assert_ne!(other.unwrap().next_after(Time(0)), in_order[0]);
}

#[test]
fn a_jump_diffusion_has_the_moments_it_states() {
    let mut path = IndexPath::new(PathSpec::JumpDiffusion(walk()), stream()).unwrap();
    let steps = 86_400_u32;
    let mut time = Time::ZERO;
    let mut last: f64 = 100.0;
    let (mut calm, mut jumps) = (0.0, 0);
    for _ in 0..steps {
        let (next, price) = path.next_after(time).unwrap();
        let change = libm::log(price / last);
        (time, last) = (next, price);
        // A second's diffusion deviates by 0.8 ÷ √31,536,000 = 0.000142.
        if change.abs() < 0.001 { calm += change * change } else { jumps += 1 }
    }
    let deviation = (calm / f64::from(steps)).sqrt();
    assert!((deviation / 1.4246e-4 - 1.0).abs() < 0.02, "deviation {deviation}");
    assert!((8..45).contains(&jumps), "{jumps} jumps");
}

#[test]
fn without_volatility_only_drift_is_left() {
    let spec = JumpDiffusion { drift: 365.0, volatility: 0.0, jumps_per_day: 0.0, ..walk() };
    let found = follow(PathSpec::JumpDiffusion(spec), 86_400_000_000_000 - 1, 1);
    assert!((found[0].1 / 100.0 - core::f64::consts::E).abs() < 1e-9, "{found:?}");
}

#[test]
fn a_price_beyond_range_ends_the_path() {
    let spec = JumpDiffusion { drift: -1e9, ..walk() };
    let found = follow(PathSpec::JumpDiffusion(spec), 0, 100_000);
    assert!(!found.is_empty() && found.len() < 100_000 && found.iter().all(|point| point.1 > 0.0));
}

#[test]
fn wrong_paths_are_refused() {
    let recorded = |points| PathSpec::Recorded { points }.validate().unwrap_err();
    assert_eq!(recorded(vec![]), "points: found none, expected at least one");
    assert_eq!(
        recorded(vec![PathPoint(Time(5), 1.0), PathPoint(Time(5), 2.0)]),
        "points[1]: found time 5 ns, expected after 5 ns"
    );
    assert_eq!(recorded(vec![PathPoint(Time(5), -1.0)]), "points[0]: found price -1, expected a finite number above 0");
    let shape = Shape::Linear { interval: Span::ZERO };
    assert_eq!(
        PathSpec::Scripted { shape, points: points() }.validate().unwrap_err(),
        "shape.interval_ns: found 0, expected above 0"
    );
    let walked = |walk: JumpDiffusion| PathSpec::JumpDiffusion(walk).validate().unwrap_err();
    assert_eq!(walked(JumpDiffusion { start: 0.0, ..walk() }), "start: found 0, expected a finite number, above 0");
    assert_eq!(
        walked(JumpDiffusion { volatility: f64::INFINITY, ..walk() }),
        "volatility: found inf, expected a finite number, at least 0"
    );
    assert!(walked(JumpDiffusion { jumps_per_day: 1e9, ..walk() }).starts_with("jumps_per_day: found 1000000000"));
}

#[test]
fn scenarios_name_paths() {
    let text = "kind = 'jump-diffusion'\nstart = 100\ninterval_ns = 1_000_000_000\nvolatility = 0.8";
    let calm = JumpDiffusion { jumps_per_day: 0.0, jump_mean: 0.0, jump_deviation: 0.0, ..walk() };
    assert_eq!(toml::from_str::<PathSpec>(text).unwrap(), PathSpec::JumpDiffusion(calm));
    let error = toml::from_str::<PathSpec>(&format!("{text}\nvolatlity = 1")).unwrap_err();
    assert!(error.to_string().contains("volatlity"), "{error}");
    let spec = PathSpec::Scripted { shape: Shape::Linear { interval: Span(10) }, points: points() };
    assert_eq!(toml::from_str::<PathSpec>(&toml::to_string(&spec).unwrap()).unwrap(), spec);
    assert_eq!(
        toml::from_str::<PathSpec>("kind = 'recorded'\npoints = [[1, 2], [3, 4.5]]").unwrap(),
        PathSpec::Recorded { points: vec![PathPoint(Time(1), 2.0), PathPoint(Time(3), 4.5)] }
    );
}

#[test]
fn coupling_blends() {
    assert_eq!(blend(0.0, 100.0, Some(80.0)), 100.0);
    assert_eq!(blend(1.0, 100.0, Some(80.0)), 80.0);
    assert_eq!(blend(0.25, 100.0, Some(80.0)), 95.0);
    assert_eq!(blend(0.25, 100.0, None), 100.0);
}

#[test]
fn marks_are_rounded_to_the_nearest_even() {
    let marks = |price| to_mark_price(price, 10.0).map(|mark| mark.0);
    assert_eq!([0.25, 0.35, 0.26, -0.25, 0.24].map(marks), [2, 4, 3, -2, 2].map(Some));
    assert_eq!([f64::NAN, f64::INFINITY, 1e18, -1e18].map(marks), [None; 4]);
    assert_eq!(to_mark_price(-9_223_372_036_854_775_808.0, 1.0), Some(MarkPrice(i64::MIN)));
    assert_eq!(to_mark_price(9_223_372_036_854_775_808.0, 1.0), None);
}

fn oracle(latency: Latency) -> Oracle {
    let rules = OracleRules { heartbeat: Span(100), deviation: Ppm(5_000), latency };
    Oracle::new(rules, Streams::new(11).stream("oracle", "latency")).expect("legal rules")
}

#[test]
fn an_oracle_reports_on_deviation_and_on_heartbeat() {
    let mut oracle = oracle(Latency::constant(Span(7)));
    assert_eq!(oracle.next_heartbeat(), None);
    let report = |time, price| Report { observed: Time(time), arrives: Time(time + 7), price: MarkPrice(price) };
    assert_eq!(oracle.observe(Time(0), MarkPrice(1_000)), Some(report(0, 1_000)));
    assert_eq!(oracle.next_heartbeat(), Some(Time(100)));
    // Half a percent of 1,000 is 5.
    assert_eq!(oracle.observe(Time(1), MarkPrice(1_004)), None);
    assert_eq!(oracle.observe(Time(2), MarkPrice(996)), None);
    assert_eq!(oracle.observe(Time(3), MarkPrice(995)), Some(report(3, 995)));
    // Half a percent of 995 is 4.975: compared exactly, 4 is too little and 5 enough.
    assert_eq!(oracle.observe(Time(4), MarkPrice(999)), None);
    assert_eq!(oracle.observe(Time(5), MarkPrice(1_000)), Some(report(5, 1_000)));
    assert_eq!(oracle.observe(Time(104), MarkPrice(1_000)), None);
    assert_eq!(oracle.observe(Time(105), MarkPrice(1_000)), Some(report(105, 1_000)));
    assert_eq!(oracle.next_heartbeat(), Some(Time(205)));
}

#[test]
fn reports_do_not_overtake_each_other() {
    let mut oracle = oracle(Latency::Uniform { low: Span(0), high: Span(1_000) });
    let mut last = Time::ZERO;
    for step in 0..1_000 {
        let report = oracle.observe(Time(step), MarkPrice(if step % 2 == 0 { 100 } else { 200 })).unwrap();
        assert!(report.arrives >= last && report.arrives >= report.observed);
        last = report.arrives;
    }
}

#[test]
fn extreme_prices_do_not_overflow() {
    let mut oracle = oracle(Latency::default());
    for (step, price) in [i64::MIN, i64::MAX, 0, i64::MIN].into_iter().enumerate() {
        assert!(oracle.observe(Time(step as u64), MarkPrice(price)).is_some());
    }
}

#[test]
fn wrong_rules_are_refused() {
    let refused = |heartbeat, deviation, latency| {
        OracleRules { heartbeat: Span(heartbeat), deviation: Ppm(deviation), latency }.validate().unwrap_err()
    };
    assert_eq!(refused(0, 1, Latency::default()), "heartbeat_ns: found 0, expected above 0");
    assert_eq!(refused(1, -1, Latency::default()), "deviation_ppm: found -1, expected at least 0");
    let latency = Latency::Uniform { low: Span(2), high: Span(1) };
    assert!(refused(1, 1, latency).starts_with("latency.high_ns: found 1"));
}
