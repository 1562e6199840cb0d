//! The built-in actors, each in a small world of its own.

mod background;
mod explicit;
mod maker;
mod oracle;
mod population;
mod shock;
mod together;

use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, TierSpec};
use downdraft_sim::actor::Actor;
use downdraft_sim::latency::{Latencies, Latency};
use downdraft_sim::samplers::Distribution;
use downdraft_sim::world::{Observer, World};
use downdraft_types::{
    AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time,
};
use downdraft_venue::{BookSize, Capacity, Command, Event, MarkPolicy, MarkRule, Origin, Stamp, Venue};

const PERP: InstrumentId = InstrumentId(0);
const CASH: CurrencyId = CurrencyId(0);
const RICH: Money = Money(1_000_000_000_000);
const START: Price = Price(1_000);

/// Two marks to the tick, three units of money per mark and lot; up to twenty times leverage.
fn spec() -> InstrumentSpec {
    let tier = |floor, maintenance, initial| TierSpec {
        floor: Money(floor),
        maintenance: Ppm(maintenance),
        initial: Ppm(initial),
    };
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 2,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 3,
        max_price: Price(100_000),
        max_order: Qty(1_000_000),
        max_position: Qty(1_000_000),
        tiers: vec![tier(0, 20_000, 50_000), tier(10_000_000, 30_000, 100_000)],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

/// A world with the instrument listed and marked at [`START`].
fn world(seed: u64, seconds: u64, rule: MarkRule) -> World {
    let capacity = Capacity {
        accounts: 5_000,
        positions: 10_000,
        positions_per_account: 2,
        instruments: 2,
        currencies: 1,
        client_orders: 20_000,
    };
    let mut world = World::new(capacity, seed, Time::ZERO.saturating_add(Span::from_secs(seconds)));
    list(&mut world, PERP, rule);
    world
}

fn list(world: &mut World, instrument: InstrumentId, rule: MarkRule) {
    let book = BookSize { orders: 50_000, levels: 10_000 };
    for command in [
        Command::ListInstrument { instrument, spec: Box::new(spec()), book },
        Command::SetMarkPolicy { instrument, policy: MarkPolicy { rule, frozen: false } },
        Command::SetMark { instrument, mark: MarkPrice(2 * START.0) },
    ] {
        world.schedule(Time::ZERO, command).expect("the start is not past");
    }
}

/// Adds an actor that hears and speaks after `millis` each way.
fn add(world: &mut World, name: &str, millis: u64, actor: impl Actor + 'static) {
    let latency = Latency::constant(Span::from_millis(millis));
    world.add(name, Latencies { orders: latency, data: latency }, Box::new(actor));
}

fn report(world: &mut World, at: Time, index: i64) {
    world.schedule(at, Command::ReportIndex { instrument: PERP, index: MarkPrice(index) }).expect("not past");
}

const fn constant(value: f64) -> Distribution {
    Distribution::Constant { value }
}

/// Milliseconds since the start.
const fn ms(millis: u64) -> Time {
    Time(millis * 1_000_000)
}

/// Prices and lots of each level, bids and asks, best first.
type Levels = [Vec<(i64, u64)>; 2];

/// Writes everything down, and how the book stood after each command.
#[derive(Default, PartialEq, Debug)]
struct Ear {
    commands: Vec<(Stamp, Command)>,
    events: Vec<(Time, EventId, Event)>,
    books: Vec<(Time, Levels)>,
}

impl Observer for Ear {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.commands.push((*stamp, command.clone()));
    }

    fn event(&mut self, id: EventId, _: Option<u32>, event: &Event) {
        let time = self.commands.last().expect("a command").0.time;
        self.events.push((time, id, *event));
    }

    fn done(&mut self, venue: &Venue) {
        let Ok(market) = venue.market(PERP) else { return };
        let levels = |side| market.book().depth(side).map(|level| (level.price.0, level.qty.0)).collect();
        self.books.push((self.commands.last().expect("a command").0.time, Side::BOTH.map(levels)));
    }
}

impl Ear {
    /// Runs a world to its end.
    fn of(world: &mut World) -> Self {
        let mut ear = Self::default();
        world.run(&mut ear).expect("no actor fails");
        world.venue().check_invariants();
        ear
    }

    /// Commands of actors, with when they arrived.
    fn sent(&self) -> impl Iterator<Item = (Time, &Command)> {
        let of_actor = |stamp: &Stamp| matches!(stamp.origin, Origin::Actor(_));
        self.commands.iter().filter(move |(stamp, _)| of_actor(stamp)).map(|(stamp, command)| (stamp.time, command))
    }

    /// The book as it was at the end of `time`.
    fn book(&self, time: Time) -> &Levels {
        let count = self.books.partition_point(|(at, _)| *at <= time);
        &self.books[count - 1].1
    }

    /// Lots on a side at the end of `time`.
    fn depth(&self, time: Time, side: Side) -> u64 {
        self.book(time)[side as usize].iter().map(|(_, qty)| qty).sum()
    }

    fn rejections(&self) -> usize {
        self.events.iter().filter(|(_, _, event)| matches!(event, Event::Rejected { .. })).count()
    }

    /// When accounts fell below maintenance.
    fn liquidations(&self) -> Vec<(Time, AccountId)> {
        let triggered = |event: &Event| match event {
            Event::LiquidationTriggered { pool, .. } => Some(pool.account()),
            _ => None,
        };
        self.events.iter().filter_map(|(time, _, event)| triggered(event).map(|account| (*time, account))).collect()
    }
}

/// What an actor counted.
fn counted(world: &World, actor: &str, counter: &str) -> u64 {
    let (_, counters) = world.counters().find(|(name, _)| *name == actor).expect("an actor of that name");
    counters.iter().find(|(name, _)| *name == counter).expect("a counter of that name").1
}
