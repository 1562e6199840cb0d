//! A study's tables as CSV. Columns are described in `docs/study.md`.

use super::answers::{name_of, print};
use super::foresight::MOMENTS;
use super::{Answers, CellRuns, Study};
use downdraft_insight::Units;
use std::io::{self, Write};

/// Writes a row per cell and figure: its quantiles and expected shortfalls.
///
/// # Errors
/// Where writing fails.
pub fn write_figures(out: impl Write, answers: &Answers) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let fixed = ["figure", "of", "runs", "mean", "p50", "p90", "p95", "p99", "max", "es95", "es99"];
    table.write_record(answers.vary.iter().map(String::as_str).chain(fixed))?;
    for cell in &answers.cells {
        for figure in &cell.figures {
            let numbers =
                [figure.mean, figure.p50, figure.p90, figure.p95, figure.p99, figure.max, figure.es95, figure.es99];
            let mut row = values(cell);
            row.extend([figure.figure.to_owned(), figure.of.clone(), figure.runs.to_string()]);
            row.extend(numbers.map(|number| number.to_string()));
            table.write_record(row)?;
        }
    }
    table.flush()
}

/// Writes a row per cell and maintenance tier.
///
/// # Errors
/// Where writing fails.
pub fn write_tiers(out: impl Write, answers: &Answers) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let fixed = [
        "instrument",
        "tier",
        "floor",
        "positions",
        "value",
        "maintenance",
        "equity",
        "cost",
        "beyond_bankruptcy",
        "deleveraged",
        "taken_over",
        "overrun",
    ];
    table.write_record(answers.vary.iter().map(String::as_str).chain(fixed))?;
    for cell in &answers.cells {
        for tier in &cell.tiers {
            let mut row = values(cell);
            row.extend([tier.instrument.clone(), tier.tier.to_string(), tier.floor.to_string()]);
            row.push(tier.positions.to_string());
            let numbers = [
                tier.value,
                tier.maintenance,
                tier.equity,
                tier.cost,
                tier.beyond_bankruptcy,
                tier.deleveraged,
                tier.taken_over,
                tier.overrun,
            ];
            row.extend(numbers.map(|number| number.to_string()));
            table.write_record(row)?;
        }
    }
    table.flush()
}

fn values(cell: &super::CellAnswers) -> Vec<String> {
    cell.values.0.iter().map(|(_, value)| value.clone()).collect()
}

/// Writes a row per run: its seed, its state, and its figures, each in a column `figure` or `figure:of`.
///
/// # Errors
/// Where writing fails.
pub fn write_runs(out: impl Write, study: &Study, cells: &[CellRuns]) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let column = |cell: &CellRuns, figure: &super::Figure| match name_of(&cell.names, figure.unit) {
        of if of.is_empty() => figure.name.to_owned(),
        of => format!("{}:{of}", figure.name),
    };
    let mut columns: Vec<String> = Vec::new();
    for cell in cells {
        for figure in cell.runs.first().map_or(&[][..], |run| &run.figures) {
            let name = column(cell, figure);
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
    }
    let varied = study.vary.iter().map(|vary| vary.path.clone());
    table.write_record(varied.chain(["seed".to_owned(), "state".to_owned()]).chain(columns.iter().cloned()))?;
    for cell in cells {
        for run in &cell.runs {
            let mut row = cell.cell.values.clone();
            row.extend([run.seed.to_string(), format!("{:016x}", run.state_hash)]);
            row.extend(columns.iter().map(|name| {
                let figure = run.figures.iter().find(|figure| column(cell, figure) == *name);
                figure.map(|figure| print(&cell.names, figure.unit, figure.value).to_string()).unwrap_or_default()
            }));
            table.write_record(row)?;
        }
    }
    table.flush()
}

/// Writes a row per run and moment at which something was expected of it: what, and what came.
///
/// # Errors
/// Where writing fails.
pub fn write_foresight(out: impl Write, study: &Study, cells: &[CellRuns]) -> io::Result<()> {
    let mut table = csv::Writer::from_writer(out);
    let fixed = [
        "seed",
        "at",
        "time_s",
        "expected_branching",
        "predicted_cascade",
        "liquidations",
        "cascades",
        "mean_cascade",
        "first_cascade",
        "largest_cascade",
    ];
    table.write_record(study.vary.iter().map(|vary| vary.path.as_str()).chain(fixed))?;
    let runs = cells.iter().flat_map(|cell| cell.runs.iter().map(move |run| (cell, run)));
    for (cell, run) in runs {
        let (descended, liquidations) = run.descent;
        for (at, expected) in MOMENTS.iter().zip(&run.expected) {
            let Some(expected) = expected else { continue };
            let mut row = cell.cell.values.clone();
            row.extend([
                run.seed.to_string(),
                (*at).to_owned(),
                Units::seconds(expected.time).to_string(),
                expected.branching.map(|branching| branching.to_string()).unwrap_or_default(),
                expected.run.map(|run| run.to_string()).unwrap_or_default(),
                liquidations.to_string(),
                (liquidations - descended).to_string(),
                run.mean_cascade().map(|mean| mean.to_string()).unwrap_or_default(),
                run.first_cascade.to_string(),
                run.largest.to_string(),
            ]);
            table.write_record(row)?;
        }
    }
    table.flush()
}
