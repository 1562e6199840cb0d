//! Liquidation and bankruptcy prices of inverse contracts: Bybit. A lot is a dollar, money is 10^-12 of a coin, and a
//! mark increment 10^-6 of a dollar.

use super::case::{Case, Outcome, int, near, same, scaled};
use crate::world::{A, FIRST, deposit, engine, isolate, isolated, perpetual, tier, trade};
use downdraft_margin::{InstrumentSpec, MaintenanceBasis, Margin, Payoff};
use downdraft_types::{MarkPrice, Money, Ppm, Price, Qty, Side};
use serde_json::Value;

pub fn check(id: &str) -> Option<fn(&Case) -> Outcome> {
    Some(match id {
        "bybit.bk.inverse_50x_long" => leveraged_bankruptcy,
        "bybit.bk.inverse_cross" => bankruptcy_with_fee,
        "bybit.liq.inverse_cross" => liquidation_with_fee,
        "bybit.liq.inverse_iso_short" => isolated_short,
        _ => return None,
    })
}

/// Decimals of a coin's money, and of a dollar's mark increment.
const COIN: u32 = 12;
const DOLLAR: u32 = 6;
/// Half a dollar.
const TICK: i128 = 500_000;

fn contract(maintenance: i64, initial: i64, tick: i128) -> InstrumentSpec {
    InstrumentSpec {
        payoff: Payoff::Inverse,
        mark_scale: u32::try_from(tick).expect("a tick"),
        point_value: 10_u64.pow(COIN + DOLLAR),
        max_price: Price(1_000_000_000_000 / i64::try_from(tick).expect("a tick")),
        max_order: Qty(1_000_000),
        max_position: Qty(1_000_000),
        maintenance_basis: MaintenanceBasis::Entry,
        tiers: vec![tier(0, maintenance, initial)],
        ..perpetual(0, 0)
    }
}

/// Buys or sells dollars' worth at the entry price, where the mark then is.
fn enter(margin: &mut Margin, dollars: i64, entry: &Value) {
    let mark = MarkPrice(i64::try_from(scaled(entry, DOLLAR)).expect("a price"));
    margin.set_mark(FIRST, mark);
    let held = if dollars > 0 { Side::Buy } else { Side::Sell };
    let value = margin.instrument(FIRST).closing_value(held, Qty(dollars.unsigned_abs()));
    trade(margin, A, FIRST, dollars, value.0);
}

/// The price of closing a position for `value`, in mark increments, rounded up to the tick for a long.
fn price(margin: &Margin, qty: u64, value: Money) -> i128 {
    let terms = margin.instrument(FIRST);
    i128::from(terms.to_mark(terms.price_of(Qty(qty), value, Side::Sell)).0)
}

/// Exactly, and rounded up to the tick.
fn leveraged_bankruptcy(case: &Case) -> Outcome {
    let (leverage, dollars) = (case.small("leverage"), 500_000);
    for (tick, place) in [(1, 0), (TICK, 1)] {
        let mut margin = engine(&[contract(0, 1_000_000 / leverage, tick)]);
        isolate(&mut margin, A, 1_000_000 / leverage);
        deposit(&mut margin, A, 10_i128.pow(COIN) * 100);
        enter(&mut margin, dollars, case.input("EP"));
        let found = price(&margin, 500_000, margin.bankruptcy_value(A, FIRST, Qty(500_000)));
        near(found, DOLLAR, &case.expected()[place], case.tolerance())?;
    }
    Ok(())
}

/// A long of `Q` dollars, and this much of the coin behind it.
fn cross_long(case: &Case, maintenance: i64, coins: i128) -> Margin {
    let mut margin = engine(&[contract(maintenance, 1_000_000, 1)]);
    deposit(&mut margin, A, coins);
    enter(&mut margin, case.small("Q"), case.input("EP"));
    margin
}

fn quantity(case: &Case) -> Qty {
    Qty(u64::try_from(case.int("Q")).expect("dollars"))
}

fn bankruptcy_with_fee(case: &Case) -> Outcome {
    let margin = cross_long(case, 0, case.scaled("avail_btc", COIN));
    let value = margin.bankruptcy_value_with_fee(A, FIRST, quantity(case), Ppm(750));
    case.near_to_cents(price(&margin, quantity(case).0, value), DOLLAR)
}

/// The fee for closing at the bankruptcy price is set aside; the price is rounded up to the tick.
fn liquidation_with_fee(case: &Case) -> Outcome {
    let (coins, rate) = (case.scaled("bal", COIN), Ppm(case.ppm("taker")));
    let margin = cross_long(case, 0, coins);
    let value = margin.bankruptcy_value_with_fee(A, FIRST, quantity(case), rate);
    near(price(&margin, quantity(case).0, value), DOLLAR, case.input("BP"), 1e-6)?;
    let set_aside = downdraft_margin::fee(value, rate);
    let margin = cross_long(case, case.ppm("MMR"), coins - set_aside.0);
    let first = i128::from(margin.liquidation_price(A, FIRST).expect("some mark reaches it").0);
    case.near(-(-first).div_euclid(TICK) * TICK, DOLLAR)
}

fn isolated_short(case: &Case) -> Outcome {
    let initial = 1_000_000 / case.small("leverage");
    let mut margin = engine(&[contract(case.ppm("MMR"), initial, TICK)]);
    isolate(&mut margin, A, initial);
    deposit(&mut margin, A, 10_i128.pow(COIN));
    enter(&mut margin, -case.small("Q"), case.input("EP"));
    let worth = case.int("Q") * 10_i128.pow(COIN) / int(case.input("EP"));
    same(margin.balance(isolated(A)), Money(worth / case.int("leverage")))?;
    let first = margin.liquidation_price(A, FIRST).expect("some mark reaches it").0;
    case.near(first.into(), DOLLAR)
}
