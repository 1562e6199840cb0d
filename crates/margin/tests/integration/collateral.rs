//! Unified accounts and spot markets, by hand: dollars are the reference currency, a coin and a stable coin stand for
//! positions too. A lot of the coin is 1,000 of its units and costs 50,000 dollars, so a unit is worth 50; one of the
//! stable coin is worth a dollar.

use crate::world::{A, B, HOUSE, perpetual};
use downdraft_margin::{
    CollateralAsset, CollateralPolicy, Conversion, InstrumentKind, InstrumentSpec, Leg, ListingError, LoanTerms,
    Margin, MarginCapacity, MarginError, Payoff, Pool, PoolState, WeightTier,
};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Lots, MarkPrice, Money, Ppm, Price, Qty, Side, Span};

const USD: CurrencyId = CurrencyId(0);
const COIN: CurrencyId = CurrencyId(1);
const STABLE: CurrencyId = CurrencyId(2);
const OTHER: CurrencyId = CurrencyId(3);
/// A contract settled in dollars: 10% maintenance, 20% initial.
const PERP: InstrumentId = InstrumentId(0);
const COIN_USD: InstrumentId = InstrumentId(1);
const STABLE_USD: InstrumentId = InstrumentId(2);
/// As `PERP`, settled in the coin: a lot is a unit of it per tick.
const QUANTO: InstrumentId = InstrumentId(3);
const STRANGE: InstrumentId = InstrumentId(4);

fn spot(base: CurrencyId) -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Spot { base, lot: 1_000 },
        max_price: Price(1_000_000),
        max_position: Qty(1_000_000),
        max_order: Qty(1_000_000),
        ..perpetual(0, 10_000)
    }
}

fn weights(tiers: &[(i128, i64)]) -> Vec<WeightTier> {
    tiers.iter().map(|&(floor, weight)| WeightTier { floor: Money(floor), weight: Ppm(weight) }).collect()
}

fn asset(currency: CurrencyId, market: Option<InstrumentId>, tiers: &[(i128, i64)]) -> CollateralAsset {
    CollateralAsset {
        currency,
        market,
        tiers: weights(tiers),
        scaled_from: None,
        limit: None,
        overdraft: Money(0),
        loan: None,
    }
}

/// The coin counts for 90%, from 1,000 units on for 50%; the stable coin for all. Dollars are lent.
fn policy() -> CollateralPolicy {
    let loan = Some(LoanTerms { initial: Ppm(100_000), maintenance: Ppm(50_000), interest_e9: 1_000_000 });
    CollateralPolicy {
        assets: vec![
            CollateralAsset { loan, ..asset(USD, None, &[(0, 1_000_000)]) },
            asset(COIN, Some(COIN_USD), &[(0, 900_000), (1_000, 500_000)]),
            asset(STABLE, Some(STABLE_USD), &[(0, 1_000_000)]),
        ],
        interest_every: Some(Span::from_secs(3_600)),
    }
}

fn engine_with(policy: &CollateralPolicy) -> Margin {
    let capacity =
        MarginCapacity { accounts: 8, positions: 40, positions_per_account: 5, instruments: 5, currencies: 4 };
    let mut margin = Margin::with_capacity(capacity);
    let quanto = InstrumentSpec { settlement: COIN, ..perpetual(100_000, 200_000) };
    let strange = InstrumentSpec { settlement: OTHER, ..perpetual(100_000, 200_000) };
    let listings = [perpetual(100_000, 200_000), spot(COIN), spot(STABLE), quanto, strange];
    for (id, spec) in (0..).map(InstrumentId).zip(listings) {
        margin.list(id, &spec).unwrap();
    }
    for (id, mark) in [(PERP, 100), (COIN_USD, 50_000), (STABLE_USD, 1_000), (QUANTO, 100), (STRANGE, 100)] {
        margin.set_mark(id, MarkPrice(mark));
    }
    for account in (1..8).map(AccountId) {
        margin.open_account(account).unwrap();
    }
    for currency in [USD, COIN, STABLE] {
        margin.deposit(HOUSE, currency, Money(1 << 60)).unwrap();
    }
    margin.set_collateral(policy).unwrap();
    margin
}

/// An engine in which `A` is unified.
fn engine() -> Margin {
    let mut margin = engine_with(&policy());
    margin.set_unified(A, true).unwrap();
    margin
}

fn trade(margin: &mut Margin, account: AccountId, instrument: InstrumentId, size: i64, value: i128) {
    let side = Lots(size).side().unwrap();
    for (account, side) in [(account, side), (HOUSE, side.opposite())] {
        let (qty, value, fee) = (Lots(size).quantity(), Money(value), Money(0));
        margin.settle(&Leg { account, instrument, side, qty, value, fee });
        margin.reindex_party(account, instrument);
    }
}

fn pool(account: AccountId) -> Pool {
    Pool::Unified { account }
}

#[test]
fn collateral_counts_by_tiers_at_its_markets_mark() {
    let mut margin = engine();
    margin.deposit(A, COIN, Money(1_500)).unwrap();
    // 1,000 × 90% + 500 × 50% = 1,150 units at 50.
    assert_eq!(margin.health(pool(A)).equity, Money(57_500));
    margin.deposit(A, STABLE, Money(77)).unwrap();
    margin.deposit(A, USD, Money(3)).unwrap();
    assert_eq!(margin.health(pool(A)).equity, Money(57_580));
    margin.set_mark(COIN_USD, MarkPrice(40_001));
    // 1,150 × 40.001 = 46,001.15
    assert_eq!(margin.health(pool(A)).equity, Money(46_081));
}

#[test]
fn a_falling_coin_liquidates_a_position_whose_contract_stays() {
    let mut margin = engine();
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    // 4,000 lots at 100: maintenance 40,000 of 45,000 equity, both in dollars.
    trade(&mut margin, A, PERP, 4_000, 400_000);
    margin.set_mark(COIN_USD, MarkPrice(44_445));
    assert_eq!((margin.fallen(), margin.health(pool(A)).slack_e6()), (&[][..], 0), "1,000 × 90% × 44.445 = 40,000.5");
    margin.set_mark(COIN_USD, MarkPrice(44_444));
    assert_eq!(margin.fallen(), [pool(A)]);
    assert_eq!(margin.instrument(PERP).mark(), MarkPrice(100));
}

#[test]
fn a_depeg_alone_liquidates() {
    let mut margin = engine();
    margin.deposit(A, STABLE, Money(11_000)).unwrap();
    trade(&mut margin, A, PERP, -1_000, 100_000);
    margin.set_mark(STABLE_USD, MarkPrice(910));
    assert_eq!(margin.fallen(), [], "11,000 × 0.91 covers 10,000");
    margin.set_mark(STABLE_USD, MarkPrice(909));
    assert_eq!(margin.fallen(), [pool(A)]);
}

#[test]
fn a_short_on_coin_collateral_falls_on_both_sides() {
    // 2,000 lots short settled in the coin, at 100: maintenance is 20,000 units of it, 10% of 200,000, so that only
    // coin matters: price it in dollars and both the contract and the collateral can do it.
    let short = || {
        let mut margin = engine();
        margin.deposit(A, USD, Money(2_500_000)).unwrap();
        trade(&mut margin, A, QUANTO, -2_000, 200_000);
        margin
    };
    let mut margin = short();
    let [(falls, _), (rises, _)] = [Side::Buy, Side::Sell].map(|side| {
        let mut waiting = margin.ladder(COIN_USD).triggers(side).filter(|(_, account)| *account == A);
        waiting.next().unwrap()
    });
    assert!(falls < MarkPrice(50_000) && rises > MarkPrice(50_000), "the certificate has two sides");
    // A dearer coin makes the maintenance dearer: 20,000 × 125 = 2,500,000.
    margin.set_mark(COIN_USD, MarkPrice(125_000));
    assert_eq!(margin.fallen(), []);
    margin.set_mark(COIN_USD, MarkPrice(125_001));
    assert_eq!(margin.fallen(), [pool(A)]);
    // In profit of 100,000 units (the contract at 50), a cheaper coin makes less of that profit, and of maintenance.
    let mut margin = short();
    margin.set_mark(QUANTO, MarkPrice(50));
    for mark in [1, 999_999, 1] {
        margin.set_mark(COIN_USD, MarkPrice(mark));
        assert_eq!(margin.fallen(), []);
    }
}

#[test]
fn nothing_is_spent_that_is_not_there_unless_it_is_lent() {
    let mut margin = engine();
    margin.deposit(B, USD, Money(100_000)).unwrap();
    let order = |margin: &Margin, account, side, lots, price| {
        margin.check_order(account, COIN_USD, side, Qty(lots), Price(price))
    };
    assert_eq!(order(&margin, B, Side::Buy, 2, 50_000), Ok(()));
    assert_eq!(order(&margin, B, Side::Buy, 2, 50_001), Err(MarginError::InsufficientMargin));
    assert_eq!(order(&margin, B, Side::Sell, 1, 50_000), Err(MarginError::InsufficientMargin), "no coin to sell");
    margin.order_rested(B, COIN_USD, Side::Buy, Qty(1), Price(40_000));
    assert_eq!(margin.free(B, USD), Money(60_000), "a resting buy keeps what it would pay");
    assert_eq!(order(&margin, B, Side::Buy, 2, 50_000), Err(MarginError::InsufficientMargin));
    // Unified: 1,000 coins count for 45,000. Dollars are lent, the coin is not.
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    assert_eq!(order(&margin, A, Side::Sell, 1, 50_000), Ok(()));
    assert_eq!(order(&margin, A, Side::Sell, 2, 50_000), Err(MarginError::CannotBorrow));
    // Bought with a loan: equity 1,000 × 90% + 1,000 × 50% at 50 = 70,000, less 50,000 owed, asks for 5,000 of 20,000.
    assert_eq!(order(&margin, A, Side::Buy, 1, 50_000), Ok(()));
    // Two lots: 95,000 − 100,000.
    assert_eq!(order(&margin, A, Side::Buy, 2, 50_000), Err(MarginError::InsufficientMargin));
    assert_eq!(order(&margin, A, Side::Buy, 1, 63_636), Ok(()), "70,000 − 63,636 × 1.1 = 0.4");
    assert_eq!(order(&margin, A, Side::Buy, 1, 63_637), Err(MarginError::InsufficientMargin));
}

#[test]
fn a_loan_pays_interest_rounded_up_and_falls_by_it() {
    let mut margin = engine();
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    trade(&mut margin, A, COIN_USD, 1, 50_001);
    assert_eq!((margin.cash(A, USD), margin.cash(A, COIN)), (Money(-50_001), Money(2_000)));
    // 0.1% of 50,001 is 50.001
    let mut paid = Vec::new();
    margin.charge_interest(|account, currency, amount| paid.push((account, currency, amount)));
    assert_eq!(paid, [(A, USD, Money(51))]);
    assert_eq!(margin.cash(A, USD), Money(-50_052));
    // 70,000 against 50,052 × 1.05 = 52,554.6: until interest has eaten it.
    for _ in 0..400 {
        margin.charge_interest(|_, _, _| {});
    }
    assert_eq!(margin.fallen(), [pool(A)]);
    assert!(margin.cash(A, USD).0 * 105 < -7_000_000);
}

#[test]
fn a_sale_covers_what_is_owed() {
    let mut margin = engine();
    margin.deposit(A, COIN, Money(10_000)).unwrap();
    margin.deposit(A, STABLE, Money(999)).unwrap();
    assert_eq!(margin.overdrawn(), []);
    // A loss of 120,000 dollars: 2.4 lots at 50,000 are needed, of the asset that is worth most.
    trade(&mut margin, A, PERP, 1_200, 120_000);
    trade(&mut margin, A, PERP, -1_200, 1);
    assert_eq!(margin.cash(A, USD), Money(-119_999));
    assert_eq!(margin.overdrawn(), [A]);
    let sale = Conversion { instrument: COIN_USD, side: Side::Sell, qty: Qty(3), currency: USD };
    assert_eq!(margin.conversion(A, false), Some(sale));
    trade(&mut margin, A, COIN_USD, -3, 150_000);
    assert_eq!((margin.cash(A, USD), margin.conversion(A, true)), (Money(30_001), None));
}

#[test]
fn what_is_owed_of_a_coin_is_bought() {
    let mut margin = engine();
    margin.deposit(A, USD, Money(300_000)).unwrap();
    trade(&mut margin, A, QUANTO, 100, 10_000);
    trade(&mut margin, A, QUANTO, -100, 6_500);
    assert_eq!(margin.cash(A, COIN), Money(-3_500));
    let bought = Conversion { instrument: COIN_USD, side: Side::Buy, qty: Qty(4), currency: COIN };
    assert_eq!(margin.conversion(A, false), Some(bought), "3.5 lots, rounded up");
    margin.set_mark(COIN_USD, MarkPrice(80_000));
    assert_eq!(margin.conversion(A, false).map(|c| c.qty), Some(Qty(3)), "300,000 dollars buy no more");
}

#[test]
fn an_allowance_stays() {
    let mut lenient = policy();
    lenient.assets[0].overdraft = Money(119_999);
    let mut margin = engine_with(&lenient);
    margin.set_unified(A, true).unwrap();
    margin.deposit(A, COIN, Money(10_000)).unwrap();
    trade(&mut margin, A, PERP, 1_200, 120_000);
    trade(&mut margin, A, PERP, -1_200, 1);
    assert_eq!((margin.overdrawn(), margin.conversion(A, false)), (&[][..], None));
    assert!(margin.conversion(A, true).is_some(), "in liquidation nothing may be owed");
}

#[test]
fn equity_is_shared_by_maintenance_in_each_ones_currency() {
    let mut margin = engine();
    margin.deposit(A, USD, Money(300_000)).unwrap();
    // 100,000 dollars at 10%, and 20,000 coins, worth 1,000,000 dollars, at 10%: shares of 1 and 10.
    trade(&mut margin, A, PERP, 1_000, 100_000);
    trade(&mut margin, A, QUANTO, 200, 20_000);
    assert_eq!(margin.equity_share(A, PERP), Money(27_272), "300,000 ÷ 11");
    assert_eq!(margin.equity_share(A, QUANTO), Money(5_454), "272,727 dollars at 50");
    assert_eq!(margin.bankruptcy_value(A, QUANTO, Qty(200)), Money(20_000 - 5_454));
}

#[test]
fn deposits_are_limited_and_dilute_the_initial_weight() {
    let mut tight = policy();
    tight.assets[1].limit = Some(Money((1 << 60) + 1_000));
    tight.assets[2].scaled_from = Some(Money(1 << 59));
    let mut margin = engine_with(&tight);
    margin.set_unified(A, true).unwrap();
    assert_eq!(margin.deposit(A, COIN, Money(1_001)), Err(MarginError::LimitReached));
    assert_eq!(margin.deposit(A, COIN, Money(1_000)), Ok(()));
    margin.deposit(B, STABLE, Money(0x1000)).unwrap();
    // 2^60 and a little are deposited, scaled from half of that: 40,000 count for 20,000 less a fraction.
    let mut margin = engine_with(&tight);
    margin.set_unified(A, true).unwrap();
    margin.deposit(A, STABLE, Money(40_000)).unwrap();
    let order = |lots| margin.check_order(A, PERP, Side::Buy, Qty(lots), Price(100));
    assert_eq!((order(999), order(1_000)), (Ok(()), Err(MarginError::InsufficientMargin)));
    assert_eq!(margin.health(pool(A)).equity, Money(40_000), "maintenance is not asked for more");
}

#[test]
fn what_can_be_withdrawn_leaves_initial_margin() {
    let mut margin = engine();
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    margin.deposit(A, USD, Money(10_000)).unwrap();
    trade(&mut margin, A, PERP, 2_000, 200_000);
    // 55,000 less 40,000: all dollars, or of the coin 15,000 ÷ (50 × 90%) = 333.
    assert_eq!((margin.free(A, USD), margin.free(A, COIN)), (Money(10_000), Money(333)));
    assert_eq!(margin.withdraw(A, COIN, Money(334)), Err(MarginError::InsufficientMargin));
    assert_eq!(margin.withdraw(A, COIN, Money(333)), Ok(()));
    assert_eq!(margin.free(A, USD), Money(0), "90% of 667 are 600 whole units");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut margin = engine();
    assert_eq!(margin.check_order(A, STRANGE, Side::Buy, Qty(1), Price(100)), Err(MarginError::NotCollateral));
    let bad = |change: &dyn Fn(&mut CollateralPolicy)| {
        let mut policy = policy();
        change(&mut policy);
        let mut margin = engine_with(&self::policy());
        margin.set_collateral(&policy)
    };
    let refused = Err(MarginError::BadCollateral);
    assert_eq!(bad(&|_| {}), Ok(()));
    assert_eq!(bad(&|p| p.assets[0].market = Some(COIN_USD)), refused, "no reference currency");
    assert_eq!(bad(&|p| p.assets[1].market = None), refused, "two of them");
    assert_eq!(bad(&|p| p.assets[1].market = Some(STABLE_USD)), refused, "another's market");
    assert_eq!(bad(&|p| p.assets[1].market = Some(PERP)), refused, "no spot market");
    assert_eq!(bad(&|p| p.assets[2].currency = COIN), refused, "twice");
    assert_eq!(bad(&|p| p.assets[1].tiers[0].floor = Money(1)), refused);
    assert_eq!(bad(&|p| p.assets[1].tiers[1].weight = Ppm(900_001)), refused, "weights fall");
    assert_eq!(bad(&|p| p.assets[1].tiers.clear()), refused);
    assert_eq!(bad(&|p| p.assets[0].overdraft = Money(-1)), refused);
    assert_eq!(bad(&|p| p.interest_every = Some(Span::ZERO)), refused);
    let mut fewer = policy();
    fewer.assets.truncate(2);
    assert_eq!(margin.set_collateral(&fewer), Err(MarginError::CollateralInUse));
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    trade(&mut margin, A, PERP, 100, 10_000);
    assert_eq!(margin.set_unified(A, false), Err(MarginError::PositionOpen));
    trade(&mut margin, A, PERP, -100, 9_999);
    assert_eq!(margin.set_unified(A, false), Err(MarginError::InLiquidation), "a dollar is owed");
    margin.deposit(A, USD, Money(1)).unwrap();
    assert_eq!(margin.set_unified(A, false), Ok(()));
    assert_eq!(margin.set_unified(AccountId::FUND, true), Err(MarginError::UnknownAccount));
}

#[test]
fn a_weight_cut_is_felt_at_once() {
    let mut margin = engine();
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    trade(&mut margin, A, PERP, 4_000, 400_000);
    let mut cut = policy();
    cut.assets[1].tiers = weights(&[(0, 800_000)]);
    margin.set_collateral(&cut).unwrap();
    assert_eq!(margin.fallen(), [], "40,000 covers 40,000");
    cut.assets[1].tiers = weights(&[(0, 799_999)]);
    margin.set_collateral(&cut).unwrap();
    assert_eq!((margin.fallen(), margin.state_of(pool(A))), (&[pool(A)][..], PoolState::Liquidating));
}

#[test]
fn an_isolated_position_of_a_unified_account_stands_alone() {
    let mut margin = engine();
    margin.configure(A, PERP, downdraft_margin::MarginMode::Isolated, None).unwrap();
    margin.deposit(A, USD, Money(30_000)).unwrap();
    margin.deposit(A, COIN, Money(1_000)).unwrap();
    trade(&mut margin, A, PERP, 1_000, 100_000);
    let isolated = Pool::Isolated { account: A, instrument: PERP };
    assert_eq!((margin.balance(isolated), margin.cash(A, USD)), (Money(20_000), Money(10_000)));
    // A loss does not cross: it falls with 55,000 beside it.
    margin.set_mark(PERP, MarkPrice(88));
    assert_eq!(margin.fallen(), [isolated]);
    assert_eq!(margin.state_of(pool(A)), PoolState::Sound);
}

#[test]
fn a_spot_market_exchanges_two_currencies() {
    let mut margin = Margin::with_capacity(MarginCapacity {
        accounts: 2,
        positions: 2,
        positions_per_account: 1,
        instruments: 1,
        currencies: 2,
    });
    let mut refused = |kind, spec: InstrumentSpec| margin.list(PERP, &InstrumentSpec { kind, ..spec }).unwrap_err();
    let itself = InstrumentKind::Spot { base: USD, lot: 1 };
    assert_eq!(refused(itself, spot(COIN)), ListingError::NotExchangeable);
    let inverse = InstrumentSpec { payoff: Payoff::Inverse, ..spot(COIN) };
    assert_eq!(refused(spot(COIN).kind, inverse), ListingError::NotExchangeable);
    assert_eq!(refused(InstrumentKind::Spot { base: COIN, lot: 0 }, spot(COIN)), ListingError::NotPositive);
    let many = InstrumentSpec { max_order: Qty(1 << 40), ..spot(COIN) };
    assert_eq!(refused(InstrumentKind::Spot { base: COIN, lot: u64::MAX }, many), ListingError::TooLarge);
    assert_eq!(refused(InstrumentKind::Spot { base: STABLE, lot: 1 }, spot(COIN)), ListingError::CapacityReached);
}
