//! The form of an instrument's margin beyond its tiers: how rates rise with size and open interest, and how many lots
//! may be open in all.
//!
//! ```text
//!   tier's rate ─► + size ─► + open interest ─► rate asked      (maintenance: tier and size alone)
//! ```

use crate::instrument::{Instrument, ListingError, RATE_ONE};
use crate::oi_margin::OpenInterestScale;
use crate::option::ShortOptionRates;
use downdraft_types::arith::ceil_div;
use downdraft_types::{Money, Ppm, Qty};

/// Rates that rise in proportion to a position's size: `slope` for each `per` lots. Off where `per` is zero.
///
/// Source: Deribit, *Linear Perpetual*: initial `2% + 0.005% × size`, maintenance `1% + 0.005% × size`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SizeScale {
    /// What `per` lots add to the maintenance and to the initial rate.
    pub slope: Ppm,
    /// Lots that add `slope`.
    pub per: Qty,
}

impl SizeScale {
    /// What `lots` add to both rates, rounded up to a part per million: the account bears the fraction.
    #[must_use]
    pub fn added(self, lots: Qty) -> i128 {
        match i128::from(self.per.0) {
            0 => 0,
            per => ceil_div(i128::from(self.slope.0) * i128::from(lots.0), per),
        }
    }
}

/// An instrument's margin beyond its tiers. The default adds nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MarginForm {
    /// Both rates rise with a position's size.
    pub size: SizeScale,
    /// The initial rate rises with open interest, as notional at the mark.
    pub open_interest: OpenInterestScale,
    /// The most lots that may be open on a side, over all accounts; orders and block trades that would pass it are
    /// refused.
    pub max_open_interest: Option<Qty>,
    /// What an option asks for; nothing else has a use for it.
    pub option: ShortOptionRates,
}

impl MarginForm {
    /// Checks that every position the instrument allows has a maintenance rate below 100%.
    ///
    /// # Errors
    /// [`ListingError::RateOutOfRange`], or [`ListingError::TooLarge`] for amounts beyond 2^100.
    pub(crate) fn check(&self, instrument: &Instrument) -> Result<(), ListingError> {
        let most = instrument.tiers.iter().map(|tier| i128::from(tier.rate.0)).max().unwrap_or(0);
        let largest = self.size.added(instrument.spec.max_position);
        let scaled = self.size.slope >= Ppm::ZERO && most + largest < RATE_ONE;
        if !scaled || !self.option.is_legal() {
            return Err(ListingError::RateOutOfRange);
        }
        let OpenInterestScale { lower, upper } = self.open_interest;
        let amounts = [lower, upper].iter().all(|amount| (Money::ZERO..=Money(1 << 100)).contains(amount));
        if amounts { Ok(()) } else { Err(ListingError::TooLarge) }
    }
}

impl Instrument {
    /// The form of its margin.
    #[must_use]
    pub const fn form(&self) -> &MarginForm {
        &self.form
    }

    /// Lots of all long positions, the fund's included; those of the short ones are as many (invariant 2).
    #[must_use]
    pub const fn open_interest(&self) -> Qty {
        Qty(self.longs)
    }

    /// The least rates that a tier has now, whatever was listed: maintenance and initial.
    #[must_use]
    pub const fn least_rates(&self) -> (Ppm, Ppm) {
        self.least
    }

    /// Whether trading `qty` lots, of which at most `closing` close a position, may pass the largest open interest.
    pub(crate) fn is_full(&self, qty: Qty, closing: Qty) -> bool {
        let opened = qty.0.saturating_sub(closing.0);
        self.form.max_open_interest.is_some_and(|most| opened > 0 && self.longs.saturating_add(opened) > most.0)
    }

    /// The initial rate of a position of `lots` worth `notional`, at the leverage an account chose (`None`: the
    /// largest there is). Rounded up to a part per million: the account bears the fraction.
    #[must_use]
    pub fn initial_rate(&self, lots: Qty, notional: Money, chosen: Option<Ppm>) -> Ppm {
        let tier = self.tiers.iter().rev().find(|t| t.floor <= notional).or(self.tiers.first());
        let base = tier.map_or(RATE_ONE, |t| i128::from(t.initial.0) + self.form.size.added(lots));
        let base = Ppm(i64::try_from(base.min(RATE_ONE)).expect("at most 100%"));
        let open = self.value_at(downdraft_types::Side::Buy.signed(self.open_interest()), self.mark).abs();
        let least = self.form.open_interest.initial_rate(base, open);
        chosen.map_or(least, |rate| rate.max(least))
    }

    /// Initial margin of a position of `lots` worth `notional`, rounded up: the account bears the fraction of a unit.
    #[must_use]
    pub fn initial_margin(&self, lots: Qty, notional: Money, chosen: Option<Ppm>) -> Money {
        self.margin_in(notional, lots, notional, chosen)
    }

    /// Initial margin for a part of a position of `lots` worth `whole`, at the rate of the whole, rounded up.
    pub(crate) fn margin_in(&self, part: Money, lots: Qty, whole: Money, chosen: Option<Ppm>) -> Money {
        let rate = self.initial_rate(lots, whole, chosen);
        Money(ceil_div(part.0 * i128::from(rate.0), RATE_ONE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_size_adds_is_rounded_up() {
        let scale = SizeScale { slope: Ppm(50), per: Qty(3) };
        assert_eq!([0, 1, 3, 4].map(|lots| scale.added(Qty(lots))), [0, 17, 50, 67]);
        assert_eq!(SizeScale::default().added(Qty(u64::MAX)), 0);
    }
}
