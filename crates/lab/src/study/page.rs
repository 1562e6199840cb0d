//! A study as one HTML page that needs nothing else: no network, no script. What is on it is described in
//! `docs/study.md`.

use super::answers::{CellAnswers, TierAnswers};
use super::chart::{Axis, Chart, Print};
use super::foresight::ForesightAnswers;
use super::{Answers, CellRuns, Study, Unit};
use crate::reproduce::quoted;
use core::fmt::Write;
use downdraft_insight::Exact;
use downdraft_insight::report::html::{Escaped, Table, cell as text_cell, head, number};
use downdraft_insight::report::{grouped, short, style};
use downdraft_types::CurrencyId;

/// What charts of a study need beside the report's style.
const CHARTS: &str = include_str!("page.css");

/// Cells whose charts are drawn; the tables of all are there.
const DRAWN: usize = 12;

/// Points of a curve: more say nothing more to the eye.
const POINTS: usize = 240;

/// The page of a study. Equal studies give equal bytes.
#[must_use]
pub fn page(study: &Study, answers: &Answers, cells: &[CellRuns]) -> String {
    let mut html = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    html += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n";
    let _ = write!(
        html,
        "<title>{} · study · downdraft</title>\n<style>\n{}{CHARTS}</style>\n</head>\n<body>\n",
        Escaped(&answers.scenario),
        style()
    );
    html += "<a class=\"skip\" href=\"#answers\">To the answers</a>\n";
    html += &header(answers, cells);
    html += "<main id=\"answers\">\n";
    if answers.cells.len() > 1 {
        html += &across(answers);
    }
    for (place, (cell, runs)) in answers.cells.iter().zip(cells).enumerate() {
        html += &cell_section(place, cell, runs, answers.cells.len());
    }
    html += &again(study, answers);
    html + "</main>\n</body>\n</html>\n"
}

fn header(answers: &Answers, cells: &[CellRuns]) -> String {
    let last = answers.first_seed.saturating_add(answers.seeds.saturating_sub(1));
    let summary = cells.first().map(|cell| cell.cell.scenario.summary.clone()).unwrap_or_default();
    let runs: usize = cells.iter().map(|cell| cell.runs.len()).sum();
    let seeds = format!("seeds {} to {last}", answers.first_seed);
    let mut html = String::from("<header>\n<div class=\"run\">\n");
    let _ = writeln!(html, "<h1>{} <small>{seeds}</small></h1>", Escaped(&answers.scenario));
    let _ = writeln!(html, "<p class=\"lead\">{}</p>", Escaped(&summary));
    let varied = match answers.vary.len() {
        0 => String::new(),
        _ => format!(", {} combinations of {}", answers.cells.len(), answers.vary.join(", ")),
    };
    let _ = writeln!(
        html,
        "<p class=\"facts\">{} runs{} · version {}</p>\n</div>\n</header>",
        grouped(&runs.to_string()),
        Escaped(&varied),
        env!("CARGO_PKG_VERSION")
    );
    html
}

/// A name for a cell: the values of what is varied.
fn name(cell: &CellAnswers) -> String {
    let values: Vec<String> = cell.values.0.iter().map(|(path, value)| format!("{path} = {value}")).collect();
    values.join(", ")
}

/// The figure of that name, of the first thing that it is of.
fn figure<'a>(cell: &'a CellAnswers, name: &str) -> Option<&'a super::FigureAnswers> {
    cell.figures.iter().find(|figure| figure.figure == name)
}

fn rounded(value: &Exact) -> String {
    short(&value.to_string(), 2)
}

fn percent(value: &Exact) -> String {
    format!("{}%", short(&format!("{:.4}", value.to_f64() * 100.0), 2))
}

fn share(value: f64) -> String {
    format!("{:.1}%", value * 100.0)
}

/// All cells beside one another.
fn across(answers: &Answers) -> String {
    let mut columns: Vec<(&str, bool)> = answers.vary.iter().map(|path| (path.as_str(), true)).collect();
    columns.extend([
        ("fund for 99%", true),
        ("bad debt, mean", true),
        ("p99", true),
        ("shortfall 95%", true),
        ("Cover-2, p99", true),
        ("branching ratio", true),
    ]);
    let exceeds: Vec<String> = match answers.cells.first() {
        Some(first) => first.cascade_exceeds.iter().map(|e| format!("cascade > {}", e.liquidations)).collect(),
        None => Vec::new(),
    };
    columns.extend(exceeds.iter().map(|name| (name.as_str(), true)));
    let mut table = Table::new("Answers by what is varied", &columns);
    for cell in &answers.cells {
        let money = |name: &str, pick: fn(&super::FigureAnswers) -> Exact| {
            number(&figure(cell, name).map_or_else(|| "none".to_owned(), |figure| rounded(&pick(figure))))
        };
        let mut row: Vec<String> = cell.values.0.iter().map(|(_, value)| number(value)).collect();
        row.push(number(&cell.fund.first().map_or_else(|| "none".to_owned(), |f| rounded(&f.suffices_in_99))));
        row.extend([money("bad_debt", |f| f.mean), money("bad_debt", |f| f.p99), money("bad_debt", |f| f.es95)]);
        row.push(money("cover_2", |f| f.p99));
        row.push(number(
            &cell.branching_ratio.map_or_else(|| "none".to_owned(), |ratio| format!("{:.4}", ratio.value)),
        ));
        row.extend(cell.cascade_exceeds.iter().map(|exceeding| {
            number(&exceeding.probability.map_or_else(|| "none".to_owned(), |probability| share(probability.value)))
        }));
        table.row(&row);
    }
    let about = "Money is of the first currency. Cells share their seeds, so that they differ by the values alone.";
    let mut html = format!("<section id=\"across\">\n<h2>Across values</h2>\n<p class=\"about\">{about}</p>\n");
    html += &table.finish();
    html += "<div class=\"charts\">\n";
    html += &across_chart(answers, "Fund that suffices in 99% of runs", |cell| {
        cell.fund.first().map(|fund| (fund.suffices_in_99.to_f64(), None))
    });
    html += &across_chart(answers, "Bad debt: mean of the worst 5% of runs", |cell| {
        figure(cell, "bad_debt").map(|figure| (figure.es95.to_f64(), None))
    });
    for (place, exceeds) in exceeds.iter().enumerate() {
        html += &across_chart(answers, &format!("Runs with a {exceeds}"), |cell| {
            let probability = cell.cascade_exceeds.get(place)?.probability?;
            Some((probability.value, Some((probability.low, probability.high))))
        });
    }
    html + "</div>\n</section>\n"
}

/// A value by what is varied last, a line for each combination of the others.
fn across_chart(
    answers: &Answers,
    title: &str,
    value: impl Fn(&CellAnswers) -> Option<(f64, Option<(f64, f64)>)>,
) -> String {
    let last = |cell: &CellAnswers| cell.values.0.last().map(|(_, value)| value.clone()).unwrap_or_default();
    let others = |cell: &CellAnswers| {
        let all: Vec<String> = cell.values.0.iter().map(|(path, value)| format!("{path} = {value}")).collect();
        all.split_last().map(|(_, others)| others.join(", ")).unwrap_or_default()
    };
    let mut names: Vec<String> = Vec::new();
    for cell in &answers.cells {
        if !names.contains(&last(cell)) {
            names.push(last(cell));
        }
    }
    let found: Vec<_> = answers.cells.iter().map(&value).collect();
    let is_share = found.iter().flatten().any(|(_, interval)| interval.is_some());
    let largest = found.iter().flatten().map(|(value, _)| *value);
    let y = if is_share { Axis::share("runs") } else { Axis::over("", 0.0, largest, Print::Plain) };
    let path = answers.vary.last().map_or("", String::as_str);
    let mut chart = Chart::new(Axis::named(path, names.clone()), y);
    let width = names.len().max(1);
    for (series, group) in answers.cells.chunks(width).enumerate() {
        let mut line = Vec::new();
        for (place, cell) in group.iter().enumerate() {
            let Some((value, interval)) = value(cell) else { continue };
            line.push((place as f64, value));
            chart.dot(series, (place as f64, value), &name(cell));
            if let Some((low, high)) = interval {
                chart.whisker(series, place as f64, low, high);
            }
        }
        chart.line(series, &line);
        if let Some(cell) = group.first().filter(|_| answers.vary.len() > 1) {
            chart.key(series, &others(cell));
        }
    }
    let about = if is_share { "Whiskers: 95% intervals." } else { "In the first currency." };
    chart.figure(title, about)
}

fn cell_section(place: usize, cell: &CellAnswers, runs: &CellRuns, cells: usize) -> String {
    let title = if cells > 1 { name(cell) } else { "Answers".to_owned() };
    let mut html = format!("<section id=\"cell-{place}\">\n<h2>{}</h2>\n", Escaped(&title));
    html += &tiles(cell);
    html += &figures_table(place, cell);
    if place < DRAWN {
        html += "<div class=\"charts\">\n";
        html += &exceedance(cell, runs);
        for fund in &cell.fund {
            html += &fund_chart(&fund.currency, runs);
            html += &cover_chart(&fund.currency, runs);
        }
        html += &tiers_chart(&cell.tiers);
        html += "</div>\n";
    } else {
        let _ = writeln!(html, "<p class=\"note\">Charts are drawn of the first {DRAWN} combinations.</p>");
    }
    html += &tiers_table(cell);
    html += &bearers_table(place, cell);
    html += &foresight(place, cell);
    html + "</section>\n"
}

/// The numbers that are looked for first.
fn tiles(cell: &CellAnswers) -> String {
    let runs = cell.figures.first().map_or(0, |figure| figure.runs);
    let mut tiles: Vec<(String, String, String)> = Vec::new();
    for fund in &cell.fund {
        let more = match fund.loss_past_any_fund {
            0 if runs < 100 => format!("the largest need of {runs} runs"),
            0 => format!("in all: {}", rounded(&fund.suffices_in_all)),
            past => format!("in {past} of {runs} runs winners lose whatever the fund"),
        };
        tiles.push((
            "Fund that suffices in 99% of runs".to_owned(),
            format!("{} <i>{}</i>", rounded(&fund.suffices_in_99), Escaped(&fund.currency)),
            more,
        ));
        let of = |name: &str| cell.figures.iter().find(|f| f.figure == name && f.of == fund.currency);
        if let Some(debt) = of("bad_debt") {
            let main = format!("{} <i>{}</i>", rounded(&debt.es95), Escaped(&fund.currency));
            let more = format!("mean {}, largest {}", rounded(&debt.mean), rounded(&debt.max));
            tiles.push(("Bad debt in the worst 5% of runs".to_owned(), main, more));
        }
        if let (Some(taken), Some(most)) = (of("adl_overshoot"), of("adl_overshoot_most"))
            && taken.max != Exact::ZERO
        {
            let main = format!("{} <i>{}</i>", rounded(&taken.es95), Escaped(&fund.currency));
            let more = format!(
                "mean {}, largest {}; of one account at most {}",
                rounded(&taken.mean),
                rounded(&taken.max),
                rounded(&most.max)
            );
            tiles.push(("ADL overshoot in the worst 5% of runs".to_owned(), main, more));
        }
        if let Some(cover) = of("cover_2") {
            let main = format!("{} <i>{}</i>", rounded(&cover.p99), Escaped(&fund.currency));
            let ten = of("cover_10").map_or_else(String::new, |ten| format!("ten largest {}", rounded(&ten.p99)));
            tiles.push(("Cover-2 in 99% of runs".to_owned(), main, ten));
        }
    }
    if let Some(ratio) = &cell.branching_ratio {
        let more = format!("{:.4} to {:.4} with 95%", ratio.low, ratio.high);
        tiles.push(("Branching ratio".to_owned(), format!("{:.4}", ratio.value), more));
    }
    for exceeding in &cell.cascade_exceeds {
        if let Some(probability) = &exceeding.probability {
            let more = format!("{} to {} with 95%", share(probability.low), share(probability.high));
            tiles.push((format!("Cascade of more than {}", exceeding.liquidations), share(probability.value), more));
        }
    }
    let wait = &cell.trigger_to_fill;
    if let (Some(p50), Some(p99)) = (wait.p50, wait.p99) {
        let more = format!("99% within {:.3} s; {} never filled", p99.to_f64(), grouped(&wait.unfilled.to_string()));
        tiles.push(("From trigger to fill, half within".to_owned(), format!("{:.3} <i>s</i>", p50.to_f64()), more));
    }
    let tile = |(name, main, more): &(String, String, String)| {
        let (name, more) = (Escaped(name), Escaped(more));
        format!("<div class=\"tile\"><dt>{name}</dt><dd>{main}</dd><dd class=\"more\">{more}</dd></div>\n")
    };
    format!("<dl class=\"tiles\">\n{}</dl>\n", tiles.iter().map(tile).collect::<String>())
}

/// Every figure; its numbers are those of `study.json`.
fn figures_table(place: usize, cell: &CellAnswers) -> String {
    let columns = ["figure", "mean", "p50", "p90", "p95", "p99", "max", "es95", "es99"];
    let columns = columns.map(|name| (name, name != "figure"));
    let mut table = Table::new("Over the runs: quantiles and expected shortfall", &columns);
    for figure in &cell.figures {
        let numbers = [
            ("mean", figure.mean),
            ("p50", figure.p50),
            ("p90", figure.p90),
            ("p95", figure.p95),
            ("p99", figure.p99),
            ("max", figure.max),
            ("es95", figure.es95),
            ("es99", figure.es99),
        ];
        let mut row = vec![head(format!("{} {}", figure.figure.replace('_', " "), figure.of).trim_end())];
        row.extend(numbers.map(|(at, value)| {
            format!(
                "<td class=\"num\" data-cell=\"{place}\" data-figure=\"{}\" data-of=\"{}\" data-at=\"{at}\">{}</td>",
                figure.figure,
                Escaped(&figure.of),
                Escaped(&grouped(&value.to_string()))
            )
        }));
        table.row(&row);
    }
    table.finish()
}

/// Of ascending samples: `(value, share of samples at most that)`, at no more than [`POINTS`] of them.
fn distribution(sorted: &[f64]) -> Vec<(f64, f64)> {
    let count = sorted.len();
    let points = count.min(POINTS);
    let place = |n: usize| if points < 2 { count } else { 1 + n * (count - 1) / (points - 1) };
    (0..points).map(place).map(|rank| (sorted[rank - 1], rank as f64 / count as f64)).collect()
}

/// How often the largest cascade exceeds a size: the edge of the critical region.
fn exceedance(cell: &CellAnswers, runs: &CellRuns) -> String {
    let mut sizes: Vec<f64> = runs.runs.iter().map(|run| f64::from(run.largest)).collect();
    sizes.sort_by(f64::total_cmp);
    let thresholds = cell.cascade_exceeds.iter().map(|exceeding| f64::from(exceeding.liquidations));
    let x = Axis::powers("liquidations of the largest cascade", sizes.iter().copied().chain(thresholds));
    let mut chart = Chart::new(x, Axis::share("runs with more"));
    let mut curve = vec![(1.0, sizes.iter().filter(|size| **size >= 1.0).count() as f64 / sizes.len().max(1) as f64)];
    curve.extend(distribution(&sizes).into_iter().filter(|(size, _)| *size >= 1.0).map(|(size, at)| (size, 1.0 - at)));
    chart.steps(0, &curve);
    for exceeding in &cell.cascade_exceeds {
        let Some(probability) = &exceeding.probability else { continue };
        let at = f64::from(exceeding.liquidations);
        chart.whisker(1, at, probability.low, probability.high);
        chart.dot(1, (at, probability.value), &format!("more than {at}: {}", share(probability.value)));
    }
    chart.figure(
        "How large cascades become",
        "The share of runs whose largest cascade has more liquidations. Whiskers: 95% intervals at the sizes asked for.",
    )
}

/// Ascending samples of a figure of a currency, in its unit.
fn samples(runs: &CellRuns, figure: &str, currency: &str) -> Vec<f64> {
    let units = &runs.names.units;
    let of = |id: CurrencyId| units.currency_name(id) == currency;
    let value = |run: &super::RunFigures| {
        run.figures.iter().find_map(|found| match found.unit {
            Unit::Money(id) if found.name == figure && of(id) => {
                Some(units.money(id, downdraft_types::Money(found.value)).to_f64())
            }
            _ => None,
        })
    };
    let mut samples: Vec<f64> = runs.runs.iter().filter_map(value).collect();
    samples.sort_by(f64::total_cmp);
    samples
}

fn money_chart(currency: &str, runs: &CellRuns, figures: &[(&str, &str)], y: &str) -> Chart {
    let all: Vec<Vec<f64>> = figures.iter().map(|(figure, _)| samples(runs, figure, currency)).collect();
    let largest = all.iter().flatten().copied();
    let mut chart = Chart::new(Axis::over(currency, 0.0, largest, Print::Plain), Axis::share(y));
    for (series, ((_, name), samples)) in figures.iter().zip(&all).enumerate() {
        let mut curve = vec![(0.0, samples.iter().filter(|s| **s <= 0.0).count() as f64 / samples.len().max(1) as f64)];
        curve.extend(distribution(samples));
        chart.steps(series, &curve);
        chart.key(series, name);
    }
    chart
}

fn fund_chart(currency: &str, runs: &CellRuns) -> String {
    let figures = [("fund_need", "need of the fund"), ("bad_debt", "bad debt")];
    let mut chart = money_chart(currency, runs, &figures, "runs with at most that");
    chart.level(0.99, "99%", -4.0);
    chart.level(0.95, "95%", 14.0);
    chart.figure(
        &format!("Fund and bad debt, {currency}"),
        "In what share of runs a fund of a size suffices, and in what share bad debt stays below an amount.",
    )
}

fn cover_chart(currency: &str, runs: &CellRuns) -> String {
    let figures = [("cover_1", "the largest"), ("cover_2", "two"), ("cover_10", "ten"), ("bad_debt", "all")];
    let chart = money_chart(currency, runs, &figures, "runs with at most that");
    chart.figure(
        &format!("Bad debt of the largest accounts, {currency}"),
        "What the one, two and ten accounts left that left most of it, beside all of it.",
    )
}

fn tiers_chart(tiers: &[TierAnswers]) -> String {
    if tiers.is_empty() {
        return String::new();
    }
    let names = tiers.iter().map(|tier| format!("{} {}", tier.instrument, tier.tier)).collect();
    let rates = |tier: &TierAnswers| [tier.maintenance, tier.equity, tier.cost].map(|rate| rate.to_f64());
    let y = Axis::over("of the position's value", 0.0, tiers.iter().flat_map(rates), Print::Percent);
    let mut chart = Chart::new(Axis::named("maintenance tier", names), y);
    let kinds = ["maintenance margin", "equity at the trigger", "cost of closing"];
    kinds.iter().enumerate().for_each(|(series, name)| chart.key(series, name));
    for (place, tier) in tiers.iter().enumerate() {
        for (series, (rate, kind)) in rates(tier).into_iter().zip(kinds).enumerate() {
            let left = place as f64 - 0.36 + series as f64 * 0.24;
            chart.bar(series, (left, left + 0.22), rate, &format!("{kind}: {:.3}%", rate * 100.0));
        }
    }
    chart.figure(
        "Buffer against cost, by tier",
        "A tier is wide enough where closing costs less than its maintenance margin.",
    )
}

fn tiers_table(cell: &CellAnswers) -> String {
    if cell.tiers.is_empty() {
        return String::new();
    }
    let columns = [
        "tier",
        "from",
        "positions",
        "maintenance",
        "equity",
        "cost",
        "beyond bankruptcy",
        "deleveraged",
        "taken over",
        "overrun",
    ];
    let mut table = Table::new("Positions under liquidation, by maintenance tier", &columns.map(|n| (n, n != "tier")));
    for tier in &cell.tiers {
        let mut row = vec![head(&format!("{} {}", tier.instrument, tier.tier))];
        row.extend([number(&rounded(&tier.floor)), number(&grouped(&tier.positions.to_string()))]);
        let rates = [tier.maintenance, tier.equity, tier.cost, tier.beyond_bankruptcy, tier.deleveraged];
        row.extend(rates.iter().chain([&tier.taken_over, &tier.overrun]).map(|rate| number(&percent(rate))));
        table.row(&row);
    }
    let mut html = table.finish();
    if cell.in_no_tier > 0 {
        let count = grouped(&cell.in_no_tier.to_string());
        let _ = writeln!(
            html,
            "<p class=\"note\">{count} liquidations of pools with several positions are in no tier.</p>"
        );
    }
    html
}

/// Who received the ADL overshoot, and who bore it.
fn bearers_table(place: usize, cell: &CellAnswers) -> String {
    if cell.overshoot_bearers.is_empty() {
        return String::new();
    }
    let columns = ["borne by", "runs", "accounts at most", "mean", "p99", "max", "es95", "share"];
    let mut table = Table::new("ADL overshoot, by who bore it", &columns.map(|name| (name, name != "borne by")));
    for bearer in &cell.overshoot_bearers {
        let mut row = vec![head(&format!("{} {}", bearer.class, bearer.currency))];
        row.extend([bearer.runs, bearer.accounts].map(|count| number(&grouped(&count.to_string()))));
        let money = [("mean", bearer.mean), ("p99", bearer.p99), ("max", bearer.max), ("es95", bearer.es95)];
        row.extend(money.map(|(at, value)| {
            format!(
                "<td class=\"num\" data-cell=\"{place}\" data-bearer=\"{}\" data-of=\"{}\" data-at=\"{at}\">{}</td>",
                Escaped(&bearer.class),
                Escaped(&bearer.currency),
                Escaped(&grouped(&value.to_string()))
            )
        }));
        row.push(number(&percent(&bearer.share)));
        table.row(&row);
    }
    let mut html = table.finish();
    let mut currencies: Vec<&str> = cell.overshoot_bearers.iter().map(|bearer| bearer.currency.as_str()).collect();
    currencies.dedup();
    for currency in currencies {
        let mean = |name: &str| {
            let found = cell.figures.iter().find(|f| f.figure == name && f.of == currency);
            found.map_or_else(String::new, |figure| rounded(&figure.mean))
        };
        let _ = writeln!(
            html,
            "<p class=\"note\">In the mean {} of {} {} went to funds, {} to the vault, and {} stayed with those who were \
             liquidated.</p>",
            Escaped(&mean("adl_overshoot_to_fund")),
            Escaped(&mean("adl_overshoot")),
            Escaped(currency),
            Escaped(&mean("adl_overshoot_to_vault")),
            Escaped(&mean("adl_overshoot_to_liquidated"))
        );
    }
    html
}

/// What was to be expected, and what came.
fn foresight(place: usize, cell: &CellAnswers) -> String {
    if cell.foresight.is_empty() {
        return String::new();
    }
    let mut table = Table::new(
        "How what ladder and book let expect ranks the runs (Spearman, with 95% interval)",
        &[("predictor", false), ("of", false), ("correlation", true), ("from", true), ("to", true), ("runs", true)],
    );
    for found in &cell.foresight {
        for rank in &found.rank_correlation {
            table.row(&[
                head(&format!("{}, {}", found.predictor, found.at).replace('_', " ")),
                text_cell(&rank.with.replace('_', " ")),
                number(&format!("{:.3}", rank.value)),
                number(&format!("{:.3}", rank.low)),
                number(&format!("{:.3}", rank.high)),
                number(&grouped(&found.runs.to_string())),
            ]);
        }
    }
    let mut html = String::from("<h3>What was to be expected</h3>\n");
    html += &match cell.foresight.iter().all(|found| found.rank_correlation.is_empty()) {
        true => {
            "<p class=\"note\">Ranks of runs are correlated from four runs on that have liquidations and differ.</p>\n"
                .to_owned()
        }
        false => table.finish(),
    };
    if place < DRAWN {
        html += "<div class=\"charts\">\n";
        cell.foresight.iter().for_each(|found| html += &calibration(found));
        html += "</div>\n";
    }
    html
}

/// By group of runs: what was expected, against what came.
fn calibration(found: &ForesightAnswers) -> String {
    let is_branching = found.predictor == "expected_branching";
    let title = format!("{}, {}", found.predictor, found.at).replace('_', " ");
    let x = Axis::over(&title, 0.0, found.groups.iter().map(|group| group.expected_mean), Print::Plain);
    let came = |group: &super::Group| match is_branching {
        true => (group.branching_ratio, group.branching_ratio_low, group.branching_ratio_high),
        false => (group.mean_cascade, group.mean_cascade_low, group.mean_cascade_high),
    };
    let y = Axis::over(
        if is_branching { "branching ratio that came" } else { "mean cascade that came" },
        0.0,
        found.groups.iter().map(|group| came(group).2),
        Print::Plain,
    );
    let mut chart = Chart::new(x, y);
    let line: Vec<(f64, f64)> = found.groups.iter().map(|group| (group.expected_mean, came(group).0)).collect();
    chart.line(0, &line);
    for group in &found.groups {
        let (value, low, high) = came(group);
        chart.whisker(0, group.expected_mean, low, high);
        chart.dot(0, (group.expected_mean, value), &format!("{} runs, {value:.3}", group.runs));
    }
    chart.figure(
        &format!("{}{}", title[..1].to_uppercase(), &title[1..]),
        "Runs in five groups by what was expected; whiskers: 95% intervals across runs.",
    )
}

/// What the scenario is called on a command line: a built-in one by its name.
fn source(study: &Study) -> &str {
    let built_in = crate::library::library().iter().find(|entry| entry.text == study.text.text);
    built_in.map_or(study.text.name.as_str(), |entry| entry.name)
}

fn again(study: &Study, answers: &Answers) -> String {
    let mut command = format!(
        "downdraft study {} --first-seed {} --seeds {}",
        quoted(source(study)),
        answers.first_seed,
        study.seeds
    );
    for set in &study.sets {
        let _ = write!(command, " --set {}", quoted(set));
    }
    for vary in &study.vary {
        let _ = write!(command, " --vary {}", quoted(&format!("{}={}", vary.path, vary.values.join(","))));
    }
    let exceeds: Vec<String> = study.exceeds.iter().map(u32::to_string).collect();
    let _ = write!(command, " --exceeds {}", exceeds.join(","));
    format!(
        "<section id=\"again\">\n<h2>To see it again</h2>\n<pre>{}</pre>\n<details><summary>The scenario</summary>\
         <pre class=\"scenario\" tabindex=\"0\">{}</pre></details>\n</section>\n",
        Escaped(&command),
        Escaped(&study.text.text)
    )
}
