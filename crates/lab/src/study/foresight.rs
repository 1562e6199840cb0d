//! Whether what was to be expected came: the expected branching number, and the predicted cascade, as predictors of the
//! cascades of each run.

use super::{CellRuns, RunFigures};
use crate::foresight::Expected;
use crate::statistics::{Interval, rank_correlation, ratio};
use serde::Serialize;

/// Groups of runs by what was expected of them.
const GROUPS: usize = 5;

/// When it was looked at, in the order of [`RunFigures::expected`].
pub(super) const MOMENTS: [&str; 2] = ["before_shock", "first_liquidation"];

/// A predictor at a moment, over the runs of a cell.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct ForesightAnswers {
    pub at: &'static str,
    pub predictor: &'static str,
    pub runs: u64,
    pub left_out: u64,
    pub rank_correlation: Vec<RankCorrelation>,
    pub groups: Vec<Group>,
}

/// How a predictor ranks runs, beside how they turned out.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct RankCorrelation {
    pub with: &'static str,
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Runs of which about the same was expected.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct Group {
    pub runs: u64,
    pub expected_low: f64,
    pub expected_mean: f64,
    pub expected_high: f64,
    pub branching_ratio: f64,
    pub branching_ratio_low: f64,
    pub branching_ratio_high: f64,
    pub mean_cascade: f64,
    pub mean_cascade_low: f64,
    pub mean_cascade_high: f64,
}

/// What was expected of a run.
type Predictor = fn(&Expected) -> Option<f64>;

/// How a run with liquidations turned out.
type Turnout = fn(&RunFigures) -> f64;

/// A run of which something was expected, and in which somebody was liquidated.
struct Pair<'a> {
    expected: f64,
    run: &'a RunFigures,
}

impl RunFigures {
    /// Liquidations per cascade; `None` without one.
    #[must_use]
    pub fn mean_cascade(&self) -> Option<f64> {
        let (descended, all) = self.descent;
        (all > descended).then(|| all as f64 / (all - descended) as f64)
    }
}

/// Both predictors at both moments; those of which there is nothing to say are left out.
pub(super) fn foresight(cell: &CellRuns) -> Vec<ForesightAnswers> {
    let predictors: [(&str, Predictor); 2] = [
        ("expected_branching", |expected| expected.branching),
        ("predicted_cascade", |expected| expected.run.map(|liquidations| liquidations as f64)),
    ];
    let mut answers = Vec::new();
    for (place, at) in MOMENTS.into_iter().enumerate() {
        for (predictor, value) in predictors {
            let of = |run: &RunFigures| run.expected[place].as_ref().and_then(value);
            answers.extend(answer(cell, at, predictor, of));
        }
    }
    answers
}

fn answer(
    cell: &CellRuns,
    at: &'static str,
    predictor: &'static str,
    expected: impl Fn(&RunFigures) -> Option<f64>,
) -> Option<ForesightAnswers> {
    let pair = |run| Some(Pair { expected: expected(run)?, run }).filter(|pair| pair.run.descent.1 > 0);
    let mut pairs: Vec<Pair<'_>> = cell.runs.iter().filter_map(pair).collect();
    if pairs.is_empty() {
        return None;
    }
    pairs.sort_by(|a, b| a.expected.total_cmp(&b.expected).then(a.run.seed.cmp(&b.run.seed)));
    let outcomes: [(&str, Turnout); 3] = [
        ("mean_cascade", |run| run.mean_cascade().unwrap_or(0.0)),
        ("first_cascade", |run| f64::from(run.first_cascade)),
        ("largest_cascade", |run| f64::from(run.largest)),
    ];
    let correlation = |(with, outcome): (&'static str, Turnout)| {
        let samples: Vec<(f64, f64)> = pairs.iter().map(|pair| (pair.expected, outcome(pair.run))).collect();
        let Interval { value, low, high } = rank_correlation(&samples)?;
        Some(RankCorrelation { with, value, low, high })
    };
    let bounds = (0..GROUPS).map(|n| n * pairs.len() / GROUPS..(n + 1) * pairs.len() / GROUPS);
    Some(ForesightAnswers {
        at,
        predictor,
        runs: pairs.len() as u64,
        left_out: (cell.runs.len() - pairs.len()) as u64,
        rank_correlation: outcomes.into_iter().filter_map(correlation).collect(),
        groups: bounds.filter_map(|bounds| group(&pairs[bounds])).collect(),
    })
}

fn group(pairs: &[Pair<'_>]) -> Option<Group> {
    let [first, ..] = pairs else { return None };
    let last = pairs.last().unwrap_or(first);
    let descent: Vec<(u64, u64)> = pairs.iter().map(|pair| pair.run.descent).collect();
    let sizes: Vec<(u64, u64)> = descent.iter().map(|(descended, all)| (*all, all - descended)).collect();
    let (branching, size) = (ratio(&descent)?, ratio(&sizes)?);
    Some(Group {
        runs: pairs.len() as u64,
        expected_low: first.expected,
        expected_mean: pairs.iter().map(|pair| pair.expected).sum::<f64>() / pairs.len() as f64,
        expected_high: last.expected,
        branching_ratio: branching.value,
        branching_ratio_low: branching.low,
        branching_ratio_high: branching.high,
        mean_cascade: size.value,
        mean_cascade_low: size.low,
        mean_cascade_high: size.high,
    })
}
