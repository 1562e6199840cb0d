//! Figures at scale, printed once: a cascade over a hundred thousand positions, and a quiet mark update as the
//! number of accounts grows.
//!
//! `cargo bench -p downdraft-benches --bench scale`
#![allow(clippy::disallowed_methods, reason = "a bench times things")]

use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, TierSpec};
use downdraft_sim::queue::EventQueue;
use downdraft_sim::random::Streams;
use downdraft_types::{
    AccountId, CurrencyId, EventId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Seq, Side, Time,
};
use downdraft_venue::{
    BookSize, Capacity, Command, Event, LiquidationPolicy, MarkPolicy, MarkRule, OnFundShort, OrderRequest, Request,
    SelfTradePrevention, Sink, TimeInForce, Venue,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

const PERP: InstrumentId = InstrumentId(0);
const CASH: CurrencyId = CurrencyId(0);
const MAKER: AccountId = AccountId(1);
const WINNERS: AccountId = AccountId(2);
const FIRST: u32 = 3;
const ENTRY: i64 = 10_000;
const SIZE: u64 = 10;
const RICH: Money = Money(1 << 80);

/// A venue, its queue, and what it emitted.
struct Loop {
    venue: Venue,
    queue: EventQueue<Command>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    requests: Vec<Request>,
    triggered: u64,
    ended: u64,
    fills: u64,
    rejected: u64,
}

impl Sink for Tally {
    fn event(&mut self, _: EventId, _: Option<u32>, event: &Event) {
        match event {
            Event::LiquidationTriggered { .. } => self.triggered += 1,
            Event::LiquidationEnded { .. } => self.ended += 1,
            Event::Trade { .. } => self.fills += 1,
            Event::Rejected { .. } => self.rejected += 1,
            _ => {}
        }
    }

    fn request(&mut self, request: &Request) {
        self.requests.push(*request);
    }
}

impl Loop {
    fn new(accounts: u32, orders: u32) -> Self {
        let accounts = accounts + FIRST;
        let capacity = Capacity {
            accounts,
            positions: accounts,
            positions_per_account: 1,
            instruments: 1,
            currencies: 1,
            client_orders: 16,
        };
        let mut world =
            Self { venue: Venue::with_capacity(capacity), queue: EventQueue::new(), tally: Tally::default() };
        let spec = InstrumentSpec {
            kind: InstrumentKind::Perpetual,
            settlement: CASH,
            mark_scale: 1,
            payoff: downdraft_margin::Payoff::Linear,
            point_value: 1,
            max_price: Price(1_000_000),
            max_order: Qty(1_000_000_000),
            max_position: Qty(1_000_000_000),
            tiers: vec![TierSpec { floor: Money::ZERO, maintenance: Ppm(5_000), initial: Ppm(10_000) }],
            maintenance_basis: MaintenanceBasis::Mark,
            close_fee: Ppm(0),
            maker_fee: Ppm(0),
            taker_fee: Ppm(0),
        };
        let policy = LiquidationPolicy { on_fund_short: OnFundShort::Deficit, ..LiquidationPolicy::default() };
        world.push(Command::ListInstrument {
            instrument: PERP,
            spec: Box::new(spec),
            book: BookSize { orders, levels: 4_000 },
        });
        let mark_policy = MarkPolicy { rule: MarkRule::Exogenous, frozen: false };
        world.push(Command::SetMarkPolicy { instrument: PERP, policy: mark_policy });
        world.push(Command::SetLiquidationPolicy { policy: Box::new(policy) });
        world.push(Command::SetMark { instrument: PERP, mark: MarkPrice(ENTRY) });
        for account in 1..accounts {
            world.push(Command::OpenAccount { account: AccountId(account) });
        }
        for account in [AccountId::FUND, MAKER, WINNERS] {
            world.push(Command::Deposit { account, currency: CASH, amount: RICH });
        }
        world.drain();
        world
    }

    fn push(&mut self, command: Command) {
        self.queue.push_now(command);
    }

    /// Longs whose margin is between 3% and 60% of their notional, against one short.
    fn populate(&mut self, accounts: u32) {
        let stream = Streams::new(7).stream("population", "margin");
        for n in 0..accounts {
            let account = AccountId(FIRST + n);
            let ratio = 30_000 + stream.draw(u64::from(n)).below(570_000);
            let notional = i128::from(SIZE) * i128::from(ENTRY);
            let amount = Money(notional * i128::from(ratio) / 1_000_000);
            self.push(Command::Deposit { account, currency: CASH, amount });
            self.push(Command::BlockTrade {
                instrument: PERP,
                buyer: account,
                seller: WINNERS,
                qty: Qty(SIZE),
                cost: Money(notional),
            });
        }
        self.drain();
    }

    /// Bids of 25 lots, twenty a level, deep enough for everyone.
    fn quote(&mut self, orders: u32) {
        for n in 0..orders {
            self.push(Command::PlaceOrder(OrderRequest {
                account: MAKER,
                client: None,
                instrument: PERP,
                side: Side::Buy,
                qty: Qty(25),
                limit: Some(Price(ENTRY - 1 - i64::from(n / 20))),
                tif: TimeInForce::Gtc,
                post_only: false,
                reduce_only: false,
                stp: SelfTradePrevention::None,
            }));
        }
        self.drain();
    }

    fn drain(&mut self) -> u64 {
        let mut applied = 0;
        while let Some((time, seq, command)) = self.queue.pop() {
            self.venue.apply(time, seq, &command, &mut self.tally).expect("in order");
            applied += 1;
            for request in self.tally.requests.drain(..) {
                self.queue.push(request.due, Command::Internal(request.command)).expect("not in the past");
            }
        }
        applied
    }
}

fn cascade() {
    let accounts = 100_000;
    let mut world = Loop::new(accounts, 70_000);
    world.populate(accounts);
    world.quote(60_000);
    assert_eq!(world.tally.rejected, 0, "the set-up is accepted");
    world.tally = Tally::default();
    let started = Instant::now();
    let mut commands = 0;
    for step in 1..=300_i64 {
        let index = MarkPrice(ENTRY - ENTRY * 15 * step / 30_000);
        world.push(Command::ReportIndex { instrument: PERP, index });
        commands += world.drain();
    }
    let elapsed = started.elapsed();
    let Tally { triggered, ended, fills, .. } = world.tally;
    world.venue.check_invariants();
    assert!(triggered >= 18_000 && ended == triggered, "{triggered} fell, {ended} were closed");
    println!(
        "cascade: 100,000 positions, 15% in 300 marks: {triggered} accounts liquidated, {fills} fills, \
         {commands} commands in {:.1} ms; {:.2} µs a liquidation, {:.2} M commands/s",
        elapsed.as_secs_f64() * 1e3,
        elapsed.as_secs_f64() * 1e6 / triggered as f64,
        commands as f64 / elapsed.as_secs_f64() / 1e6
    );
}

fn quiet_marks() {
    println!("quiet mark update (nobody crossed), best of 5 × 200,000:");
    for accounts in [1_000, 10_000, 100_000, 1_000_000] {
        let mut world = Loop::new(accounts, 16);
        world.populate(accounts);
        let mut seq = 1 << 40;
        let mut best = Duration::MAX;
        for _ in 0..5 {
            let started = Instant::now();
            for n in 0..200_000_i64 {
                let index = MarkPrice(ENTRY + 1 + (n & 63));
                let command = Command::ReportIndex { instrument: PERP, index };
                seq += 1;
                world.venue.apply(Time(1), Seq(seq), black_box(&command), &mut world.tally).expect("in order");
            }
            best = best.min(started.elapsed());
        }
        println!("  {accounts:>9} accounts: {:.1} ns", best.as_secs_f64() * 1e9 / 200_000.0);
    }
}

fn main() {
    cascade();
    quiet_marks();
}
