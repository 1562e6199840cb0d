//! Comparing runs: what each came to, where it parts from the first, and who gained and who lost by the difference.

mod digest;
mod names;
mod report;

pub use digest::{Capture, Digests, Divergence, Follow, Happened};
pub use names::Names;
pub use report::{
    AccountGain, ClassGain, ClassReport, DifferenceReport, DistanceReport, DivergenceReport, FundReport, PriceReport,
    Report, RunReport, write_accounts,
};

use crate::fork::{DriveError, Subject, Trunk};
use crate::outcome::{MarketOutcome, Outcome};
use crate::probe::Probe;
use crate::run::Tee;
use downdraft_types::{InstrumentId, Time};
use rayon::prelude::*;

/// A run and what it came to.
#[derive(Clone, Debug)]
pub struct Traced {
    /// What it is called.
    pub label: String,
    /// Its seed.
    pub seed: u64,
    /// When its price path ends.
    pub end: Time,
    /// What it came to.
    pub outcome: Outcome,
    /// What a reader of its figures has to know.
    pub notes: Vec<String>,
    /// What things are called in it, where that is not what they are called in the comparison.
    pub names: Option<Names>,
}

/// A run beside the one that it is compared with.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The run.
    pub run: Traced,
    /// Where it parts from the first; `None` where the same happens in both.
    pub divergence: Option<Divergence>,
}

/// Runs compared with the first of them.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The first.
    pub base: Traced,
    /// The others, in the order given.
    pub runs: Vec<Compared>,
}

/// Drives a run to its end.
///
/// # Errors
/// [`DriveError`].
pub fn trace(subject: &Subject) -> Result<Traced, DriveError> {
    let mut probe = Probe::new(subject.end());
    let driven = subject.drive(&mut probe, |_| false)?;
    Ok(traced(subject, probe.finish(&driven.venue), driven.notes))
}

fn traced(subject: &Subject, outcome: Outcome, notes: Vec<String>) -> Traced {
    let names = match subject {
        Subject::Executed(variant) => Some(Names::of_scenario(&variant.prepared.scenario)),
        Subject::Played { .. } => None,
    };
    Traced { label: subject.label().to_owned(), seed: subject.seed(), end: subject.end(), outcome, notes, names }
}

/// What is heard of a base.
type Heard = Tee<Probe, Digests>;

/// Drives all of them, on as many threads as there are, and compares each with the first. The result does not depend
/// on the number of threads. What base and forks have in common is executed once and gone on from where it can be
/// saved. Memory: eight bytes per command of the first run, beside what each outcome needs.
///
/// # Errors
/// The first of theirs, in the order given.
pub fn compare(base: &Subject, runs: &[Subject]) -> Result<Comparison, DriveError> {
    let heard = || Tee(Probe::new(base.end()), Digests::default());
    let moment = runs.iter().filter_map(|run| base.parts_from(run)).min();
    let trunk = moment.map(|moment| Trunk::grow(base, moment, heard())).transpose()?.flatten();
    let (Tee(probe, digests), driven) = match &trunk {
        Some(trunk) => trunk.go_on(base)?,
        None => {
            let mut heard = heard();
            let driven = base.drive(&mut heard, |_| false)?;
            (heard, driven)
        }
    };
    let digests = digests.into_inner();
    let first = traced(base, probe.finish(&driven.venue), driven.notes);
    drop(driven.venue);
    let borne = |run: &Subject| trunk.as_ref().filter(|trunk| trunk.bears(base, run));
    let compared: Vec<Result<Compared, DriveError>> =
        runs.par_iter().map(|run| compare_one(base, &digests, run, borne(run))).collect();
    Ok(Comparison { base: first, runs: compared.into_iter().collect::<Result<_, _>>()? })
}

fn compare_one(
    base: &Subject,
    digests: &[u64],
    subject: &Subject,
    trunk: Option<&Trunk<Heard>>,
) -> Result<Compared, DriveError> {
    let (probe, common) = match trunk.map(Trunk::observer) {
        Some(Tee(probe, common)) => (probe.clone(), common.len()),
        None => (Probe::new(subject.end()), 0),
    };
    let snapshot = trunk.map(Trunk::snapshot);
    let mut observers = Tee(probe, Follow::resumed(digests, common));
    let driven = subject.drive_from(snapshot, &mut observers, |_| false)?;
    let Tee(probe, follow) = observers;
    let run = traced(subject, probe.finish(&driven.venue), driven.notes);
    let look = |subject: &Subject, place: usize| -> Result<Option<Happened>, DriveError> {
        let mut capture = Capture::at(place - common);
        subject.drive_from(snapshot, &mut capture, Capture::is_done)?;
        Ok(capture.found())
    };
    let divergence = match follow.parted_at() {
        Some(place) => Some(Divergence { base: look(base, place)?, run: look(subject, place)? }),
        None => None,
    };
    Ok(Compared { run, divergence })
}

/// How far two price paths are apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Distance {
    /// Which instrument.
    pub instrument: InstrumentId,
    /// The largest distance, in mark increments: the second less the first.
    pub largest: i128,
    /// The step of the path at whose end it is, from 0.
    pub step: usize,
}

/// The largest distance between two paths of an instrument, at the ends of their steps; the first of equals. `None`
/// where they share no step with a price.
#[must_use]
pub fn distance(instrument: InstrumentId, first: &MarketOutcome, second: &MarketOutcome) -> Option<Distance> {
    let mut found: Option<Distance> = None;
    for (step, prices) in first.path.iter().zip(&second.path).enumerate() {
        let (Some(a), Some(b)) = prices else { continue };
        let apart = i128::from(b.0) - i128::from(a.0);
        if found.is_none_or(|distance| apart.abs() > distance.largest.abs()) {
            found = Some(Distance { instrument, largest: apart, step });
        }
    }
    found
}
