//! Recordings through the venue: what the recording's book was, ours is.

use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader, PairReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{FeedError, Input, Record, Steps};
use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, TierSpec};
use downdraft_sim::actors::recorded::{Anchor, Recorded, RecordedConfig, Replay, Tape};
use downdraft_sim::latency::{Latencies, Latency};
use downdraft_sim::world::{Observer, World};
use downdraft_testkit::recordings::find;
use downdraft_types::{
    AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{BookSize, Capacity, Command, Event, Stamp, Venue};
use std::collections::BTreeSet;
use std::fs::File;
use std::ops::ControlFlow;

const STOCK: InstrumentId = InstrumentId(0);
const CASH: CurrencyId = CurrencyId(0);
const CENT: i64 = 100;

fn world(mark: i64, end: Time) -> World {
    let capacity = Capacity {
        accounts: 8,
        positions: 16,
        positions_per_account: 2,
        instruments: 1,
        currencies: 1,
        client_orders: 100_000,
    };
    let mut world = World::new(capacity, 1, end);
    let spec = InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(10_000_000),
        max_order: Qty(10_000_000),
        max_position: Qty(100_000_000),
        tiers: vec![TierSpec { floor: Money::ZERO, maintenance: Ppm(5_000), initial: Ppm(10_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    };
    let book = BookSize { orders: 100_000, levels: 20_000 };
    for command in [
        Command::ListInstrument { instrument: STOCK, spec: Box::new(spec), book },
        Command::SetMark { instrument: STOCK, mark: MarkPrice(mark) },
    ] {
        world.schedule(Time::ZERO, command).expect("the start");
    }
    world
}

fn config(replay: Replay) -> RecordedConfig {
    RecordedConfig {
        instrument: STOCK,
        currency: CASH,
        accounts: [AccountId(1), AccountId(2), AccountId(3)],
        margin: Money(1_000_000_000_000_000),
        replay,
        anchor: Anchor::Absolute,
        start: Span::from_micros(1),
        await_opening: false,
    }
}

fn at_once() -> Latencies {
    Latencies { orders: Latency::constant(Span::ZERO), data: Latency::constant(Span::ZERO) }
}

/// A tape whose messages are a microsecond apart, so that each has an instant of its own.
struct Spaced<T>(T, u64);

impl<T: Tape> Tape for Spaced<T> {
    fn read(&mut self, row: &mut LevelRow) -> Result<Option<Record>, FeedError> {
        self.1 += 1;
        let time = Time(self.1 * 1_000);
        Ok(self.0.read(row)?.map(|record| Record { time, ..record }))
    }

    fn has_rows(&self) -> bool {
        self.0.has_rows()
    }
}

#[test]
fn lobster_sample_rebuilds_ten_levels_on_every_row() {
    let (Some(messages), Some(levels)) = (
        find("lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv"),
        find("lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv"),
    ) else {
        return;
    };
    let steps = Steps::new(CENT, 1).expect("a cent");
    let open = |path| Input::new(File::open(path).expect("a recording")).expect("a readable recording");
    let mut rows = Vec::new();
    let mut reader = LevelReader::new(open(&levels), steps);
    let mut row = LevelRow::default();
    while reader.read_into(&mut row).expect("sound rows") {
        rows.push(row.clone());
    }
    let pair = PairReader::new(MessageReader::new(open(&messages), steps), LevelReader::new(open(&levels), steps));
    let mut world = world(58_565, Time::MAX);
    world.add(
        "tape",
        at_once(),
        Box::new(Recorded::new(config(Replay::Reconstruct), "sample", Box::new(Spaced(pair, 0)))),
    );

    let mut matched = 0;
    while world.step(&mut ()).expect("a sound recording") {
        let instant = world.now();
        let row = (instant.0 / 1_000).checked_sub(1).map(|index| &rows[usize::try_from(index).expect("a row")]);
        let last_of_instant = world.next_time().is_none_or(|next| next > instant);
        // The first row seeds the book; the others are to be met.
        if last_of_instant && instant.0 > 1_000 && row.is_some_and(|row| levels_of(world.venue(), 10) == *row) {
            matched += 1;
        }
    }
    let counters: Vec<_> = world.counters().map(|(_, counters)| counters).collect();
    println!("{matched} rows match; {counters:?}");
    let count = |name: &str| counters[0].iter().find(|(n, _)| *n == name).map_or(0, |(_, n)| *n);
    assert_eq!(matched, rows.len() - 1, "rows that match on ten levels of both sides");
    assert_eq!(count("reveals"), 318);
    assert_eq!(count("read"), 999);
}

fn levels_of(venue: &Venue, n: usize) -> LevelRow {
    let book = venue.market(STOCK).expect("listed").book();
    let side = |side| book.depth(side).take(n).map(|level| (level.price, level.qty)).collect();
    LevelRow { asks: side(Side::Sell), bids: side(Side::Buy) }
}

/// Asserts after each command that the book is not crossed, and counts.
#[derive(Default)]
struct Watch {
    rejected: u64,
    trades: u64,
    /// Accounts whose liquidation orders filled in the book.
    liquidated: BTreeSet<AccountId>,
}

impl Observer for Watch {
    fn command(&mut self, _: &Stamp, _: &Command) {}

    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.rejected += u64::from(matches!(event, Event::Rejected { .. }));
        if let Event::Trade { taker, forced, .. } = event {
            self.trades += 1;
            self.liquidated.extend(forced.then_some(taker.account));
        }
    }

    fn done(&mut self, venue: &Venue) {
        let Ok(market) = venue.market(STOCK) else { return };
        if let (Some(bid), Some(ask)) = (market.best(Side::Buy), market.best(Side::Sell)) {
            assert!(bid < ask, "invariant 3: the book is never crossed at rest");
        }
    }
}

fn assert_accounted(counts: &[(&'static str, u64)]) {
    let not_a_reason = ["read", "reveals", "prints", "print_lots", "print_lots_filled"];
    let read = counts.iter().find(|(name, _)| *name == "read").map_or(0, |(_, n)| *n);
    let accounted: u64 = counts.iter().filter(|(name, _)| !not_a_reason.contains(name)).map(|(_, n)| n).sum();
    assert_eq!(read, accounted, "read = applied + counted by reason: {counts:?}");
}

/// What a recording leaves under one mode: all levels, and the actor's counts.
struct Left {
    levels: LevelRow,
    counts: Vec<(&'static str, u64)>,
}

impl Left {
    fn of(tape: Box<dyn Tape>, mark: i64, config: RecordedConfig) -> Self {
        let replay = config.replay;
        let mut world = world(mark, Time::MAX);
        world.add("tape", at_once(), Box::new(Recorded::new(config, "recording", tape)));
        let mut watch = Watch::default();
        world.run(&mut watch).expect("a sound recording");
        world.venue().check_invariants();
        let counts = world.counters().next().map(|(_, counts)| counts).expect("one actor");
        println!("{replay:?}: {} trades, {} rejected, {counts:?}", watch.trades, watch.rejected);
        Self { levels: levels_of(world.venue(), usize::MAX), counts }
    }

    fn count(&self, name: &str) -> u64 {
        self.counts.iter().find(|(n, _)| *n == name).map_or(0, |(_, n)| *n)
    }

    /// read = applied + counted by reason.
    fn assert_accounted(&self) {
        assert_accounted(&self.counts);
    }

    fn levels(&self) -> impl Iterator<Item = (Side, (Price, Qty))> + '_ {
        let side = |side, levels: &'_ [(Price, Qty)]| levels.iter().map(move |l| (side, *l)).collect::<Vec<_>>();
        side(Side::Buy, &self.levels.bids).into_iter().chain(side(Side::Sell, &self.levels.asks))
    }

    /// Lots by which the levels of two books differ.
    fn distance(&self, other: &Self) -> u64 {
        let mut totals = std::collections::BTreeMap::<(Side, Price), i128>::new();
        for (side, (price, qty)) in self.levels() {
            *totals.entry((side, price)).or_default() += i128::from(qty.0);
        }
        for (side, (price, qty)) in other.levels() {
            *totals.entry((side, price)).or_default() -= i128::from(qty.0);
        }
        totals.values().map(|difference| u64::try_from(difference.unsigned_abs()).expect("lots")).sum()
    }
}

fn aapl(config: RecordedConfig) -> Option<Left> {
    let messages = find("lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz")?;
    let steps = Steps::new(CENT, 1).expect("a cent");
    let input = Input::new(File::open(messages).expect("a recording")).expect("a readable recording");
    Some(Left::of(Box::new(MessageReader::new(input, steps)), 58_565, config))
}

#[test]
fn an_hour_of_aapl_reacts_as_it_was_recorded() {
    let (Some(recorded), Some(reacted)) = (aapl(config(Replay::Reconstruct)), aapl(config(Replay::Reactive))) else {
        return;
    };
    recorded.assert_accounted();
    reacted.assert_accounted();
    assert_eq!(recorded.count("read"), 91_997);
    // Orders of before the file's beginning are unknown in both; prints on them meet whoever is there.
    assert_eq!(recorded.distance(&reacted), 0, "level totals");
}

/// Where nothing displaces the market, recorded prices that follow it stay where they are.
#[test]
fn an_undisturbed_market_is_not_moved_by_its_anchor() {
    let relative = RecordedConfig { anchor: Anchor::Relative, ..config(Replay::Reactive) };
    let (Some(absolute), Some(relative)) = (aapl(config(Replay::Reactive)), aapl(relative)) else { return };
    relative.assert_accounted();
    assert_eq!(absolute.distance(&relative), 0, "level totals");
    assert_eq!(absolute.count("print_lots_filled"), relative.count("print_lots_filled"));

    let (Some(absolute), Some(relative)) =
        (futures(Replay::Reactive, Anchor::Absolute), futures(Replay::Reactive, Anchor::Relative))
    else {
        return;
    };
    let resting: u64 = absolute.levels().map(|(_, (_, qty))| qty.0).sum();
    let differ = absolute.distance(&relative);
    println!("{differ} of {resting} resting lots differ");
    assert!(differ * 100 <= resting, "{differ} of {resting} lots differ");
}

fn futures(replay: Replay, anchor: Anchor) -> Option<Left> {
    let path = find("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst")?;
    let steps = Steps::new(250_000_000, 1).expect("a quarter point");
    let input = Input::new(File::open(path).expect("a recording")).expect("a readable recording");
    let reader = MboReader::new(input, steps, None).expect("a market-by-order file");
    Some(Left::of(Box::new(reader), 19_240, RecordedConfig { await_opening: true, anchor, ..config(replay) }))
}

#[test]
fn an_evening_of_futures_reacts_as_it_was_recorded() {
    let (Some(recorded), Some(reacted)) =
        (futures(Replay::Reconstruct, Anchor::Absolute), futures(Replay::Reactive, Anchor::Absolute))
    else {
        return;
    };
    recorded.assert_accounted();
    reacted.assert_accounted();
    assert_eq!(recorded.count("read"), 68_792);
    assert_eq!(recorded.levels.bids.first().map(|(price, _)| price.0), Some(19_240), "best bid 4810.00");
    assert_eq!(recorded.levels.asks.first().map(|(price, _)| price.0), Some(19_241), "best ask 4810.25");
    let resting: u64 = recorded.levels().map(|(_, (_, qty))| qty.0).sum();
    let differ = recorded.distance(&reacted);
    println!("{differ} of {resting} resting lots differ");
    // Some fills of this market pass over the front of their queue: the takers' orders here do not.
    assert!(differ * 100 <= resting, "{differ} of {resting} lots differ");
}

/// A library scenario on a recording: its liquidations fill against recorded orders.
fn with_leveraged_accounts(scenario: &str, recording: &str) {
    let Some(path) = find(recording) else { return };
    let set = format!("feed.path={}", path.display());
    let scenario = downdraft_lab::load(scenario, &[set]).expect("a library scenario");
    let mut watch = Watch::default();
    let prepared = downdraft_lab::Prepared::new(scenario, None);
    let finished =
        downdraft_lab::run(&prepared, &mut watch, |_, _| ControlFlow::Continue(())).expect("a run to its end");
    finished.world.venue().check_invariants();
    let (name, counts) = finished.world.counters().next().expect("the feed");
    assert_eq!(name, "feed");
    assert_accounted(&counts);
    println!("{} accounts liquidated in the book; {counts:?}", watch.liquidated.len());
    assert!(watch.liquidated.len() >= 100, "{} accounts liquidated in the book", watch.liquidated.len());
    assert!(counts.iter().any(|(name, n)| *name == "consumed_by_simulation" && *n > 0));
}

#[test]
fn an_hour_of_aapl_with_leveraged_accounts() {
    with_leveraged_accounts("recorded-equity", "lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz");
}

#[test]
fn an_evening_of_futures_with_leveraged_accounts() {
    with_leveraged_accounts("recorded-futures", "dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst");
}
