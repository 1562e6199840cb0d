//! Where a position's contribution to its pool falls below a bound: the arithmetic under triggers,
//! certificates and liquidation prices.
//!
//! A position worth `v` contributes `c(v) = 10^6·v − M(v)`, with `M` its maintenance × 10^6. `M` is the largest over
//! all tiers, and over both signs of the value, of `±rate·v − amount`: a maximum of lines, so `c` is concave and rises
//! with `v` (rates are below 100%), and `c(v) < bound` holds below exactly one value, which is the highest of the
//! tiers' own. A rate that grows with the position's size is a rate like any other, as the size is given; an option's
//! margin is a maximum of such lines too. A value rises with the mark for a long and falls for a short, whatever the payoff, so one mark is the
//! first at which that value is reached.

use crate::instrument::{Instrument, MaintenanceBasis, RATE_ONE};
use downdraft_types::arith::ceil_div;
use downdraft_types::{Lots, Money};

/// The first mark at which `c < bound_e6`: the highest such for a long, the lowest for a short.
/// `None` when flat, or where no mark reaches it.
#[must_use]
pub fn first_below(instrument: &Instrument, size: Lots, entry_value: Money, bound_e6: i128) -> Option<i64> {
    let valuation = instrument.valuation();
    if instrument.spec().maintenance_basis == MaintenanceBasis::Entry {
        let bound = bound_e6 + instrument.maintenance_e6(size, entry_value);
        return valuation.mark_at_most(size, largest_below(RATE_ONE, bound));
    }
    let of_line = |(rate, amount): (i128, i128)| {
        let bound = bound_e6 - amount;
        // Of the lines with slopes 1 − rate and 1 + rate, the one that reaches the bound first. An option held counts for
        // nothing where its whole value is asked for: it is below such a bound at every value.
        match if bound > 0 { RATE_ONE - rate } else { RATE_ONE + rate } {
            0 => i128::from(i64::MAX),
            slope => largest_below(slope, bound),
        }
    };
    let value = instrument.maintenance_lines(size).map(of_line).max()?;
    valuation.mark_at_most(size, value)
}

/// The largest whole `v` with `slope·v < bound`.
fn largest_below(slope: i128, bound: i128) -> i128 {
    ceil_div(bound, slope) - 1
}
