//! Options and portfolio margin: Black-76, Derive.

use super::row::{Outcome, Row, float};
use downdraft_margin::model::black76::{Right, Terms};
use downdraft_margin::model::book::{BasisContingency, Collateral, Expiry, OptionLeg, Portfolio, Scenario, VolMove};
use downdraft_margin::model::surface::TermShock;
use downdraft_margin::model::{derive_pm1, derive_pm2};
use serde_json::Value;

pub fn check(id: &str) -> Option<fn(&Row) -> Outcome> {
    Some(match id {
        "b76.hull_put" => hull_put,
        "b76.greeks_atm" => greeks,
        "derive.pm2.aggregate_naked_short_call" => aggregate,
        _ if id.starts_with("derive.pmrm.") => first_portfolio_margin,
        _ if id.starts_with("derive.pm2.whole.") => super::whole::check,
        _ if id.starts_with("derive.pm2.") => second_portfolio_margin,
        _ => return None,
    })
}

pub fn right(value: &Value) -> Right {
    if value.as_bool().unwrap_or_else(|| float(value) == 1.0) { Right::Call } else { Right::Put }
}

/// Published to two decimals.
fn hull_put(row: &Row) -> Outcome {
    let (years, vol) = (row.f("T"), row.f("sigma"));
    let discount = libm::exp(-row.f("r") * years);
    let terms = Terms { forward: row.f("F"), strike: row.f("K"), years, vol, discount };
    row.rounded(terms.price(Right::Put), 2)
}

/// Published to five decimals.
fn greeks(row: &Row) -> Outcome {
    let (years, vol) = (row.f("T"), row.f("sigma"));
    let terms = Terms { forward: row.f("F"), strike: row.f("K"), years, vol, discount: 1.0 };
    let greeks = terms.greeks(right(row.input("call")));
    let expected = row.expected();
    row.rounded_to(greeks.delta, &expected["delta"], 5)?;
    row.rounded_to(greeks.vega, &expected["vega"], 5)?;
    row.rounded_to(greeks.gamma, &expected["gamma"], 5)
}

/// Legs of one expiry, with what its feeds say.
pub struct Loaded {
    pub seconds: f64,
    pub forward: f64,
    pub fixed: f64,
    pub rate: f64,
    pub confidence: f64,
    pub legs: Vec<OptionLeg>,
}

pub fn expiries(loaded: &[Loaded]) -> Vec<Expiry<'_>> {
    let of = |e: &'_ Loaded| (e.seconds, e.forward, e.fixed, e.rate, e.confidence);
    loaded
        .iter()
        .map(|e| {
            let (seconds, forward, fixed, rate, confidence) = of(e);
            Expiry { seconds, forward, fixed, rate, confidence, legs: &e.legs }
        })
        .collect()
}

fn first_portfolio_margin(row: &Row) -> Outcome {
    let loaded = by_expiry(row);
    let base = Collateral {
        amount: row.f("base"),
        price: row.f("spot"),
        risk_cancelling: true,
        maintenance_haircut: 0.0,
        initial_haircut: 0.0,
        confidence: 1.0,
    };
    let portfolio = Portfolio {
        spot: row.f("spot"),
        spot_confidence: row.f("spot_conf"),
        stable: row.f("stable"),
        perps: row.f("perps"),
        perp_price: row.f("perp_px"),
        perp_confidence: row.f("perp_conf"),
        perp_value: row.f("upnl") + row.f("ufund"),
        cash: row.f("cash"),
        expiries: &expiries(&loaded),
        collaterals: &[base],
    };
    let model = derive_pm1::DerivePm1::new(derive_pm1::DERIVE).map_err(|e| e.to_string())?;
    let margin = model.margin(&portfolio).map_err(|e| e.to_string())?;
    row.near_field("IM", margin.initial)?;
    row.near_field("MM", margin.maintenance)?;
    row.near_field("MtM", margin.mark_to_market)
}

fn by_expiry(row: &Row) -> Vec<Loaded> {
    let [strikes, amounts, vols] = ["strikes", "amounts", "vols"].map(|name| row.floats(name));
    let [seconds, forward, fixed, rates] =
        ["expiry_s", "forward", "forward_fixed", "rates"].map(|name| row.floats(name));
    let confidences = ["vol_conf", "fwd_conf", "rate_conf"].map(|name| row.floats(name));
    let calls = row.input("is_call").as_array().unwrap();
    let mut loaded: Vec<Loaded> = Vec::new();
    for i in 0..strikes.len() {
        let leg = OptionLeg { strike: strikes[i], right: right(&calls[i]), amount: amounts[i], vol: vols[i] };
        let confidence = confidences.iter().map(|of| of[i]).fold(1.0, f64::min);
        match loaded.iter_mut().find(|e| e.seconds == seconds[i]) {
            Some(expiry) => {
                expiry.confidence = expiry.confidence.min(confidence);
                expiry.legs.push(leg);
            }
            None => loaded.push(Loaded {
                seconds: seconds[i],
                forward: forward[i] - fixed[i],
                fixed: fixed[i],
                rate: rates[i],
                confidence,
                legs: vec![leg],
            }),
        }
    }
    loaded
}

fn second_portfolio_margin(row: &Row) -> Outcome {
    let (scenarios, loaded) = (scenarios(row), by_feed(row));
    let parameters = derive_pm2::Parameters { scenarios: &scenarios, ..parameters(row) };
    let model = derive_pm2::DerivePm2::new(parameters).map_err(|e| e.to_string())?;
    let collaterals: Vec<Collateral> = row.input("collaterals").as_array().unwrap().iter().map(collateral).collect();
    let portfolio = Portfolio {
        spot: row.f("spot"),
        spot_confidence: 1.0,
        stable: row.f("stable"),
        perps: row.f("num_perps"),
        perp_price: row.f("perp_px"),
        perp_confidence: 1.0,
        perp_value: 0.0,
        cash: row.f("cash"),
        expiries: &expiries(&loaded),
        collaterals: &collaterals,
    };
    portfolio.check().map_err(|e| e.to_string())?;
    let losses = model.losses(&portfolio);
    row.near_field("worst_reg_loss", losses.regular)?;
    row.near_field("worst_tail_loss", losses.tail)?;
    row.near_field("basis_contingency", losses.basis)?;
    row.near_field("option_mtm", model.options_value(&portfolio))
}

fn scenarios(row: &Row) -> Vec<Scenario> {
    let scenario = |entry: &Value| {
        let vol = match entry[1].as_str().unwrap() {
            "Up" => VolMove::Up,
            "Down" => VolMove::Down,
            "None" => VolMove::None,
            "LINEAR" => VolMove::SkewLinear,
            "ABS" => VolMove::SkewAbsolute,
            other => panic!("{other} is not a volatility move"),
        };
        Scenario { spot: float(&entry[0]), vol, dampening: float(&entry[2]) }
    };
    row.input("scenarios").as_array().unwrap().iter().map(scenario).collect()
}

/// The example's parameters; what it does not give is as deployed, and does not touch what is compared.
fn parameters(row: &Row) -> derive_pm2::Parameters<'static> {
    let of = |group: &str, name: &str| float(&row.input(group)[name]);
    let discount = |base: &str, side: &str| derive_pm2::StaticDiscount {
        base: of("margin", base),
        rate_factor: of("margin", &format!("{side}_RATE_MULTSCALE")),
        rate_add: of("margin", &format!("{side}_RATE_ADDSCALE")),
    };
    derive_pm2::Parameters {
        basis: BasisContingency {
            up: of("basis", "SCENARIO_SPOT_UP"),
            down: of("basis", "SCENARIO_SPOT_DOWN"),
            add: of("basis", "BASIS_CONT_ADD_FACTOR"),
            multiply: of("basis", "BASIS_CONT_MULT_FACTOR"),
        },
        vol: TermShock {
            up: of("vol", "VOLRANGEUP"),
            down: of("vol", "VOLRANGEDOWN"),
            short_power: of("vol", "SHORTTERMPOWER"),
            long_power: of("vol", "LONGTERMPOWER"),
            floor_seconds: of("vol", "DTE_FLOOR") * 86_400.0,
        },
        least_vol_up: of("vol", "MIN_VOL_EVAL_SHOCKED"),
        maintenance_factor: of("margin", "MM_LOSS_FACTOR"),
        initial_factor: of("margin", "IM_LOSS_FACTOR"),
        long_discount: discount("BASE_STATIC_DISCOUNT", "LONG"),
        short_discount: discount("BASE_STATIC_DISCOUNT_NEG", "SHORT"),
        ..derive_pm2::DERIVE
    }
}

fn by_feed(row: &Row) -> Vec<Loaded> {
    let options = row.input("options").as_array().unwrap();
    let load = |feed: &Value| {
        let seconds = float(&feed["FeedExpiry"]);
        let mine = options.iter().filter(|option| float(&option["Expiry"]) == seconds);
        let legs = mine.map(|option| OptionLeg {
            strike: float(&option["Strike"]),
            right: right(&option["IsCall"]),
            amount: float(&option["Amount"]),
            vol: float(&option["MarkVol"]),
        });
        let (forward, rate) = (float(&feed["Forward"]), float(&feed["Rate"]));
        Loaded { seconds, forward, fixed: 0.0, rate, confidence: 1.0, legs: legs.collect() }
    };
    row.input("feeds").as_array().unwrap().iter().map(load).collect()
}

fn collateral(entry: &Value) -> Collateral {
    Collateral {
        amount: float(&entry["amount"]),
        price: float(&entry["px"]),
        risk_cancelling: entry["risk_cancelling"].as_bool().unwrap(),
        maintenance_haircut: 0.0,
        initial_haircut: 0.0,
        confidence: 1.0,
    }
}

fn aggregate(row: &Row) -> Outcome {
    let [worst, mtm, cash] = ["worst", "mtm", "cash"].map(|name| row.f(name));
    let [maintenance, initial] = ["mm_option_cont", "im_option_cont"].map(|name| -row.f(name));
    let value = mtm + cash;
    row.near_field("MM", derive_pm2::aggregate(worst, row.f("mm_factor"), maintenance, value))?;
    row.near_field("IM", derive_pm2::aggregate(worst, row.f("im_factor"), initial + maintenance, value))
}
