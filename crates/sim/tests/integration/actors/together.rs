//! All of them at once: a fall, and two runs of it.

use super::background::{crowd, seed};
use super::shock::sale;
use super::{CASH, Ear, PERP, RICH, START, add, constant, ms, spec, world};
use downdraft_sim::actors::{
    Background, BackgroundConfig, BookSeed, Maker, MakerConfig, OracleActor, OracleConfig, Population,
    PopulationConfig, Reference, Shock, ShockConfig, TopUps,
};
use downdraft_sim::index_path::{JumpDiffusion, OracleRules, PathSpec};
use downdraft_sim::latency::Latency;
use downdraft_types::{AccountId, Ppm, Qty, Span};
use downdraft_venue::MarkRule;

fn population() -> PopulationConfig {
    let top_ups = TopUps { share: 0.2, within: Ppm(20_000), delay: constant(2.0), restore: Ppm(100_000), times: 2 };
    let mut config = PopulationConfig { spec: spec(), top_ups: Some(top_ups), ..super::population::config() };
    config.holders.count = 400;
    config
}

fn oracle() -> OracleConfig {
    OracleConfig {
        instrument: PERP,
        path: PathSpec::JumpDiffusion(JumpDiffusion {
            start: 1_000.0,
            interval: Span::from_millis(250),
            drift: 0.0,
            volatility: 0.5,
            jumps_per_day: 0.0,
            jump_mean: 0.0,
            jump_deviation: 0.0,
        }),
        marks_per_unit: 2.0,
        mark_scale: 2,
        coupling: 0.5,
        rules: OracleRules {
            heartbeat: Span::from_secs(5),
            deviation: Ppm(1_000),
            latency: Latency::constant(Span::from_millis(80)),
        },
    }
}

fn maker() -> MakerConfig {
    MakerConfig {
        instrument: PERP,
        currency: CASH,
        account: AccountId(20),
        deposit: RICH,
        stock: None,
        initial_price: START,
        reference: Reference::Mid,
        mark_scale: 2,
        levels: vec![Qty(40); 5],
        half_spread: 2.0,
        step: 2,
        skew: 0.01,
        max_inventory: Qty(5_000),
        interval: Span::from_millis(200),
        tolerance: 1,
        weight: 0.05,
        widen: 2.0,
        withdraw_above: Some(0.02),
        return_below: 0.005,
        jump: Some(Ppm(20_000)),
        pause: Span::from_secs(5),
        refill: Some(0.1),
    }
}

fn run(number: u64) -> (Ear, u64) {
    let mut world = world(number, 40, MarkRule::Mid);
    let deep = BookSeed { levels: vec![Qty(100); 120], lasting: false, ..seed(false) };
    let flow = BackgroundConfig { seed: Some(deep), cancel_rate: 0.02, ..crowd() };
    add(&mut world, "population", 5, Population::new(population()).expect("legal parameters"));
    add(&mut world, "flow", 2, Background::new(flow).expect("legal parameters"));
    add(&mut world, "maker", 1, Maker::new(maker()).expect("legal parameters"));
    add(&mut world, "oracle", 0, OracleActor::new(oracle()).expect("legal parameters"));
    add(
        &mut world,
        "shock",
        1,
        Shock::new(ShockConfig { start: ms(10_000), ..sale(9_000, 20) }).expect("legal parameters"),
    );
    let ear = Ear::of(&mut world);
    let hash = world.venue().state_hash();
    (ear, hash)
}

#[test]
fn two_runs_are_one_and_another_seed_is_another() {
    let (first, hash) = run(11);
    let (second, again) = run(11);
    assert_eq!(hash, again);
    assert!(first == second, "commands, events and books are the same");
    assert_ne!(run(12).1, hash);
    assert!(!first.liquidations().is_empty(), "the fall reaches the population");
}
