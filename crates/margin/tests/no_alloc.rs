//! Within its capacity the engine does not allocate, once its instruments are listed.

use downdraft_margin::{
    AdlPolicy, AdlRanking, DeliveryFee, Eligibility, InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin,
    MarginCapacity, MarginMode, Pool, Socialising, TierSpec,
};
use downdraft_testkit::alloc::{Counting, allocations};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const ACCOUNTS: u32 = 200;
const INSTRUMENTS: u16 = 3;
const CASH: CurrencyId = CurrencyId(0);

fn listed() -> Margin {
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: ACCOUNTS,
        positions: (ACCOUNTS - 1) * u32::from(INSTRUMENTS),
        positions_per_account: INSTRUMENTS.into(),
        instruments: INSTRUMENTS,
        currencies: 1,
    });
    let spec = InstrumentSpec {
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
    };
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
