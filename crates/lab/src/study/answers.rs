//! What a study answers, in human units. Every field, with its unit, is described in `docs/study.md`.

use super::foresight::{ForesightAnswers, foresight};
use super::{CellRuns, Figure, RunFigures, Study, TierSums, Unit};
use crate::compare::Names;
use crate::statistics::{Interval, Level, expected_shortfall, mean, quantile, ratio, share};
use downdraft_insight::summary::Named;
use downdraft_insight::{Exact, Units};
use downdraft_types::arith::ceil_div;
use downdraft_types::{CurrencyId, InstrumentId, Money};
use serde::Serialize;
use std::collections::BTreeMap;

/// The answers of a study.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct Answers {
    pub scenario: String,
    pub first_seed: u64,
    pub seeds: u64,
    pub vary: Vec<String>,
    pub cells: Vec<CellAnswers>,
}

/// The answers of a cell.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct CellAnswers {
    pub values: Named<String>,
    pub figures: Vec<FigureAnswers>,
    pub fund: Vec<FundAnswer>,
    pub branching_ratio: Option<IntervalAnswer>,
    pub cascade_exceeds: Vec<Exceeding>,
    pub trigger_to_fill: WaitAnswers,
    pub tiers: Vec<TierAnswers>,
    pub in_no_tier: u64,
    pub overshoot_bearers: Vec<BearerAnswers>,
    pub foresight: Vec<ForesightAnswers>,
}

/// A figure over the runs of a cell.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct FigureAnswers {
    pub figure: &'static str,
    pub of: String,
    pub runs: u64,
    pub mean: Exact,
    pub p50: Exact,
    pub p90: Exact,
    pub p95: Exact,
    pub p99: Exact,
    pub max: Exact,
    pub es95: Exact,
    pub es99: Exact,
}

/// The fund that suffices.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct FundAnswer {
    pub currency: String,
    pub suffices_in_95: Exact,
    pub suffices_in_99: Exact,
    pub suffices_in_all: Exact,
    pub loss_past_any_fund: u64,
}

/// A figure with its 95% interval.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct IntervalAnswer {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl From<Interval> for IntervalAnswer {
    fn from(interval: Interval) -> Self {
        Self { value: interval.value, low: interval.low, high: interval.high }
    }
}

/// How often the largest cascade exceeds a size.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct Exceeding {
    pub liquidations: u32,
    pub runs: u64,
    pub probability: Option<IntervalAnswer>,
}

/// From trigger to first fill, of all liquidations of all runs, in seconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct WaitAnswers {
    pub filled: u64,
    pub unfilled: u64,
    pub p50: Option<Exact>,
    pub p90: Option<Exact>,
    pub p99: Option<Exact>,
    pub max: Option<Exact>,
}

/// Positions of a maintenance tier under liquidation, over all runs.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct TierAnswers {
    pub instrument: String,
    pub tier: usize,
    pub floor: Exact,
    pub positions: u64,
    pub value: Exact,
    pub maintenance: Exact,
    pub equity: Exact,
    pub cost: Exact,
    pub beyond_bankruptcy: Exact,
    pub deleveraged: Exact,
    pub taken_over: Exact,
    pub overrun: Exact,
}

/// What a class of accounts bore of the ADL overshoot.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[allow(missing_docs, reason = "docs/study.md describes each field with its unit")]
pub struct BearerAnswers {
    pub class: String,
    pub currency: String,
    pub runs: u64,
    pub accounts: u64,
    pub mean: Exact,
    pub p99: Exact,
    pub max: Exact,
    pub es95: Exact,
    pub share: Exact,
}

impl Answers {
    /// The answers of cells that were run.
    #[must_use]
    pub fn new(study: &Study, cells: &[CellRuns]) -> Self {
        let first_seed = cells.first().and_then(|cell| cell.runs.first()).map_or(0, |run| run.seed);
        Self {
            scenario: cells.first().map(|cell| cell.cell.scenario.name.clone()).unwrap_or_default(),
            first_seed,
            seeds: study.seeds,
            vary: study.vary.iter().map(|vary| vary.path.clone()).collect(),
            cells: cells.iter().map(|cell| answers(study, cell)).collect(),
        }
    }
}

fn answers(study: &Study, cell: &CellRuns) -> CellAnswers {
    let varied = study.vary.iter().zip(&cell.cell.values);
    let descent: Vec<(u64, u64)> = cell.runs.iter().map(|run| run.descent).collect();
    CellAnswers {
        values: Named(varied.map(|(vary, value)| (vary.path.clone(), value.clone())).collect()),
        figures: figures(cell),
        fund: funds(cell),
        branching_ratio: ratio(&descent).map(Into::into),
        cascade_exceeds: study.exceeds.iter().map(|size| exceeding(cell, *size)).collect(),
        trigger_to_fill: waits(cell),
        tiers: tiers(cell),
        in_no_tier: cell.runs.iter().map(|run| run.mixed).sum(),
        overshoot_bearers: bearers(cell),
        foresight: foresight(cell),
    }
}

/// The name of what a unit is of, and a value in it.
pub(super) fn print(names: &Names, unit: Unit, value: i128) -> Exact {
    match unit {
        Unit::Count => Exact::new(value, 0),
        Unit::Rate(_) => Exact::new(value, 6),
        Unit::Lots(instrument) => {
            let (mantissa, scale) = names.units.instruments.get(instrument.index()).map_or((1, 0), |terms| terms.lot);
            Exact::new(value.saturating_mul(mantissa), scale)
        }
        Unit::Money(currency) => names.units.money(currency, Money(value)),
    }
}

pub(super) fn name_of(names: &Names, unit: Unit) -> String {
    match unit {
        Unit::Count => String::new(),
        Unit::Rate(instrument) | Unit::Lots(instrument) => names.units.instrument_name(instrument),
        Unit::Money(currency) => names.units.currency_name(currency),
    }
}

/// The samples of a figure over a cell's runs, ascending.
fn samples(cell: &CellRuns, place: usize) -> Vec<i128> {
    let mut samples: Vec<i128> =
        cell.runs.iter().filter_map(|run| run.figures.get(place)).map(|figure| figure.value).collect();
    samples.sort_unstable();
    samples
}

fn kinds(cell: &CellRuns) -> &[Figure] {
    cell.runs.first().map_or(&[], |run| &run.figures)
}

fn figures(cell: &CellRuns) -> Vec<FigureAnswers> {
    let answer = |(place, figure): (usize, &Figure)| {
        let sorted = samples(cell, place);
        let print = |value: Option<i128>| print(&cell.names, figure.unit, value.unwrap_or(0));
        let at = |level| print(quantile(&sorted, Level(level)));
        FigureAnswers {
            figure: figure.name,
            of: name_of(&cell.names, figure.unit),
            runs: sorted.len() as u64,
            mean: print(mean(&sorted)),
            p50: at(500),
            p90: at(900),
            p95: at(950),
            p99: at(990),
            max: print(sorted.last().copied()),
            es95: print(expected_shortfall(&sorted, Level(950))),
            es99: print(expected_shortfall(&sorted, Level(990))),
        }
    };
    kinds(cell).iter().enumerate().map(answer).collect()
}

fn funds(cell: &CellRuns) -> Vec<FundAnswer> {
    let needs = kinds(cell).iter().enumerate().filter(|(_, figure)| figure.name == "fund_need");
    let answer = |(place, figure): (usize, &Figure)| {
        let sorted = samples(cell, place);
        let print = |value: Option<i128>| print(&cell.names, figure.unit, value.unwrap_or(0));
        let past = |run: &&RunFigures| match figure.unit {
            Unit::Money(currency) => run.past_any_fund.get(currency.index()).copied().unwrap_or(false),
            _ => false,
        };
        FundAnswer {
            currency: name_of(&cell.names, figure.unit),
            suffices_in_95: print(quantile(&sorted, Level(950))),
            suffices_in_99: print(quantile(&sorted, Level(990))),
            suffices_in_all: print(sorted.last().copied()),
            loss_past_any_fund: cell.runs.iter().filter(past).count() as u64,
        }
    };
    needs.map(answer).collect()
}

fn exceeding(cell: &CellRuns, size: u32) -> Exceeding {
    let runs = cell.runs.iter().filter(|run| run.largest > size).count() as u64;
    let probability = share(runs, cell.runs.len() as u64).map(Into::into);
    Exceeding { liquidations: size, runs, probability }
}

fn waits(cell: &CellRuns) -> WaitAnswers {
    let mut all: Vec<u64> = cell.runs.iter().flat_map(|run| run.waits.iter().copied()).collect();
    all.sort_unstable();
    let print = |nanoseconds: Option<u64>| nanoseconds.map(|n| Exact::new(i128::from(n), 9));
    let at = |level| print(quantile(&all, Level(level)));
    let (filled, triggered) = (all.len() as u64, cell.runs.iter().map(|run| run.descent.1).sum::<u64>());
    WaitAnswers {
        filled,
        unfilled: triggered.saturating_sub(filled),
        p50: at(500),
        p90: at(900),
        p99: at(990),
        max: print(all.last().copied()),
    }
}

/// By currency, who bore most first. The share is rounded up.
fn bearers(cell: &CellRuns) -> Vec<BearerAnswers> {
    let mut sums: BTreeMap<&(CurrencyId, String), i128> = BTreeMap::new();
    let mut totals: BTreeMap<CurrencyId, i128> = BTreeMap::new();
    for (bearer, borne) in cell.runs.iter().flat_map(|run| &run.bearers) {
        *sums.entry(bearer).or_default() += borne.amount;
        *totals.entry(bearer.0).or_default() += borne.amount;
    }
    let mut ranked: Vec<(&(CurrencyId, String), i128)> = sums.into_iter().collect();
    ranked.sort_by_key(|((currency, _), sum)| (*currency, core::cmp::Reverse(*sum)));
    let answer = |(bearer, sum): (&(CurrencyId, String), i128)| {
        let borne: Vec<_> = cell.runs.iter().map(|run| run.bearers.get(bearer).copied().unwrap_or_default()).collect();
        let mut sorted: Vec<i128> = borne.iter().map(|borne| borne.amount).collect();
        sorted.sort_unstable();
        let print = |value: Option<i128>| cell.names.units.money(bearer.0, Money(value.unwrap_or(0)));
        let total = totals.get(&bearer.0).copied().filter(|total| *total != 0);
        BearerAnswers {
            class: bearer.1.clone(),
            currency: cell.names.units.currency_name(bearer.0),
            runs: borne.iter().filter(|borne| borne.accounts > 0).count() as u64,
            accounts: borne.iter().map(|borne| borne.accounts).max().unwrap_or(0),
            mean: print(mean(&sorted)),
            p99: print(quantile(&sorted, Level(990))),
            max: print(sorted.last().copied()),
            es95: print(expected_shortfall(&sorted, Level(950))),
            share: total.map_or(Exact::ZERO, |total| Exact::new(ceil_div(sum.saturating_mul(1_000_000), total), 6)),
        }
    };
    ranked.into_iter().map(answer).collect()
}

fn tiers(cell: &CellRuns) -> Vec<TierAnswers> {
    let mut sums: BTreeMap<(InstrumentId, usize), TierSums> = BTreeMap::new();
    for (key, tier) in cell.runs.iter().flat_map(|run| &run.tiers) {
        sums.entry(*key).or_default().merge(tier);
    }
    sums.into_iter().map(|((instrument, tier), sums)| tier_answers(cell, instrument, tier, &sums)).collect()
}

/// Rates are rounded up, to parts per million: a cost is never understated.
fn tier_answers(cell: &CellRuns, instrument: InstrumentId, tier: usize, sums: &TierSums) -> TierAnswers {
    let terms = cell.cell.scenario.instruments.get(instrument.index());
    let currency = terms.map(|terms| terms.spec.settlement).unwrap_or_default();
    let floor = terms.and_then(|terms| terms.spec.tiers.get(tier)).map_or(Money::ZERO, |tier| tier.floor);
    let units: &Units = &cell.names.units;
    let part = |part: i128, whole: i128| match whole {
        0 => Exact::ZERO,
        whole => Exact::new(ceil_div(part.saturating_mul(1_000_000), whole), 6),
    };
    let lots = |part_of: u128| {
        part(i128::try_from(part_of).unwrap_or(i128::MAX), i128::try_from(sums.closed).unwrap_or(i128::MAX))
    };
    TierAnswers {
        instrument: units.instrument_name(instrument),
        tier,
        floor: units.money(currency, floor),
        positions: sums.positions,
        value: units.money(currency, Money(sums.value)),
        maintenance: part(sums.maintenance, sums.value),
        equity: part(sums.equity, sums.value),
        cost: part(sums.cost, sums.closed_value),
        beyond_bankruptcy: lots(sums.beyond),
        deleveraged: lots(sums.deleveraged),
        taken_over: lots(sums.taken_over),
        overrun: part(i128::from(sums.overrun), i128::from(sums.positions)),
    }
}
