//! What is measured over a whole run.

use super::cost::Costs;
use super::resilience::Resilience;
use super::slope::Prediction;
use crate::histogram::Histogram;
use downdraft_types::{AccountId, InstrumentId, Money, Qty, Span, Time};

/// Steps of the grid over which the variance ratio is given for a whole run.
pub const RATIO_STEPS: [usize; 4] = [2, 5, 10, 20];

/// An instrument over a run.
#[derive(Clone, Debug)]
pub struct InstrumentTotals {
    /// Which.
    pub instrument: InstrumentId,
    /// What forced orders cost.
    pub costs: Costs,
    /// How bids, then asks, refilled after sweeps.
    pub resilience: [Resilience; 2],
    /// Variance ratio of the mark over each of [`RATIO_STEPS`] steps of the grid.
    pub variance_ratio: [Option<f64>; RATIO_STEPS.len()],
    /// The greatest number of liquidations triggered between two samples, per second.
    pub peak_velocity: f64,
    /// What was predicted before the first liquidation that this instrument's mark triggered.
    pub foreseen: Option<Foreseen>,
}

/// A prediction to compare with what happened: the size and reach of the cascade that came.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Foreseen {
    /// When the ladder and the book were looked at.
    pub time: Time,
    /// 0: as the mark fell; 1: as it rose.
    pub direction: usize,
    /// How far it would run once the nearest trigger was touched.
    pub run: Prediction,
    /// The branching number to expect.
    pub branching: Option<f64>,
}

/// Everything measured over a run.
#[derive(Clone, Debug)]
pub struct Totals {
    /// By instrument.
    pub instruments: Vec<InstrumentTotals>,
    /// The time between one trigger and the next.
    pub between: Histogram,
    /// Standard deviation over mean of that time: 1 of independent triggers, more where they cluster.
    pub between_variation: Option<f64>,
    /// The branching ratio fitted to counts of triggers in windows of this length.
    pub hawkes_window: Span,
    /// `None` with fewer than two windows, or no liquidation.
    pub hawkes: Option<f64>,
    /// Liquidations that one instrument's mark triggered and that closed another.
    pub contagion: Vec<Contagion>,
    /// Who was deleveraged, and what that cost them, by account and instrument.
    pub deleveraged: Vec<Deleveraged>,
}

/// How many liquidations the mark of one instrument triggered that closed another (or the same).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contagion {
    /// Whose mark.
    pub from: InstrumentId,
    /// Which was closed.
    pub to: InstrumentId,
    /// How many.
    pub liquidations: u64,
}

/// What deleveraging took from an account in an instrument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deleveraged {
    /// Whose position was closed against.
    pub account: AccountId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// How many lots.
    pub quantity: Qty,
    /// What it gave up against the mark at that moment; negative: gained.
    pub conceded: Money,
    /// What it gave up against the last mark of the run: what it would have had by keeping the position.
    pub forgone: Money,
}

impl Totals {
    /// The contagion coefficient: the share of closings in another instrument than the one whose mark triggered them.
    #[must_use]
    pub fn contagion_coefficient(&self) -> Option<f64> {
        let count =
            |of: &dyn Fn(&&Contagion) -> bool| self.contagion.iter().filter(of).map(|c| c.liquidations).sum::<u64>();
        let (across, all) = (count(&|c| c.from != c.to), count(&|_| true));
        (all > 0).then(|| across as f64 / all as f64)
    }

    /// What all whom deleveraging closed gave up beyond what the deficits asked for, in an instrument: forgone less
    /// conceded.
    #[must_use]
    pub fn overshoot(&self, instrument: InstrumentId) -> Money {
        let of = self.deleveraged.iter().filter(|d| d.instrument == instrument);
        Money(of.fold(0, |sum: i128, d| sum.saturating_add(d.forgone.0).saturating_sub(d.conceded.0)))
    }
}
