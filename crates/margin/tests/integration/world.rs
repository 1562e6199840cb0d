//! A margin engine in few words: one currency, instruments in scaled units, trades at any value.

use downdraft_margin::{
    InstrumentKind, InstrumentSpec, Leg, MaintenanceBasis, Margin, MarginCapacity, MarginMode, Place, Pool, Settled,
    TierSpec,
};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money, Ppm, Price, Qty};

pub const CASH: CurrencyId = CurrencyId(0);
pub const FIRST: InstrumentId = InstrumentId(0);
pub const SECOND: InstrumentId = InstrumentId(1);
pub const A: AccountId = AccountId(1);
pub const B: AccountId = AccountId(2);
pub const C: AccountId = AccountId(3);
/// The other side of every trade that a test does not care about.
pub const HOUSE: AccountId = AccountId(7);

pub const CAPACITY: MarginCapacity =
    MarginCapacity { accounts: 8, positions: 16, positions_per_account: 2, instruments: 2, currencies: 1 };

/// A perpetual with one tier: ticks are marks, a tick of a lot is one unit of money, nothing is charged.
pub fn perpetual(maintenance: i64, initial: i64) -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000_000_000),
        max_order: Qty(1_000_000_000),
        max_position: Qty(1_000_000_000_000),
        tiers: vec![tier(0, maintenance, initial)],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

pub fn tier(floor: i128, maintenance: i64, initial: i64) -> TierSpec {
    TierSpec { floor: Money(floor), maintenance: Ppm(maintenance), initial: Ppm(initial) }
}

/// An engine with all accounts open, and these instruments listed in order.
pub fn engine(specs: &[InstrumentSpec]) -> Margin {
    engine_of(CAPACITY, specs)
}

pub fn engine_of(capacity: MarginCapacity, specs: &[InstrumentSpec]) -> Margin {
    let mut margin = Margin::with_capacity(capacity);
    for account in 1..capacity.accounts {
        margin.open_account(AccountId(account)).unwrap();
    }
    for (id, spec) in (0..).map(InstrumentId).zip(specs) {
        margin.list(id, spec).unwrap();
    }
    margin.deposit(HOUSE, CASH, Money(1 << 90)).unwrap();
    margin
}

/// An engine with one [`perpetual`], its mark at `mark`.
pub fn one(maintenance: i64, initial: i64, mark: i64) -> Margin {
    let mut margin = engine(&[perpetual(maintenance, initial)]);
    margin.set_mark(FIRST, MarkPrice(mark));
    margin
}

pub fn deposit(margin: &mut Margin, account: AccountId, amount: i128) {
    if amount != 0 {
        margin.deposit(account, CASH, Money(amount)).unwrap();
    }
}

pub fn isolate(margin: &mut Margin, account: AccountId, initial: i64) {
    margin.configure(account, FIRST, MarginMode::Isolated, Some(Ppm(initial))).unwrap();
}

/// Trades `size` lots (negative: sells) for `value` in all with the house, for `fee`, and looks at the pools.
pub fn trade_with_fee(
    margin: &mut Margin,
    account: AccountId,
    instrument: InstrumentId,
    size: i64,
    value: i128,
    fee: i128,
) -> Settled {
    let side = Lots(size).side().unwrap();
    let leg = |account, side, fee| Leg {
        account,
        instrument,
        side,
        qty: Lots(size).quantity(),
        value: Money(value),
        fee: Money(fee),
    };
    let settled = margin.settle(&leg(account, side, fee));
    let house = margin.settle(&leg(HOUSE, side.opposite(), 0));
    for (account, settled) in [(account, settled), (HOUSE, house)] {
        margin.reindex(settled.pool);
        margin.reindex(Pool::Cross { account, currency: CASH });
    }
    settled
}

pub fn trade(margin: &mut Margin, account: AccountId, instrument: InstrumentId, size: i64, value: i128) -> Settled {
    trade_with_fee(margin, account, instrument, size, value, 0)
}

/// Deposits `money` and opens a cross position of `size` lots at `price`.
pub fn holds(margin: &mut Margin, account: AccountId, size: i64, price: i64, money: i128) {
    deposit(margin, account, money);
    trade(margin, account, FIRST, size, i128::from(size.abs()) * i128::from(price));
}

pub fn cash(margin: &Margin, account: AccountId) -> i128 {
    margin.cash(account, CASH).0
}

pub fn isolated(account: AccountId) -> Pool {
    Pool::Isolated { account, instrument: FIRST }
}

pub fn cross(account: AccountId) -> Pool {
    Pool::Cross { account, currency: CASH }
}

/// Size and signed cost.
pub fn position(margin: &Margin, account: AccountId) -> (i64, i128) {
    margin.position(account, FIRST).map_or((0, 0), |p| (p.size().0, p.cost().0))
}

/// The sum of everything, what is outside included: zero unless money was made or lost.
pub fn imbalance(margin: &Margin) -> i128 {
    let ledger = margin.ledger();
    let cash: i128 = margin.accounts().map(|account| cash(margin, account)).sum();
    let slots = 0..u32::try_from(margin.positions().len()).unwrap();
    let isolated: i128 = slots.map(|slot| ledger.balance(CASH, Place::Isolated(slot)).0).sum();
    let common = [Place::Fees, Place::Residue, Place::Outside].map(|place| ledger.balance(CASH, place).0);
    let clearing: i128 = margin.positions().iter().map(|p| p.cost().0).sum();
    cash + isolated + common.iter().sum::<i128>() - clearing
}
