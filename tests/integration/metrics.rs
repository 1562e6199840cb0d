//! Metrics that are known beforehand: on the threshold ladder, and on the golden cascades.

use crate::threshold_ladder::ladder;
use downdraft_insight::metrics::slope::Prediction;
use downdraft_insight::metrics::{Config, Metrics, slopes};
use downdraft_sim::random::Streams;
use downdraft_testkit::world::{CASH, PERP, World, margin, world};
use downdraft_types::{AccountId, InstrumentId, MarkPrice, Money, Span, Time};
use downdraft_venue::{AdlPrice, Command, LiquidationPolicy, Venue};

/// Before the shock: mark 100.0, nearest trigger 99.0, spacing 1.0. A tick is 0.1, and all of it in ticks.
#[test]
fn the_ladder_is_foreseen_exactly() {
    for displacement in 1..20 {
        let before = ladder(displacement).start();
        let [falling, rising] = slopes(&before.runner.venue, PERP, 1_000);
        assert_eq!(falling.nearest(), Some(10));
        assert_eq!(falling.recursion(), Some(displacement as f64 / 10.0));
        let branching = falling.branching(1_000).expect("ten triggers");
        assert!((branching - displacement as f64 / 10.0).abs() < 1e-12, "{branching}");
        // A shock of 1% of the mark, which takes the lot at 99.0.
        let prediction = falling.predict(10, |_| {});
        assert_eq!(Some(prediction), falling.run());

        let mut after = ladder(displacement).start();
        after.sell(1);
        let happened = (after.liquidated().len() as u64, 1_000 - after.mark());
        assert_eq!((prediction.liquidations, prediction.distance), happened, "displacement {displacement}");
        assert_eq!((prediction.lots, prediction.unfilled), (u128::from(prediction.liquidations), 0));
        assert_eq!(rising.run(), None, "the winners are rich");
    }
    let published =
        |displacement| slopes(&ladder(displacement).start().runner.venue, PERP, 1_000)[0].predict(10, |_| {});
    let Prediction { liquidations, distance, .. } = published(9);
    assert_eq!((liquidations, 1_000 - distance), (1, 981), "one, at 98.1");
    let Prediction { liquidations, distance, .. } = published(11);
    assert_eq!((liquidations, 1_000 - distance), (10, 880), "ten, at 88.0");
}

/// The golden cascade with an ample fund: what an outside sale of 20, 30, 40 leads to, read off before it.
#[test]
fn the_golden_cascade_is_foreseen() {
    let golden = || {
        let bids = world().maintenance(10_000).bids("10@99..90").fund(1_000);
        bids.long("A", 10, 100, margin(20)).long("B", 10, 100, margin(40)).long("C", 20, 100, margin(120)).start()
    };
    let [falling, _] = slopes(&golden().runner.venue, PERP, 30);
    for (qty, liquidations, mark) in [(20, 1, 97), (30, 2, 95), (40, 3, 92)] {
        let shock = qty / 10;
        let prediction = falling.predict(shock, |_| {});
        assert_eq!((prediction.liquidations, 100 - prediction.distance), (liquidations, mark), "sell {qty}");
        let mut world = golden();
        world.sell(qty as u64);
        assert_eq!((world.liquidated().len() as u64, world.mark()), (liquidations, mark));
    }
}

/// Measures a recorded world, applied again to a venue of its own.
fn measured(world: &World, config: Config) -> (Metrics, Venue) {
    let mut venue = Venue::with_capacity(world.runner.venue.capacity());
    let mut metrics = Metrics::new(config);
    for step in world.runner.history.as_ref().expect("a recorded world") {
        venue.apply(step.stamp.time, step.stamp.seq, &step.command, &mut ()).expect("in order");
        metrics.command(&step.stamp, &step.command);
        step.events.iter().for_each(|(id, parent, event)| metrics.event(*id, *parent, event));
        metrics.done(&venue);
    }
    metrics.sample_now(&venue);
    (metrics, venue)
}

#[test]
fn a_series_knows_what_came_and_when() {
    let mut world = ladder(11).recorded().start();
    world.runner.run_until(Time(1_000_000_000));
    world.must(Command::Deposit { account: AccountId::FUND, currency: CASH, amount: Money(1) });
    world.runner.run_until(Time(2_500_000_000));
    world.sell(1);
    let config = Config { every: Span::from_secs(1), ..Config::over(Span::from_secs(10)) };
    let (metrics, venue) = measured(&world, config);
    let series = metrics.series(InstrumentId(0)).expect("listed");
    let samples = &series.samples;
    let times: Vec<u64> = samples.iter().map(|sample| sample.time.0 / 100_000_000).collect();
    assert_eq!(times, [0, 10, 20, 25]);
    let before = &samples[1];
    assert_eq!((before.mark.0, before.open_interest, before.sides[0].proximity), (1_000, 10, Some(10)));
    assert_eq!(before.proximity_bps(0), Some(100.0));
    assert_eq!(before.sides[0].shock.liquidations, 10, "5% reach the first trigger, and that is enough");
    assert_eq!(before.sides[0].recursion, Some(1.1));
    // Within 5%, 50 ticks: triggers at 990 … 950; bids at 990, 979, 968, 957.
    assert_eq!((before.sides[0].forced[3], before.sides[0].depth[3]), (5, 4));
    assert_eq!((before.sides[0].depth_ratio(3), before.sides[0].gamma), (Some(0.8), Some(0.1)));
    // The sample of 2 s is taken after the first command at or after it, the sale; A's order follows.
    let after = &samples[2];
    assert_eq!((after.mark.0, after.liquidations, after.volume, after.forced_volume), (990, 1, 1, 0));
    assert_eq!(after.sides[0].under_way, 1);
    let last = &samples[3];
    assert_eq!((last.mark.0, last.liquidations, last.forced_volume, last.open_interest), (880, 9, 10, 11));
    assert_eq!((last.sides[0].proximity, last.sides[0].run), (None, None));

    let totals = metrics.totals(&venue);
    let foreseen = totals.instruments[0].foreseen.expect("there was a liquidation");
    assert_eq!((foreseen.time, foreseen.direction, foreseen.run.liquidations), (Time(1_000_000_000), 0, 10));
    assert_eq!(totals.between.count(), 9);
    assert_eq!((totals.contagion_coefficient(), totals.contagion[0].liquidations), (Some(0.0), 10));
    // The ladder's lots by price: ten triggers in ticks of one.
    assert_eq!(series.bucket_width, 2);
    let ladder: u128 = series.profiles[1].ladder[0].iter().map(|bin| bin.lots).sum();
    assert_eq!((ladder, series.profiles[3].ladder[0].len()), (10, 0));
}

/// The golden cascade with a fund that is one short, B's ten closed at a price of the policy; where that is an index it is
/// 98, before the present one. Two seconds later the mark is 101, and in the end 103.
fn deleveraged_at(price: AdlPrice) -> World {
    let book = world().maintenance(10_000).bids("10@99..90").asks("10@101,10@103").fund(49).recorded();
    let policy = |policy: &mut LiquidationPolicy| policy.adl.price = price;
    let book = book.long("A", 10, 100, margin(20)).long("B", 10, 100, margin(40)).long("C", 20, 100, margin(120));
    let mut world = book.liquidation(policy).start();
    for index in [98, 97] {
        world.must(Command::ReportIndex { instrument: PERP, index: MarkPrice(index) });
    }
    world.sell(40);
    world.runner.run_until(Time(1_000_000_000));
    world.buy(10);
    world.runner.run_until(Time(3_000_000_000));
    world.buy(10);
    assert_eq!(world.mark(), 103);
    world
}

/// B is closed at a mark of 95, where it lacks 10: for what the winners get less than the mark's 950, 10 are for the
/// deficit and the rest is overshoot.
#[test]
fn overshoot_is_what_no_deficit_asked_for_at_any_price() {
    for (price, value, conceded, overshoot) in [
        (AdlPrice::Bankruptcy, 960, 10, 0),
        (AdlPrice::Mark, 950, 0, 0),
        (AdlPrice::PreviousIndex, 980, 30, 20),
        (AdlPrice::Entry, 1_000, 50, 40),
    ] {
        let world = deleveraged_at(price);
        assert_eq!(world.deleveraged(), [("B", 10, value)], "{price:?}");
        let config = Config { adl_horizon: Span::from_secs(2), ..Config::over(Span::from_secs(10)) };
        let (metrics, venue) = measured(&world, config);
        let totals = metrics.totals(&venue);
        let [of] = totals.deleveraged.as_slice() else { panic!("{:?}", totals.deleveraged) };
        assert_eq!((of.conceded, of.overshoot), (Money(conceded), Money(overshoot)), "{price:?}");
        assert_eq!((totals.overshoot(PERP).0, world.overshoot()), (overshoot, overshoot));
        // Their short would have cost 1,010 after two seconds, and 1,030 in the end.
        let borne = conceded - overshoot;
        assert_eq!((of.later.0, of.forgone.0), (value - 1_010 - borne, value - 1_030 - borne), "{price:?}");
        assert_eq!((totals.overshoot_later(PERP), totals.overshoot_end(PERP)), (of.later, of.forgone));
    }
}

#[test]
fn deleveraging_is_looked_back_on() {
    let world = deleveraged_at(AdlPrice::Bankruptcy);
    let config = Config { adl_horizon: Span::from_secs(2), ..Config::over(Span::from_secs(10)) };
    let (metrics, venue) = measured(&world, config);
    let totals = metrics.totals(&venue);
    let [deleveraged] = totals.deleveraged.as_slice() else { panic!("{:?}", totals.deleveraged) };
    assert_eq!((world.name(deleveraged.account), deleveraged.quantity.0), ("winners", 10));
    // A's ten for 950 in the book, B's for 960 against the winners.
    let [contagion] = totals.contagion.as_slice() else { panic!("{:?}", totals.contagion) };
    assert_eq!((contagion.from, contagion.to, contagion.liquidations, contagion.value), (PERP, PERP, 2, Money(1_910)));
    assert_eq!(totals.contagion_by_value(CASH), Some(0.0));
}

/// A fund of the instrument's own answers for it, so the other fund's money covers nothing.
#[test]
fn coverage_is_that_of_the_fund_that_pays() {
    let book = world().maintenance(10_000).bids("10@99..90").fund(1_000).idle("F", margin(25)).recorded();
    let book = book.long("A", 10, 100, margin(20)).long("B", 10, 100, margin(40)).long("C", 20, 100, margin(120));
    let mut world = book.start();
    let sample = |world: &World| {
        let (metrics, _) = measured(world, Config { every: Span(1), ..Config::over(Span::from_secs(10)) });
        metrics.currency(CASH).last().copied().expect("a sample")
    };
    // A shock of 5% takes the bids down to 95: A's ten are sold at 94 for 60 less than they cost, 40 beyond its margin,
    // B's at 93 for 30 beyond its own, C's at 92 and 91 for 50 beyond.
    world.runner.run_until(Time(1_000));
    world.must(Command::Deposit { account: AccountId::FUND, currency: CASH, amount: Money(1) });
    let before = sample(&world);
    assert_eq!((before.fund, before.draw, before.coverage), (Money(1_001), Money(120), Some(1_001.0 / 120.0)));
    world.runner.run_until(Time(2_000));
    world.must(Command::SetFund { instrument: PERP, fund: world.account("F"), isolated: false });
    let after = sample(&world);
    assert_eq!((after.fund, after.draw, after.coverage), (Money(1_026), Money(120), Some(25.0 / 120.0)));
}

/// A ladder and a book drawn from a seed: ten longs of a lot with triggers from 99.0 down, about a spacing of ten ticks
/// apart, and bids of a lot whose mean distance differs from seed to seed.
fn drawn_ladder(seed: u64) -> World {
    let streams = Streams::new(seed);
    let draw = |purpose, n: u64, from: i64, below: i64| {
        from + streams.stream("ladder", purpose).draw(n).below((below - from) as u64) as i64
    };
    let mean = draw("mean", 0, 2, 22);
    let (mut price, mut bids) = (990, vec!["1@990".to_owned()]);
    for n in 0..14 {
        price -= draw("gap", n, 1, 2 * mean);
        bids.push(format!("1@{price}"));
    }
    let mut builder = world().maintenance(0).mark(1_000).bids(&bids.join(",")).fund(1_000_000);
    let mut trigger = 990;
    for (n, name) in (0..).zip(["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"]) {
        builder = builder.long(name, 1, 1_000, margin((999 - trigger).into()));
        trigger -= draw("spacing", n, 1, 20);
    }
    builder.start()
}

/// Over 240 seeds, the larger the branching number that ladder and book let expect, the larger the mean cascade; and
/// where it is well below 1 a cascade stays within two fifths of the 1 ÷ (1 − n) of a branching process.
#[test]
fn the_expected_branching_foretells_the_mean_cascade() {
    let mut drawn: Vec<(f64, u64)> = (1..=240)
        .map(|seed| {
            let mut world = drawn_ladder(seed);
            let expected = slopes(&world.runner.venue, PERP, 1_000)[0].branching(1_000).expect("ten triggers");
            world.sell(1);
            (expected, world.liquidated().len() as u64)
        })
        .collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = |part: &[(f64, u64)]| part.iter().map(|(_, size)| *size as f64).sum::<f64>() / part.len() as f64;
    let quarters: Vec<f64> = drawn.chunks(60).map(mean).collect();
    assert!(quarters.windows(2).all(|pair| pair[0] < pair[1]), "{quarters:?}");
    let below: Vec<(f64, u64)> = drawn.iter().copied().filter(|(expected, _)| *expected < 0.5).collect();
    let foretold = below.iter().map(|(expected, _)| 1.0 / (1.0 - expected)).sum::<f64>() / below.len() as f64;
    assert!(below.len() >= 20 && (mean(&below) / foretold - 1.0).abs() < 0.4, "{} of {foretold}", mean(&below));
}
