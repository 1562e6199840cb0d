//! The venue: what applying a command costs.
//!
//! `cargo bench -p downdraft-benches --bench venue`

use criterion::{BatchSize, Criterion, Throughput};
use downdraft_benches::market::{MIDDLE, PERP, Run, capacity, order, run};
use downdraft_benches::measure::{CpuTime, criterion};
use downdraft_types::{AccountId, EventId, MarkPrice, OrderId, Seq, Side, Time};
use downdraft_venue::{Command, Event, OrderRef, Request, Sink, Venue};
use std::hint::black_box;

/// Keeps the last order that came to rest, and counts.
#[derive(Default)]
struct Tally {
    rested: Option<OrderId>,
    trades: u64,
    events: u64,
}

impl Sink for Tally {
    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        self.events += 1;
        match event {
            Event::OrderRested { order, .. } => self.rested = Some(*order),
            Event::Trade { .. } => self.trades += 1,
            _ => {}
        }
    }

    fn request(&mut self, _: &Request) {}
}

/// A venue as a run's set-up leaves it, driven by hand.
struct Driven {
    venue: Venue,
    tally: Tally,
    next: Seq,
    now: Time,
}

impl Driven {
    fn after_setup(run: &Run) -> Self {
        let (next, now) = (run.recorded[run.setup].stamp.seq, run.recorded[run.setup].stamp.time);
        let mut driven = Self { venue: Venue::with_capacity(capacity()), tally: Tally::default(), next, now };
        for recorded in &run.recorded[..run.setup] {
            let stamp = &recorded.stamp;
            driven.venue.apply(stamp.time, stamp.seq, &recorded.command, &mut driven.tally).expect("in order");
        }
        driven
    }

    fn apply(&mut self, command: &Command) {
        self.venue.apply(self.now, self.next, black_box(command), &mut self.tally).expect("in order");
        self.next = self.next.next();
    }
}

/// All commands of the run, liquidations included.
fn recorded(criterion: &mut Criterion<CpuTime>, run: &Run) {
    let commands = &run.recorded[run.setup..];
    let start = Driven::after_setup(run).venue;
    let mut group = criterion.benchmark_group("venue");
    group.throughput(Throughput::Elements(commands.len() as u64));
    group.bench_function("order flow and liquidations", |b| {
        b.iter_batched_ref(
            || (start.clone(), Tally::default()),
            |(venue, tally)| {
                for recorded in commands {
                    let stamp = &recorded.stamp;
                    venue.apply(stamp.time, stamp.seq, &recorded.command, tally).expect("in order");
                }
                tally.events
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn single(criterion: &mut Criterion<CpuTime>, run: &Run) {
    let mut group = criterion.benchmark_group("venue");
    let account = AccountId(5);

    let mut driven = Driven::after_setup(run);
    let place = Command::PlaceOrder(order(account, Side::Buy, MIDDLE - 20, 5));
    group.throughput(Throughput::Elements(2));
    group.bench_function("place and cancel", |b| {
        b.iter(|| {
            driven.apply(&place);
            let order = driven.tally.rested.take().expect("it rests");
            driven.apply(&Command::CancelOrder { account, order: OrderRef::Id(PERP, order) });
        });
    });
    driven.venue.check_invariants();

    // A maker within the spread, taken at once; sides in turn, so that positions stay small.
    let mut driven = Driven::after_setup(run);
    let market = driven.venue.market(PERP).expect("it is listed");
    let best = market.book().best_ask().expect("asks rest").0 - 1;
    let pairs = [Side::Sell, Side::Buy].map(|side| {
        let taker = AccountId(6);
        [(account, side), (taker, side.opposite())].map(|(a, s)| Command::PlaceOrder(order(a, s, best, 1)))
    });
    let mut turn = 0;
    group.bench_function("maker and crossing order", |b| {
        b.iter(|| {
            turn += 1;
            for command in &pairs[turn & 1] {
                driven.apply(command);
            }
        });
    });
    assert!(driven.tally.trades >= turn as u64, "each pair trades");
    driven.venue.check_invariants();

    let mut driven = Driven::after_setup(run);
    group.throughput(Throughput::Elements(1));
    let mut n = 0;
    group.bench_function("quiet index report", |b| {
        b.iter(|| {
            n = (n + 1) & 63;
            driven.apply(&Command::ReportIndex { instrument: PERP, index: MarkPrice(MIDDLE + n) });
        });
    });
    group.finish();
}

fn main() {
    let run = run(100_000);
    let commands = run.recorded.len() - run.setup;
    let events: usize = run.recorded[run.setup..].iter().map(|r| r.events.len()).sum();
    let internal = run.recorded.iter().filter(|r| matches!(r.command, Command::Internal(_))).count();
    println!("run: {commands} commands, {events} events, {internal} commands of the venue's own");
    assert!(internal > 50, "the fall liquidates");
    let mut criterion = criterion();
    recorded(&mut criterion, &run);
    single(&mut criterion, &run);
    criterion.final_summary();
}
