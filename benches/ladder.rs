//! The risk ladder as accounts become more: adding one, quiet marks, marks that cross triggers, a fill, the ranking for a
//! deleveraging, one account indexed anew, funding.
//!
//! `cargo bench -p downdraft-benches --bench ladder`

use criterion::{BenchmarkId, Criterion, Throughput};
use downdraft_benches::measure::{CpuTime, criterion, time};
use downdraft_margin::{
    AdlPolicy, Eligibility, InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin, MarginCapacity, Pool,
    TierSpec,
};
use downdraft_sim::random::Streams;
use downdraft_testkit::alloc::{Counting, live_bytes};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};
use std::hint::black_box;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PERP: InstrumentId = InstrumentId(0);
const CASH: CurrencyId = CurrencyId(0);
/// Short of everything, and rich.
const SHORT: AccountId = AccountId(1);
const FIRST: u32 = 2;
const ENTRY: MarkPrice = MarkPrice(10_000_000);
const SIZE: Qty = Qty(10);
/// Equity per lot at entry of the account next to its trigger, and how much more each account after it has.
const NEAREST: i128 = 100_000;
const SPACING: i128 = 10;
/// Triggers crossed in one measurement.
const CROSSED: usize = 1_000;

/// `accounts` longs, each with a trigger of its own, their order shuffled, marked at entry.
fn longs(accounts: u32) -> Margin {
    let before = live_bytes();
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: accounts + FIRST,
        positions: accounts + FIRST,
        positions_per_account: 1,
        instruments: 1,
        currencies: 1,
    });
    let spec = InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(100_000_000),
        max_order: Qty(100_000_000),
        max_position: Qty(100_000_000),
        tiers: vec![TierSpec { floor: Money::ZERO, maintenance: Ppm(5_000), initial: Ppm(10_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    };
    margin.list(PERP, &spec).expect("a sound instrument");
    margin.set_mark(PERP, ENTRY);
    margin.open_account(SHORT).expect("a free account");
    margin.deposit(SHORT, CASH, Money(1 << 80)).expect("a deposit");
    let mut ranks: Vec<u32> = (0..accounts).collect();
    let mut dice = Streams::new(1).stream("ladder", "ranks").draw(0);
    for n in (1..ranks.len()).rev() {
        ranks.swap(n, dice.below(n as u64 + 1) as usize);
    }
    let lots = i128::from(SIZE.0);
    let value = Money(lots * i128::from(ENTRY.0));
    let taken = time(|| {
        for (account, rank) in (FIRST..).map(AccountId).zip(ranks) {
            margin.open_account(account).expect("a free account");
            let amount = Money(lots * (NEAREST + SPACING * i128::from(rank)));
            margin.deposit(account, CASH, amount).expect("a deposit");
            for (account, side) in [(account, Side::Buy), (SHORT, Side::Sell)] {
                trade(&mut margin, account, side, SIZE, value);
            }
        }
    });
    let (nanos, bytes) = (taken.as_nanos() / u128::from(accounts), (live_bytes() - before) / u64::from(accounts));
    println!("ladder/adding an account/{accounts}: {nanos} ns and {bytes} bytes, its money and its position included");
    assert!(margin.fallen().is_empty() && margin.ladder(PERP).len() >= accounts as usize);
    margin
}

fn pool(account: AccountId) -> Pool {
    Pool::Cross { account, currency: CASH }
}

/// Marks above every long's trigger.
fn quiet(criterion: &mut Criterion<CpuTime>, accounts: u32, margin: &mut Margin) {
    let mut group = criterion.benchmark_group("ladder/quiet mark");
    group.throughput(Throughput::Elements(1));
    let mut n = 0;
    group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
        b.iter(|| {
            n = (n + 1) & 63;
            margin.set_mark(PERP, MarkPrice(ENTRY.0 + n));
            margin.fallen().len()
        });
    });
    assert!(margin.fallen().is_empty());
    margin.set_mark(PERP, ENTRY);
    group.finish();
}

/// A fall over [`CROSSED`] triggers, so many of them at each mark; then all recover, untimed.
fn crossing(criterion: &mut Criterion<CpuTime>, accounts: u32, margin: &mut Margin) {
    let mut group = criterion.benchmark_group(format!("ladder/mark crosses, {accounts} accounts"));
    group.throughput(Throughput::Elements(CROSSED as u64));
    let triggers: Vec<MarkPrice> = margin.ladder(PERP).triggers(Side::Buy).take(CROSSED).map(|(at, _)| at).collect();
    for step in [1, 10, 100] {
        let marks: Vec<MarkPrice> = triggers.chunks(step).map(|chunk| chunk[step - 1]).collect();
        group.bench_function(BenchmarkId::from_parameter(step), |b| {
            b.iter_custom(|rounds| (0..rounds).map(|_| fall_and_recover(margin, &marks)).sum());
        });
    }
    group.finish();
}

fn fall_and_recover(margin: &mut Margin, marks: &[MarkPrice]) -> Duration {
    let taken = time(|| {
        for mark in marks {
            margin.set_mark(PERP, black_box(*mark));
        }
    });
    let fallen = margin.fallen().to_vec();
    assert_eq!(fallen.len(), CROSSED, "each trigger is crossed once");
    margin.clear_fallen();
    margin.set_mark(PERP, ENTRY);
    for pool in fallen {
        margin.end_liquidation(pool);
    }
    taken
}

/// A lot of the short is closed against the first of all longs, which are in profit and ranked by it: who that is.
fn ranking(criterion: &mut Criterion<CpuTime>, accounts: u32, margin: &mut Margin) {
    let mut group = criterion.benchmark_group("ladder/ranking for a deleveraging");
    group.throughput(Throughput::Elements(u64::from(accounts)));
    let policy = Eligibility::Policy(AdlPolicy::default(), Money(i128::from(ENTRY.0)));
    margin.set_mark(PERP, MarkPrice(ENTRY.0 + 1_000));
    let mut plan = || margin.plan_deleveraging(SHORT, PERP, Side::Sell, Qty(1), black_box(policy));
    assert_eq!(plan(), Qty(1), "somebody is found");
    group.bench_function(BenchmarkId::from_parameter(accounts), |b| b.iter(&mut plan));
    margin.set_mark(PERP, ENTRY);
    group.finish();
}

/// A lot changes hands at the mark between two accounts far apart, each in one pair alone, and back in the next round: two
/// positions settled, two triggers moved.
fn filling(criterion: &mut Criterion<CpuTime>, accounts: u32, margin: &mut Margin) {
    let mut group = criterion.benchmark_group("ladder/fill");
    group.throughput(Throughput::Elements(1));
    // A prime that divides no number of accounts here.
    let whose = |n: u32| AccountId(FIRST + (u64::from(n) * 7_919 % u64::from(accounts)) as u32);
    let count = (accounts / 2).min(4_096);
    let pairs: Vec<[AccountId; 2]> = (0..count).map(|n| [whose(2 * n), whose(2 * n + 1)]).collect();
    let there = pairs.iter().map(|&[a, b]| [(a, Side::Buy), (b, Side::Sell)]);
    let back = pairs.iter().map(|&[a, b]| [(a, Side::Sell), (b, Side::Buy)]);
    let fills: Vec<[(AccountId, Side); 2]> = there.chain(back).collect();
    let mut turn = fills.iter().cycle();
    group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
        b.iter(|| {
            for &(account, side) in turn.next().expect("a cycle never ends") {
                trade(margin, account, side, Qty(1), Money(i128::from(ENTRY.0)));
            }
        });
    });
    assert!(margin.fallen().is_empty());
    group.finish();
}

fn trade(margin: &mut Margin, account: AccountId, side: Side, qty: Qty, value: Money) {
    let leg = Leg { account, instrument: PERP, side, qty, value, fee: Money::ZERO };
    let settled = margin.settle(&leg);
    margin.reindex(settled.pool);
}

/// A deposit moves one account's trigger by a tick.
fn reindexing(criterion: &mut Criterion<CpuTime>, accounts: u32, margin: &mut Margin) {
    let mut group = criterion.benchmark_group("ladder/deposit and re-index");
    group.throughput(Throughput::Elements(1));
    let mut dice = Streams::new(2).stream("ladder", "deposits").draw(0);
    let whose: Vec<AccountId> = (0..4_096).map(|_| AccountId(FIRST + dice.below(u64::from(accounts)) as u32)).collect();
    let mut turn = whose.iter().cycle();
    group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
        b.iter(|| {
            let account = *turn.next().expect("a cycle never ends");
            margin.deposit(account, CASH, Money(i128::from(SIZE.0))).expect("a deposit");
        });
    });
    assert!(margin.fallen().is_empty() && !margin.is_liquidating(pool(whose[0])));
    group.finish();
}

/// Funding paid and received in turn, so that nobody is worn down.
fn funding(criterion: &mut Criterion<CpuTime>, accounts: u32, margin: &mut Margin) {
    let mut group = criterion.benchmark_group("ladder/funding");
    group.throughput(Throughput::Elements(u64::from(accounts)));
    let mut rate = Ppm(100);
    group.bench_function(BenchmarkId::from_parameter(accounts), |b| {
        b.iter(|| {
            rate = -rate;
            let mut paid = 0;
            margin.pay_funding(PERP, rate, |_, _| paid += 1);
            paid
        });
    });
    assert!(margin.fallen().is_empty());
    group.finish();
}

fn main() {
    let mut criterion = criterion();
    for accounts in [1_000, 10_000, 100_000, 1_000_000] {
        let mut margin = longs(accounts);
        quiet(&mut criterion, accounts, &mut margin);
        crossing(&mut criterion, accounts, &mut margin);
        filling(&mut criterion, accounts, &mut margin);
        ranking(&mut criterion, accounts, &mut margin);
        if accounts >= 100_000 {
            funding(&mut criterion, accounts, &mut margin);
        }
        reindexing(&mut criterion, accounts, &mut margin);
        margin.check_risk_index();
    }
    criterion.final_summary();
}
