//! Placeholder until the auction price lands.
#![allow(missing_docs)]
use downdraft_types::Price;
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Indicative {
    pub price: Price,
    pub volume: u128,
    pub imbalance: i128,
}
pub(crate) fn indicative(
    _: impl Iterator<Item = (Price, u128)> + Clone,
    _: impl Iterator<Item = (Price, u128)> + Clone,
    _: Option<Price>,
) -> Option<Indicative> {
    None
}
