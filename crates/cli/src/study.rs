//! `study`: a scenario over many seeds and values, and what a risk engineer asks first.

use crate::args;
use crate::fork::{default_directory, json, on_threads};
use crate::output::{Failure, clear, create_directory, print};
use crate::report::write_page;
use crate::screen::grouped;
use comfy_table::{ContentArrangement, Table, presets};
use downdraft_insight::Exact;
use downdraft_lab::library::Text;
use downdraft_lab::study::{
    Answers, CellAnswers, CellRuns, Study, Vary, page, write_figures, write_foresight, write_runs, write_tiers,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Sizes of cascades whose exceeding is counted where none are named.
const EXCEEDS: [u32; 3] = [10, 100, 1_000];

/// Files of a study.
const FILES: [&str; 6] = ["study.json", "study.csv", "runs.csv", "tiers.csv", "foresight.csv", "study.html"];

/// Runs that a study may have at most: what is beyond is a mistake.
const MOST_RUNS: u64 = 10_000_000;

/// Studies a scenario.
pub fn study(options: &args::Study) -> Result<ExitCode, Failure> {
    let usage = |error: downdraft_lab::ScenarioError| Failure::Usage(error.to_string());
    let vary =
        options.vary.iter().map(|vary| Vary::parse(vary).map_err(|error| Failure::Usage(format!("--vary: {error}"))));
    let study = Study {
        text: Text::open(&options.scenario).map_err(usage)?,
        sets: options.sets.clone(),
        vary: vary.collect::<Result<_, _>>()?,
        first_seed: options.first_seed,
        seeds: options.seeds,
        exceeds: if options.exceeds.is_empty() { EXCEEDS.to_vec() } else { options.exceeds.clone() },
    };
    let cells = study.cells().map_err(usage)?;
    let runs = (cells.len() as u64).saturating_mul(study.seeds);
    if runs == 0 || runs > MOST_RUNS {
        return Err(Failure::Usage(format!("--seeds: found {runs} runs in all, expected 1 to {MOST_RUNS}")));
    }
    let first_seed = study.first_seed(&cells);
    if first_seed.checked_add(study.seeds - 1).is_none() {
        let seeds = study.seeds;
        return Err(Failure::Usage(format!(
            "--first-seed: found {first_seed}, expected one with {seeds} seeds up to {}",
            u64::MAX
        )));
    }
    let directory = options.out.clone().unwrap_or_else(|| default_directory(&options.scenario, first_seed, "study"));
    create_directory(&directory)?;
    clear(&directory, &FILES)?;
    let bar = progress_bar(runs, options.batch.quiet || options.batch.json);
    let cells = on_threads(options.batch.threads, || study.run(cells, || bar.inc(1)))??;
    bar.finish_and_clear();
    let answers = Answers::new(&study, &cells);
    write(&study, &cells, &answers, &directory)?;
    if !options.no_report {
        write_page(&directory.join("study.html"), &page(&study, &answers, &cells))?;
    }
    if options.batch.json {
        print(&json(&answers)?)?;
    } else if !options.batch.quiet {
        let page = if options.no_report { "" } else { ", study.html" };
        let files = format!("study.json, study.csv, runs.csv, tiers.csv, foresight.csv{page}");
        print(&format!("{}\nFiles in {}: {files}\n", screen(&answers), directory.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn progress_bar(runs: u64, hidden: bool) -> ProgressBar {
    if hidden || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(runs);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} runs, {eta} to go") {
        bar.set_style(style);
    }
    bar
}

fn write(study: &Study, cells: &[CellRuns], answers: &Answers, directory: &Path) -> Result<(), Failure> {
    let create = |name: &str| {
        let path = directory.join(name);
        File::create(&path).map(BufWriter::new).map_err(|error| Failure::file("create", &path, &error))
    };
    let failed = |error: std::io::Error| Failure::file("write in", directory, &error);
    let text = json(answers)?;
    let mut out = create("study.json")?;
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(failed)?;
    write_figures(create("study.csv")?, answers).map_err(failed)?;
    write_runs(create("runs.csv")?, study, cells).map_err(failed)?;
    write_tiers(create("tiers.csv")?, answers).map_err(failed)?;
    write_foresight(create("foresight.csv")?, study, cells).map_err(failed)
}

/// The answers as a person reads them: the main ones.
fn screen(answers: &Answers) -> String {
    let last_seed = answers.first_seed.saturating_add(answers.seeds.saturating_sub(1));
    let mut text = format!("{} · seeds {} to {last_seed}\n", answers.scenario, answers.first_seed);
    for cell in &answers.cells {
        let values: Vec<String> = cell.values.0.iter().map(|(path, value)| format!("{path} = {value}")).collect();
        if !values.is_empty() {
            let _ = write!(text, "\n{}", values.join(", "));
        }
        let _ = write!(text, "\n{}", figures_table(cell));
        text += &lines(cell);
        if !cell.tiers.is_empty() {
            let _ = writeln!(text, "{}", tiers_table(cell));
        }
    }
    text
}

fn plain_table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    table
}

fn figures_table(cell: &CellAnswers) -> String {
    const SHOWN: [&str; 10] = [
        "price_fall",
        "liquidated_accounts",
        "largest_cascade",
        "bad_debt",
        "fund_need",
        "conceded",
        "adl_overshoot",
        "cover_1",
        "cover_2",
        "cover_10",
    ];
    let mut table = plain_table(["figure", "mean", "median", "p95", "p99", "largest", "shortfall 95%"]);
    for figure in cell.figures.iter().filter(|figure| SHOWN.contains(&figure.figure)) {
        let print = |number: &Exact| number_text(number, figure.figure == "price_fall");
        table.add_row([
            format!("{} {}", figure.figure.replace('_', " "), figure.of).trim_end().to_owned(),
            print(&figure.mean),
            print(&figure.p50),
            print(&figure.p95),
            print(&figure.p99),
            print(&figure.max),
            print(&figure.es95),
        ]);
    }
    format!("{table}\n")
}

fn lines(cell: &CellAnswers) -> String {
    let mut text = String::new();
    let runs = cell.figures.first().map_or(0, |figure| figure.runs);
    for fund in &cell.fund {
        let few = if runs < 100 { format!(", the largest of {runs} runs") } else { String::new() };
        let amount = number_text(&fund.suffices_in_99, false);
        let _ = writeln!(text, "A fund of {amount} {} suffices in 99% of runs{few}", fund.currency);
        if fund.loss_past_any_fund > 0 {
            let _ = writeln!(text, "  in {} runs winners lose whatever the fund", fund.loss_past_any_fund);
        }
        let of = |name: &str| cell.figures.iter().find(|f| f.figure == name && f.of == fund.currency);
        if let (Some(taken), Some(most)) = (of("adl_overshoot"), of("adl_overshoot_most"))
            && taken.max != Exact::ZERO
        {
            let [mean, largest, one] = [&taken.mean, &taken.max, &most.max].map(|amount| number_text(amount, false));
            let _ = writeln!(
                text,
                "ADL took {mean} {} beyond the deficits in the mean, {largest} at most, {one} at most of one account",
                fund.currency
            );
            let mean = |name: &str| of(name).map_or_else(String::new, |figure| number_text(&figure.mean, false));
            let _ = writeln!(
                text,
                "  of the mean {} went to funds, {} to the vault, {} stayed with the liquidated",
                mean("adl_overshoot_to_fund"),
                mean("adl_overshoot_to_vault"),
                mean("adl_overshoot_to_liquidated")
            );
            let borne = cell.overshoot_bearers.iter().filter(|bearer| bearer.currency == fund.currency);
            let shares = borne.map(|bearer| format!("{:.1}% {}", bearer.share.to_f64() * 100.0, bearer.class));
            let _ = writeln!(text, "  borne by {}", shares.collect::<Vec<_>>().join(", "));
        }
    }
    if let Some(ratio) = &cell.branching_ratio {
        let _ = writeln!(text, "Branching ratio {:.4} ({:.4} to {:.4})", ratio.value, ratio.low, ratio.high);
    }
    for exceeding in &cell.cascade_exceeds {
        if let Some(probability) = &exceeding.probability {
            let [value, low, high] = [probability.value, probability.low, probability.high].map(|p| p * 100.0);
            let size = exceeding.liquidations;
            let _ = writeln!(
                text,
                "A cascade exceeds {size} liquidations in {value:.1}% of runs ({low:.1}% to {high:.1}%)"
            );
        }
    }
    for found in &cell.foresight {
        let what = found.predictor.replace('_', " ");
        for rank in found.rank_correlation.iter().filter(|rank| rank.with == "mean_cascade") {
            let _ = writeln!(
                text,
                "The {what} {} ranks {} runs by their mean cascade with correlation {:.2} ({:.2} to {:.2})",
                found.at.replace("before", "before the").replace("first", "at the first").replace('_', " "),
                found.runs,
                rank.value,
                rank.low,
                rank.high
            );
        }
    }
    let wait = &cell.trigger_to_fill;
    if let (Some(p50), Some(p99)) = (wait.p50, wait.p99) {
        let _ =
            writeln!(text, "From trigger to fill: half within {:.3} s, 99% within {:.3} s", p50.to_f64(), p99.to_f64());
    }
    text
}

fn tiers_table(cell: &CellAnswers) -> Table {
    let mut table = plain_table([
        "tier",
        "from",
        "positions",
        "maintenance",
        "equity",
        "cost",
        "beyond bankruptcy",
        "deleveraged",
        "overrun",
    ]);
    for tier in &cell.tiers {
        let percent = |rate: &Exact| format!("{:.2}%", rate.to_f64() * 100.0);
        table.add_row([
            format!("{} {}", tier.instrument, tier.tier),
            grouped(&tier.floor.to_string()),
            grouped(&tier.positions.to_string()),
            percent(&tier.maintenance),
            percent(&tier.equity),
            percent(&tier.cost),
            percent(&tier.beyond_bankruptcy),
            percent(&tier.deleveraged),
            percent(&tier.overrun),
        ]);
    }
    table
}

fn number_text(number: &Exact, is_rate: bool) -> String {
    if is_rate {
        return format!("{:.2}%", number.to_f64() * 100.0);
    }
    let text = number.to_string();
    let short = text.split_once('.').is_none_or(|(_, part)| part.len() <= 2);
    if short { grouped(&text) } else { grouped(&format!("{:.2}", number.to_f64())) }
}
