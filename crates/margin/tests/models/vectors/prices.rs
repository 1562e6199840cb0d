//! Liquidation and bankruptcy prices, tiers, and margins that grow with size.

use super::row::{Outcome, Row, float, int, same, scaled};
use downdraft_margin::model::liquidation::{Basis, Contract, Direction, Holding, inverse_bankruptcy_with_fee, to_tick};
use downdraft_margin::model::standard::SizeScaled;
use downdraft_margin::model::tiers::{Tier, Tiers, amounts, next_amount};
use downdraft_types::{Money, Ppm, Qty};
use serde_json::Value;

pub fn check(id: &str) -> Option<fn(&Row) -> Outcome> {
    Some(match id {
        "binance.tier.maintenance_amounts" => maintenance_amounts,
        "binance.tier.coinm_level5" => one_amount,
        "binance.tier.mm_500k" | "binance.tier.coinm_mm_0.4" => maintenance_of_notional,
        "binance.liq.coinm_cross" => coin_wallet,
        "bybit.bk.linear_50x" => linear_bankruptcy,
        "bybit.bk.inverse_50x_long" => inverse_bankruptcy,
        "bybit.bk.inverse_cross" => inverse_bankruptcy_in_cross,
        "bybit.liq.inverse_cross" => inverse_in_cross,
        "bybit.liq.inverse_iso_short" => inverse_isolated,
        "hyperliquid.backstop.threshold" => backstop,
        "hyperliquid.mm.range" => half_of_initial,
        "vega.mcal.210" => vega_maintenance,
        _ if id.starts_with("binance.liq.ft_") || id.starts_with("gate_okx.liq.") => |row| isolated(row, Basis::Mark),
        _ if id.starts_with("binance.liq.") => wallet,
        _ if id.starts_with("bybit.liq.linear_") || id == "bybit.liq.iso_long_20000_50x" => {
            |row| isolated(row, Basis::Entry)
        }
        _ if id.starts_with("hyperliquid.liq.") => isolated_at_hyperliquid,
        _ if id.starts_with("deribit.sm.") => size_scaled,
        _ => return None,
    })
}

fn direction(row: &Row) -> Direction {
    if row.has("side") && row.f("side") < 0.0 { Direction::Short } else { Direction::Long }
}

/// The one tier that the example gives.
fn tier(rate: f64, amount: f64) -> [Tier; 1] {
    [Tier { floor: 0.0, rate, amount }]
}

fn reached(holding: &Holding<'_>) -> Result<f64, String> {
    let price = holding.price().map_err(|e| e.to_string())?.ok_or("no price reaches it")?;
    // What the closed form says is where slack vanishes.
    let scale = holding.available.abs() + holding.size * if holding.contract == Contract::Linear { price } else { 1.0 };
    if holding.slack(price).abs() > 1e-9 * scale {
        return Err(format!("slack at {price} is {}", holding.slack(price)));
    }
    Ok(price)
}

/// A wallet, and perhaps another cross position at its mark. The published prices have two decimals.
fn wallet(row: &Row) -> Outcome {
    let tiers = tier(row.f("MMR"), row.f("cum"));
    let mut available = row.f("WB");
    if row.has("other") {
        let other = row.input("other");
        let of = |name: &str| float(&other[name]);
        let tiers = tier(of("MMR"), of("cum"));
        let maintenance = Tiers::new(&tiers).unwrap().maintenance(of("pos") * of("mark"));
        available += of("pos") * (of("mark") - of("EP")) - maintenance;
    }
    let tiers = Tiers::new(&tiers).unwrap();
    let holding = Holding::linear(direction(row), row.f("pos"), row.f("EP"), available, tiers);
    row.rounded(reached(&holding)?, 2)
}

/// A wallet in coins.
fn coin_wallet(row: &Row) -> Outcome {
    let tiers = tier(row.f("MMR"), row.f("cum"));
    let plain = inverse(row, row.f("Q"), row.f("WB"), Tiers::new(&tiers).unwrap());
    row.near(reached(&Holding { basis: Basis::Mark, ..plain })?)
}

/// Margin is notional ÷ leverage.
fn isolated(row: &Row, basis: Basis) -> Outcome {
    let size = ["pos", "size"].into_iter().find(|name| row.has(name)).map_or(1.0, |name| row.f(name));
    let tiers = tier(row.f("MMR"), if row.has("cum") { row.f("cum") } else { 0.0 });
    let margin = row.f("EP") * size / row.f("leverage");
    let close_fee = if row.has("taker") { row.f("taker") } else { 0.0 };
    let tiers = Tiers::new(&tiers).unwrap();
    let plain = Holding::linear(direction(row), size, row.f("EP"), margin, tiers);
    row.near(reached(&Holding { basis, close_fee, ..plain })?)
}

fn linear_bankruptcy(row: &Row) -> Outcome {
    let tiers = tier(0.005, 0.0);
    let entry = row.f("EP");
    let tiers = Tiers::new(&tiers).unwrap();
    let holding = Holding::linear(Direction::Long, 1.0, entry, entry / row.f("leverage"), tiers);
    row.near(holding.bankruptcy_price().map_err(|e| e.to_string())?.ok_or("no price reaches it")?)
}

fn inverse<'a>(row: &Row, size: f64, available: f64, tiers: Tiers<'a>) -> Holding<'a> {
    let plain = Holding::linear(direction(row), size, row.f("EP"), available, tiers);
    Holding { contract: Contract::Inverse, basis: Basis::Entry, ..plain }
}

fn inverse_bankruptcy(row: &Row) -> Outcome {
    let tiers = tier(0.005, 0.0);
    let margin = 1.0 / row.f("EP") / row.f("leverage");
    let holding = inverse(row, 1.0, margin, Tiers::new(&tiers).unwrap());
    let price = holding.bankruptcy_price().map_err(|e| e.to_string())?.ok_or("no price reaches it")?;
    let ticked = to_tick(Direction::Long, price, row.f("tick")).map_err(|e| e.to_string())?;
    row.near_all(&[price, ticked])
}

fn inverse_bankruptcy_in_cross(row: &Row) -> Outcome {
    let found = inverse_bankruptcy_with_fee(Direction::Long, row.f("Q"), row.f("EP"), row.f("avail_btc"), 0.00075);
    row.rounded(found.map_err(|e| e.to_string())?.ok_or("no price reaches it")?, 2)
}

fn inverse_in_cross(row: &Row) -> Outcome {
    let tiers = tier(row.f("MMR"), 0.0);
    let plain = inverse(row, row.f("Q"), row.f("bal"), Tiers::new(&tiers).unwrap());
    let holding = Holding { reserve: row.f("Q") * row.f("taker") / row.f("BP"), ..plain };
    let price = reached(&holding)?;
    same((price * 100.0).round(), 573_908.0)?;
    row.near(to_tick(Direction::Long, price, 0.5).map_err(|e| e.to_string())?)
}

fn inverse_isolated(row: &Row) -> Outcome {
    let tiers = tier(row.f("MMR"), 0.0);
    let (size, tiers) = (row.f("Q"), Tiers::new(&tiers).unwrap());
    let plain = Holding::linear(Direction::Short, size, row.f("EP"), size / row.f("EP") / row.f("leverage"), tiers);
    let price = reached(&Holding { contract: Contract::Inverse, basis: Basis::Entry, ..plain })?;
    row.rounded(price, 4)
}

/// Two thirds of maintenance. The example's short form leaves the entry price, where the margin was put up.
fn backstop(row: &Row) -> Outcome {
    let tiers = tier(row.f("mm_rate"), 0.0);
    let tiers = Tiers::new(&tiers).unwrap();
    let plain = Holding::linear(Direction::Long, row.f("size"), row.f("px"), row.f("isolated_margin"), tiers);
    row.near(reached(&Holding { part: 2.0 / 3.0, ..plain })?)
}

/// The venue's own answer for a position with its margin, after it paid its fee.
fn isolated_at_hyperliquid(row: &Row) -> Outcome {
    let tiers = tier(0.5 / row.f("max_leverage"), 0.0);
    let tiers = Tiers::new(&tiers).unwrap();
    row.near(reached(&Holding::linear(direction(row), row.f("pos"), row.f("EP"), row.f("WB"), tiers))?)
}

/// Maintenance is half of the initial margin at the largest leverage: half of 1 ÷ leverage.
fn half_of_initial(row: &Row) -> Outcome {
    let of = |leverage: &f64| {
        let tiers = tier(0.5 / leverage, 0.0);
        Tiers::new(&tiers).unwrap().maintenance(1.0)
    };
    let found: Vec<f64> = row.floats("max_leverage").iter().map(of).collect();
    row.near_all(&found)
}

fn vega_maintenance(row: &Row) -> Outcome {
    let tiers = tier(row.f("slip") + row.f("rf"), 0.0);
    row.near(Tiers::new(&tiers).unwrap().maintenance(row.f("mark") * row.f("pos").abs()))
}

fn maintenance_amounts(row: &Row) -> Outcome {
    let caps = row.floats("bracket_caps");
    let floors = std::iter::once(0.0).chain(caps);
    let rates = row.floats("mmr");
    let mut tiers: Vec<Tier> =
        floors.zip(&rates).map(|(floor, rate)| Tier { floor, rate: *rate, amount: 0.0 }).collect();
    amounts(&mut tiers).map_err(|e| e.to_string())?;
    row.near_all(&tiers.iter().map(|tier| tier.amount).collect::<Vec<_>>())
}

fn one_amount(row: &Row) -> Outcome {
    row.near(next_amount(row.f("floor"), row.f("mmr"), row.f("mmr_prev"), row.f("cum_prev")))
}

fn maintenance_of_notional(row: &Row) -> Outcome {
    let tiers = tier(row.f("MMR"), row.f("cum"));
    row.near(Tiers::new(&tiers).unwrap().maintenance(row.f("notional")))
}

/// Exact, in whole dollars.
fn size_scaled(row: &Row) -> Outcome {
    let ppm = |name: &str| Ppm(i64::try_from(scaled(row.input(name), 6)).unwrap());
    let rule =
        SizeScaled { initial: ppm("im_base"), maintenance: ppm("mm_base"), slope: ppm("slope_per_unit"), per: Qty(1) };
    let size = row.int("pos");
    let found = rule.margin(Qty(u64::try_from(size).unwrap()), Money(size * row.int("index")));
    let (initial, maintenance) = found.map_err(|e| e.to_string())?;
    let expected = row.expected().as_array().unwrap();
    same(initial.0, int(&expected[0]))?;
    if expected[1] == Value::Null { Ok(()) } else { same(maintenance.0, int(&expected[1])) }
}
