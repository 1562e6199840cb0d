//! Mistakes made on purpose.

/// A mistake made on purpose, to prove that a comparison would see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fault {
    /// None: the model.
    #[default]
    None,
    /// An order joins the front of its queue.
    JoinsAtTheFront,
    /// A smaller size loses its place.
    SmallerSizeLosesItsPlace,
    /// After a partial fill the maker goes to the back.
    PartialFillLosesItsPlace,
    /// Cancelling a partly filled order takes the one behind it.
    CancelsTheNextOne,
    /// A taker goes one tick beyond its limit.
    TradesThroughItsLimit,
    /// A fill-or-kill order counts its owner's orders.
    CountsOwnOrders,
    /// A filled order keeps its slot.
    LeaksSlots,
    /// Replacing does not match.
    ReplaceDoesNotTake,
    /// An iceberg keeps its place when it shows its next lots.
    RefillKeepsItsPlace,
    /// At one price hidden orders go before displayed ones.
    HiddenGoesFirst,
    /// Stops of one trigger become due in reverse.
    StopTiesInReverse,
    /// A trailing stop does not follow.
    NeverTrails,
    /// Orders of one time expire in reverse.
    ExpiresTiesInReverse,
    /// A mass cancel leaves one.
    MassCancelMissesOne,
    /// An auction takes the lowest price of the largest volume.
    UncrossIgnoresTheSurplus,
    /// A post-only order slides one tick too far.
    SlidesTooFar,
    /// A minimum quantity is not looked at.
    IgnoresTheMinimum,
    /// Self-trade prevention goes by owner only.
    IgnoresGroups,
}

impl Fault {
    /// Every fault that is one.
    pub const ALL: [Self; 18] = [
        Self::JoinsAtTheFront,
        Self::SmallerSizeLosesItsPlace,
        Self::PartialFillLosesItsPlace,
        Self::CancelsTheNextOne,
        Self::TradesThroughItsLimit,
        Self::CountsOwnOrders,
        Self::LeaksSlots,
        Self::ReplaceDoesNotTake,
        Self::RefillKeepsItsPlace,
        Self::HiddenGoesFirst,
        Self::StopTiesInReverse,
        Self::NeverTrails,
        Self::ExpiresTiesInReverse,
        Self::MassCancelMissesOne,
        Self::UncrossIgnoresTheSurplus,
        Self::SlidesTooFar,
        Self::IgnoresTheMinimum,
        Self::IgnoresGroups,
    ];
}
