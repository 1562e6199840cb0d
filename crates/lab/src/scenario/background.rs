//! An actor of kind `background`.

use super::actors::{Scope, deposit, moment, stock};
use super::model::distribution;
use super::{Instrument, ladder};
use crate::read::{Field, Outcome, Section};
use downdraft_sim::actors::{BackgroundConfig, BookSeed};
use downdraft_types::{Qty, Time};

/// Reads the fields of the kind: rates per second, distances in prices, sizes in the instrument's unit.
pub(super) fn read(field: &Field<'_>, s: &mut Section<'_>, scope: &mut Scope<'_>) -> Outcome<BackgroundConfig> {
    let (instrument, terms) = scope.instrument(s)?;
    let (currency, deposit) = deposit(s, terms)?;
    let stock = stock(s, terms, scope.currencies)?;
    let accounts = s.or("accounts", 16, Field::count)?;
    let rate = |f: &Field<'_>| f.number_within(0.0, 1e9);
    let per_tick = 1.0 / terms.units.tick.to_f64();
    let per_lot = 1.0 / terms.units.lot.to_f64();
    let deep = per_lot * scope.depth.to_f64();
    Ok(BackgroundConfig {
        instrument,
        currency,
        first_account: scope.accounts(field, u64::from(accounts))?,
        accounts,
        deposit,
        stock,
        initial_price: terms.price,
        seed: s.optional("book", |f| seed(f, terms, scope))?,
        start: s.or("start", Time::ZERO, moment)?,
        limit_rate: s.required("limit_rate", "limit orders per second and side", rate)?,
        placement: s.required("placement", "the distance from the opposite best", |f| distribution(f, per_tick))?,
        limit_size: s.required("limit_size", "the size of a limit order", |f| distribution(f, deep))?,
        market_rate: s.required("market_rate", "market orders per second and side", rate)?,
        market_size: s.required("market_size", "the size of a market order", |f| distribution(f, per_lot))?,
        cancel_rate: s.required("cancel_rate", "cancellations per second of each order", rate)?,
        max_orders: s.or("max_orders", terms.book.orders / 2 + 1, Field::count)?,
    })
}

fn seed(field: &Field<'_>, terms: &Instrument, scope: &Scope<'_>) -> Outcome<BookSeed> {
    let mut s = field.section()?;
    let ticks = |f: &Field<'_>| f.positive_units(terms.units.tick, "tick").map(i64::unsigned_abs);
    let lots = |f: &Field<'_>| f.positive_units(terms.units.lot, "lot").map(|n| Qty(n.unsigned_abs()));
    let seed = BookSeed {
        half_spread: s.required("half_spread", "from the initial price to the first level", ticks)?,
        step: s.required("step", "from one level to the next", ticks)?,
        levels: s.required("levels", "the sizes of the levels", |f| ladder::read(f, terms, scope))?,
        order_size: s.or("order_size", terms.spec.max_order, lots)?,
        lasting: s.or("lasting", false, Field::boolean)?,
    };
    s.finish()?;
    let needed = orders(&seed);
    if needed > u128::from(terms.book.orders) {
        let (most, size) = (terms.book.orders, seed.order_size);
        return Err(field.refuse(
            format!("levels of {needed} orders of at most {size} lots"),
            format!(
                "at most {most}, the book.orders of {}: fewer or smaller levels, or a larger order_size",
                terms.name
            ),
        ));
    }
    Ok(seed)
}

/// Orders that the levels of both sides are made of.
fn orders(seed: &BookSeed) -> u128 {
    let level = |qty: &Qty| u128::from(qty.0.div_ceil(seed.order_size.0.max(1)));
    2 * seed.levels.iter().map(level).sum::<u128>()
}
