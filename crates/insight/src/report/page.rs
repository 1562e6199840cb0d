//! The page: everything in one file, in a fixed order.

use super::camera::Scene;
use super::changes::{Change, changes};
use super::data::Data;
use super::fields::{brief, grouped};
use super::html::{Escaped, inert};
use super::tables::{fields_table, left_out};
use super::{RunReport, Share};
use crate::exact::Exact;
use downdraft_types::{CurrencyId, InstrumentId};

/// The look of a page: a style sheet, light and dark.
#[must_use]
pub fn style() -> String {
    format!(
        "{STYLE}:root[data-scheme=\"dark\"] {{\n{DARK}}}\n\
         @media (prefers-color-scheme: dark) {{ :root:not([data-scheme=\"light\"]) {{\n{DARK}}} }}\n"
    )
}

const STYLE: &str = include_str!("page/style.css");
/// The colours of the dark scheme: used where it was chosen, and where the system says so and no other was.
const DARK: &str = include_str!("page/dark.css");
const SCRIPT: [&str; 9] = [
    include_str!("page/base.js"),
    include_str!("page/data.js"),
    include_str!("page/plot.js"),
    include_str!("page/time.js"),
    include_str!("page/map.js"),
    include_str!("page/moment.js"),
    include_str!("page/flow.js"),
    include_str!("page/tree.js"),
    include_str!("page/main.js"),
];

/// One page that shows these runs, beside one another where there are several. It needs no network and nothing
/// else; equal runs give equal bytes.
///
/// # Panics
/// Without a run.
#[must_use]
pub fn page(runs: &[RunReport]) -> String {
    let first = runs.first().expect("a page shows a run");
    let title = match runs {
        [only] => only.label.clone(),
        several => format!("{} and {} more", first.label, several.len() - 1),
    };
    let data = serde_json::to_string(&Data::new(runs, &Share { runs: runs.len() })).unwrap_or_default();
    let mut html = String::with_capacity(data.len() + (1 << 17));
    html += "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    html += "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             script-src 'unsafe-inline'; img-src data:\">\n<link rel=\"icon\" href=\"data:,\">\n";
    html += &format!("<title>{} · downdraft</title>\n<style>\n{}</style>\n</head>\n<body>\n", Escaped(&title), style());
    html += "<a class=\"skip\" href=\"#price\">To the charts</a>\n";
    html += &header(runs);
    html += "<main>\n";
    html += &sections(runs);
    html += "</main>\n";
    html += "<noscript><p class=\"warning\">The charts need JavaScript; the tables do not.</p></noscript>\n";
    html += &format!("<script type=\"application/json\" id=\"data\">{}</script>\n<script>\n", inert(&data));
    html += "\"use strict\";\n(() => {\n";
    SCRIPT.iter().for_each(|part| html += part);
    html += "})();\n</script>\n</body>\n</html>\n";
    html
}

fn header(runs: &[RunReport]) -> String {
    let mut html = String::from("<header>\n");
    for (number, run) in runs.iter().enumerate() {
        let summary = &run.summary;
        html += "<div class=\"run\">\n";
        html += &format!("<h1>{} <small>seed {}</small></h1>\n", Escaped(&summary.scenario), summary.seed);
        html += &format!("<p class=\"lead\">{}</p>\n", Escaped(&run.about.summary));
        if let Some(warning) = &run.about.warning {
            html += &format!("<p class=\"warning\" role=\"alert\">{}</p>\n", Escaped(warning));
        }
        if let Some(fault) = &summary.audit {
            html += &format!("<p class=\"warning\" role=\"alert\">The auditor found a fault: {}</p>\n", Escaped(fault));
        }
        if let Some(text) = left_out(run) {
            html += &format!("<p class=\"note\">{}</p>\n", Escaped(&text));
        }
        html += &tiles(number, run);
        html += &format!(
            "<p class=\"facts\">{} s simulated · {} commands · {} events · version {} · state <code>{}</code></p>\n",
            value(number, run, "simulated_s", grouped),
            value(number, run, "commands", grouped),
            value(number, run, "events", grouped),
            Escaped(&summary.version),
            value(number, run, "state_hash", str::to_owned),
        );
        html += "</div>\n";
    }
    html + "</header>\n"
}

/// A field of a run's summary, marked as one.
fn value(number: usize, run: &RunReport, path: &str, print: impl Fn(&str) -> String) -> String {
    let text = run.fields.get(path).map_or_else(
        || "none".to_owned(),
        |value| match value {
            "null" => "none".to_owned(),
            value => print(value),
        },
    );
    format!("<span data-run=\"{number}\" data-field=\"{}\">{}</span>", Escaped(path), Escaped(&text))
}

/// A field that is by currency: one value with its `unit`, or each with its name.
fn each(number: usize, run: &RunReport, (path, leaf): (&str, &str), unit: &str) -> String {
    let wanted = |below: &str| match leaf {
        "" => true,
        leaf => below == leaf || below.strip_suffix(leaf).is_some_and(|rest| rest.ends_with('.')),
    };
    let parts = run.fields.each(path).filter(|(below, _)| wanted(below)).map(|(below, _)| {
        let full = if below.is_empty() { path.to_owned() } else { format!("{path}.{below}") };
        let name = below.strip_suffix(leaf).unwrap_or(below).trim_end_matches('.');
        let name = if name.is_empty() { unit } else { name };
        value(number, run, &full, brief) + &format!(" <i>{}</i>", Escaped(name))
    });
    let parts: Vec<String> = parts.take(4).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}

/// Where the price of each instrument began, ended, and was lowest; of the first few.
fn price_tiles(number: usize, run: &RunReport) -> Vec<(String, String, String)> {
    let single = run.camera.scenes.iter().flatten().count() == 1;
    let tile = |(id, scene): (InstrumentId, &Scene)| {
        let name = run.units.instrument_name(id);
        let path = if single { "price".to_owned() } else { format!("price.{name}") };
        let quote = if scene.is_priced_in_it() { run.units.currency_name(scene.currency()) } else { String::new() };
        let quote = Escaped(&quote).to_string();
        let at = |leaf: &str| value(number, run, &format!("{path}.{leaf}"), grouped);
        let way = format!("{} → {} <i>{quote}</i>", at("start"), at("end"));
        (format!("Price of {name}"), way, format!("lowest {}, highest {}", at("low"), at("high")))
    };
    run.scenes().take(4).map(tile).collect()
}

/// What of the concessions is no part of the bad debt, where there is any.
fn overshoot(number: usize, run: &RunReport, unit: &str) -> String {
    let any = run.summary.adl.overshoot.0.iter().any(|(_, overshot)| overshot.taken != Exact::ZERO);
    if any {
        format!(" (of it overshoot {})", each(number, run, ("adl.overshoot", "taken"), unit))
    } else {
        String::new()
    }
}

/// The numbers that are looked for first.
fn tiles(number: usize, run: &RunReport) -> String {
    let currency = run.units.currency_name(CurrencyId(0));
    let plain = |path| value(number, run, path, grouped);
    let fund = |leaf, unit| each(number, run, ("insurance_fund", leaf), unit);
    let money = |path| each(number, run, (path, ""), &currency);
    let mut tiles = price_tiles(number, run);
    let others = [
        (
            "Liquidated accounts",
            plain("liquidations.accounts"),
            format!("{} liquidations, {} orders", plain("liquidations.episodes"), plain("liquidations.orders")),
        ),
        (
            "Largest cascade",
            plain("cascade.largest"),
            format!("{} generations deep, {} roots", plain("cascade.max_depth"), plain("cascade.roots")),
        ),
        ("Branching ratio", plain("cascade.branching_ratio"), "liquidations with a liquidation parent".to_owned()),
        (
            "Slippage of forced orders",
            money("liquidations.slippage_cost"),
            format!("of {} at mark", money("liquidations.notional")),
        ),
        (
            "Insurance fund",
            format!("{} → {}", fund("start", ""), fund("end", &currency)),
            format!("paid {}", fund("drawn", &currency)),
        ),
        (
            "Bad debt",
            money("bad_debt"),
            format!(
                "ADL {}{}, socialised {}, uncovered {}",
                money("adl.conceded"),
                overshoot(number, run, &currency),
                money("socialised_loss"),
                money("uncovered")
            ),
        ),
        ("Trading halts", plain("halts"), format!("at most {} pools waiting", plain("backlog.max"))),
    ];
    tiles.extend(others.map(|(name, main, more)| (name.to_owned(), main, more)));
    let tile = |(name, main, more): &(String, String, String)| {
        let name = Escaped(name);
        format!("<div class=\"tile\"><dt>{name}</dt><dd>{main}</dd><dd class=\"more\">{more}</dd></div>\n")
    };
    format!("<dl class=\"tiles\">\n{}</dl>\n", tiles.iter().map(tile).collect::<String>())
}

fn sections(runs: &[RunReport]) -> String {
    let several = runs.len() > 1;
    let mut html = toolbar();
    if several {
        html += &section("differences", "Differences", "", &(scenario_changes(runs) + &fields_table(runs, true)));
        html += &chart("overlay", "Marks together", "Mark price of every run as a change since its start.");
    }
    html += &chart(
        "price",
        "Price",
        "Last trade, mark and index. Shaded: trading halted. Bars: quantity of the liquidations triggered then.",
    );
    html += &chart(
        "ladder",
        "Liquidation heat map",
        "Quantity that will be forced when the mark reaches a price: longs, which are sold, below it; shorts, which \
         are bought back, above. The mark runs through it.",
    );
    html += &chart("book", "Depth of the book", "Quantity resting at each price, and the mark.");
    html += &chart(
        "moment",
        "Ladder against book",
        "At the moment pointed at above: what would be forced down (or up) to each price, against what the book \
         holds down to it. Where the first is above the second, the book does not hold.",
    );
    html += &chart(
        "waterfall",
        "Who bore the losses",
        "From the equity that liquidated pools had left to the deficits, down the waterfall.",
    );
    html += &chart(
        "tree",
        "Cascade tree",
        "A dot is a liquidation, its size what was closed; a line leads from the one whose order triggered it.",
    );
    html += &chart("branching", "Branching ratio", "Of the latest liquidations, those that another one triggered.");
    html += &chart(
        "recursion",
        "Recursion condition",
        "How far selling what the nearest trigger holds moves the price on from it, over the distance to the next \
         trigger: from 1 up the next one falls too. Dashed: the branching number to expect of all triggers within 5%.",
    );
    html += &chart(
        "reach",
        "How far it would run",
        "The same for all triggers one after another: where a cascade that begins at the nearest trigger would come to \
         rest, what is forced down to each price against what the book holds. Dashed: where it would begin.",
    );
    html += &chart("generations", "Generations", "Liquidations by generation: 1 are roots, 2 their children.");
    html += &chart("fund", "Insurance fund", "Its cash.");
    html += &chart("interest", "Open interest", "Quantity of all long positions, which is that of all short ones.");
    html += &section(
        "largest",
        "Largest liquidations",
        "",
        &per_run(runs, |run| {
            run.largest_table().unwrap_or_else(|| "<p class=\"empty\">No position was liquidated.</p>".to_owned())
        }),
    );
    let about =
        "Profit is equity at the end less what was paid in: after fees and funding, open positions at the mark.";
    html += &section("standing", "Winners and losers", about, &per_run(runs, RunReport::standing_tables));
    let all = format!("<details><summary>Every field of summary.json</summary>{}</details>", fields_table(runs, false));
    html += &section("numbers", "All numbers", "", &all);
    html + &section("again", "To see it again", "", &per_run(runs, reproduce))
}

/// What each scenario says otherwise than the first.
fn scenario_changes(runs: &[RunReport]) -> String {
    let first = &runs[0].about.scenario;
    let told = runs[1..].iter().map(|run| {
        let name = Escaped(&run.label);
        match changes(first, &run.about.scenario) {
            None => format!("<p class=\"note\">{name}: another scenario altogether.</p>\n"),
            Some(found) if found.is_empty() => format!("<p class=\"note\">{name}: the same scenario.</p>\n"),
            Some(found) if found.len() > 60 => {
                format!("<p class=\"note\">{name}: {} lines of the scenario are others.</p>\n", found.len())
            }
            Some(found) => {
                let line = |change: &Change<'_>| match change {
                    Change::Gone(line) => format!("<del>\u{2212} {}</del>\n", Escaped(line)),
                    Change::New(line) => format!("<ins>+ {}</ins>\n", Escaped(line)),
                };
                let lines: String = found.iter().map(line).collect();
                format!("<p class=\"note\">{name}: what its scenario says otherwise</p>\n<pre>{lines}</pre>\n")
            }
        }
    });
    told.collect()
}

fn toolbar() -> String {
    "<nav class=\"bar\" aria-label=\"Range of time\"><div id=\"tools\"></div></nav>\n".to_owned()
}

fn chart(id: &str, title: &str, about: &str) -> String {
    section(id, title, about, &format!("<div class=\"charts\" data-chart=\"{id}\"></div>\n"))
}

fn section(id: &str, title: &str, about: &str, body: &str) -> String {
    let about = if about.is_empty() { String::new() } else { format!("<p class=\"about\">{about}</p>\n") };
    format!("<section id=\"{id}\">\n<h2>{title}</h2>\n{about}{body}</section>\n")
}

/// What is told of each run, under its name where there are several.
fn per_run(runs: &[RunReport], body: impl Fn(&RunReport) -> String) -> String {
    let part = |run: &RunReport| match runs {
        [_] => body(run),
        _ => format!("<h3>{}</h3>\n{}", Escaped(&run.label), body(run)),
    };
    runs.iter().map(part).collect()
}

fn reproduce(run: &RunReport) -> String {
    let (about, summary) = (&run.about, &run.summary);
    let mut html = String::from("<dl class=\"again\">\n");
    let commands: Vec<String> = about.reproduce.iter().map(|line| Escaped(line).to_string()).collect();
    html += &format!("<dt>Command</dt><dd><pre>{}</pre></dd>\n", commands.join("\n"));
    for (name, value) in [
        ("Scenario", summary.scenario.clone()),
        ("Seed", summary.seed.to_string()),
        ("Version", summary.version.clone()),
        ("State hash", summary.state_hash.clone()),
    ] {
        html += &format!("<dt>{name}</dt><dd><code>{}</code></dd>\n", Escaped(&value));
    }
    html += "</dl>\n<details><summary>The scenario as run</summary>";
    html + &format!("<pre class=\"scenario\" tabindex=\"0\">{}</pre></details>\n", Escaped(&about.scenario))
}
