//! What a trial met.

/// How often what happened: a trial that never met an iceberg proves nothing about them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Commands compared.
    pub commands: u64,
    /// Commands refused, after which the book's bytes were those before.
    pub refused: u64,
    /// Commands that a restored book was given beside its original.
    pub beside: u64,
    /// Commands given in batches.
    pub batched: u64,
    /// Orders and stops that were given a place.
    pub placed: u64,
    /// Fills.
    pub fills: u64,
    /// Lots lost to self-trade prevention.
    pub self_trades: u64,
    /// Icebergs that showed their next lots.
    pub refills: u64,
    /// Fills of hidden orders.
    pub hidden_fills: u64,
    /// Orders that came to rest after they slid.
    pub slides: u64,
    /// Stops that fired and were accepted.
    pub fired: u64,
    /// Stops that fired and were refused.
    pub fired_refused: u64,
    /// Trades in auctions.
    pub crosses: u64,
    /// Orders cancelled by a mass cancel.
    pub mass_cancelled: u64,
    /// Orders that expired.
    pub expired: u64,
    /// Orders cancelled that had been filled in part.
    pub partly_filled_cancels: u64,
    /// Orders refused for want of capacity.
    pub capacity_reached: u64,
    /// Orders refused since they could not fill at once what must be.
    pub cannot_fill: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.commands += other.commands;
        self.refused += other.refused;
        self.beside += other.beside;
        self.batched += other.batched;
        self.placed += other.placed;
        self.fills += other.fills;
        self.self_trades += other.self_trades;
        self.refills += other.refills;
        self.hidden_fills += other.hidden_fills;
        self.slides += other.slides;
        self.fired += other.fired;
        self.fired_refused += other.fired_refused;
        self.crosses += other.crosses;
        self.mass_cancelled += other.mass_cancelled;
        self.expired += other.expired;
        self.partly_filled_cancels += other.partly_filled_cancels;
        self.capacity_reached += other.capacity_reached;
        self.cannot_fill += other.cannot_fill;
    }
}
