//! What is measured at each moment of the grid.

use super::slope::Prediction;
use downdraft_types::{MarkPrice, Price};
use downdraft_types::{Money, Time};

/// Bands around the mark, in basis points, within which ladder and book are summed.
pub const BANDS_BPS: [u32; 4] = [10, 50, 100, 500];

/// An instrument at a moment of the grid. Flows are since the sample before.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The moment of the grid. The state is that after the first command at or after it.
    pub time: Time,
    /// The mark.
    pub mark: MarkPrice,
    /// Best bid.
    pub bid: Option<Price>,
    /// Best ask.
    pub ask: Option<Price>,
    /// As the mark falls: longs sold into bids. Then as it rises: shorts bought back from asks.
    pub sides: [SideSample; 2],
    /// Lots of all longs.
    pub open_interest: u128,
    /// Liquidations triggered by this instrument's mark.
    pub liquidations: u64,
    /// Liquidations triggered, per second.
    pub velocity: f64,
    /// Lots traded.
    pub volume: u128,
    /// Of these, by forced orders.
    pub forced_volume: u128,
    /// Lots forced, per second.
    pub forced_velocity: f64,
    /// Root mean square of the mark's moves over the window, in mark increments per step of the grid.
    pub sigma: Option<f64>,
    /// Variance ratio over the window, of [`Config::ratio_steps`](super::Config::ratio_steps) steps.
    pub variance_ratio: Option<f64>,
}

/// Ladder and book in one direction.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct SideSample {
    /// Lots of the book within each of [`BANDS_BPS`] of the mark.
    pub depth: [u128; BANDS_BPS.len()],
    /// Lots forced once the mark has gone as far, those under way included.
    pub forced: [u128; BANDS_BPS.len()],
    /// Lots of pools under liquidation.
    pub under_way: u64,
    /// Distance to the nearest trigger, in mark increments.
    pub proximity: Option<i64>,
    /// The recursion condition: from 1 up the next one falls too.
    pub recursion: Option<f64>,
    /// The branching number to expect, within the widest band.
    pub branching: Option<f64>,
    /// Forced lots per tick, within the widest band.
    pub gamma: Option<f64>,
    /// How far a cascade would run once the nearest trigger is touched.
    pub run: Option<Prediction>,
    /// How far a shock of [`Config::shock`](super::Config::shock) would run.
    pub shock: Prediction,
    /// What the fund would pay in that.
    pub draw: Money,
}

impl SideSample {
    /// The liquidity depth ratio within a band, by its place in [`BANDS_BPS`]; `None` where nothing is forced.
    #[must_use]
    pub fn depth_ratio(&self, band: usize) -> Option<f64> {
        (self.forced[band] > 0).then(|| self.depth[band] as f64 / self.forced[band] as f64)
    }
}

impl Sample {
    /// The spread, in ticks; `None` while a side is empty.
    #[must_use]
    pub fn spread(&self) -> Option<i64> {
        Some(self.ask?.0.saturating_sub(self.bid?.0))
    }

    /// Distance to the nearest trigger in a direction (0: falling), in basis points of the mark.
    #[must_use]
    pub fn proximity_bps(&self, direction: usize) -> Option<f64> {
        let distance = self.sides[direction].proximity?;
        (self.mark.0 != 0).then(|| distance as f64 * 1e4 / (self.mark.0 as f64).abs())
    }

    /// The same in σ: of the mark's moves over a step of the grid.
    #[must_use]
    pub fn proximity_sigma(&self, direction: usize) -> Option<f64> {
        let sigma = self.sigma.filter(|sigma| *sigma > 0.0)?;
        Some(self.sides[direction].proximity? as f64 / sigma)
    }
}

/// A currency at a moment of the grid.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct CurrencySample {
    /// The moment of the grid.
    pub time: Time,
    /// The money of all insurance funds together.
    pub fund: Money,
    /// Value of all clients' positions at the marks, longs and shorts alike.
    pub gross: Money,
    /// Equity of the pools that hold them.
    pub equity: Money,
    /// What they would pay in a shock, in the worse direction of each instrument.
    pub draw: Money,
    /// Fund coverage: a fund's money over what it would pay in that shock, of the fund that is covered least; `None`
    /// where none would pay anything.
    pub coverage: Option<f64>,
}

impl CurrencySample {
    /// Effective leverage: gross positions over equity; `None` where that is not positive.
    #[must_use]
    pub fn leverage(&self) -> Option<f64> {
        self.equity.is_positive().then(|| self.gross.0 as f64 / self.equity.0 as f64)
    }
}

/// Lots by price, in buckets: a column of the heat map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// The moment of the grid.
    pub time: Time,
    /// Triggers of longs, then of shorts: lots pending there.
    pub ladder: [Vec<Bin>; 2],
    /// Bids, then asks.
    pub book: [Vec<Bin>; 2],
}

/// A bucket of prices with something in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bin {
    /// Its number: it holds the marks from `bucket × width` up to, not including, `(bucket + 1) × width`.
    pub bucket: i64,
    /// Lots.
    pub lots: u128,
    /// Positions, or price levels.
    pub count: u32,
}

/// The series of an instrument.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Series {
    /// In order of time. A moment of the grid before which nothing happened since the one before it has none.
    pub samples: Vec<Sample>,
    /// Ladder and book by price at the same moments.
    pub profiles: Vec<Profile>,
    /// The width of a bucket of the profiles, in mark increments.
    pub bucket_width: i64,
}
