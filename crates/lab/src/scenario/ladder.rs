//! The sizes of a book's levels: a list, or a number of equal ones.

use super::Instrument;
use super::actors::Scope;
use crate::read::{Field, Outcome};
use downdraft_types::Qty;

/// `["1", "2.5"]` from the touch outwards, or `{ count = 200, size = "2" }`; times the scenario's depth.
pub(super) fn read(field: &Field<'_>, terms: &Instrument, scope: &Scope<'_>) -> Outcome<Vec<Qty>> {
    if !field.is_table() {
        let levels: Vec<Qty> = field.list()?.iter().map(|f| scope.deep_lots(f, terms)).collect::<Outcome<_>>()?;
        return if levels.is_empty() { Err(field.refuse("no level", "at least one")) } else { Ok(levels) };
    }
    let mut s = field.section()?;
    let count = s.required("count", "how many levels", |f| f.integer(1, u64::from(terms.book.levels)))?;
    let size = s.required("size", "the size of each level", |f| scope.deep_lots(f, terms))?;
    s.finish()?;
    Ok(vec![size; count as usize])
}
