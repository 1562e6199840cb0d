//! What delivery costs: the fee of a position that is settled at its contract's expiry.

use crate::instrument::{Instrument, RATE_ONE};
use downdraft_types::arith::{ceil_div, floor_div};
use downdraft_types::{Lots, Money, Ppm};

/// A fee at expiry, as a part of the notional that is settled, and the most it may be of the position's value.
///
/// Source: Deribit, *Fees* (futures 0.025%; options 0.015%, at most 12.5% of the option's value).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DeliveryFee {
    /// Of notional, at least 0 and at most 100%.
    pub rate: Ppm,
    /// Of the value that is settled; `None`: no cap.
    pub cap: Option<Ppm>,
}

impl DeliveryFee {
    /// Whether its rates are from 0 to 100%.
    #[must_use]
    pub fn is_legal(&self) -> bool {
        let legal = |rate: Ppm| (Ppm::ZERO..=Ppm::ONE).contains(&rate);
        legal(self.rate) && self.cap.is_none_or(legal)
    }

    /// The fee of `size` lots settled at the instrument's mark: `min(⌈notional × rate⌉, ⌊value × cap⌋)`. The rate is
    /// rounded up, the account bears the fraction of a unit; the cap down, the account keeps it.
    #[must_use]
    pub fn of(&self, instrument: &Instrument, size: Lots) -> Money {
        let value = instrument.value_at(size, instrument.mark()).abs();
        let whole = Money(ceil_div(instrument.delivered(size).0 * i128::from(self.rate.0), RATE_ONE));
        let most = self.cap.map(|cap| Money(floor_div(value.0 * i128::from(cap.0), RATE_ONE)));
        most.map_or(whole, |most| whole.min(most))
    }
}
