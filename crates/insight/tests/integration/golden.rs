//! Cascades worked out by hand.

use crate::drive::{Drive, Kept};
use downdraft_insight::{CurrencyUnits, InstrumentUnits, Summary, Units};
use downdraft_margin::{InstrumentKind, InstrumentSpec, MaintenanceBasis, TierSpec};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MarkPrice, Money, Ppm, Price, Qty, Side, Span, Time};
use downdraft_venue::{
    AdlPolicy, AdlPrice, BookSize, Capacity, Command, CrossedOrder, LiquidationMode, LiquidationPolicy, MarkPolicy,
    OrderRequest, PartialStep, Residual, SelfTradePrevention, TimeInForce,
};

pub const PERP: InstrumentId = InstrumentId(0);
const CASH: CurrencyId = CurrencyId(0);
pub const OUTSIDE: AccountId = AccountId(1);
pub const MAKER: AccountId = AccountId(2);
pub const WINNERS: AccountId = AccountId(3);
const RICH: Money = Money(1_000_000);

/// One tick is 0.5, one lot 0.01, the smallest unit of money 0.001.
fn units() -> Units {
    Units {
        currencies: vec![CurrencyUnits { name: "USD".into(), decimals: 3 }],
        instruments: vec![InstrumentUnits { name: "PERP, x".into(), tick: (5, 1), lot: (1, 2), mark_scale: 1 }],
    }
}

pub fn order(account: AccountId, side: Side, qty: u64, limit: Option<i64>) -> Command {
    Command::PlaceOrder(OrderRequest {
        account,
        client: None,
        instrument: PERP,
        side,
        qty: Qty(qty),
        limit: limit.map(Price),
        tif: if limit.is_some() { TimeInForce::Gtc } else { TimeInForce::Ioc },
        post_only: false,
        reduce_only: false,
        stp: SelfTradePrevention::None,
    })
}

/// Bids 10@99 … 10@90; longs A(10 @100), B(10 @100), C(20 @100) with these margins; no fees; mark 100.
pub fn market(maintenance: i64, margins: [i128; 3], fund: i128, policy: LiquidationPolicy) -> Drive {
    let capacity = Capacity {
        accounts: 7,
        positions: 7,
        positions_per_account: 1,
        instruments: 1,
        currencies: 1,
        client_orders: 1,
    };
    let mut drive = Drive::new(capacity, units());
    let tiers = vec![TierSpec { floor: Money::ZERO, maintenance: Ppm(maintenance), initial: Ppm(maintenance) }];
    let spec = InstrumentSpec {
        kind: InstrumentKind::Perpetual,
        settlement: CASH,
        mark_scale: 1,
        payoff: downdraft_margin::Payoff::Linear,
        point_value: 1,
        max_price: Price(1_000),
        max_order: Qty(1_000),
        max_position: Qty(1_000),
        tiers,
        maintenance_basis: MaintenanceBasis::Mark,
        close_fee: Ppm(0),
        maker_fee: Ppm(0),
        taker_fee: Ppm(0),
    };
    let book = BookSize { orders: 100, levels: 100 };
    drive.run(Command::ListInstrument { instrument: PERP, spec: Box::new(spec), book });
    drive.run(Command::SetMarkPolicy { instrument: PERP, policy: MarkPolicy::default() });
    drive.run(Command::SetLiquidationPolicy { policy });
    drive.run(Command::SetMark { instrument: PERP, mark: MarkPrice(100) });
    let deposit = |account, amount| Command::Deposit { account, currency: CASH, amount };
    (1..7).for_each(|account| drive.run(Command::OpenAccount { account: AccountId(account) }));
    [OUTSIDE, MAKER, WINNERS].into_iter().for_each(|account| drive.run(deposit(account, RICH)));
    if fund > 0 {
        drive.run(deposit(AccountId::FUND, Money(fund)));
    }
    for (account, (qty, margin)) in (4..).map(AccountId).zip([10, 10, 20].into_iter().zip(margins)) {
        drive.run(deposit(account, Money(margin)));
        let cost = Money(i128::from(qty) * 100);
        drive.run(Command::BlockTrade { instrument: PERP, buyer: account, seller: WINNERS, qty: Qty(qty), cost });
    }
    drive.now = Time(1_000_000_000);
    (90..=99).rev().for_each(|price| drive.run(order(MAKER, Side::Buy, 10, Some(price))));
    drive
}

pub fn policy() -> LiquidationPolicy {
    LiquidationPolicy { crossed_order: CrossedOrder::ByAccount, ..LiquidationPolicy::default() }
}

fn sell(mut drive: Drive, qty: u64) -> (Summary, Kept) {
    drive.run(order(OUTSIDE, Side::Sell, qty, None));
    let (summary, kept, _) = drive.finish();
    assert_eq!(summary.audit, None);
    (summary, kept)
}

fn json(summary: &Summary) -> serde_json::Value {
    serde_json::to_value(summary).unwrap()
}

#[test]
fn a_chain_of_three() {
    let policy = LiquidationPolicy { residual: Residual::Fund, ..policy() };
    let (summary, kept) = sell(market(30_000, [40, 50, 120], 0, policy), 20);
    let ids: Vec<_> = kept.liquidations.iter().map(|r| (r.pool.account().0, r.parent, r.root, r.depth)).collect();
    assert_eq!(ids, [(4, None, 1, 1), (5, Some(1), 1, 2), (6, Some(2), 1, 3)]);
    let (cascade, fund) = (&summary.cascade, summary.insurance_fund.only().unwrap());
    assert_eq!((cascade.roots, cascade.max_depth, cascade.largest), (1, 3, 3));
    assert_eq!(cascade.branching_ratio.to_string(), "0.666667");
    assert_eq!(cascade.by_cause.0[0], ("trade".to_owned(), 3));
    assert_eq!((fund.start.to_string(), fund.end.to_string()), ("0".into(), "0.03".into()));
    assert_eq!((fund.contributed, fund.traded.to_string()), (fund.end, "0".into()));
    // A is sold 10@97 at mark 98, B 10@96 at mark 97, C 10@95 and 10@94 at mark 96.
    let slippage: Vec<_> = kept.liquidations.iter().map(|row| row.slippage.0).collect();
    assert_eq!(slippage, [10, 10, 30]);
    let price = summary.price.only().unwrap();
    let prices = [price.start, price.low, price.high, price.end].map(|p| p.unwrap().to_string());
    assert_eq!(prices, ["50", "47", "50", "47"]);
}

#[test]
fn numbers_in_json_are_exact_and_in_human_units() {
    let policy = LiquidationPolicy { residual: Residual::Fund, ..policy() };
    let (summary, _) = sell(market(30_000, [40, 50, 120], 0, policy), 20);
    let text = serde_json::to_string(&summary).unwrap();
    for part in [
        r#""scenario":"test","seed":7,"version":"0","state_hash":""#,
        r#""price":{"start":50,"low":47,"high":50,"end":47}"#,
        r#""quantity":0.4,"notional":3.87,"proceeds":3.82,"slippage_cost":0.05"#,
        r#""trigger_to_fill":{"p50":0,"p99":0,"max":0}"#,
        r#""ended":{"recovered":0,"closed":3,"bankrupt":0,"pending":0}"#,
        r#""conservation":{"USD":0},"audit":null}"#,
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_rest_is_deleveraged_where_the_fund_is_short() {
    let (summary, kept) = sell(market(10_000, [20, 40, 120], 49, policy()), 40);
    let value = json(&summary);
    assert_eq!(value["adl"]["accounts"], 1);
    assert_eq!(value["adl"]["quantity"], 0.1);
    assert_eq!(value["adl"]["notional"], 0.96);
    assert_eq!(value["adl"]["conceded"], 0.01);
    assert_eq!(value["insurance_fund"]["drawn"], 0.03);
    assert_eq!(value["insurance_fund"]["end"], 0.019);
    assert_eq!(value["bad_debt"], 0.04);
    assert_eq!(value["liquidations"]["accounts"], 2);
    assert_eq!(value["cascade"]["branching_ratio"], 0);
    let rows: Vec<_> = kept.liquidations.iter().map(|r| (r.quantity.0, r.deleveraged.0, r.fund.0)).collect();
    assert_eq!(rows, [(10, 0, -30), (0, 10, 0)]);
    let kinds: Vec<_> = kept.waterfall.iter().map(|row| (row.kind.name(), row.episode)).collect();
    assert_eq!(kinds, [("deficit", Some(1)), ("fund-paid", Some(1)), ("deficit", Some(2)), ("deleveraged", Some(2))]);
}

/// The same, closed at what it cost the winners, 100 instead of 96: they concede 50 at a mark of 95, where 10 were
/// missing. A minute later the mark is 97, and what they gave up has become 30.
#[test]
fn overshoot_is_what_concessions_exceed_the_deficit_by() {
    for (residual, trader, fund) in [(Residual::Trader, 0.04, 0.0), (Residual::Fund, 0.0, 0.04)] {
        let adl = AdlPolicy { price: AdlPrice::Entry, ..AdlPolicy::default() };
        let mut drive = market(10_000, [20, 40, 120], 49, LiquidationPolicy { residual, adl, ..policy() });
        drive.run(order(OUTSIDE, Side::Sell, 40, None));
        for (seconds, mark) in [(31, 97), (91, 99)] {
            drive.now = Time(seconds * 1_000_000_000);
            drive.run(Command::SetMark { instrument: PERP, mark: MarkPrice(mark) });
        }
        let (summary, ..) = drive.finish();
        assert_eq!(summary.audit, None);
        let value = json(&summary);
        let adl = &value["adl"];
        assert_eq!((adl["conceded"].as_f64(), adl["conceded_later"].as_f64()), (Some(0.05), Some(0.03)));
        let overshoot = ["taken", "trader", "fund", "vault"].map(|name| adl["overshoot"][name].as_f64().unwrap());
        assert_eq!(overshoot, [0.04, trader, fund, 0.0]);
        assert_eq!(value["bad_debt"], 0.04, "30 of the first and 10 of the second");
        assert_eq!(value["insurance_fund"]["end"].as_f64(), Some(if fund > 0.0 { 0.059 } else { 0.019 }));
    }
}

#[test]
fn tables_are_written_in_human_units() {
    let (_, kept) = sell(market(10_000, [20, 40, 120], 49, policy()), 40);
    let [prices, liquidations, waterfall] = kept.files();
    assert_eq!(prices.lines().nth(1), Some("0,\"PERP, x\",,50,"));
    assert_eq!(prices.lines().nth(2), Some("1,\"PERP, x\",47.5,47.5,"));
    assert_eq!(prices.lines().count(), 3);
    // Closed at 95 from a mark of 96: equity 20 − 40, maintenance 9.6 rounded up.
    let row = "1,a4/c0,4,,1,1,trade,1,48,-0.02,0.01,1,1,closed,\"PERP, x\",USD,0.1,0.96,0.95,0.01,-0.03,0,0";
    assert_eq!(liquidations.lines().nth(1), Some(row));
    let columns = |text: &str| text.lines().next().map(|line| line.split(',').count());
    assert_eq!(columns(&liquidations), Some(23));
    assert_eq!(columns(&waterfall), Some(11));
    assert!(
        waterfall.lines().any(|line| line.contains(",deleveraged,5,3,\"PERP, x\",USD,0.1,0.96,0.01")),
        "{waterfall}"
    );
}

#[test]
fn steps_of_a_partial_liquidation_are_one_episode_over_time() {
    let step = PartialStep::Fraction(Ppm(250_000));
    let mode = LiquidationMode::Partial { step, cooldown: Span::from_millis(250) };
    let mut drive = market(30_000, [40, 500, 500], 1_000, LiquidationPolicy { mode, ..policy() });
    drive.run(order(OUTSIDE, Side::Sell, 20, None));
    drive.run_until(Time(3_000_000_000), 100);
    let (summary, kept, _) = drive.finish();
    let liquidations = &summary.liquidations;
    assert_eq!((liquidations.accounts, liquidations.episodes, kept.liquidations.len()), (1, 1, 1));
    assert!(liquidations.orders > 1, "{}", liquidations.orders);
    assert_eq!(summary.cascade.roots, 1);
    let row = kept.liquidations[0];
    assert!(row.ended.unwrap() > row.triggered);
    assert_eq!(row.first_fill, Some(row.triggered));
}

#[test]
fn a_liquidation_cut_off_by_the_end_is_pending() {
    let latency = Span::from_secs(5);
    let (summary, kept) = sell(market(30_000, [40, 500, 500], 1_000, LiquidationPolicy { latency, ..policy() }), 20);
    assert_eq!(summary.liquidations.ended.pending, 1);
    assert_eq!((kept.liquidations[0].ended, kept.liquidations[0].instrument), (None, None));
    assert_eq!(summary.liquidations.trigger_to_fill.p50, None);
    assert!(kept.files()[1].lines().nth(1).unwrap().contains(",pending,,USD,"));
}
