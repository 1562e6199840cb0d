//! Metrics that are known beforehand: on the threshold ladder, and on the golden cascades.

use crate::threshold_ladder::ladder;
use downdraft_insight::metrics::slope::Prediction;
use downdraft_insight::metrics::{Config, Metrics, slopes};
use downdraft_testkit::world::{CASH, PERP, World, margin, world};
use downdraft_types::{AccountId, InstrumentId, Money, Span, Time};
use downdraft_venue::{Command, Venue};

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
