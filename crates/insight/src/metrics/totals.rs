//! What is measured over a whole run.

use super::cost::Costs;
use super::resilience::Resilience;
use super::slope::Prediction;
use crate::histogram::Histogram;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, Money, Qty, Span, Time};

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

/// What the mark of one instrument forced to be closed of another (or the same).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contagion {
    /// Whose mark.
    pub from: InstrumentId,
    /// Which was closed.
    pub to: InstrumentId,
    /// The currency that it is settled in.
    pub currency: CurrencyId,
    /// How many liquidations.
    pub liquidations: u64,
    /// Value of what they closed, at the prices at which it was: in the book, by takeover and by deleveraging.
    pub value: Money,
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
    /// The overshoot: what of that no deficit at the mark asked for.
    pub overshoot: Money,
    /// What it would have had more at the last mark of the run by keeping the position, beyond what it received and what
    /// deficits asked for.
    pub forgone: Money,
    /// The same at the mark of the horizon, of deleveragings whose horizon has come.
    pub later: Money,
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

    /// The contagion coefficient by value: the share of the value closed, in instruments settled in a currency, that
    /// another instrument's mark had triggered.
    #[must_use]
    pub fn contagion_by_value(&self, currency: CurrencyId) -> Option<f64> {
        let sum = |of: &dyn Fn(&&Contagion) -> bool| {
            let carried = self.contagion.iter().filter(|c| c.currency == currency).filter(of);
            carried.fold(0, |sum: i128, c| sum.saturating_add(c.value.0))
        };
        let (across, all) = (sum(&|c| c.from != c.to), sum(&|_| true));
        (all > 0).then(|| across as f64 / all as f64)
    }

    /// What all whom deleveraging closed in an instrument conceded, and no deficit at the mark asked for.
    #[must_use]
    pub fn overshoot(&self, instrument: InstrumentId) -> Money {
        self.sum(instrument, |of| of.overshoot)
    }

    /// What they would have had more at the last mark by keeping their positions, beyond what they received and what
    /// deficits asked for.
    #[must_use]
    pub fn overshoot_end(&self, instrument: InstrumentId) -> Money {
        self.sum(instrument, |of| of.forgone)
    }

    /// The same some time later.
    #[must_use]
    pub fn overshoot_later(&self, instrument: InstrumentId) -> Money {
        self.sum(instrument, |of| of.later)
    }

    fn sum(&self, instrument: InstrumentId, what: impl Fn(&Deleveraged) -> Money) -> Money {
        let of = self.deleveraged.iter().filter(|d| d.instrument == instrument);
        Money(of.fold(0, |sum: i128, of| sum.saturating_add(what(of).0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contagion_is_counted_by_number_and_by_value() {
        let carried = |from, to, currency, liquidations, value| Contagion {
            from: InstrumentId(from),
            to: InstrumentId(to),
            currency: CurrencyId(currency),
            liquidations,
            value: Money(value),
        };
        let totals = Totals {
            instruments: Vec::new(),
            between: Histogram::default(),
            between_variation: None,
            hawkes_window: Span(1),
            hawkes: None,
            contagion: vec![carried(0, 0, 0, 3, 60), carried(0, 1, 0, 1, 20), carried(1, 2, 1, 4, 5)],
            deleveraged: Vec::new(),
        };
        // Five of eight closings cross from one instrument to another: a quarter of the value in the first currency,
        // all of it in the second.
        assert_eq!(totals.contagion_coefficient(), Some(0.625));
        assert_eq!([0, 1, 2].map(|n| totals.contagion_by_value(CurrencyId(n))), [Some(0.25), Some(1.0), None]);
    }
}
