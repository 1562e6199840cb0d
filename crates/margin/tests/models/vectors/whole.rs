//! Derive's portfolio cases whole: margins, worst losses by kind, and scenario by scenario where they were given.

use super::options::{Loaded, expiries, right};
use super::row::{Outcome, Row, float, floats};
use downdraft_margin::model::book::{Collateral, OptionLeg, Portfolio, Scenario, VolMove};
use downdraft_margin::model::derive_pm2::{self, DerivePm2, Parameters};
use serde_json::Value;

/// Seconds over which a settlement price is averaged.
const SETTLEMENT_WINDOW: f64 = 1_800.0;

pub fn check(row: &Row) -> Outcome {
    let (scenarios, loaded) = (scenarios(row), by_feed(row));
    let parameters = changed(row, Parameters { scenarios: &scenarios, ..derive_pm2::DERIVE });
    let model = DerivePm2::new(parameters).map_err(|e| e.to_string())?;
    let collaterals: Vec<Collateral> = list(row, "collaterals").iter().map(collateral).collect();
    let portfolio = Portfolio {
        spot: row.f("spot"),
        spot_confidence: row.f("spot_conf"),
        stable: row.f("stable"),
        perps: row.f("perps"),
        perp_price: row.f("perp_px"),
        perp_confidence: row.f("perp_conf"),
        perp_value: row.f("perp_value"),
        cash: row.f("cash"),
        expiries: &expiries(&loaded),
        collaterals: &collaterals,
    };
    let margin = model.margin(&portfolio).map_err(|e| e.to_string())?;
    row.near_field("MtM", margin.mark_to_market)?;
    let losses = model.losses(&portfolio);
    row.near_field("regular", losses.regular)?;
    row.near_field("tail", losses.tail)?;
    row.near_field("skew", losses.skew)?;
    if !row.expected()["basis"].is_null() {
        row.near_field("basis", losses.basis)?;
    }
    if !row.expected()["profits"].is_null() {
        let found: Vec<f64> = scenarios.iter().map(|scenario| model.profit(&portfolio, scenario)).collect();
        row.near_list(&found, &row.expected()["profits"])?;
    }
    row.near_field("MM", margin.maintenance)?;
    row.near_field("IM", margin.initial)
}

fn list<'a>(row: &'a Row, name: &str) -> &'a [Value] {
    row.input(name).as_array().unwrap()
}

/// The usual grid, with the tails and the dampening of skew moves that the case gives.
fn scenarios(row: &Row) -> Vec<Scenario> {
    let [regular, skews] = [&derive_pm2::SCENARIOS[..23], &derive_pm2::SCENARIOS[29..]];
    let tails = if row.has("tails") {
        let tail = |entry: &Value| Scenario { spot: float(&entry[0]), vol: VolMove::Up, dampening: float(&entry[1]) };
        list(row, "tails").iter().map(tail).collect()
    } else {
        derive_pm2::SCENARIOS[23..29].to_vec()
    };
    let dampening = if row.has("skew_dampening") { row.floats("skew_dampening") } else { vec![1.0, 1.0] };
    let skews = skews.iter().zip(dampening).map(|(scenario, dampening)| Scenario { dampening, ..*scenario });
    regular.iter().copied().chain(tails).chain(skews).collect()
}

/// The parameters that the case changes, by the source's names.
fn changed<'a>(row: &Row, mut p: Parameters<'a>) -> Parameters<'a> {
    for (name, value) in row.input("changed").as_object().unwrap() {
        let unit = if name == "DTE_FLOOR" { 86_400.0 } else { 1.0 };
        let field = match name.as_str() {
            "SHORT_RATE_MULTSCALE" => &mut p.short_discount.rate_factor,
            "LONG_RATE_MULTSCALE" => &mut p.long_discount.rate_factor,
            "SHORT_RATE_ADDSCALE" => &mut p.short_discount.rate_add,
            "LONG_RATE_ADDSCALE" => &mut p.long_discount.rate_add,
            "BASE_STATIC_DISCOUNT" => &mut p.long_discount.base,
            "BASE_STATIC_DISCOUNT_NEG" => &mut p.short_discount.base,
            "SCENARIO_SPOT_UP" => &mut p.basis.up,
            "BASIS_CONT_ADD_FACTOR" => &mut p.basis.add,
            "BASIS_CONT_MULT_FACTOR" => &mut p.basis.multiply,
            "MIN_VOL_EVAL_SHOCKED" => &mut p.least_vol_up,
            "DTE_FLOOR" => &mut p.vol.floor_seconds,
            "LINEAR_SCALE_CAP" => &mut p.skew.linear_base,
            "LINEAR_CBASE" => &mut p.skew.linear_slope,
            "ABS_SCALE_CAP" => &mut p.skew.absolute_base,
            "MIN_K_STAR" => &mut p.skew.least_width,
            "MIN_WIDTH_SCALE" => &mut p.skew.width,
            "VOL_PARAM_STATIC" => &mut p.skew.vol,
            "VOL_PARAM_SCALE" => &mut p.skew.vol_slope,
            other => panic!("{other} is not a parameter"),
        };
        *field = float(value) * unit;
    }
    p
}

/// `[seconds, forward, rate, confidence]`; within the settlement window a part of the forward is settled.
fn by_feed(row: &Row) -> Vec<Loaded> {
    let options = list(row, "options");
    let load = |feed: &Value| {
        let [seconds, forward, rate, confidence]: [f64; 4] = floats(feed).try_into().unwrap();
        let moving = forward * (seconds / SETTLEMENT_WINDOW).min(1.0);
        let mine = options.iter().filter(|option| float(&option[0]) == seconds);
        let legs = mine.map(|option| OptionLeg {
            strike: float(&option[1]),
            right: right(&option[2]),
            amount: float(&option[4]),
            vol: float(&option[3]),
        });
        Loaded { seconds, forward: moving, fixed: forward - moving, rate, confidence, legs: legs.collect() }
    };
    list(row, "feeds").iter().map(load).collect()
}

/// `[amount, price, confidence, cancels risk, maintenance haircut, initial haircut]`.
fn collateral(entry: &Value) -> Collateral {
    Collateral {
        amount: float(&entry[0]),
        price: float(&entry[1]),
        confidence: float(&entry[2]),
        risk_cancelling: entry[3].as_bool().unwrap(),
        maintenance_haircut: float(&entry[4]),
        initial_haircut: float(&entry[5]),
    }
}
