use super::background::crowd;
use super::shock::sale;
use super::{CASH, Ear, PERP, RICH, START, add, counted, ms, report, world};
use downdraft_sim::actors::{
    Background, BackgroundConfig, BookSeed, Maker, MakerConfig, Reference, Shock, ShockConfig,
};
use downdraft_types::{AccountId, Ppm, Qty, Side, Span};
use downdraft_venue::{Command, Event, MarkRule};

fn config() -> MakerConfig {
    MakerConfig {
        instrument: PERP,
        currency: CASH,
        account: AccountId(20),
        deposit: RICH,
        stock: None,
        initial_price: START,
        reference: Reference::Mark,
        mark_scale: 2,
        levels: vec![Qty(10), Qty(30)],
        half_spread: 1.5,
        step: 4,
        skew: 0.0,
        max_inventory: Qty(1_000),
        interval: Span::from_millis(100),
        tolerance: 1,
        weight: 0.1,
        widen: 0.0,
        withdraw_above: None,
        return_below: f64::MAX,
        jump: None,
        pause: Span::from_secs(2),
        refill: None,
    }
}

fn run(config: MakerConfig, seconds: u64, reports: &[(u64, i64)]) -> (Ear, [u64; 3]) {
    let mut world = world(1, seconds, MarkRule::Exogenous);
    add(&mut world, "maker", 1, Maker::new(config).expect("legal parameters"));
    for (millis, index) in reports {
        report(&mut world, ms(*millis), *index);
    }
    let ear = Ear::of(&mut world);
    (ear, ["withdrawals", "ticks_away", "refused"].map(|counter| counted(&world, "maker", counter)))
}

#[test]
fn quotes_around_its_reference_and_follows_it() {
    let (ear, counts) = run(config(), 3, &[(1_000, 2_021)]);
    // 1000 ∓ 1.5, rounded away from the touch; the next level 4 ticks on.
    assert_eq!(ear.book(ms(900)), &[vec![(998, 10), (994, 30)], vec![(1_002, 10), (1_006, 30)]]);
    // A mark of 2021 is 1010.5 ticks.
    assert_eq!(ear.book(ms(2_900)), &[vec![(1_009, 10), (1_005, 30)], vec![(1_012, 10), (1_016, 30)]]);
    assert_eq!(counts, [0; 3]);
    // It moves its quotes rather than sending new ones.
    let count = |wanted: fn(&Command) -> bool| ear.sent().filter(|(_, command)| wanted(command)).count();
    assert_eq!(count(|command| matches!(command, Command::PlaceOrder(_))), 4);
    assert!(count(|command| matches!(command, Command::ReplaceOrder { .. })) >= 4);
    assert_eq!(count(|command| matches!(command, Command::CancelOrder { .. })), 0);
}

#[test]
fn small_moves_are_tolerated() {
    let (ear, _) = run(MakerConfig { tolerance: 3, ..config() }, 3, &[(1_000, 2_004), (2_000, 2_006)]);
    assert_eq!(ear.book(ms(1_900))[0][0], (998, 10));
    assert_eq!(ear.book(ms(2_900))[0][0], (1_001, 10));
}

#[test]
fn withdraws_when_the_mark_jumps_and_comes_back_at_its_speed() {
    let rough = MakerConfig { jump: Some(Ppm(50_000)), refill: Some(0.25), ..config() };
    let (ear, counts) = run(rough, 12, &[(2_000, 1_910), (4_000, 1_814)]);
    // 4.5% is no jump; a further 5.03% is.
    assert_eq!(ear.depth(ms(3_900), Side::Buy), 40);
    assert_eq!((ear.depth(ms(4_200), Side::Buy), ear.depth(ms(4_200), Side::Sell)), (0, 0));
    assert_eq!(ear.depth(ms(6_050), Side::Buy), 0, "it pauses for two seconds");
    // Then a quarter of 40 lots per second.
    for second in 1..=4 {
        let found = ear.depth(ms(6_150 + 1_000 * second), Side::Buy);
        assert!(found.abs_diff(10 * second) <= 1, "{found} lots {second} s after its return");
    }
    assert_eq!(ear.depth(ms(11_900), Side::Sell), 40);
    assert_eq!((counts[0], counts[1]), (1, 20));
}

#[test]
fn widens_with_volatility_and_withdraws_above_its_threshold() {
    // One per cent up and down every 100 ms, then calm.
    let zigzag: Vec<(u64, i64)> = (0..10).map(|n| (1_050 + 100 * n, if n % 2 == 0 { 2_020 } else { 2_000 })).collect();
    let wide = MakerConfig { widen: 1.0, ..config() };
    let (ear, _) = run(wide, 10, &zigzag);
    let spread = |millis| ear.book(ms(millis))[1][0].0 - ear.book(ms(millis))[0][0].0;
    assert_eq!(spread(900), 4);
    // After ten squared returns of 1%² per 0.1 s with weight 0.1: σ² = 0.001 × (1 − 0.9^10) = 0.00065, σ = 0.0255.
    let expected = 2.0 * (1.5 + 0.0255 * 1_000.0);
    assert!((spread(2_150) as f64 - expected).abs() < 4.0, "{} ticks, expected about {expected}", spread(2_150));
    assert!(spread(9_900) < spread(2_150));

    let leaves = MakerConfig { withdraw_above: Some(0.02), return_below: 0.01, pause: Span::ZERO, ..config() };
    let (ear, counts) = run(leaves, 10, &zigzag);
    assert_eq!(ear.depth(ms(2_150), Side::Buy), 0);
    // σ² falls by a tenth per tick from 0.00065 to 0.0001: 18 ticks.
    assert_eq!(ear.depth(ms(3_300), Side::Buy), 0);
    assert_eq!(ear.depth(ms(4_500), Side::Buy), 40);
    assert_eq!(counts[0], 1);
}

#[test]
fn leans_against_its_inventory_and_refills_after_fills() {
    let run = |skew, max_inventory| {
        let mut world = world(1, 10, MarkRule::Exogenous);
        let held = MakerConfig { skew, max_inventory: Qty(max_inventory), refill: Some(0.125), ..config() };
        add(&mut world, "maker", 0, Maker::new(held).unwrap());
        add(&mut world, "shock", 0, Shock::new(sale(20, 1)).unwrap());
        (Ear::of(&mut world), world.venue().margin().position(AccountId(20), PERP).unwrap().size().0)
    };
    let (ear, size) = run(0.5, 1_000);
    assert_eq!(size, 20);
    // Twenty lots of forty are gone; a half is left, and five lots a second come back.
    assert_eq!(ear.depth(ms(5_000), Side::Buy), 20);
    assert!(ear.depth(ms(7_050), Side::Buy).abs_diff(30) <= 1);
    assert_eq!(ear.depth(ms(9_900), Side::Buy), 40);
    // Twenty lots at half a tick each: ten ticks lower.
    assert_eq!((ear.book(ms(9_900))[0][0].0, ear.book(ms(9_900))[1][0].0), (988, 992));
    // With 25 lots at most it bids for five more only.
    let (ear, _) = run(0.0, 25);
    assert_eq!((ear.depth(ms(4_900), Side::Buy), ear.depth(ms(9_900), Side::Buy)), (25, 5));
}

#[test]
fn never_takes() {
    // A crowd's bids stand above where the maker would like to sell.
    let mut world = world(1, 5, MarkRule::Exogenous);
    let seed = BookSeed { half_spread: 1, step: 1, levels: vec![Qty(50)], order_size: Qty(50), lasting: true };
    let above = BackgroundConfig {
        seed: Some(seed),
        initial_price: downdraft_types::Price(1_020),
        limit_rate: 0.0,
        market_rate: 0.0,
        ..crowd()
    };
    add(&mut world, "crowd", 0, Background::new(above).unwrap());
    add(&mut world, "maker", 1, Maker::new(config()).unwrap());
    let ear = Ear::of(&mut world);
    assert_eq!(ear.book(ms(4_000))[1][0], (1_020, 10), "a tick above the crowd's bid of 1019");
    // Its first two offers were sent before it had seen the book; they would have taken, and were refused.
    assert_eq!(counted(&world, "maker", "refused"), 2);
    assert!(!ear.events.iter().any(|(_, _, event)| matches!(event, Event::Trade { .. })));
}

#[test]
fn says_nothing_while_halted_but_withdraws() {
    let mut world = world(1, 6, MarkRule::Exogenous);
    add(&mut world, "maker", 0, Maker::new(MakerConfig { jump: Some(Ppm(50_000)), ..config() }).unwrap());
    world.schedule(ms(1_050), Command::Halt { instrument: PERP, until: None }).unwrap();
    report(&mut world, ms(1_500), 1_000);
    world.schedule(ms(5_050), Command::Reopen { instrument: PERP }).unwrap();
    let ear = Ear::of(&mut world);
    assert_eq!(ear.depth(ms(1_700), Side::Buy), 0);
    assert_eq!(ear.rejections(), 0);
    assert_eq!(ear.book(ms(5_500))[0][0], (498, 10));
}

#[test]
fn follows_the_mid_through_a_fall() {
    let mut world = world(3, 60, MarkRule::Mid);
    let seed = BookSeed { half_spread: 3, step: 1, levels: vec![Qty(20); 60], order_size: Qty(20), lasting: true };
    let flow = BackgroundConfig { seed: Some(seed), ..crowd() };
    add(&mut world, "crowd", 1, Background::new(flow).unwrap());
    let mid = MakerConfig { reference: Reference::Mid, skew: 0.02, ..config() };
    add(&mut world, "maker", 1, Maker::new(mid).unwrap());
    add(&mut world, "shock", 1, Shock::new(ShockConfig { start: ms(20_000), ..sale(1_500, 30) }).unwrap());
    let ear = Ear::of(&mut world);
    let best = |millis| ear.book(ms(millis))[0][0].0;
    assert!(best(28_000) < best(19_900) - 5, "{} to {}", best(19_900), best(28_000));
}

#[test]
fn names_the_wrong_field() {
    let error = |config: MakerConfig| Maker::new(config).unwrap_err();
    assert_eq!(
        error(MakerConfig { weight: 0.0, ..config() }),
        "weight: found 0, expected a finite number, above 0, at most 1"
    );
    assert_eq!(error(MakerConfig { interval: Span::ZERO, ..config() }), "interval: found 0, expected above 0");
    assert!(error(MakerConfig { levels: vec![], ..config() }).starts_with("levels: found []"));
    let wrong = MakerConfig { withdraw_above: Some(0.1), return_below: 0.2, ..config() };
    assert!(error(wrong).starts_with("return_below: found 0.2"));
}
