use super::shock::sale;
use super::{CASH, Ear, PERP, RICH, START, add, constant, counted, ms, world};
use downdraft_sim::actors::{Background, BackgroundConfig, BookSeed, Shock, ShockConfig};
use downdraft_sim::samplers::Distribution;
use downdraft_types::{AccountId, Price, Qty, Side, Time};
use downdraft_venue::{Command, Event, MarkRule, OrderRequest, Rejection};

pub fn crowd() -> BackgroundConfig {
    BackgroundConfig {
        instrument: PERP,
        currency: CASH,
        first_account: AccountId(1),
        accounts: 5,
        deposit: RICH,
        stock: None,
        initial_price: START,
        seed: Some(seed(true)),
        start: Time::ZERO,
        limit_rate: 20.0,
        placement: Distribution::Pareto { minimum: 1.0, alpha: 1.0, maximum: Some(100.0) },
        limit_size: constant(2.0),
        market_rate: 4.0,
        market_size: constant(3.0),
        cancel_rate: 0.5,
        max_orders: 5_000,
    }
}

pub fn seed(lasting: bool) -> BookSeed {
    BookSeed { half_spread: 1, step: 2, levels: vec![Qty(500), Qty(700)], order_size: Qty(200), lasting }
}

fn limits(ear: &Ear) -> Vec<(Time, OrderRequest)> {
    let order = |(time, command): (Time, &Command)| match command {
        Command::PlaceOrder(order) if order.client.is_some() => Some((time, *order)),
        _ => None,
    };
    ear.sent().filter_map(order).collect()
}

#[test]
fn seeds_the_book_as_stated() {
    let mut world = world(1, 0, MarkRule::Last);
    add(&mut world, "crowd", 0, Background::new(crowd()).unwrap());
    let ear = Ear::of(&mut world);
    assert_eq!(ear.book(Time::ZERO), &[vec![(999, 500), (997, 700)], vec![(1_001, 500), (1_003, 700)]]);
    let accounts: std::collections::BTreeSet<AccountId> = ear
        .sent()
        .filter_map(|(_, command)| match command {
            Command::PlaceOrder(order) => Some(order.account),
            _ => None,
        })
        .collect();
    assert_eq!(accounts.len(), 5, "every account has orders");
    assert_eq!(ear.rejections(), 0);
}

#[test]
fn rates_are_as_stated() {
    let seconds = 400;
    let mut world = world(2, seconds, MarkRule::Last);
    add(&mut world, "crowd", 1, Background::new(crowd()).unwrap());
    let ear = Ear::of(&mut world);
    let near = |counter, mean: f64| {
        let found = counted(&world, "crowd", counter) as f64;
        assert!((found - mean).abs() < 5.0 * mean.sqrt(), "{counter}: {found}, expected about {mean}");
    };
    near("limit_orders", 2.0 * 20.0 * seconds as f64);
    near("market_orders", 2.0 * 4.0 * seconds as f64);
    assert_eq!(counted(&world, "crowd", "left_out"), 0);
    // Sides are alike.
    let buys = limits(&ear).iter().filter(|(_, order)| order.side == Side::Buy).count() as f64;
    let mean = 20.0 * seconds as f64;
    assert!((buys - mean).abs() < 5.0 * mean.sqrt(), "{buys} buys of about {mean}");
}

/// Without trades the number at rest is a Poisson variable with mean 2λ ÷ δ.
#[test]
fn cancellations_hold_the_book_at_its_mean() {
    let seconds = 400;
    let mut world = world(3, seconds, MarkRule::Last);
    let config = BackgroundConfig { market_rate: 0.0, placement: constant(40.0), ..crowd() };
    add(&mut world, "crowd", 0, Background::new(config).unwrap());
    let ear = Ear::of(&mut world);
    let own = |time| (ear.depth(time, Side::Buy) + ear.depth(time, Side::Sell) - 2 * 1_200) as f64 / 2.0;
    let mean = (20..seconds).map(|second| own(ms(1_000 * second))).sum::<f64>() / (seconds - 20) as f64;
    // Its average over T has variance 2 × mean ÷ (δ T).
    assert!((mean - 80.0).abs() < 5.0 * (2.0_f64 * 80.0 / (0.5 * 380.0)).sqrt(), "found {mean}, expected about 80");
    assert_eq!(counted(&world, "crowd", "refused"), 0);
}

#[test]
fn keeps_its_distance_from_the_opposite_best() {
    let mut world = world(4, 20, MarkRule::Last);
    let config = BackgroundConfig { market_rate: 0.0, placement: constant(3.9), ..crowd() };
    add(&mut world, "crowd", 0, Background::new(config).unwrap());
    let orders = limits(&Ear::of(&mut world));
    assert!(orders.len() > 100);
    for (_, order) in orders {
        // The touch stays at 999 and 1001.
        let expected = if order.side == Side::Buy { 1_001 - 3 } else { 999 + 3 };
        assert_eq!(order.limit, Some(Price(expected)));
    }
}

#[test]
fn an_empty_side_is_replaced_by_the_last_mid() {
    let mut world = world(5, 60, MarkRule::Last);
    let config = BackgroundConfig { seed: None, market_rate: 0.0, placement: constant(7.0), ..crowd() };
    add(&mut world, "crowd", 0, Background::new(config).unwrap());
    let orders = limits(&Ear::of(&mut world));
    let (_, first) = orders[0];
    assert_eq!(first.limit, Some(Price(if first.side == Side::Buy { 993 } else { 1_007 })));
}

#[test]
fn waits_while_trading_is_halted() {
    let mut world = world(6, 30, MarkRule::Last);
    add(&mut world, "crowd", 0, Background::new(crowd()).unwrap());
    world.schedule(ms(10_000), Command::Halt { instrument: PERP, until: None }).unwrap();
    world.schedule(ms(20_000), Command::Reopen { instrument: PERP }).unwrap();
    let ear = Ear::of(&mut world);
    let sent = |from, to| ear.sent().filter(|(time, _)| *time > ms(from) && *time <= ms(to)).count();
    assert!(sent(0, 10_000) > 100);
    assert_eq!(sent(10_000, 20_000), 0);
    assert!(sent(20_000, 30_000) > 100);
}

#[test]
fn begins_when_told_and_keeps_within_its_bound() {
    let mut world = world(7, 30, MarkRule::Last);
    let config = BackgroundConfig {
        start: ms(5_000),
        market_rate: 0.0,
        cancel_rate: 0.0,
        placement: constant(5.0),
        max_orders: 50,
        ..crowd()
    };
    add(&mut world, "crowd", 0, Background::new(config).unwrap());
    let ear = Ear::of(&mut world);
    let orders = limits(&ear);
    assert!(orders.iter().all(|(time, _)| *time >= ms(5_000)));
    assert_eq!(orders.len(), 50);
    assert!(counted(&world, "crowd", "left_out") > 500);
}

/// Placed, filled at once or in parts, cancelled: what it believes live is what rests.
#[test]
fn knows_its_own_orders() {
    for seed_number in 1..6 {
        let mut world = world(seed_number, 60, MarkRule::Last);
        let config = BackgroundConfig {
            seed: Some(seed(false)),
            placement: Distribution::Uniform { low: 1.0, high: 6.0 },
            limit_size: Distribution::Uniform { low: 1.0, high: 9.0 },
            market_rate: 15.0,
            ..crowd()
        };
        add(&mut world, "crowd", 0, Background::new(config).expect("legal parameters"));
        // A stranger takes, and limit orders of the crowd's own cross while its news is late.
        add(&mut world, "shock", 3, Shock::new(ShockConfig { account: AccountId(40), ..sale(300, 100) }).unwrap());
        Ear::of(&mut world);
        let book = world.venue().market(PERP).unwrap().book();
        let at_rest: usize = Side::BOTH
            .into_iter()
            .flat_map(|side| book.depth(side).map(move |level| (side, level.price)))
            .map(|(side, price)| book.orders_at(side, price).count())
            .sum();
        assert_eq!(counted(&world, "crowd", "at_rest"), at_rest as u64);
        assert!(at_rest > 10);
    }
}

/// A cancellation that crosses a fill on its way is refused, and nothing else is.
#[test]
fn late_news_costs_only_refused_cancellations() {
    let mut world = world(8, 120, MarkRule::Last);
    let config = BackgroundConfig { seed: Some(seed(false)), ..crowd() };
    add(&mut world, "crowd", 50, Background::new(config).unwrap());
    let ear = Ear::of(&mut world);
    let refused = counted(&world, "crowd", "refused");
    assert_eq!(refused, ear.rejections() as u64);
    for (_, id, event) in &ear.events {
        if let Event::Rejected { reason } = event {
            let (_, command) = ear.commands.iter().find(|(stamp, _)| stamp.seq == id.seq).unwrap();
            assert!(matches!(command, Command::CancelOrder { .. }), "{command:?}");
            assert_eq!(*reason, Rejection::UnknownOrder);
        }
    }
    assert!(refused > 0 && refused < counted(&world, "crowd", "cancels") / 10, "{refused} refused");
    // Seeds that do not last decay with the rest: mean life two seconds.
    assert!(ear.depth(ms(100_000), Side::Buy) < 600);
}

#[test]
fn names_the_wrong_field() {
    let error = |config: BackgroundConfig| Background::new(config).unwrap_err();
    assert_eq!(
        error(BackgroundConfig { limit_rate: -1.0, ..crowd() }),
        "limit_rate: found -1, expected a finite number, at least 0"
    );
    let wrong = BookSeed { order_size: Qty(0), ..seed(true) };
    assert_eq!(
        error(BackgroundConfig { seed: Some(wrong), ..crowd() }),
        "seed.order_size: found 0, expected at least 1"
    );
    assert!(error(BackgroundConfig { first_account: AccountId(0), ..crowd() }).starts_with("first_account: found 0"));
    assert!(error(BackgroundConfig { placement: constant(f64::NAN), ..crowd() }).starts_with("placement.value"));
}

#[test]
fn a_refused_set_up_ends_the_run() {
    let mut world = world(9, 1, MarkRule::Last);
    add(&mut world, "crowd", 0, Background::new(BackgroundConfig { deposit: super::Money(10), ..crowd() }).unwrap());
    let error = world.run(&mut ()).unwrap_err().to_string();
    assert!(
        error.starts_with("crowd: command 11 of the 24 of its set-up") && error.contains("InsufficientMargin"),
        "{error}"
    );
}
