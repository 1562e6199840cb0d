//! Analysis of a run as it happens: an observer that makes its summary and tables.
//!
//! ```no_run
//! use downdraft_lab::{Analysis, Prepared, load, run};
//! use std::ops::ControlFlow;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scenario = load("flash-crash", &["fund.USDT=3000000".to_owned()])?;
//! let prepared = Prepared::new(scenario, Some(7));
//! let mut analysis = Analysis::new(&prepared, ());
//! let finished = run(&prepared, &mut analysis, |_, _| ControlFlow::Continue(()))?;
//! let (summary, ()) = analysis.finish(&prepared, &finished);
//! println!("branching ratio {}", summary.cascade.branching_ratio);
//! # Ok(())
//! # }
//! ```

use crate::decimal::Decimal;
use crate::prepare::Prepared;
use crate::run::Finished;
use crate::scenario::{Currencies, Instrument, Scenario};
use downdraft_insight::genealogy::{Forced, Forest};
use downdraft_insight::metrics::{self, Metrics};
use downdraft_insight::{Analyzer, CurrencyUnits, InstrumentUnits, Recorder, RunInfo, Summary, Units};
use downdraft_sim::world::Observer;
use downdraft_types::{EventId, InstrumentId};
use downdraft_venue::{Command, Event, Stamp, Venue};

/// Analyses a run; `R` takes the rows of the tables.
#[derive(Clone, Debug)]
pub struct Analysis<R = ()>(Analyzer<R>, Option<Metrics>);

/// What an analysis found.
#[derive(Clone, Debug)]
pub struct Findings<R> {
    /// The summary.
    pub summary: Summary,
    /// The liquidations and whose order set off whose.
    pub forest: Forest,
    /// Series and totals, if the run was measured.
    pub metrics: Option<Metrics>,
    /// Who took the rows.
    pub recorder: R,
}

impl<R: Recorder> Analysis<R> {
    /// An analysis of a run to come.
    #[must_use]
    pub fn new(prepared: &Prepared, recorder: R) -> Self {
        let scenario = &prepared.scenario;
        Self::in_units(units(scenario), scenario.capacity.accounts, recorder)
    }

    /// An analysis of a run of so many accounts whose scenario is not known.
    #[must_use]
    pub fn in_units(units: Units, accounts: u32, recorder: R) -> Self {
        Self(Analyzer::new(units, accounts, recorder), None)
    }

    /// Measures the run too: series on a grid, and totals, which the summary has in short.
    #[must_use]
    pub fn with_metrics(mut self, config: metrics::Config) -> Self {
        self.1 = Some(Metrics::new(config));
        self
    }

    /// What was measured so far, if anything is.
    #[must_use]
    pub const fn metrics(&self) -> Option<&Metrics> {
        self.1.as_ref()
    }

    /// How much of an instrument's volume, and of its mark's moves, was forced so far.
    #[must_use]
    pub fn forced(&self, instrument: InstrumentId) -> Forced {
        self.0.forced(instrument)
    }

    /// The liquidations so far and whose order set off whose.
    #[must_use]
    pub fn forest(&self) -> Forest {
        self.0.forest()
    }

    /// The summary of the run, and the recorder.
    #[must_use]
    pub fn finish(self, prepared: &Prepared, finished: &Finished) -> (Summary, R) {
        let findings = self.conclude(prepared, finished);
        (findings.summary, findings.recorder)
    }

    /// The recorder, to which all rows were given, and what was measured, of a run that left the venue so.
    #[must_use]
    pub fn into_recorder(mut self, venue: &Venue) -> (R, Option<Metrics>) {
        if let Some(metrics) = &mut self.1 {
            metrics.sample_now(venue);
        }
        let unnamed = RunInfo { state_hash: venue.state_hash(), ..RunInfo::default() };
        (self.0.finish(unnamed).1, self.1)
    }

    /// All that was found.
    #[must_use]
    pub fn conclude(mut self, prepared: &Prepared, finished: &Finished) -> Findings<R> {
        let counters = finished.world.counters();
        let named = |(name, counts): (&str, Vec<(&str, u64)>)| {
            (name.to_owned(), counts.into_iter().map(|(what, count)| (what.to_owned(), count)).collect())
        };
        let actors: Vec<(String, Vec<(String, u64)>)> = counters.map(named).collect();
        let venue = finished.world.venue();
        if let Some(metrics) = &mut self.1 {
            metrics.sample_now(venue);
        }
        let metrics = self.1;
        let forest = self.0.forest();
        let (mut summary, recorder) = self.0.finish(RunInfo {
            scenario: prepared.scenario.name.clone(),
            seed: prepared.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state_hash: finished.state_hash,
            feed: feed(&actors),
            actors,
        });
        summary.metrics = metrics.as_ref().map(|metrics| metrics.digest(&units(&prepared.scenario), venue));
        Findings { summary, forest, metrics, recorder }
    }
}

impl<R: Recorder> Observer for Analysis<R> {
    fn command(&mut self, stamp: &Stamp, command: &Command) {
        self.0.command(stamp, command);
        if let Some(metrics) = &mut self.1 {
            metrics.command(stamp, command);
        }
    }

    fn event(&mut self, id: EventId, parent: Option<u32>, event: &Event) {
        self.0.event(id, parent, event);
        if let Some(metrics) = &mut self.1 {
            metrics.event(id, parent, event);
        }
    }

    fn done(&mut self, venue: &Venue) {
        self.0.done();
        if let Some(metrics) = &mut self.1 {
            metrics.done(venue);
        }
    }
}

/// What those actors counted, together, that read a recording.
fn feed(actors: &[(String, Vec<(String, u64)>)]) -> Vec<(String, u64)> {
    let mut sums: Vec<(String, u64)> = Vec::new();
    let reads = |counts: &[(String, u64)]| counts.iter().any(|(what, _)| what == "read");
    for (what, count) in actors.iter().filter(|(_, counts)| reads(counts)).flat_map(|(_, counts)| counts) {
        match sums.iter_mut().find(|(known, _)| known == what) {
            Some((_, sum)) => *sum += count,
            None => sums.push((what.clone(), *count)),
        }
    }
    sums.sort_by_key(|(what, _)| match what.as_str() {
        "read" => 0,
        "applied" => 1,
        _ => 2,
    });
    sums
}

/// The human units of a scenario.
#[must_use]
pub fn units(scenario: &Scenario) -> Units {
    units_of(&scenario.currencies, &scenario.instruments)
}

/// The human units of currencies and instruments.
#[must_use]
pub fn units_of(currencies: &Currencies, instruments: &[Instrument]) -> Units {
    let currency = |c: &crate::scenario::Currency| CurrencyUnits { name: c.name.clone(), decimals: c.decimals };
    let instrument = |i: &crate::scenario::Instrument| InstrumentUnits {
        name: i.name.clone(),
        tick: parts(i.units.tick),
        lot: parts(i.units.lot),
        mark_scale: i.units.mark_scale,
    };
    Units {
        currencies: currencies.0.iter().map(currency).collect(),
        instruments: instruments.iter().map(instrument).collect(),
    }
}

/// Mantissa, and how many of its digits follow the point.
fn parts(decimal: Decimal) -> (i128, u32) {
    let text = decimal.to_string();
    let digits = text.split_once('.').map_or(0, |(_, part)| part.len());
    let mantissa = text.replace('.', "").parse().expect("the digits of a decimal");
    (mantissa, digits as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_its_mantissa_and_digits() {
        for (text, expected) in [("0.05", (5, 2)), ("-12.5", (-125, 1)), ("100", (100, 0))] {
            assert_eq!(parts(Decimal::parse(text).unwrap()), expected);
        }
    }

    #[test]
    fn feeds_are_summed_over_those_who_read() {
        let counts = |items: &[(&str, u64)]| items.iter().map(|(what, n)| ((*what).to_owned(), *n)).collect();
        let actors = [
            ("a".to_owned(), counts(&[("applied", 3), ("gone", 1), ("read", 4)])),
            ("maker".to_owned(), counts(&[("refused", 9)])),
            ("b".to_owned(), counts(&[("applied", 2), ("read", 2)])),
        ];
        let expected = [("read", 6), ("applied", 5), ("gone", 1)].map(|(what, n)| (what.to_owned(), n));
        assert_eq!(feed(&actors), expected);
    }
}
