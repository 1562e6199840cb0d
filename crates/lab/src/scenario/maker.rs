//! An actor of kind `maker`.

use super::actors::{Scope, deposit, stock};
use super::ladder;
use crate::read::{Field, Outcome, Section};
use downdraft_sim::actors::{MakerConfig, Reference};
use downdraft_types::{Qty, Span};

/// Reads the fields of the kind: distances in prices, sizes in the instrument's unit.
pub(super) fn read(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<MakerConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    let (currency, deposit) = deposit(s, terms)?;
    let stock = stock(s, terms, scope.currencies)?;
    let units = terms.units;
    let (per_tick, lot) = (1.0 / units.tick.to_f64(), units.lot);
    let ticks = |f: &Field<'_>| f.positive_units(units.tick, "tick").map(i64::unsigned_abs);
    let lots = |f: &Field<'_>| f.positive_units(lot, "lot").map(|n| Qty(n.unsigned_abs()));
    let distance = |f: &Field<'_>| Ok(f.number_within(0.0, f64::MAX)? * per_tick);
    // A price per unit of inventory becomes ticks per lot.
    let slope = |f: &Field<'_>| Ok(f.number_within(0.0, f64::MAX)? * per_tick * lot.to_f64());
    let plain = |f: &Field<'_>| f.number_within(0.0, f64::MAX);
    let references = [("mid", Reference::Mid), ("mark", Reference::Mark)];
    let withdraw_above = s.optional("withdraw_above", plain)?;
    Ok(MakerConfig {
        instrument,
        currency,
        account: scope.accounts(field, 1)?,
        deposit,
        stock,
        initial_price: terms.price,
        reference: s.or("reference", Reference::Mid, |f| f.choice(&references))?,
        mark_scale: units.mark_scale,
        levels: s.required("levels", "the sizes of the levels", |f| ladder::read(f, terms, scope))?,
        half_spread: s.required("half_spread", "from the reservation price to the first level", distance)?,
        step: s.required("step", "from one level to the next", ticks)?,
        skew: s.or("skew", 0.0, slope)?,
        max_inventory: s.required("max_inventory", "the largest inventory", lots)?,
        interval: s.required("interval", "the maker's clock", Field::positive_span)?,
        tolerance: s.or("tolerance", 1, ticks)?,
        weight: s.or("weight", 0.1, |f| f.number_within(f64::MIN_POSITIVE, 1.0))?,
        widen: s.or("widen", 0.0, plain)?,
        withdraw_above,
        return_below: s.or("return_below", withdraw_above.unwrap_or(0.0), plain)?,
        jump: s.optional("jump", Field::part)?,
        pause: s.or("pause", Span::ZERO, Field::span)?,
        refill: s.optional("refill", plain)?,
    })
}
