use super::{CASH, Ear, PERP, START, add, constant, counted, ms, report, spec, world};
use downdraft_margin::{MarginMode, Payoff, Pool};
use downdraft_sim::actors::{Counterparties, Holders, Holding, Population, PopulationConfig, TopUps};
use downdraft_sim::random::Streams;
use downdraft_sim::samplers::Distribution;
use downdraft_types::{AccountId, Money, Ppm, Qty};
use downdraft_venue::{Command, Event, MarkRule};

pub fn config() -> PopulationConfig {
    PopulationConfig {
        instrument: PERP,
        spec: spec(),
        initial_price: START,
        first_account: AccountId(100),
        holders: Holders {
            count: 1_000,
            long_share: 0.9,
            leverage: Distribution::Pareto { minimum: 3.0, alpha: 1.5, maximum: Some(60.0) },
            size: Distribution::LogNormal { median: 30.0, sigma: 1.0, maximum: Some(4_000.0) },
            entry: Distribution::Normal { mean: 0.0, deviation: 0.03, minimum: Some(-0.2), maximum: Some(0.2) },
            isolated_share: 0.4,
        },
        pledge: None,
        counterparties: Counterparties {
            count: 60,
            leverage: Distribution::Uniform { low: 1.0, high: 4.0 },
            size: Distribution::LogNormal { median: 1.0, sigma: 0.7, maximum: None },
            entry: Distribution::Uniform { low: -0.02, high: 0.05 },
        },
        top_ups: None,
    }
}

fn drawn(config: &PopulationConfig, seed: u64) -> Vec<Holding> {
    config.draw(|purpose| Streams::new(seed).stream("crowd", purpose)).expect("legal parameters")
}

#[test]
fn stands_as_drawn_and_nets() {
    let mut world = world(5, 0, MarkRule::Last);
    add(&mut world, "crowd", 0, Population::new(config()).unwrap());
    let ear = Ear::of(&mut world);
    assert_eq!((ear.rejections(), ear.liquidations()), (0, vec![]));
    let holdings = drawn(&config(), 5);
    assert_eq!(holdings.len(), 1_060);
    assert_eq!(holdings.iter().map(|holding| holding.size.0).sum::<i64>(), 0);
    let margin = world.venue().margin();
    for holding in &holdings {
        let position = margin.position(holding.account, PERP).unwrap();
        assert_eq!((position.size(), position.mode()), (holding.size, holding.mode));
        assert_eq!(position.cost().abs(), holding.value);
        let pool = margin.pool_of(position);
        assert_eq!(margin.balance(pool), holding.margin);
        assert!(margin.health(pool).is_healthy());
        if holding.mode == MarginMode::Isolated {
            let cash = Pool::Cross { account: holding.account, currency: CASH };
            assert_eq!(margin.balance(cash), Money::ZERO, "all of it stands behind the position");
        }
    }
    let pivot = config().pivot().unwrap();
    assert_eq!(pivot, AccountId(1_160));
    assert!(margin.position(pivot, PERP).unwrap().size().is_zero());
    assert_eq!(margin.balance(Pool::Cross { account: pivot, currency: CASH }), Money::ZERO);
    assert_eq!(counted(&world, "crowd", "accounts"), 1_060);
}

#[test]
fn shares_and_leverage_are_as_stated() {
    let holdings = drawn(&config(), 5);
    let (holders, others) = holdings.split_at(1_000);
    let share = |wanted: &dyn Fn(&Holding) -> bool| holders.iter().filter(|h| wanted(h)).count() as f64 / 1_000.0;
    let long = share(&|holding| holding.size.is_positive());
    let isolated = share(&|holding| holding.mode == MarginMode::Isolated);
    assert!((long - 0.9).abs() < 5.0 * 0.0095, "{long} are long");
    assert!((isolated - 0.4).abs() < 5.0 * 0.0155, "{isolated} are isolated");
    // The tiers allow twenty times, and draws beyond it are cut; from 10 million up, ten times.
    for holding in holders {
        let leverage = holding.value.0 as f64 / holding.margin.0 as f64;
        let most = if holding.value >= Money(10_000_000) { 10.0 } else { 20.0 };
        assert!(leverage > 2.99 && leverage <= most, "{leverage} times of {most}");
    }
    assert!(holders.iter().filter(|h| h.margin.0 * 20 - h.value.0 < 20).count() > 20, "some are cut");
    assert!(others.iter().all(|holding| holding.size.is_negative() && holding.mode == MarginMode::Cross));
    let sizes: std::collections::BTreeSet<i64> = others.iter().map(|holding| holding.size.0).collect();
    assert!(sizes.len() > 40, "counterparties differ: {}", sizes.len());
}

/// A mechanism that changes does not throw anyone else's dice.
#[test]
fn draws_are_keyed() {
    let before = drawn(&config(), 5);
    let mut changed = config();
    changed.counterparties.leverage = constant(2.0);
    changed.holders.isolated_share = 0.0;
    let after = drawn(&changed, 5);
    for (before, after) in before.iter().zip(&after).take(1_000) {
        assert_eq!((before.size, before.value, before.margin), (after.size, after.value, after.margin));
    }
    assert_ne!(before, drawn(&config(), 6));
}

/// Entries far under water are drawn again, and in the end replaced.
#[test]
fn nobody_starts_below_maintenance() {
    for entry in [Distribution::Uniform { low: 0.0, high: 0.4 }, constant(0.4)] {
        let mut hopeless = config();
        hopeless.holders =
            Holders { count: 200, long_share: 1.0, leverage: constant(10.0), entry: entry.clone(), ..hopeless.holders };
        let mut world = world(5, 0, MarkRule::Last);
        add(&mut world, "crowd", 0, Population::new(hopeless.clone()).unwrap());
        let ear = Ear::of(&mut world);
        assert_eq!((ear.rejections(), ear.liquidations()), (0, vec![]));
        let at_start = |holding: &&Holding| holding.value.0 == i128::from(holding.size.0) * 6_000;
        let clamped = drawn(&hopeless, 5).iter().take(200).filter(at_start).count();
        assert_eq!(clamped > 100, entry == constant(0.4), "{clamped} at the initial price");
    }
}

/// However far out, an entry is replaced, and nothing overflows on the way.
#[test]
fn entries_out_of_all_proportion_are_replaced() {
    for (entry, inverse) in [(1e30, false), (-1e30, false), (1e30, true), (-1e30, true), (-0.999_999_999, true)] {
        let mut wild = config();
        wild.holders.entry = constant(entry);
        wild.counterparties.entry =
            Distribution::Normal { mean: 0.0, deviation: entry.abs(), minimum: None, maximum: None };
        if inverse {
            wild.spec.payoff = Payoff::Inverse;
        }
        let holdings = drawn(&wild, 5);
        assert!(holdings.len() > 1_000 && holdings.iter().all(|holding| holding.value.is_positive()), "{entry}");
    }
}

#[test]
fn a_balanced_crowd_needs_few_counterparties() {
    let mut balanced = config();
    balanced.holders.long_share = 0.5;
    balanced.holders.size = constant(7.0);
    let mut world = world(5, 0, MarkRule::Last);
    add(&mut world, "crowd", 0, Population::new(balanced).unwrap());
    assert_eq!(Ear::of(&mut world).rejections(), 0);
}

/// One long, ten times leveraged, liquidated when equity is below 2%: near 918 ticks, that is 1836 marks.
fn saver(isolated_share: f64, share: f64, times: u32) -> PopulationConfig {
    let mut one = config();
    one.holders = Holders {
        count: 1,
        long_share: 1.0,
        leverage: constant(10.0),
        size: constant(100.0),
        entry: constant(0.0),
        isolated_share,
    };
    let delay = constant(1.5);
    one.top_ups = Some(TopUps { share, within: Ppm(20_000), delay, restore: Ppm(100_000), times });
    one
}

/// The mark falls a tick every tenth of a second, to `last` marks.
fn fall(config: PopulationConfig, last: i64) -> (Ear, [u64; 2], i128) {
    let mut world = world(5, 60, MarkRule::Exogenous);
    add(&mut world, "crowd", 50, Population::new(config).expect("legal parameters"));
    for (step, mark) in (1..).zip((last..2_000).rev().step_by(2)) {
        report(&mut world, ms(100 * step), mark);
    }
    let ear = Ear::of(&mut world);
    let counts = ["alerts", "top_ups"].map(|counter| counted(&world, "crowd", counter));
    (ear, counts, world.venue().margin().balance(Pool::Cross { account: AccountId(100), currency: CASH }).0)
}

#[test]
fn a_top_up_comes_after_its_delay_and_saves_the_position() {
    // Liquidated at the first m with 60_000 + 300 (m − 2000) < 0.02 × 300 m: m = 1836.
    let line = 1_836 + 1_836 / 50;
    for isolated in [0.0, 1.0] {
        let (ear, counts, _) = fall(saver(isolated, 1.0, 3), 1_750);
        let marks = |event: &Event| match event {
            Event::MarkMoved { mark, .. } if mark.0 <= line => Some(mark.0),
            _ => None,
        };
        let (alarmed, cause, mark) =
            ear.events.iter().find_map(|(time, id, event)| marks(event).map(|mark| (*time, *id, mark))).unwrap();
        assert!(mark > line - 2, "{mark}");
        let deposit = |command: &Command| matches!(command, Command::Deposit { account: AccountId(100), .. });
        let mut deposits = ear.commands.iter().filter(|(stamp, c)| deposit(c) && stamp.time > ms(0));
        let (stamp, command) = deposits.next().unwrap();
        // Data and order take 50 ms each.
        assert_eq!((stamp.time.0 - alarmed.0, stamp.cause), (1_600_000_000, Some(cause)));
        // Equity is brought to 10% of the notional at the mark last heard of, 14 reports later.
        let mark = i128::from(mark) - 28;
        let equity = 60_000 + 300 * (mark - 2_000);
        let Command::Deposit { amount, .. } = command else { unreachable!() };
        assert_eq!(amount.0, 300 * mark / 10 - equity);
        assert_eq!(ear.liquidations(), []);
        assert_eq!(ear.rejections(), 0);
        assert_eq!(counts[0], counts[1]);
        let moved = ear.sent().filter(|(_, command)| matches!(command, Command::MoveMargin { .. })).count() as u64;
        assert_eq!(moved, if isolated > 0.0 { counts[1] } else { 0 });
    }
}

#[test]
fn without_top_ups_it_is_liquidated() {
    let (ear, counts, _) = fall(saver(0.0, 0.0, 3), 1_750);
    assert_eq!(ear.liquidations().iter().map(|(_, account)| account.0).collect::<Vec<_>>(), [100]);
    assert_eq!(counts, [0, 0]);
}

#[test]
fn patience_ends_after_its_times() {
    let (ear, counts, _) = fall(saver(0.0, 1.0, 2), 1_200);
    assert_eq!(counts, [2, 2]);
    assert_eq!(ear.liquidations().len(), 1);
}

#[test]
fn who_is_too_slow_is_liquidated_and_stops() {
    let mut slow = saver(1.0, 1.0, 3);
    slow.top_ups.as_mut().unwrap().delay = constant(30.0);
    let (ear, counts, _) = fall(slow, 1_750);
    assert_eq!(ear.liquidations().len(), 1);
    assert_eq!(counts, [1, 0]);
}

#[test]
fn shorts_are_saved_too() {
    let mut short = saver(0.0, 1.0, 5);
    short.holders.long_share = 0.0;
    let mut world = world(5, 60, MarkRule::Exogenous);
    add(&mut world, "crowd", 50, Population::new(short).unwrap());
    for step in 1..150_u64 {
        report(&mut world, ms(100 * step), 2_000 + 2 * step as i64);
    }
    let ear = Ear::of(&mut world);
    assert_eq!(ear.liquidations(), []);
    assert!(counted(&world, "crowd", "top_ups") > 0);
}

#[test]
fn names_the_wrong_field() {
    let error = |change: fn(&mut PopulationConfig)| {
        let mut wrong = config();
        change(&mut wrong);
        Population::new(wrong).unwrap_err()
    };
    assert_eq!(
        error(|config| config.holders.long_share = 1.2),
        "holders.long_share: found 1.2, expected a finite number, from 0 to 1"
    );
    assert_eq!(error(|config| config.counterparties.count = 0), "counterparties.count: found 0, expected at least 1");
    assert!(error(|config| config.first_account = AccountId(u32::MAX)).starts_with("first_account: found"));
    assert!(error(|config| config.spec.tiers.clear()).contains("TiersNotRising"));
    assert!(error(|config| config.holders.size = constant(f64::NAN)).starts_with("holders.size.value"));

    let mut crowded = config();
    crowded.counterparties.count = 1;
    crowded.spec.max_position = Qty(5_000);
    let error = crowded.draw(|purpose| Streams::new(1).stream("crowd", purpose)).unwrap_err();
    assert!(error.starts_with("counterparties.count: found 1, one of which would hold"), "{error}");
}
