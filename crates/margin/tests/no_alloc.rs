//! Within its capacity the engine does not allocate, once its instruments are listed.

use downdraft_margin::{
    AdlPolicy, AdlRanking, CollateralAsset, CollateralPolicy, Contingencies, DeliveryFee, Eligibility, GridPoint,
    InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin, MarginCapacity, MarginMode, Netted, OptionTerms,
    Outlook, Pool, PortfolioPolicy, Right, Socialising, TierSpec, VolatilityMove, VolatilityShock, WeightTier,
};
use downdraft_testkit::alloc::{Counting, allocations};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ACCOUNTS: u32 = 200;
const INSTRUMENTS: u16 = 3;
const CASH: CurrencyId = CurrencyId(0);

fn perpetual() -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000_000),
        max_order: Qty(1_000_000),
        max_position: Qty(1_000_000),
        tiers: vec![TierSpec { floor: Money(0), maintenance: Ppm(10_000), initial: Ppm(50_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(100),
        taker_fee: Ppm(500),
    }
}

fn listed() -> Margin {
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: ACCOUNTS,
        positions: (ACCOUNTS - 1) * u32::from(INSTRUMENTS),
        positions_per_account: INSTRUMENTS.into(),
        instruments: INSTRUMENTS,
        currencies: 1,
    });
    let spec = perpetual();
    for id in (0..INSTRUMENTS).map(InstrumentId) {
        margin.list(id, &spec).expect("a legal instrument");
    }
    margin
}

/// Trades `qty` lots between the two and looks at their pools.
fn trade(margin: &mut Margin, buyer: u32, seller: u32, instrument: InstrumentId, qty: u64, price: i128) {
    for (account, side) in [(buyer, Side::Buy), (seller, Side::Sell)] {
        let (account, value) = (AccountId(account), Money(i128::from(qty) * price));
        let settled = margin.settle(&Leg { account, instrument, side, qty: Qty(qty), value, fee: Money(1) });
        margin.reindex(settled.pool);
        margin.reindex(Pool::Cross { account, currency: CASH });
    }
}

/// Every account uses every position it may have, is marked down, funded, ranked, closed and brought back.
fn a_busy_day(margin: &mut Margin) {
    let accounts = || 1..ACCOUNTS;
    let instruments = || (0..INSTRUMENTS).map(InstrumentId);
    for id in instruments() {
        margin.set_mark(id, MarkPrice(1_000));
    }
    for account in accounts() {
        margin.open_account(AccountId(account)).expect("an account");
        margin.deposit(AccountId(account), CASH, Money(60_000 + i128::from(account))).expect("money");
        if account % 2 == 0 {
            let initial = Some(Ppm(100_000));
            margin.configure(AccountId(account), InstrumentId(0), MarginMode::Isolated, initial).expect("idle");
        }
    }
    for id in instruments() {
        for account in accounts() {
            let (account, side) = (AccountId(account), Side::Buy);
            margin.check_order(account, id, side, Qty(10), Price(1_000)).expect("enough margin");
            margin.order_rested(account, id, side, Qty(10), Price(1_000));
            margin.order_left(account, id, side, (Qty(10), Qty(0)), Price(1_000));
        }
        for account in 1..ACCOUNTS / 2 {
            trade(margin, account, account + ACCOUNTS / 2 - 1, id, 100, 1_000);
        }
    }
    for by in 1..100 {
        for id in instruments() {
            margin.set_mark(id, MarkPrice(1_000 - 9 * by));
        }
    }
    assert!(margin.fallen().len() > 50, "a day without liquidations proves little");
    margin.sort_fallen();
    for id in instruments() {
        margin.pay_funding(id, Ppm(1_000), |_, _| {});
        for ranking in [AdlRanking::ProfitTimesLeverage, AdlRanking::ProRata] {
            let policy = AdlPolicy { ranking, profitable_only: false, ..AdlPolicy::default() };
            let asked = Eligibility::Policy(policy, Money(100));
            margin.plan_deleveraging(AccountId(1), id, Side::Buy, Qty(50), asked);
        }
        margin.plan_socialising(AccountId(1), id, Money(1_000), Socialising::Winners);
        margin.plan_socialising(AccountId(1), id, Money(1_000), Socialising::Holders);
    }
    for index in 0..margin.fallen().len() {
        margin.end_liquidation(margin.fallen()[index]);
    }
    margin.clear_fallen();
    for id in instruments() {
        margin.set_mark(id, MarkPrice(1_000));
        margin.settle_all(id, DeliveryFee { rate: Ppm(1), cap: Some(Ppm::ONE) }, |_| {});
    }
    margin.clear_fallen();
}

#[test]
fn a_busy_day_does_not_allocate() {
    let mut margin = listed();
    let before = allocations();
    a_busy_day(&mut margin);
    assert_eq!(allocations() - before, 0);
    assert_eq!(margin.positions().len(), 3 * (ACCOUNTS as usize - 1), "every account used all it may have");
    // The counter counts.
    drop(margin.clone());
    assert!(allocations() > before);
}

const UNDERLYINGS: u16 = 20;
/// All on the first underlying.
const OPTIONS: u16 = 80;
const COINS: u16 = 11;

fn option(number: u16) -> InstrumentSpec {
    let strike = MarkPrice(500 + 10 * i64::from(number));
    let terms = OptionTerms { expiry: Time(1 << 60), right: Right::Call, strike, underlying: InstrumentId(0) };
    InstrumentSpec { kind: InstrumentKind::Option(terms), tiers: vec![], ..perpetual() }
}

fn coin(number: u16) -> InstrumentSpec {
    InstrumentSpec { kind: InstrumentKind::Spot { base: CurrencyId(1 + number), lot: 1 }, ..perpetual() }
}

fn collateral() -> CollateralPolicy {
    let asset = |currency: u16| CollateralAsset {
        currency: CurrencyId(currency),
        market: currency.checked_sub(1).map(|coin| InstrumentId(UNDERLYINGS + OPTIONS + coin)),
        tiers: vec![WeightTier { floor: Money::ZERO, weight: Ppm::ONE }],
        scaled_from: None,
        limit: None,
        overdraft: Money::ZERO,
        loan: None,
    };
    CollateralPolicy { assets: (0..=COINS).map(asset).collect(), interest_every: None }
}

fn grid(underlying: InstrumentId) -> PortfolioPolicy {
    let point = |price| GridPoint { price: Ppm(price), volatility: VolatilityMove::None, part: Ppm::ONE };
    PortfolioPolicy {
        settlement: CASH,
        contracts: vec![Netted { instrument: underlying, beta: Ppm::ONE }],
        grid: [-100_000, 100_000].map(point).to_vec(),
        volatility: VolatilityShock {
            up: Ppm(400_000),
            down: Ppm(300_000),
            short_power: Ppm(300_000),
            long_power: Ppm(300_000),
            floor: Span(1 << 40),
        },
        contingencies: Contingencies { short_option: Ppm(10_000), ..Contingencies::default() },
        initial_over: Ppm::ONE,
    }
}

/// More underlyings, strikes and currencies than an account usually has.
fn wide() -> Margin {
    let instruments = UNDERLYINGS + OPTIONS + COINS;
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: 4,
        positions: 4 * u32::from(instruments),
        positions_per_account: instruments.into(),
        instruments,
        currencies: 1 + COINS,
    });
    let contracts = (0..UNDERLYINGS).map(|_| perpetual());
    let specs = contracts.chain((0..OPTIONS).map(option)).chain((0..COINS).map(coin));
    for (id, spec) in (0..).map(InstrumentId).zip(specs) {
        margin.list(id, &spec).expect("a legal instrument");
        margin.set_mark(id, MarkPrice(1_000));
    }
    margin.set_collateral(&collateral()).expect("a sound policy");
    for id in (0..UNDERLYINGS).map(InstrumentId) {
        margin.set_portfolio_policy(id, Some(&grid(id))).expect("a sound policy");
    }
    margin
}

fn report(margin: &mut Margin, index: i64) {
    let (index, volatility) = (MarkPrice(index), Ppm(500_000));
    margin.set_outlook(InstrumentId(0), Outlook { index: Some(index), volatility: Some(volatility), at: Time::ZERO });
    for id in (UNDERLYINGS..UNDERLYINGS + OPTIONS).map(InstrumentId) {
        let terms = *margin.instrument(id).option().expect("an option");
        margin.place_option(id, terms.model_mark(index, volatility, Ppm::ONE, Time::ZERO), Ppm::ONE);
    }
    margin.look_at_options(InstrumentId(0));
}

#[test]
fn wide_books_do_not_allocate() {
    let mut margin = wide();
    report(&mut margin, 1_000);
    let before = allocations();
    for account in (1..4).map(AccountId) {
        margin.open_account(account).expect("an account");
    }
    margin.set_unified(AccountId(1), true).expect("an idle account");
    for account in (1..4).map(AccountId) {
        margin.set_portfolio(account, true).expect("an idle account");
        for currency in (0..=COINS).map(CurrencyId) {
            margin.deposit(account, currency, Money(40_000)).expect("money");
        }
    }
    for id in (0..UNDERLYINGS + OPTIONS).map(InstrumentId) {
        for (buyer, seller) in [(1, 2), (3, 1)] {
            margin.check_order(AccountId(seller), id, Side::Sell, Qty(1), Price(1_000)).expect("enough margin");
            let mark = margin.instrument(id).mark().0;
            trade(&mut margin, buyer, seller, id, 1 + u64::from(buyer), mark.into());
        }
    }
    for index in [1_010, 900, 700, 1_500] {
        report(&mut margin, index);
        for id in (0..UNDERLYINGS).map(InstrumentId) {
            margin.set_mark(id, MarkPrice(index));
        }
    }
    assert!(!margin.fallen().is_empty(), "a crash in which nobody falls proves little");
    assert_eq!(allocations() - before, 0);
}
