//! Parameters of models: distributions, latencies, reference prices, in human units.

use super::files::Files;
use crate::read::{Field, Outcome};
use downdraft_sim::index_path::{JumpDiffusion, PathPoint, PathSpec, Shape};
use downdraft_sim::latency::{Latencies, Latency};
use downdraft_sim::samplers::Distribution;
use downdraft_types::Time;

/// A distribution, or a number that stands for a constant, times `scale`: human units become the engine's.
pub(super) fn distribution(field: &Field<'_>, scale: f64) -> Outcome<Distribution> {
    // Checked as it is written, so that what is wrong is said in the scenario's units, and as it is used.
    for scale in [1.0, scale] {
        scaled(field, scale)?.validate().map_err(|reason| field.invalid(reason))?;
    }
    scaled(field, scale)
}

fn scaled(field: &Field<'_>, scale: f64) -> Outcome<Distribution> {
    if !field.is_table() {
        return Ok(Distribution::Constant { value: field.number()? * scale });
    }
    let mut s = field.section()?;
    let scaled = |f: &Field<'_>| Ok(f.number()? * scale);
    let kinds = ["constant", "uniform", "normal", "log-normal", "exponential", "pareto", "choice"];
    let kinds = kinds.map(|k| (k, k));
    let distribution = match s.required("kind", "the kind of distribution", |f| f.choice(&kinds))? {
        "constant" => Distribution::Constant { value: s.required("value", "a number", scaled)? },
        "uniform" => Distribution::Uniform {
            low: s.required("low", "a number", scaled)?,
            high: s.required("high", "a number", scaled)?,
        },
        "normal" => Distribution::Normal {
            mean: s.required("mean", "a number", scaled)?,
            deviation: s.required("deviation", "a number", scaled)?,
            minimum: s.optional("minimum", scaled)?,
            maximum: s.optional("maximum", scaled)?,
        },
        "log-normal" => Distribution::LogNormal {
            median: s.required("median", "a number", scaled)?,
            sigma: s.required("sigma", "a number", Field::number)?,
            maximum: s.optional("maximum", scaled)?,
        },
        "exponential" => Distribution::Exponential {
            mean: s.required("mean", "a number", scaled)?,
            maximum: s.optional("maximum", scaled)?,
        },
        "pareto" => Distribution::Pareto {
            minimum: s.required("minimum", "a number", scaled)?,
            alpha: s.required("alpha", "a number", Field::number)?,
            maximum: s.optional("maximum", scaled)?,
        },
        _ => Distribution::Choice {
            values: s.required("values", "a list of numbers", |f| numbers(f, scale))?,
            weights: s.required("weights", "a list of numbers", |f| numbers(f, 1.0))?,
        },
    };
    s.finish()?;
    Ok(distribution)
}

fn numbers(field: &Field<'_>, scale: f64) -> Outcome<Vec<f64>> {
    field.list()?.iter().map(|f| Ok(f.number()? * scale)).collect()
}

/// `"5ms"` for both ways, or `{ orders = …, market_data = … }`.
pub(super) fn latencies(field: &Field<'_>) -> Outcome<Latencies> {
    if !field.is_table() {
        let latency = latency(field)?;
        return Ok(Latencies { orders: latency, data: latency });
    }
    let mut s = field.section()?;
    let latencies = Latencies {
        orders: s.or("orders", Latency::default(), latency)?,
        data: s.or("market_data", Latency::default(), latency)?,
    };
    s.finish()?;
    Ok(latencies)
}

/// `"5ms"`, or a distribution of spans.
pub(super) fn latency(field: &Field<'_>) -> Outcome<Latency> {
    if !field.is_table() {
        return field.span().map(Latency::constant);
    }
    let mut s = field.section()?;
    let kinds = ["constant", "uniform", "log-normal"].map(|k| (k, k));
    let latency = match s.required("kind", "the kind of latency", |f| f.choice(&kinds))? {
        "constant" => Latency::Constant { delay: s.required("delay", "a length of time", Field::span)? },
        "uniform" => Latency::Uniform {
            low: s.required("low", "a length of time", Field::span)?,
            high: s.required("high", "a length of time", Field::span)?,
        },
        _ => Latency::LogNormal {
            median: s.required("median", "a length of time", Field::positive_span)?,
            sigma: s.required("sigma", "a number", |f| f.number_within(0.0, 100.0))?,
            cap: s.optional("cap", Field::span)?,
        },
    };
    s.finish()?;
    latency.validate().map_err(|reason| field.invalid(reason))?;
    Ok(latency)
}

/// The reference price of an oracle.
pub(super) fn path(field: &Field<'_>, files: &Files) -> Outcome<PathSpec> {
    let mut s = field.section()?;
    let kinds = ["scripted", "recorded", "jump-diffusion"].map(|k| (k, k));
    let path = match s.required("kind", "the kind of path", |f| f.choice(&kinds))? {
        "scripted" => PathSpec::Scripted {
            shape: s.or("shape", Shape::Step, shape)?,
            points: s.required("points", "a list of [time, price]", points)?,
        },
        "recorded" => PathSpec::Recorded { points: s.required("file", "a CSV file", |f| recorded(f, files))? },
        _ => PathSpec::JumpDiffusion(JumpDiffusion {
            start: s.required("start", "a price", Field::number)?,
            interval: s.required("interval", "a length of time", Field::positive_span)?,
            drift: s.or("drift", 0.0, Field::number)?,
            volatility: s.required("volatility", "a number per square root of a year", Field::number)?,
            jumps_per_day: s.or("jumps_per_day", 0.0, Field::number)?,
            jump_mean: s.or("jump_mean", 0.0, Field::number)?,
            jump_deviation: s.or("jump_deviation", 0.0, Field::number)?,
        }),
    };
    s.finish()?;
    path.validate().map_err(|reason| field.invalid(reason))?;
    Ok(path)
}

/// `"step"`, or `{ linear = "100ms" }`: reported that often between the points.
fn shape(field: &Field<'_>) -> Outcome<Shape> {
    if !field.is_table() {
        return field.choice(&[("step", Shape::Step)]);
    }
    let mut s = field.section()?;
    let interval = s.required("linear", "the time between two prices", Field::positive_span)?;
    s.finish()?;
    Ok(Shape::Linear { interval })
}

fn points(field: &Field<'_>) -> Outcome<Vec<PathPoint>> {
    let point = |field: &Field<'_>| match field.list()?.as_slice() {
        [time, price] => Ok(PathPoint(Time(time.span()?.0), price.number()?)),
        _ => Err(field.expected("a pair such as [\"10s\", 60000.0]")),
    };
    field.list()?.iter().map(point).collect()
}

/// A CSV file with the columns `seconds` and `price`.
fn recorded(field: &Field<'_>, files: &Files) -> Outcome<Vec<PathPoint>> {
    let mut table = files.table(field)?;
    let mut points = Vec::new();
    while let Some(row) = table.next_row()? {
        let nanos = row.decimal("seconds")?.count(crate::decimal::Decimal::new(1, 9)).ok();
        let nanos = nanos.and_then(|n| u64::try_from(n).ok());
        let time = nanos.ok_or_else(|| row.expected("seconds", "seconds since the start, to the nanosecond"))?;
        points.push(PathPoint(Time(time), row.decimal("price")?.to_f64()));
    }
    Ok(points)
}
