//! Worked examples of dYdX v4 through [`Venue::apply`](downdraft_venue::Venue::apply): a short (or long) of 1 BTC
//! below its maintenance of 10%, liquidated against asks, with an empty insurance fund that gets at most 0.5%.
//!
//! Money is in quote quantums (10^-6 USD), a tick is 1 USD, a lot 0.01 BTC (10^6 base quantums).
//!
//! Source: dydxprotocol/v4-chain, `x/clob/keeper/liquidations_test.go` (`TestPlacePerpetualLiquidation_Deleveraging`)
//! and `deleveraging_test.go` (`TestOffsetSubaccountPerpetualPosition`).

use downdraft_margin::{AdlPolicy, InstrumentKind, InstrumentSpec, MaintenanceBasis, TierSpec};
use downdraft_testkit::runner::Runner;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side};
use downdraft_venue::{
    BookSize, Capacity, Command, Event, LiquidationMode, LiquidationPolicy, MarkPolicy, MarkRule, OnFundShort,
    OrderRequest, Residual, SelfTradePrevention, TimeInForce,
};

const BTC: InstrumentId = InstrumentId(0);
const USDC: CurrencyId = CurrencyId(0);
const LIQUIDATED: AccountId = AccountId(1);
const OFFSETTING: AccountId = AccountId(2);
const MAKER: AccountId = AccountId(3);
const USD: i128 = 1_000_000;
const WHOLE: u64 = 100;

/// The liquidated account's side, the value of its position, what both sides have besides, and the book.
struct Case {
    side: Side,
    cost: i128,
    offsetting_deposit: i128,
    /// Price in USD and lots.
    asks: &'static [(i64, u64)],
    oracle: i64,
}

fn spec() -> InstrumentSpec {
    InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: USDC,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 10_000,
        max_price: Price(1_000_000),
        max_order: Qty(10_000),
        max_position: Qty(10_000),
        tiers: vec![TierSpec { floor: Money(0), maintenance: Ppm(100_000), initial: Ppm(200_000) }],
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    }
}

fn policy(mode: LiquidationMode) -> Command {
    let adl = AdlPolicy { profitable_only: false, ..AdlPolicy::default() };
    let (residual, on_fund_short) = (Residual::FundCapped(Ppm(5_000)), OnFundShort::Adl);
    let policy = LiquidationPolicy { mode, residual, on_fund_short, adl, ..LiquidationPolicy::default() };
    Command::SetLiquidationPolicy { policy: Box::new(policy) }
}

fn ask((price, lots): (i64, u64)) -> Command {
    Command::PlaceOrder(OrderRequest {
        account: MAKER,
        client: None,
        instrument: BTC,
        side: Side::Sell,
        qty: Qty(lots),
        limit: Some(Price(price)),
        tif: TimeInForce::Gtc,
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::CancelNewest,
    })
}

fn liquidated(case: &Case) -> Runner {
    let (accounts, positions, positions_per_account) = (4, 4, 1);
    let capacity =
        Capacity { accounts, positions, positions_per_account, instruments: 1, currencies: 1, client_orders: 0 };
    let mut runner = Runner::new(capacity);
    let (buyer, seller) = match case.side {
        Side::Buy => (LIQUIDATED, OFFSETTING),
        Side::Sell => (OFFSETTING, LIQUIDATED),
    };
    let rule = MarkRule::Exogenous;
    let deposit = |account, amount| Command::Deposit { account, currency: USDC, amount: Money(amount) };
    let mut commands = vec![
        Command::ListInstrument { instrument: BTC, spec: Box::new(spec()), book: BookSize { orders: 10, levels: 10 } },
        Command::SetMarkPolicy { instrument: BTC, policy: MarkPolicy { rule, frozen: false } },
        Command::SetMark { instrument: BTC, mark: MarkPrice(case.oracle) },
        policy(LiquidationMode::Suppressed),
    ];
    commands.extend([LIQUIDATED, OFFSETTING, MAKER].map(|account| Command::OpenAccount { account }));
    commands.extend([deposit(OFFSETTING, case.offsetting_deposit), deposit(MAKER, 1_000_000 * USD)]);
    let cost = Money(case.cost);
    commands.push(Command::BlockTrade { instrument: BTC, buyer, seller, qty: Qty(WHOLE), cost });
    commands.extend(case.asks.iter().copied().map(ask));
    commands.push(policy(LiquidationMode::Market));
    for command in commands {
        let rejected = runner.run(command).iter().any(|(_, _, event)| matches!(event, Event::Rejected { .. }));
        assert!(!rejected);
    }
    runner
}

/// Lots filled and left of the one liquidation order, and whether the fund was short.
fn order_done(runner: &Runner) -> Vec<(u64, u64, bool)> {
    let done = |event: &Event| match *event {
        Event::LiquidationOrderDone { filled, left, fund_short, .. } => Some((filled.0, left.0, fund_short)),
        _ => None,
    };
    runner.events().iter().filter_map(|(_, _, event)| done(event)).collect()
}

/// Deleveragings: lots and value.
fn deleveraged(runner: &Runner) -> Vec<(u64, i128)> {
    let of = |event: &Event| match *event {
        Event::Deleveraged { qty, value, .. } => Some((qty.0, value.0)),
        _ => None,
    };
    runner.events().iter().filter_map(|(_, _, event)| of(event)).collect()
}

/// Quote balance and position in lots.
fn holds(runner: &Runner, account: AccountId) -> (i128, i64) {
    let margin = runner.venue.margin();
    let position = margin.position(account, BTC).expect("it had a position");
    (margin.cash(account, USDC).0 - position.cost().0, position.size().0)
}

#[test]
fn e2e_full_fill_no_adl() {
    let (side, cost, offsetting_deposit) = (Side::Sell, 50_499 * USD, 1_000_000 * USD);
    let runner = liquidated(&Case { side, cost, offsetting_deposit, asks: &[(50_000, WHOLE)], oracle: 50_000 });
    assert_eq!(order_done(&runner), [(WHOLE, 0, false)]);
    assert_eq!(holds(&runner, LIQUIDATED), (249_000_000, 0));
    assert_eq!(runner.venue.margin().fund(USDC), Money(250_000_000));
}

#[test]
fn e2e_partial_then_requires_adl() {
    let (side, cost, offsetting_deposit) = (Side::Sell, 50_499 * USD, 1_000_000 * USD);
    let asks = &[(50_498, WHOLE / 4), (50_500, WHOLE)];
    let runner = liquidated(&Case { side, cost, offsetting_deposit, asks, oracle: 50_500 });
    // A quarter is bought; the next match would cost 0.75 USD over bankruptcy, and the fund has 0.25.
    assert_eq!(order_done(&runner), [(WHOLE / 4, WHOLE * 3 / 4, true)]);
    assert_eq!(runner.venue.margin().fund(USDC), Money(250_000));
    // There the example ends, with a quote of 37 874.25 USD against 0.75 BTC. Deleveraging takes both.
    assert_eq!(deleveraged(&runner), [(WHOLE * 3 / 4, 37_874_250_000)]);
    assert_eq!(holds(&runner, LIQUIDATED), (0, 0));
}

#[test]
fn adl_one_offset_short() {
    let (side, cost, offsetting_deposit) = (Side::Sell, 54_999 * USD, 104_999 * USD);
    let runner = liquidated(&Case { side, cost, offsetting_deposit, asks: &[], oracle: 50_000 });
    assert_eq!(deleveraged(&runner), [(WHOLE, 54_999 * USD)]);
    assert_eq!(holds(&runner, LIQUIDATED), (0, 0));
    assert_eq!(holds(&runner, OFFSETTING), (104_999_000_000, 0));
}

#[test]
fn adl_one_offset_long() {
    let (side, cost, offsetting_deposit) = (Side::Buy, 54_999 * USD, 45_001 * USD);
    let runner = liquidated(&Case { side, cost, offsetting_deposit, asks: &[], oracle: 50_000 });
    assert_eq!(deleveraged(&runner), [(WHOLE, 54_999 * USD)]);
    assert_eq!(holds(&runner, LIQUIDATED), (0, 0));
    assert_eq!(holds(&runner, OFFSETTING), (45_001_000_000, 0));
}
