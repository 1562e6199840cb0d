//! An actor of kind `borrowers`.

use super::actors::Scope;
use super::population::{leverage, size};
use crate::read::{Field, Outcome, Section};
use downdraft_margin::InstrumentKind;
use downdraft_sim::actors::BorrowersConfig;

/// Reads the fields of the kind.
pub(super) fn read(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<BorrowersConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    if !matches!(terms.spec.kind, InstrumentKind::Spot { .. }) {
        return Err(s.refuse("instrument", format!("{}, a contract", terms.name), "an instrument of kind spot"));
    }
    let lends = |currency| {
        scope
            .collateral
            .is_some_and(|policy| policy.assets.iter().any(|asset| asset.currency == currency && asset.loan.is_some()))
    };
    if !lends(terms.spec.settlement) {
        let name = &scope.currencies.0[terms.spec.settlement.index()].name;
        return Err(s.refuse(
            "instrument",
            format!("a market in {name}, which is not lent"),
            "[collateral] with a loan of it",
        ));
    }
    let count = s.required("count", "how many borrowers", Field::count)?;
    let per_lot = 1.0 / terms.units.lot.to_f64();
    Ok(BorrowersConfig {
        instrument,
        spec: terms.spec.clone(),
        initial_price: terms.price,
        count,
        leverage: s.required("leverage", "cost ÷ own money", leverage)?,
        size: s.required("size", "how much each holds", |f| size(f, per_lot))?,
        first_account: scope.accounts(field, u64::from(count) + 1)?,
    })
}
