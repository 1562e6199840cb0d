//! The risk index over books of options, printed once: what an hour of index reports costs, and how often an account is looked
//! at.
//!
//! `cargo bench -p downdraft-benches --bench options [-- LARGEST]`: accounts up to `LARGEST`, 100,000 by default.
//!
//! An account holds a perpetual and eight options on its index, long or short, at equity from 1.5 to 8 times maintenance:
//! under portfolio margin over Deribit's grid of 35 points, or each position by itself. Index and perpetual move every
//! second, volatility every minute.
#![allow(clippy::disallowed_methods, reason = "a bench times things")]

use downdraft_margin::{
    Contingencies, GridPoint, InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin, MarginCapacity, Netted,
    OptionTerms, Outlook, Payoff, Pool, PortfolioPolicy, Right, TierSpec, VolatilityMove, VolatilityShock,
};
use downdraft_sim::random::{Stream, Streams};
use downdraft_sim::samplers::Distribution;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time};
use std::time::{Duration, Instant};

const CASH: CurrencyId = CurrencyId(0);
const PERPETUAL: InstrumentId = InstrumentId(0);
const OPTIONS: u16 = 8;
const HOUSE: AccountId = AccountId(1);
const FIRST: u32 = 2;
const START: i64 = 1_000_000;
const DAY: u64 = 86_400_000_000_000;
const SECONDS: u64 = 3_600;

fn spec(kind: InstrumentKind, tiers: Vec<TierSpec>) -> InstrumentSpec {
    InstrumentSpec {
        kind,
        settlement: CASH,
        mark_scale: 1,
        payoff: Payoff::Linear,
        point_value: 1,
        max_price: Price(100_000_000),
        max_order: Qty(1_000_000_000),
        max_position: Qty(1_000_000_000),
        tiers,
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

/// Calls and puts of two strikes and two expiries.
fn option(number: u16) -> InstrumentSpec {
    let expiry = Time(DAY * if number & 1 == 0 { 30 } else { 90 });
    let right = if number & 2 == 0 { Right::Call } else { Right::Put };
    let strike = MarkPrice(if number & 4 == 0 { START } else { START + START / 10 });
    spec(InstrumentKind::Option(OptionTerms { expiry, right, strike, underlying: PERPETUAL }), vec![])
}

fn policy() -> PortfolioPolicy {
    let point = |percent: i64, volatility, part: i64| GridPoint {
        price: Ppm(percent * 10_000),
        volatility,
        part: Ppm(part * 10_000),
    };
    let ways = [VolatilityMove::Up, VolatilityMove::None, VolatilityMove::Down];
    let moves = (-4..=4).flat_map(|step| ways.map(|way| point(step * 4, way, 100)));
    let tails = [(-66, 24), (-33, 48), (50, 32), (100, 16), (200, 8), (300, 5), (400, 4), (500, 3)];
    PortfolioPolicy {
        settlement: CASH,
        contracts: vec![Netted { instrument: PERPETUAL, beta: Ppm::ONE }],
        grid: moves.chain(tails.map(|(percent, part)| point(percent, VolatilityMove::Up, part))).collect(),
        volatility: VolatilityShock {
            up: Ppm(380_000),
            down: Ppm(380_000),
            short_power: Ppm(300_000),
            long_power: Ppm(300_000),
            floor: Span(DAY),
        },
        contingencies: Contingencies { short_option: Ppm(10_000), offsetting: Ppm(10_000), ..Contingencies::default() },
        initial_over: Ppm::ONE,
    }
}

/// What is reported: index and volatility, and the marks that follow.
fn report(margin: &mut Margin, index: i64, volatility: i64, at: Time) {
    let (index, volatility) = (MarkPrice(index), Ppm(volatility));
    margin.set_outlook(PERPETUAL, Outlook { index: Some(index), volatility: Some(volatility), at });
    for id in (1..=OPTIONS).map(InstrumentId) {
        let terms = *margin.instrument(id).option().expect("an option");
        margin.place_option(id, terms.model_mark(index, volatility, Ppm::ONE, at), Ppm::ONE);
    }
    margin.look_at_options(PERPETUAL);
    margin.set_mark(PERPETUAL, index);
}

fn populated(portfolio: bool, accounts: u32) -> (Margin, Duration) {
    let slots = u32::from(OPTIONS) + 1;
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: accounts + FIRST,
        positions: (accounts + FIRST) * slots,
        positions_per_account: slots,
        instruments: OPTIONS + 1,
        currencies: 1,
    });
    let tier = TierSpec { floor: Money::ZERO, maintenance: Ppm(10_000), initial: Ppm(20_000) };
    margin.list(PERPETUAL, &spec(InstrumentKind::Perpetual, vec![tier])).expect("a sound instrument");
    for number in 0..OPTIONS {
        margin.list(InstrumentId(number + 1), &option(number)).expect("a sound option");
    }
    margin.set_portfolio_policy(PERPETUAL, Some(&policy())).expect("a sound policy");
    report(&mut margin, START, 600_000, Time::ZERO);
    margin.open_account(HOUSE).expect("a free account");
    margin.deposit(HOUSE, CASH, Money(1 << 99)).expect("a deposit");
    let stream = Streams::new(3).stream("options", "books");
    let started = Instant::now();
    for n in 0..accounts {
        add(&mut margin, portfolio, AccountId(FIRST + n), &stream);
    }
    (margin, started.elapsed() / accounts)
}

fn add(margin: &mut Margin, portfolio: bool, account: AccountId, stream: &Stream) {
    let mut draw = stream.draw(u64::from(account.0));
    margin.open_account(account).expect("a free account");
    margin.set_portfolio(account, portfolio).expect("an account without positions");
    margin.deposit(account, CASH, Money(1 << 60)).expect("a deposit");
    for instrument in (0..=OPTIONS).map(InstrumentId) {
        let (qty, side) = (Qty(1 + draw.below(20)), if draw.below(2) == 0 { Side::Buy } else { Side::Sell });
        let terms = margin.instrument(instrument);
        let value = terms.trade_value(qty, Price(terms.mark().0));
        for (account, side) in [(account, side), (HOUSE, side.opposite())] {
            margin.settle(&Leg { account, instrument, side, qty, value, fee: Money::ZERO });
        }
    }
    let pool = Pool::Cross { account, currency: CASH };
    let kept = margin.health(pool).maintenance().0 * i128::from(150 + draw.below(650)) / 100;
    let excess = Money((1 << 60) - kept).min(margin.free(account, CASH));
    margin.withdraw(account, CASH, excess).expect("what is free");
    margin.reindex(pool);
}

fn hour(name: &str, accounts: u32, mut margin: Margin, (sigma, drift): (f64, f64)) {
    let stream = |name| Streams::new(5).stream("options", name);
    let (returns, jumps) = (stream("returns"), stream("volatility"));
    let normal = Distribution::Normal { mean: 0.0, deviation: 1.0, minimum: None, maximum: None };
    let (mut index, mut volatility, before) = (START as f64, 600_000.0, margin.looks());
    let (mut spent, mut slowest, mut fallen) = (Duration::ZERO, Duration::ZERO, 0);
    for second in 1..=SECONDS {
        let step = sigma / f64::sqrt(365.0 * 86_400.0) * normal.sample(&mut returns.draw(second));
        index *= 1.0 + drift / SECONDS as f64 + step;
        if second % 60 == 0 {
            volatility *= 1.0 - drift / 40.0 + 0.005 * normal.sample(&mut jumps.draw(second));
        }
        let started = Instant::now();
        report(&mut margin, index.round() as i64, volatility as i64, Time(second * 1_000_000_000));
        let took = started.elapsed();
        spent += took;
        slowest = slowest.max(took);
        fallen += margin.fallen().len();
        margin.clear_fallen();
    }
    margin.check_risk_index();
    let looks = (margin.looks() - before) as f64;
    let nanoseconds = spent.as_secs_f64() * 1e9;
    println!(
        "{name:<28} {:>11.0} {:>14.1} {:>14.3} {:>10.0} {:>12.0} {:>8}",
        nanoseconds / SECONDS as f64,
        nanoseconds / SECONDS as f64 / f64::from(accounts),
        looks / f64::from(accounts),
        nanoseconds / looks.max(1.0),
        slowest.as_secs_f64() * 1e6,
        fallen,
    );
}

fn main() {
    let largest = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(100_000);
    println!("an hour of reports, one a second; a look is a box proved anew, or a fall");
    println!("                             ns a report  ns an account  looks/account  ns a look   slowest µs   fallen");
    for accounts in [1_000, 10_000, 100_000].into_iter().filter(|n| *n <= largest) {
        for (name, portfolio) in [("portfolio margin", true), ("standard margin", false)] {
            let (margin, adding) = populated(portfolio, accounts);
            println!("{name:<20} {accounts:>7}   added in {} ns each", adding.as_nanos());
            hour("  calm hour", accounts, margin.clone(), (0.8, 0.0));
            hour("  crash", accounts, margin, (4.0, -0.2));
        }
    }
}
