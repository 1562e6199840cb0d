//! Where a position's contribution to its pool falls below a bound: the arithmetic under triggers,
//! certificates and liquidation prices.
//!
//! A position of `s` lots contributes `c(m) = 10^6·s·m·v − M(m)` at mark `m`, with `v` the point value and
//! `M` its maintenance × 10^6. `M` is the largest over all tiers, and over both signs of the notional, of
//! `±rate·s·m·v − amount`: a maximum of lines, so `c` is concave, rises with `m` for a long and falls for a
//! short (rates are below 100%), and `c(m) < bound` holds beyond exactly one mark, which is the nearest of the
//! tiers' own.

use crate::instrument::{Instrument, MaintenanceBasis, RATE_ONE};
use downdraft_types::arith::{ceil_div, floor_div};
use downdraft_types::{Lots, Money};

/// The first mark at which `c(m) < bound_e6`: the highest such for a long, the lowest for a short.
/// `None` when flat, or where no `i64` mark reaches it.
#[must_use]
pub fn first_below(instrument: &Instrument, size: Lots, entry_value: Money, bound_e6: i128) -> Option<i64> {
    if size.is_zero() {
        return None;
    }
    let value = i128::from(size.quantity().0) * i128::from(instrument.spec().point_value);
    if instrument.spec().maintenance_basis == MaintenanceBasis::Entry {
        let bound = bound_e6 + instrument.maintenance_e6(entry_value);
        return crossing(size, value * RATE_ONE, bound);
    }
    let of_tier = |tier: &crate::instrument::Tier| {
        let bound = bound_e6 - tier.amount_e6;
        // Of the lines with slopes 1 − rate and 1 + rate, the one that reaches the bound first.
        let rate = i128::from(tier.rate.0);
        let slope = if bound > 0 { RATE_ONE - rate } else { RATE_ONE + rate };
        crossing(size, value * slope, bound)
    };
    let marks = instrument.tiers.iter().filter_map(of_tier);
    if size.0 > 0 { marks.max() } else { marks.min() }
}

/// The first `m` with `±slope·m < bound`.
fn crossing(size: Lots, slope: i128, bound: i128) -> Option<i64> {
    let mark = if size.0 > 0 { ceil_div(bound, slope) - 1 } else { floor_div(-bound, slope) + 1 };
    i64::try_from(mark).ok()
}
