//! How fast a book refills after a sweep.
//!
//! A sweep is a command that took more than one price level of a side. It is refilled when the side's best price is
//! back where the sweep began, and half refilled when it has made up half the way. Sweeps while one is open belong to
//! it, and put its far end further where they reach further.

use crate::histogram::Histogram;
use downdraft_types::{Price, Side, Span, Time};

/// Sweeps of one side of a book, and how long they took to refill.
#[derive(Clone, Debug, Default)]
pub struct Resilience {
    /// Sweeps, those within an open one apart.
    pub sweeps: u64,
    /// Times to half the way back.
    pub half: Histogram,
    /// Times to all of it.
    pub full: Histogram,
    open: Option<Sweep>,
}

#[derive(Clone, Copy, Debug)]
struct Sweep {
    time: Time,
    from: Price,
    to: Price,
    half: bool,
}

impl Resilience {
    /// The share of sweeps that were refilled; `None` of none.
    #[must_use]
    pub fn refilled(&self) -> Option<f64> {
        (self.sweeps > 0).then(|| self.full.count() as f64 / self.sweeps as f64)
    }

    /// How fast the book recovers: the rate ρ, per second, of an exponential return e^(−ρt) that is half way back after
    /// the median time to half, ln 2 ÷ that time. `None` where no sweep was half refilled, or all at once.
    ///
    /// Source: the resilience of Obizhaeva and Wang 2013.
    #[must_use]
    pub fn recovery_rate(&self) -> Option<f64> {
        let half = self.half.percentile(50).filter(|half| half.0 > 0)?;
        Some(core::f64::consts::LN_2 / (half.0 as f64 / 1e9))
    }

    /// A command took `side`'s levels from `first` to `last`.
    pub fn taken(&mut self, side: Side, now: Time, first: Price, last: Price) {
        if first == last {
            return;
        }
        match &mut self.open {
            Some(sweep) => sweep.to = worse(side, sweep.to, last),
            None => {
                self.sweeps += 1;
                self.open = Some(Sweep { time: now, from: first, to: last, half: false });
            }
        }
    }

    /// The side's best price is `best` now.
    pub fn quoted(&mut self, side: Side, now: Time, best: Option<Price>) {
        let (Some(sweep), Some(best)) = (&mut self.open, best) else { return };
        let missing = match side {
            Side::Buy => i128::from(sweep.from.0) - i128::from(best.0),
            Side::Sell => i128::from(best.0) - i128::from(sweep.from.0),
        };
        let way = (i128::from(sweep.from.0) - i128::from(sweep.to.0)).abs();
        let since = Span(now.0.saturating_sub(sweep.time.0));
        if !sweep.half && 2 * missing <= way {
            sweep.half = true;
            self.half.record(since);
        }
        if missing <= 0 {
            self.full.record(since);
            self.open = None;
        }
    }
}

fn worse(side: Side, a: Price, b: Price) -> Price {
    match side {
        Side::Buy => a.min(b),
        Side::Sell => a.max(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_refilled_by_halves() {
        let mut bids = Resilience::default();
        bids.taken(Side::Buy, Time(10), Price(100), Price(92));
        [(11, 91), (12, 95), (14, 96), (19, 99)]
            .into_iter()
            .for_each(|(time, best)| bids.quoted(Side::Buy, Time(time), Some(Price(best))));
        assert_eq!((bids.sweeps, bids.half.max(), bids.full.count()), (1, Some(Span(4)), 0));
        assert_eq!(bids.refilled(), Some(0.0));
        bids.quoted(Side::Buy, Time(30), Some(Price(101)));
        assert_eq!((bids.full.max(), bids.refilled()), (Some(Span(20)), Some(1.0)));
    }

    #[test]
    fn one_level_is_no_sweep_and_asks_are_the_mirror() {
        let mut asks = Resilience::default();
        asks.taken(Side::Sell, Time(1), Price(5), Price(5));
        assert_eq!((asks.sweeps, asks.refilled()), (0, None));
        asks.taken(Side::Sell, Time(2), Price(5), Price(9));
        asks.taken(Side::Sell, Time(3), Price(9), Price(13));
        asks.quoted(Side::Sell, Time(4), None);
        asks.quoted(Side::Sell, Time(5), Some(Price(9)));
        asks.quoted(Side::Sell, Time(6), Some(Price(5)));
        assert_eq!((asks.sweeps, asks.half.max(), asks.full.max()), (1, Some(Span(3)), Some(Span(4))));
    }
}
