//! The risk index over portfolios, printed once: what an hour of marks costs, and how often an account is looked at.
//!
//! `cargo bench -p downdraft-benches --bench portfolios [-- LARGEST]`: accounts up to `LARGEST`, a million by default.
//!
//! An account holds 1, 3 or 10 perpetuals, long or short by a coin, at a leverage between 2 and 20 in all, in cross
//! margin of one currency; or, unified, a long perpetual on margin in the coin itself, whose spot mark moves too. Marks
//! move every second with a correlation of 0.7, in a calm hour by their share of 80% a year, and in a crash of 400%, while all fall by a fifth.
#![allow(clippy::disallowed_methods, reason = "a bench times things")]

use downdraft_margin::{
    CollateralAsset, CollateralPolicy, InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin, MarginCapacity,
    Payoff, TierSpec, WeightTier,
};
use downdraft_sim::random::{Stream, Streams};
use downdraft_sim::samplers::Distribution;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};
use std::time::{Duration, Instant};

const CASH: CurrencyId = CurrencyId(0);
const COIN: CurrencyId = CurrencyId(1);
const HOUSE: AccountId = AccountId(1);
const FIRST: u32 = 2;
const START: i64 = 1_000_000;
const SECONDS: u64 = 3_600;

/// What accounts hold.
#[derive(Clone, Copy)]
enum Held {
    /// So many perpetuals.
    Contracts(u16),
    /// One perpetual, on margin in the coin.
    OnCoin,
}

impl Held {
    const fn contracts(self) -> u16 {
        match self {
            Self::Contracts(count) => count,
            Self::OnCoin => 1,
        }
    }

    /// Instruments whose marks move: the coin's spot market is the last.
    const fn marks(self) -> u16 {
        match self {
            Self::Contracts(count) => count,
            Self::OnCoin => 2,
        }
    }
}

fn spec(kind: InstrumentKind) -> InstrumentSpec {
    InstrumentSpec {
        kind,
        settlement: CASH,
        mark_scale: 1,
        payoff: Payoff::Linear,
        point_value: 1,
        max_price: Price(100_000_000),
        max_order: Qty(1_000_000_000),
        max_position: Qty(1_000_000_000),
        tiers: vec![TierSpec { floor: Money::ZERO, maintenance: Ppm(5_000), initial: Ppm(10_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

fn policy() -> CollateralPolicy {
    let asset = |currency, market, weight| CollateralAsset {
        currency,
        market,
        tiers: vec![WeightTier { floor: Money::ZERO, weight: Ppm(weight) }],
        scaled_from: None,
        limit: None,
        overdraft: Money::ZERO,
        loan: None,
    };
    CollateralPolicy {
        assets: vec![asset(CASH, None, 1_000_000), asset(COIN, Some(InstrumentId(1)), 950_000)],
        interest_every: None,
    }
}

/// An engine with `accounts`, and how long one took to add.
fn populated(held: Held, accounts: u32) -> (Margin, Duration) {
    let slots = u32::from(held.marks());
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: accounts + FIRST,
        positions: (accounts + FIRST) * slots,
        positions_per_account: slots,
        instruments: held.marks(),
        currencies: 2,
    });
    for id in (0..held.contracts()).map(InstrumentId) {
        margin.list(id, &spec(InstrumentKind::Perpetual)).expect("a sound instrument");
    }
    margin.open_account(HOUSE).expect("a free account");
    for currency in [CASH, COIN] {
        margin.deposit(HOUSE, currency, Money(1 << 90)).expect("a deposit");
    }
    if matches!(held, Held::OnCoin) {
        let kind = InstrumentKind::Spot { base: COIN, lot: START.unsigned_abs() };
        margin.list(InstrumentId(1), &spec(kind)).expect("a sound market");
    }
    for id in (0..held.marks()).map(InstrumentId) {
        margin.set_mark(id, MarkPrice(START));
    }
    if matches!(held, Held::OnCoin) {
        margin.set_collateral(&policy()).expect("a sound policy");
    }
    let stream = Streams::new(3).stream("portfolios", "stakes");
    let started = Instant::now();
    for n in 0..accounts {
        add(&mut margin, held, AccountId(FIRST + n), &stream);
    }
    (margin, started.elapsed() / accounts)
}

fn add(margin: &mut Margin, held: Held, account: AccountId, stream: &Stream) {
    let mut draw = stream.draw(u64::from(account.0));
    let (qty, count) = (Qty(10), i128::from(held.contracts()));
    let leverage = i128::from(2 + draw.below(19));
    margin.open_account(account).expect("a free account");
    let own = Money(count * 10 * i128::from(START) / leverage);
    match held {
        Held::Contracts(_) => margin.deposit(account, CASH, own),
        Held::OnCoin => {
            margin.set_unified(account, true).expect("a flat account");
            margin.deposit(account, COIN, own)
        }
    }
    .expect("a deposit");
    for instrument in (0..held.contracts()).map(InstrumentId) {
        let side = if matches!(held, Held::OnCoin) || draw.below(2) == 0 { Side::Buy } else { Side::Sell };
        let value = margin.instrument(instrument).trade_value(qty, Price(START));
        for (account, side) in [(account, side), (HOUSE, side.opposite())] {
            margin.settle(&Leg { account, instrument, side, qty, value, fee: Money::ZERO });
        }
        margin.reindex_party(account, instrument);
    }
}

/// Marks a second apart.
struct Path {
    prices: Vec<f64>,
    common: Stream,
    own: Stream,
}

impl Path {
    fn new(count: u16) -> Self {
        let stream = |name| Streams::new(5).stream("portfolios", name);
        Self { prices: vec![START as f64; usize::from(count)], common: stream("common"), own: stream("own") }
    }

    fn step(&mut self, second: u64, volatility: f64, drift: f64) {
        let normal = Distribution::Normal { mean: 0.0, deviation: 1.0, minimum: None, maximum: None };
        let deviation = volatility / f64::sqrt(365.0 * 86_400.0);
        let common = normal.sample(&mut self.common.draw(second));
        let count = self.prices.len() as u64;
        for (n, price) in (0..).zip(&mut self.prices) {
            let own = normal.sample(&mut self.own.draw(second * count + n));
            *price *= 1.0 + drift / SECONDS as f64 + deviation * (f64::sqrt(0.7) * common + f64::sqrt(0.3) * own);
        }
    }
}

fn hours(name: &str, held: Held, accounts: u32) {
    let (margin, adding) = populated(held, accounts);
    println!("{name:<22} {accounts:>9}   added in {} ns each", adding.as_nanos());
    hour("  calm hour", held, accounts, margin.clone(), (0.8, 0.0));
    hour("  crash", held, accounts, margin, (4.0, -0.2));
}

fn hour(name: &str, held: Held, accounts: u32, mut margin: Margin, (volatility, drift): (f64, f64)) {
    let mut path = Path::new(held.marks());
    let (mut spent, mut slowest, mut fallen) = (Duration::ZERO, Duration::ZERO, 0);
    for second in 0..SECONDS {
        path.step(second, volatility, drift);
        for (id, price) in (0..).map(InstrumentId).zip(&path.prices) {
            let mark = MarkPrice(price.round() as i64);
            let started = Instant::now();
            margin.set_mark(id, mark);
            let took = started.elapsed();
            spent += took;
            slowest = slowest.max(took);
        }
        fallen += margin.fallen().len();
        margin.clear_fallen();
    }
    margin.check_risk_index();
    let updates = SECONDS as f64 * f64::from(held.marks());
    let looks = margin.looks() as f64;
    println!(
        "{name:<32} {:>12.0} {:>13.4} {:>12.0} {:>12.1} {:>8}",
        spent.as_secs_f64() * 1e9 / updates,
        looks / f64::from(accounts),
        spent.as_secs_f64() * 1e9 / looks.max(1.0),
        slowest.as_secs_f64() * 1e6,
        fallen,
    );
}

fn main() {
    let largest = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(1_000_000);
    println!("an hour of marks, one a second for every instrument; a look is a certificate proved anew, or a fall");
    println!("holding                 accounts   ns a mark update  looks/account    ns a look   slowest µs   fallen");
    for accounts in [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|n| *n <= largest) {
        hours("1 contract", Held::Contracts(1), accounts);
        hours("3 contracts, cross", Held::Contracts(3), accounts);
        if accounts <= 100_000 {
            hours("10 contracts, cross", Held::Contracts(10), accounts);
        }
        hours("1 on coin, unified", Held::OnCoin, accounts);
    }
}
