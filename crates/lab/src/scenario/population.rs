//! An actor of kind `population`.

use super::Instrument;
use super::actors::Scope;
use super::model::distribution;
use crate::read::{Field, Outcome, Section};
use downdraft_margin::InstrumentKind;
use downdraft_sim::actors::{Counterparties, Holders, Pledge, PopulationConfig, TopUps};
use downdraft_sim::samplers::Distribution;

/// Reads the fields of the kind. The holders' are the actor's own.
pub(super) fn read(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<PopulationConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    let pledge = s.optional("collateral", |f| pledge(f, terms, scope))?;
    let holders = holders(s, terms, pledge.is_some())?;
    let counterparties = s.required("counterparties", "who holds the other side", |f| counterparties(f))?;
    // One more for the account that all trade against at the start.
    let accounts = u64::from(holders.count) + u64::from(counterparties.count) + 1;
    Ok(PopulationConfig {
        instrument,
        spec: terms.spec.clone(),
        initial_price: terms.price,
        first_account: scope.accounts(field, accounts)?,
        holders,
        pledge,
        counterparties,
        top_ups: s.optional("top_ups", top_ups)?,
    })
}

fn plain(field: &Field<'_>) -> Outcome<Distribution> {
    distribution(field, 1.0)
}

/// A distribution whose median makes sense; draws in its tails are clamped, as the actor's page says.
fn sensible(field: &Field<'_>, scale: f64, is_sensible: fn(f64) -> bool, expected: &str) -> Outcome<Distribution> {
    let drawn = distribution(field, scale)?;
    let median = drawn.quantile(0.5);
    if is_sensible(median) { Ok(drawn) } else { Err(field.refuse(format!("a median of {median}"), expected)) }
}

pub(super) fn leverage(field: &Field<'_>) -> Outcome<Distribution> {
    sensible(field, 1.0, |median| (1.0..=1_000.0).contains(&median), "a leverage with a median from 1 to 1000")
}

pub(super) fn size(field: &Field<'_>, scale: f64) -> Outcome<Distribution> {
    sensible(field, scale, |median| median > 0.0, "a size with a median above 0")
}

fn entry(field: &Field<'_>) -> Outcome<Distribution> {
    sensible(field, 1.0, |median| median.abs() < 1.0, "an entry relative to the price, with a median between -1 and 1")
}

fn share(field: &Field<'_>) -> Outcome<f64> {
    field.number_within(0.0, 1.0)
}

/// What the holders pledge in place of money: as much as counts for their margin at the start.
fn pledge(field: &Field<'_>, terms: &Instrument, scope: &Scope<'_>) -> Outcome<Pledge> {
    let currency = scope.currencies.named(field)?;
    let none = || field.refuse("no [collateral]", "a table [collateral] that names it");
    let policy = scope.collateral.ok_or_else(none)?;
    let Some(asset) = policy.assets.iter().find(|asset| asset.currency == currency) else { return Err(none()) };
    let reference = policy.assets.iter().find(|asset| asset.market.is_none()).map(|asset| asset.currency);
    if reference != Some(terms.spec.settlement) {
        return Err(field.refuse("a contract settled in another currency", "one settled in the reference currency"));
    }
    let weight = asset.tiers.first().map_or(0, |tier| i128::from(tier.weight.0));
    let market = asset.market.map(|market| &scope.instruments[market.index()]);
    let (price, lot) = match market.map(|market| (market, market.spec.kind)) {
        Some((market, InstrumentKind::Spot { lot, .. })) => {
            (i128::from(market.first_mark().0) * i128::from(market.spec.point_value), i128::from(lot))
        }
        _ => (1, 1),
    };
    if weight == 0 {
        return Err(field.refuse("a currency that counts for nothing", "one with a weight above 0"));
    }
    Ok(Pledge { currency, amount: lot * 1_000_000, covers: price * weight })
}

fn holders(s: &mut Section<'_>, terms: &Instrument, pledged: bool) -> Outcome<Holders> {
    let isolated_share = s.or("isolated_share", if pledged { 0.0 } else { 1.0 }, share)?;
    if pledged && isolated_share > 0.0 {
        return Err(s.refuse(
            "isolated_share",
            format!("{isolated_share}"),
            "0, as collateral stands for all positions",
        ));
    }
    let per_lot = 1.0 / terms.units.lot.to_f64();
    Ok(Holders {
        count: s.required("count", "how many leveraged accounts", Field::count)?,
        long_share: s.or("long_share", 1.0, share)?,
        leverage: s.required("leverage", "notional ÷ margin", leverage)?,
        size: s.required("size", "the size of a position", |f| size(f, per_lot))?,
        entry: s.or("entry", Distribution::Constant { value: 0.0 }, entry)?,
        isolated_share,
    })
}

fn counterparties(field: &Field<'_>) -> Outcome<Counterparties> {
    let mut s = field.section()?;
    let counterparties = Counterparties {
        count: s.required("count", "how many counterparties", Field::count)?,
        leverage: s.required("leverage", "notional ÷ margin", leverage)?,
        size: s.or("size", Distribution::Constant { value: 1.0 }, |f| size(f, 1.0))?,
        entry: s.or("entry", Distribution::Constant { value: 0.0 }, entry)?,
    };
    s.finish()?;
    Ok(counterparties)
}

fn top_ups(field: &Field<'_>) -> Outcome<TopUps> {
    let mut s = field.section()?;
    let top_ups = TopUps {
        share: s.required("share", "the share of holders who do", share)?,
        within: s.required("within", "how near the mark comes to the liquidation price", Field::part)?,
        delay: s.required("delay", "seconds until a holder acts", plain)?,
        restore: s.required("restore", "equity ÷ notional restored", Field::part)?,
        times: s.or("times", 1, Field::count)?,
    };
    s.finish()?;
    Ok(top_ups)
}
