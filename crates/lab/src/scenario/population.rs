//! An actor of kind `population`.

use super::Instrument;
use super::actors::Scope;
use super::model::distribution;
use crate::read::{Field, Outcome, Section};
use downdraft_sim::actors::{Counterparties, Holders, PopulationConfig, TopUps};
use downdraft_sim::samplers::Distribution;

/// Reads the fields of the kind. The holders' are the actor's own.
pub(super) fn read(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<PopulationConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    let holders = holders(s, terms)?;
    let counterparties = s.required("counterparties", "who holds the other side", |f| counterparties(f))?;
    // One more for the account that all trade against at the start.
    let accounts = u64::from(holders.count) + u64::from(counterparties.count) + 1;
    Ok(PopulationConfig {
        instrument,
        spec: terms.spec.clone(),
        initial_price: terms.price,
        first_account: scope.accounts(field, accounts)?,
        holders,
        counterparties,
        top_ups: s.optional("top_ups", top_ups)?,
    })
}

fn plain(field: &Field<'_>) -> Outcome<Distribution> {
    distribution(field, 1.0)
}

fn share(field: &Field<'_>) -> Outcome<f64> {
    field.number_within(0.0, 1.0)
}

fn holders(s: &mut Section<'_>, terms: &Instrument) -> Outcome<Holders> {
    let per_lot = 1.0 / terms.units.lot.to_f64();
    Ok(Holders {
        count: s.required("count", "how many leveraged accounts", Field::count)?,
        long_share: s.or("long_share", 1.0, share)?,
        leverage: s.required("leverage", "notional ÷ margin", plain)?,
        size: s.required("size", "the size of a position", |f| distribution(f, per_lot))?,
        entry: s.or("entry", Distribution::Constant { value: 0.0 }, plain)?,
        isolated_share: s.or("isolated_share", 1.0, share)?,
    })
}

fn counterparties(field: &Field<'_>) -> Outcome<Counterparties> {
    let mut s = field.section()?;
    let counterparties = Counterparties {
        count: s.required("count", "how many counterparties", Field::count)?,
        leverage: s.required("leverage", "notional ÷ margin", plain)?,
        size: s.or("size", Distribution::Constant { value: 1.0 }, plain)?,
        entry: s.or("entry", Distribution::Constant { value: 0.0 }, plain)?,
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
