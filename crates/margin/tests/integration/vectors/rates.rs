//! Funding, premium and ranking formulas, where the engine has the formula itself as a function.

use super::case::{Case, Outcome, same};
use downdraft_margin::adl_score;
use downdraft_margin::funding::{Impact, funding_rate, index_delta, largest_rate, premium, vega_payment};
use downdraft_types::{MarkPrice, Money, Ppm, Price, Qty, Span};
use serde_json::Value;

pub fn check(id: &str) -> Option<fn(&Case) -> Outcome> {
    Some(match id {
        _ if id.starts_with("dydx.funding_clamp.") => funding_clamp,
        _ if id.starts_with("dydx.funding_index.") => funding_index,
        _ if id.starts_with("dydx.premium.") => impact_premium,
        _ if id.starts_with("bitmex.funding.") => clamped_rate,
        _ if id.starts_with("vega.funding.") => vega_funding,
        _ if id.starts_with("bitmex.adl.rank_") => rank,
        _ => return None,
    })
}

fn funding_clamp(case: &Case) -> Outcome {
    let part = |name| Ppm(case.small(name));
    case.exact(largest_rate(part("clamp_ppm"), part("imf_ppm"), part("maint_fraction_ppm")).0.into())
}

/// A base quantum is worth price × 10^(exponent + base resolution − quote resolution) quote quantums.
fn funding_index(case: &Case) -> Outcome {
    let exponent = case.int("price_exponent") + case.int("atomic_resolution") - case.int("quote_atomic_resolution");
    let power = |exponent: i128| 10_u64.pow(u32::try_from(exponent.max(0)).expect("a small exponent"));
    let below = power(-exponent);
    let price = u64::try_from(case.int("price")).expect("a price") * power(exponent);
    let elapsed = Span::from_secs(u64::try_from(case.int("seconds")).expect("a time"));
    let period = Span::from_secs(8 * 3_600);
    case.exact(index_delta(Ppm(case.small("rate_8h_ppm")), elapsed, period, (price, below)))
}

/// Prices and sizes in tenths, the index in hundredths; a tick of a lot is a hundredth of a dollar.
fn impact_premium(case: &Case) -> Outcome {
    let number = |text: &Value| text.as_str().expect("text").parse::<f64>().expect("a number");
    let tenths = |text: &Value| (number(text) * 10.0).round() as i64;
    let levels = |name| {
        let rows = case.input(name).as_array().expect("levels");
        rows.iter().map(|row| (Price(tenths(&row[0])), Qty(tenths(&row[1]).unsigned_abs()))).collect::<Vec<_>>()
    };
    let notional = Money(case.int("impact_notional_usd") * 100);
    let impact = |name| Impact::of(levels(name).into_iter(), notional, Money(1));
    let index = MarkPrice((number(case.input("index")) * 100.0).round() as i64);
    let found = premium(impact("bids"), impact("asks"), index, 10).expect("the index is positive");
    case.exact(found.0.into())
}

/// The damper is the source's 0.05%; its cap is out of reach here.
fn clamped_rate(case: &Case) -> Outcome {
    case.near(funding_rate(Ppm(case.ppm("P")), Ppm(case.ppm("I")), Ppm(500), Ppm::ONE).0.into(), 6)
}

/// Prices in hundredths. Interest is that of the period; limits beyond any price are none.
fn vega_funding(case: &Case) -> Outcome {
    let interest = case.scaled("dt", 6) * case.scaled("i", 6) / 1_000_000;
    let limit = |name| Ppm(case.ppm(name));
    let interest = Ppm(i64::try_from(interest).expect("a rate"));
    let payment = vega_payment(case.scaled("s", 2), case.scaled("f", 2), interest, limit("lo"), limit("hi"));
    case.near(payment, 2)
}

/// A score orders candidates only, so it is a float.
fn rank(case: &Case) -> Outcome {
    let value = |name| case.input(name).as_f64().expect("a number");
    let found = adl_score(value("mark_value"), value("bankrupt_value"), value("entry_value"));
    let expected = case.expected().as_f64().expect("a number");
    same((found - expected).abs() <= case.tolerance() * expected.abs(), true)
}
