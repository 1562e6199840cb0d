//! Everything else: standard and portfolio margins of few lines, SPAN, health, partial liquidation, bands, laws, and the
//! fund along a liquidation's fills.

use super::row::{Outcome, Row, int, same, scaled};
use downdraft_margin::model::bands::{LuldTier, dcb_variant, luld_distance, market_wide_levels};
use downdraft_margin::model::black76::Terms;
use downdraft_margin::model::deribit_pm::{Contingencies, Future, Grid, VOL_2019, future_price};
use downdraft_margin::model::health::{Perp, Scratch, SpotOrders, Token, health};
use downdraft_margin::model::partial::{Swap, size_to_cover, socialised_per_unit, vertex_price};
use downdraft_margin::model::span::{Scan, scanning_risk};
use downdraft_margin::model::standard::ShortOptions;
use downdraft_margin::model::surface::YEAR_SECONDS;
use downdraft_margin::model::walk::{Account, End, Level, Rate, liquidate};
use downdraft_margin::model::{adl, book::VolMove, laws};
use downdraft_types::{Ppm, Price};
use serde_json::Value;

pub fn check(id: &str) -> Option<fn(&Row) -> Outcome> {
    Some(match id {
        "span.long_call" => largest_of_an_array,
        "span.scenario_grid" => scan_moves,
        "dederi.pm.futures" => futures_grid,
        "deribit.pm.vol_shock" => vol_by_term,
        "deribit.pm.contingencies" => contingencies,
        "vertex.liqprice.short_w1.05" => vertex,
        "luld.low_price" => luld,
        "cme.dcb" => circuit_breaker,
        "cme.mwcb" => market_wide,
        "hawkes.cluster_size" => clusters,
        "impact.sqrt" => impact,
        "adl.queue_vs_prorata" => queue_against_pro_rata,
        "event.hl_20251010.totals" => totals,
        _ if id.starts_with("derive.srm.") => standard_margin,
        _ if id.starts_with("mango.health.") => mango,
        _ if id.starts_with("drift.base_to_cover.") => base_to_cover,
        _ if id.starts_with("drift.liability_to_cover.") => debt_to_cover,
        _ if id.starts_with("drift.liability_implied.") => debt_for_asset,
        _ if id.starts_with("drift.asset_for_liability.") => asset_for_debt,
        _ if id.starts_with("drift.socialised.") => socialised,
        _ if id.starts_with("bitmex.adl.rank_") => rank,
        _ if id.starts_with("cascade.threshold_ladder.") => ladder,
        _ if id.starts_with("dydx.e2e.") => walk,
        _ => return None,
    })
}

/// Published with a mark, or with what it is computed from.
fn standard_margin(row: &Row) -> Outcome {
    let right = super::options::right(row.input("is_call"));
    let (index, strike, amount) = (row.f("spot"), row.f("strike"), row.f("amount"));
    let mark = if row.has("mtm") {
        row.f("mtm")
    } else {
        let years = row.f("expiry_s") / YEAR_SECONDS;
        Terms { forward: row.f("forward"), strike, years, vol: row.f("vol"), discount: 1.0 }.price(right)
    };
    let net = ShortOptions::DERIVE.isolated(right, strike, amount, mark, index);
    if row.has("mtm") {
        return row.near_all(&[net.initial, net.maintenance]);
    }
    row.near_field("IM", net.initial)?;
    row.near_field("MM", net.maintenance)?;
    row.near_field("MtM", mark * amount)
}

fn largest_of_an_array(row: &Row) -> Outcome {
    let array: [f64; 16] = row.floats("array").try_into().unwrap();
    row.near(scanning_risk(&array))
}

/// A future's moves in money; published to the cent. The extreme move is twice the range, of which 35% counts.
fn scan_moves(row: &Row) -> Outcome {
    let scan = Scan { price_range: row.f("range_pts"), vol_range: 0.0, extreme: 2.0, cover: 0.35 };
    let moves = scan.future(1.0, row.f("usd_per_pt"));
    let expected = row.expected();
    row.rounded_to(moves[2], &expected["third"], 2)?;
    row.rounded_to(moves[6], &expected["two_thirds"], 2)?;
    row.rounded_to(moves[10], &expected["full"], 2)?;
    row.rounded_to(moves[14], row.input("extreme_usd"), 2)
}

/// Published rounded: the price and the contingency to a decimal, profits to whole dollars.
fn futures_grid(row: &Row) -> Outcome {
    let price = future_price(row.f("index"), row.f("abr"), row.f("days"));
    let futures = [Future { price, amount: row.f("qty") }];
    let moves = row.floats("shocks");
    let grid = Grid { moves: &moves, vol: VOL_2019 };
    grid.check().map_err(|e| e.to_string())?;
    let expected = row.expected();
    row.rounded_to(price, &expected["F"], 1)?;
    let rule = Contingencies { gross_futures: 0.006, ..Contingencies::NONE };
    row.rounded_to(rule.of_futures(&futures) * row.f("index"), &expected["contingency"], 1)?;
    for (price_move, profit) in moves.iter().zip(expected["pnl"].as_array().unwrap()) {
        row.rounded_to(grid.profit(&futures, &[], *price_move, VolMove::None), profit, 0)?;
    }
    same(-grid.largest_loss(&futures, &[]), grid.profit(&futures, &[], moves[0], VolMove::None))
}

fn vol_by_term(row: &Row) -> Outcome {
    let of = |days: &f64| VOL_2019.up * VOL_2019.scale(days * 86_400.0);
    row.near_all(&row.floats("days").iter().map(of).collect::<Vec<_>>())
}

fn contingencies(row: &Row) -> Outcome {
    let rule = Contingencies { short_option: 0.01, offsetting_futures: 0.01, gross_futures: 0.0, options: 0.01 };
    row.near_field("short_opt_cont", rule.of_strike(row.f("strike_calls") + row.f("strike_puts")))?;
    let pair = [1.0, -1.0].map(|sign| Future { price: 1.0, amount: sign * row.f("fut_pair") });
    row.near_field("fut_cont_1pct", rule.of_futures(&pair))?;
    let double = Contingencies { offsetting_futures: 0.02, ..rule };
    row.near_field("fut_cont_2pct", double.of_futures(&pair))?;
    // The options' underlying of the source's example, 200, stands in the field's name only.
    row.near_field("opt_cont_1pct_200", rule.of_options(200.0))
}

/// Prices and weights × 10^6.
fn vertex(row: &Row) -> Outcome {
    let weight = Ppm(i64::try_from(scaled(row.input("w"), 6)).unwrap());
    let found = vertex_price(scaled(row.input("oracle"), 6), weight).map_err(|e| e.to_string())?;
    row.near(found as f64 / 1e6)
}

fn luld(row: &Row) -> Outcome {
    let of = |reference: &f64| {
        let price = Price((reference * 1e4).round() as i64);
        luld_distance(price, price, LuldTier::One, false).unwrap().0 as f64 / 1e4
    };
    row.near_all(&row.floats("ref").iter().map(of).collect::<Vec<_>>())
}

fn circuit_breaker(row: &Row) -> Outcome {
    let tick = row.f("tick");
    let settlement = Price((row.f("settle") / tick).round() as i64);
    let percent = Ppm(i64::try_from(scaled(row.input("pct"), 6)).unwrap());
    row.near(dcb_variant(settlement, percent).map_err(|e| e.to_string())?.0 as f64 * tick)
}

fn market_wide(row: &Row) -> Outcome {
    let levels = market_wide_levels(Price(i64::try_from(row.int("ref")).unwrap())).map_err(|e| e.to_string())?;
    row.near_all(&levels.map(|level| level.0 as f64))
}

fn clusters(row: &Row) -> Outcome {
    row.near_all(&row.floats("n").into_iter().map(|n| laws::cluster_size(n).unwrap()).collect::<Vec<_>>())
}

fn impact(row: &Row) -> Outcome {
    let of = |part: f64| laws::square_root_impact(row.f("Y"), row.f("sigma"), part).unwrap();
    row.near_all(&row.floats("Q_over_V").into_iter().map(of).collect::<Vec<_>>())
}

fn ladder(row: &Row) -> Outcome {
    let stops = row.floats("thresholds");
    let found = laws::stop_ladder(row.f("p0"), row.f("shock"), &stops, row.f("size"), row.f("lam"));
    let (fired, price) = found.map_err(|e| e.to_string())?;
    row.near_all(&[fired as f64, price])
}

fn ints(value: &Value) -> Vec<i128> {
    value.as_array().unwrap().iter().map(int).collect()
}

fn queue_against_pro_rata(row: &Row) -> Outcome {
    let (profits, deficit) = (ints(row.input("pnl_ranked")), row.int("deficit"));
    let mut given = vec![0; profits.len()];
    let over = adl::queue(&profits, deficit, &mut given).map_err(|e| e.to_string())?;
    same(given.clone(), ints(&row.expected()["queue"]))?;
    same(over, int(&row.expected()["queue_overshoot"]))?;
    adl::pro_rata(&profits, deficit, &mut given).map_err(|e| e.to_string())?;
    same(given, ints(&row.expected()["prorata"]))
}

/// The third published figure, one account's stack, follows from nothing that the example gives.
fn totals(row: &Row) -> Outcome {
    let count = |name: &str| u64::try_from(row.int(name)).unwrap();
    let forced = adl::Forced {
        liquidated: row.int("liq_usd"),
        deleveraged: row.int("adl_usd"),
        liquidations: count("liq_events"),
        deleveragings: count("adl_events"),
    };
    let (value, events) = forced.total();
    same(value, int(&row.expected()["total"]))?;
    same(i128::from(events), int(&row.expected()["events"]))
}

fn rank(row: &Row) -> Outcome {
    let found = adl::profit_times_leverage(row.f("mark_value"), row.f("bankrupt_value"), row.f("entry_value"));
    row.near(found.map_err(|e| e.to_string())?)
}

fn ppm(value: f64) -> Ppm {
    Ppm((value * 1e6).round() as i64)
}

/// Mango's test: tokens at 1, 5 and 10 with weights 80/120%, 50/150% and 50/150%, spot markets of the second and third
/// against the first, a perpetual of lots worth 50 with 80/120%, 95% of a result above zero, settled in the first token.
fn mango(row: &Row) -> Outcome {
    let token = |balance: i128, price: i128, asset: f64, debt: f64| Token {
        balance,
        asset_price: price,
        debt_price: price,
        asset_weight: ppm(asset),
        debt_weight: ppm(debt),
    };
    let held = |name| if row.has(name) { row.int(name) } else { 0 };
    let tokens =
        [token(held("token1"), 1, 0.8, 1.2), token(held("token2"), 5, 0.5, 1.5), token(held("token3"), 10, 0.5, 1.5)];
    let market = |base, name| {
        let reserved = if row.has(name) { ints(row.input(name)) } else { vec![0, 0] };
        SpotOrders { base, quote: 0, reserved_quote: reserved[0], reserved_base: reserved[1] }
    };
    let markets = [market(1, "oo_1_2"), market(2, "oo_1_3")];
    let perp = match row.input("perp") {
        Value::Array(list) => list.iter().map(int).collect(),
        fields => ["base_lots", "quote", "bids", "asks"].map(|name| int(&fields[name])).to_vec(),
    };
    let perp = Perp {
        settlement: 0,
        lots: perp[0],
        quote: perp[1],
        bids: perp[2],
        asks: perp[3],
        asset_price: 50,
        debt_price: 50,
        asset_weight: ppm(0.8),
        debt_weight: ppm(1.2),
        overall_weight: ppm(0.95),
    };
    let found = health(&tokens, &markets, &[perp], &mut [Scratch::default(); 3]).map_err(|e| e.to_string())?;
    // Exact to the millionth.
    same(found, scaled(row.expected(), 6))
}

fn rate_e6(row: &Row, name: &str) -> Ppm {
    Ppm(i64::try_from(row.int(name)).unwrap())
}

fn rate_e4(row: &Row, name: &str) -> Ppm {
    Ppm(i64::try_from(row.int(name) * 100).unwrap())
}

fn base_to_cover(row: &Row) -> Outcome {
    assert_eq!(row.int("quote_oracle_e6"), 1_000_000);
    let (margin, fee) = (rate_e4(row, "margin_ratio_e4"), rate_e6(row, "liquidation_fee_e6"));
    let found =
        size_to_cover(row.int("margin_shortage_e6"), row.int("oracle_e6"), 9, margin, fee, rate_e6(row, "if_fee_e6"));
    row.exact(found.map_err(|e| e.to_string())?.ok_or("no size covers it")?)
}

fn debt_to_cover(row: &Row) -> Outcome {
    let swap = Swap {
        asset_weight: rate_e4(row, "asset_weight_e4"),
        asset_multiplier: rate_e6(row, "asset_mult_e6"),
        debt_weight: rate_e4(row, "liab_weight_e4"),
        debt_multiplier: rate_e6(row, "liab_mult_e6"),
        fund_fee: rate_e6(row, "if_fee_e6"),
    };
    let decimals = u32::try_from(row.int("liab_decimals")).unwrap();
    let found = swap.debt_to_cover(row.int("margin_shortage_e6"), row.int("liab_price_e6"), decimals);
    row.exact(found.map_err(|e| e.to_string())?.ok_or("no size covers it")?)
}

/// Weights do not matter to what is exchanged.
fn swap(asset_multiplier: Ppm, debt_multiplier: Ppm) -> Swap {
    Swap { asset_weight: Ppm::ONE, asset_multiplier, debt_weight: Ppm::ONE, debt_multiplier, fund_fee: Ppm::ZERO }
}

fn decimals(row: &Row, name: &str) -> u32 {
    u32::try_from(row.int(name)).unwrap()
}

/// The debt that an asset pays for is the asset that a debt takes, with the two exchanged.
fn debt_for_asset(row: &Row) -> Outcome {
    let exchanged = swap(rate_e6(row, "liab_mult_e6"), rate_e6(row, "asset_mult_e6"));
    let [asset, debt] = [decimals(row, "asset_decimals"), decimals(row, "liab_decimals")];
    let found = exchanged.asset_for(row.int("asset"), row.int("asset_price_e6"), asset, row.int("liab_price_e6"), debt);
    row.exact(found.map_err(|e| e.to_string())?)
}

fn asset_for_debt(row: &Row) -> Outcome {
    let swap = swap(rate_e6(row, "asset_mult_e6"), rate_e6(row, "liab_mult_e6"));
    let [asset, debt] = [decimals(row, "asset_decimals"), decimals(row, "liab_decimals")];
    let found = swap.asset_for(row.int("debt"), row.int("liab_price_e6"), debt, row.int("asset_price_e6"), asset);
    row.exact(found.map_err(|e| e.to_string())?)
}

/// The source rounds up, and then multiplies.
fn socialised(row: &Row) -> Outcome {
    let [loss, scale, long, short] = ["loss_e6", "scale", "long_e9", "short_e9"].map(|name| row.int(name));
    let found = socialised_per_unit(loss, scale, long, short).map_err(|e| e.to_string())?;
    row.exact(found * row.int("times"))
}

/// Quantums: 10^8 to a bitcoin, 10^6 to a dollar.
fn walk(row: &Row) -> Outcome {
    let price = |usd: i128| Rate { numerator: usd * 1_000_000, denominator: 100_000_000 };
    let level = |entry: &Value| Level { price: price(int(&entry[0])), size: int(&entry[1]) };
    let levels: Vec<Level> = row.input("asks_usd_basequantums").as_array().unwrap().iter().map(level).collect();
    let account = Account { quote: row.int("quote"), size: row.int("pos") };
    let fee = Ppm(i64::try_from(row.int("max_fee_ppm")).unwrap());
    let (mark, limit) = (price(row.int("oracle_usd")), price(row.int("limit_usd")));
    let walked = liquidate(account, mark, &levels, limit, row.int("insurance_fund"), fee).map_err(|e| e.to_string())?;
    let expected = row.expected();
    let status = match walked.end {
        End::Closed | End::NoLiquidity => "Success",
        End::RequiresDeleveraging => "LiquidationRequiresDeleveraging",
    };
    same(status, expected["status"].as_str().unwrap())?;
    same(walked.filled, int(&expected["filled"]))?;
    same(walked.account, Account { quote: int(&expected["quote"]), size: int(&expected["pos"]) })?;
    same(row.int("insurance_fund") + walked.fund, int(&expected["insurance"]))
}
