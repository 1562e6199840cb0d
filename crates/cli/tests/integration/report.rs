//! `report`, and the page that `run` writes. In a real browser where one is installed.

use crate::shell::{Answer, Scratch, downdraft, run_tiny, tiny};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn report(scratch: &Scratch, more: &[&str]) -> Answer {
    let run = scratch.path("").display().to_string();
    downdraft(["report", run.as_str()].into_iter().chain(more.iter().copied()))
}

/// Fields of a pretty-printed `summary.json` by path, each as it stands there.
fn fields(summary: &str) -> BTreeMap<String, String> {
    let mut path: Vec<String> = Vec::new();
    let mut fields = BTreeMap::new();
    let mut lines = summary.lines().map(|line| line.trim().trim_end_matches(',')).skip(1);
    while let Some(line) = lines.next() {
        if line == "}" {
            path.pop();
            continue;
        }
        let (name, value) = line.split_once(": ").unwrap();
        path.push(name.trim_matches('"').to_owned());
        let list = (value == "[").then(|| {
            let items: Vec<&str> = lines.by_ref().take_while(|line| *line != "]").collect();
            format!("[{}]", items.join(","))
        });
        let value = list.as_deref().unwrap_or(value);
        if value != "{" {
            let value = if value == "{}" { None } else { Some(value.trim_matches('"').to_owned()) };
            value.into_iter().for_each(|value| drop(fields.insert(path.join("."), value)));
            path.pop();
        }
    }
    fields
}

/// A number as a page prints it, with its groups and its minus taken out.
pub fn plain(shown: &str) -> String {
    shown.replace('\u{202f}', "").replace('\u{2212}', "-").replace("none", "null")
}

/// What a page shows of a run's fields: `(path, text)`.
fn shown(html: &str, run: usize) -> Vec<(String, String)> {
    let start = format!("data-run=\"{run}\" data-field=\"");
    let parts = html.split(start.as_str()).skip(1);
    parts
        .map(|part| {
            let (path, rest) = part.split_once("\">").unwrap();
            (path.to_owned(), plain(rest.split('<').next().unwrap()))
        })
        .collect()
}

/// The page's data.
fn data(html: &str) -> serde_json::Value {
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split("</script>").next().unwrap()).unwrap()
}

/// Lowest and highest value of a series, in mark increments.
fn extremes(series: &serde_json::Value) -> (i64, i64) {
    let deltas: Vec<i64> = series.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    let (mut last, mut low, mut high) = (0, i64::MAX, i64::MIN);
    for bucket in deltas.chunks(6) {
        let first = last + bucket[2];
        (low, high) = (low.min(first - bucket[3]), high.max(first + bucket[4]));
        last = first + bucket[5];
    }
    (low, high)
}

/// Every field that the page shows has the very digits of `summary.json`, or is its rounding to those it has.
fn check_numbers(html: &str, summary: &str, run: usize) {
    let fields = fields(summary);
    let shown = shown(html, run);
    for (path, text) in &shown {
        let exact = fields.get(path).unwrap_or_else(|| panic!("{path} is not in the summary"));
        let number = |text: &str| text.parse::<f64>().unwrap_or(f64::NAN);
        let shown_digits = text.split_once('.').map_or(0, |(_, part)| part.len());
        let half = (0..shown_digits).fold(0.5, |half, _| half / 10.0);
        let rounded = (number(text) - number(exact)).abs() <= half * 1.000_001;
        assert!(text == exact || rounded, "{path}: {text} shown, {exact} in the summary");
    }
    let exact = |path: &String, value: &String| shown.iter().any(|(known, text)| known == path && text == value);
    for (path, value) in &fields {
        let elsewhere = ["timing.", "actors.", "feed."].iter().any(|part| path.starts_with(part));
        assert!(elsewhere || exact(path, value), "{path}: {value} is not shown");
    }
}

#[test]
fn a_run_and_its_journal_give_the_same_page() {
    let scratch = Scratch::new("report-same");
    assert!(run_tiny(&scratch, &[]).out.contains("report.html"));
    let live = scratch.text("report.html");
    let again = scratch.path("again.html").display().to_string();
    let answer = report(&scratch, &["--out", &again]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    assert_eq!(answer.out.trim(), again);
    assert!(live == scratch.text("again.html"), "the journal gives another page");
    let other = Scratch::new("report-other");
    run_tiny(&other, &["--quiet", "--no-report"]);
    assert!(!other.path("report.html").exists());
    report(&other, &[]);
    assert!(live == other.text("report.html"), "an equal run gives another page");
}

#[test]
fn two_instruments_and_given_positions_are_shown() {
    let scratch = Scratch::new("report-my-venue");
    let out = scratch.path("").display().to_string();
    downdraft(["run", "my-venue", "--quiet", "--out", &out]);
    let live = scratch.text("report.html");
    report(&scratch, &[]);
    assert!(live == scratch.text("report.html"));
    check_numbers(&live, &scratch.text("summary.json"), 0);
    let names: Vec<_> =
        data(&live)["runs"][0]["instruments"].as_array().unwrap().iter().map(|i| i["name"].clone()).collect();
    assert_eq!(names, ["BTC-PERP", "ETH-PERP"]);
    assert!(live.contains("downdraft run my-venue --seed 1</pre>"));
}

#[test]
fn numbers_are_those_of_the_summary_and_extremes_are_kept() {
    let scratch = Scratch::new("report-numbers");
    run_tiny(&scratch, &["--quiet"]);
    let (html, summary) = (scratch.text("report.html"), scratch.text("summary.json"));
    check_numbers(&html, &summary, 0);
    let fields = fields(&summary);
    let run = &data(&html)["runs"][0];
    let instrument = &run["instruments"][0];
    let price = instrument["price"].as_f64().unwrap();
    for (series, field) in [("trades", "price"), ("marks", "mark")] {
        let (low, high) = extremes(&instrument[series]);
        let expected = ["low", "high"].map(|end| fields[&format!("{field}.{end}")].parse::<f64>().unwrap());
        assert_eq!([low as f64 * price, high as f64 * price], expected, "{series}");
    }
    let waterfall = &run["currencies"][0]["waterfall"];
    let unit = run["currencies"][0]["unit"].as_f64().unwrap();
    for (name, path) in [
        ("drawn", "insurance_fund.drawn"),
        ("conceded", "adl.conceded"),
        ("overshoot", "adl.overshoot.taken"),
        ("socialised", "socialised_loss"),
        ("uncovered", "uncovered"),
    ] {
        let amount = waterfall[name].as_f64().unwrap() * unit;
        let expected: f64 = fields[path].parse().unwrap();
        assert!((amount - expected).abs() < 1e-6, "{name}: {amount}, {expected} in the summary");
    }
    assert!(waterfall["drawn"].as_f64().unwrap() > 0.0, "the tiny scenario draws on its fund");
    let sum = |name: &str| waterfall[name].as_i64().unwrap();
    assert_eq!(sum("borne") + sum("received") + sum("kept"), sum("entered"));
    let count = |list: &serde_json::Value| list.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>();
    let episodes = fields["liquidations.episodes"].parse::<u64>().unwrap();
    assert_eq!(count(&run["generations"]), episodes);
    assert_eq!(count(&instrument["liquidations"]["count"]), episodes);
    assert_eq!(run["generations"][0].to_string(), fields["cascade.roots"]);
    assert_eq!(run["trees"][0]["size"].to_string(), fields["cascade.largest"]);
}

/// Where winners give up all they won, what deficits did not ask for goes to the fund, and is not the pools' own.
#[test]
fn overshoot_is_told_with_who_bore_it_and_who_received_it() {
    let scratch = Scratch::new("report-overshoot");
    let out = scratch.path("").display().to_string();
    downdraft(["run", "adl-exhausted", "--quiet", "--set", "liquidation.adl.price=entry", "--out", &out]);
    let (html, fields) = (scratch.text("report.html"), fields(&scratch.text("summary.json")));
    let currency = &data(&html)["runs"][0]["currencies"][0];
    let (waterfall, unit) = (&currency["waterfall"], currency["unit"].as_f64().unwrap());
    for (name, path) in [
        ("overshoot", "adl.overshoot.taken"),
        ("to_trader", "adl.overshoot.trader"),
        ("to_fund", "adl.overshoot.fund"),
        ("to_vault", "adl.overshoot.vault"),
    ] {
        let (amount, expected) = (waterfall[name].as_f64().unwrap() * unit, fields[path].parse::<f64>().unwrap());
        assert!((amount - expected).abs() < 1e-6, "{name}: {amount}, {expected} in the summary");
    }
    let amount = |name: &str| waterfall[name].as_i64().unwrap();
    assert!(amount("overshoot") > 0 && amount("bearers") > 1);
    let most = waterfall["most"][1].as_i64().unwrap();
    assert!(amount("overshoot") / amount("bearers") <= most && most <= amount("overshoot"));
    let debt = amount("drawn") + amount("conceded") - amount("overshoot") + amount("socialised") + amount("uncovered");
    assert!((debt as f64 * unit - fields["bad_debt"].parse::<f64>().unwrap()).abs() < 1e-6);
    assert_eq!(amount("borne") + amount("received") + amount("kept"), amount("entered"));
}

/// Pools of all currencies are in the flow of the reference currency, with more than their haircuts left of them.
#[test]
fn unified_pools_are_in_the_waterfall_at_full_value() {
    let scratch = Scratch::new("report-unified");
    let out = scratch.path("").display().to_string();
    downdraft(["run", "collateral-loop", "--quiet", "--out", &out]);
    let (html, liquidations) = (scratch.text("report.html"), scratch.text("liquidations.csv"));
    let currencies = &data(&html)["runs"][0]["currencies"];
    let [usdt, tkn] = [0, 1].map(|n| &currencies[n]["waterfall"]);
    assert_eq!((&usdt["unified"], &tkn["unified"]), (&true.into(), &false.into()));
    let amount = |name: &str| usdt[name].as_i64().unwrap() as f64 * currencies[0]["unit"].as_f64().unwrap();
    let column = |name: &str| liquidations.lines().next().unwrap().split(',').position(|head| head == name).unwrap();
    let (pool, equity) = (column("pool"), column("equity"));
    // A row a leg: equity at the trigger once for each liquidation.
    let rows = liquidations.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
    let after_haircuts: std::collections::BTreeMap<String, f64> = rows
        .filter(|row| row[pool].ends_with("/all"))
        .map(|row| (row[0].to_owned(), row[equity].parse::<f64>().unwrap().max(0.0)))
        .collect();
    let counted: f64 = after_haircuts.values().sum();
    assert!(counted > 0.0 && amount("entered") > counted, "{} of {counted}", amount("entered"));
    assert!(amount("borne") > 0.0 && amount("kept") > 0.0);
    assert!((amount("borne") + amount("received") + amount("kept") - amount("entered")).abs() < 1e-6);
    assert!(tkn["entered"] == 0 && tkn["received"] == 0);
}

#[test]
fn a_journal_that_is_cut_needs_to_be_asked_for() {
    let scratch = Scratch::new("report-cut");
    run_tiny(&scratch, &["--quiet", "--no-report"]);
    let path = scratch.path("journal.ddj");
    let bytes = std::fs::read(&path).unwrap();
    for cut in [bytes.len() - 10, bytes.len() / 2] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let answer = report(&scratch, &[]);
        assert_eq!((answer.code, answer.out.as_str()), (3, ""), "{answer:?}");
        assert!(answer.err.contains("torn") && answer.err.contains("--partial"), "{}", answer.err);
        assert!(!scratch.path("report.html").exists());
    }
    let answer = report(&scratch, &["--partial"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    let html = scratch.text("report.html");
    assert!(html.contains("The journal is not whole (torn"), "no warning");
    assert!(data(&html)["runs"][0]["end"].as_u64().unwrap() < 4_000_000_000);
    std::fs::write(&path, &bytes[..100]).unwrap();
    assert!(report(&scratch, &["--partial"]).err.contains("ends within its header"));
    std::fs::write(&path, b"something else").unwrap();
    assert!(report(&scratch, &["--partial"]).err.contains("not a journal"));
    assert_eq!(downdraft(["report", "nowhere"]).code, 2);
    assert_eq!(downdraft(["report"]).code, 2);
}

#[test]
fn a_journal_of_another_version_is_explained() {
    let scratch = Scratch::new("report-version");
    run_tiny(&scratch, &["--quiet", "--no-report"]);
    let path = scratch.path("journal.ddj");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8] = 9;
    std::fs::write(&path, &bytes).unwrap();
    let answer = report(&scratch, &[]);
    assert_eq!(answer.code, 3);
    assert!(answer.err.contains("format version 9 found, 2 expected"), "{}", answer.err);
}

#[test]
fn several_runs_are_compared() {
    let (first, second) = (Scratch::new("report-first"), Scratch::new("report-second"));
    run_tiny(&first, &["--quiet", "--no-report"]);
    run_tiny(&second, &["--quiet", "--no-report", "--set", "fund.USDT=0"]);
    let other = second.path("journal.ddj").display().to_string();
    let page = first.path("both.html").display().to_string();
    assert_eq!(report(&first, &[&other, "--out", &page]).code, 0);
    let html = first.text("both.html");
    for (run, scratch) in [&first, &second].into_iter().enumerate() {
        check_numbers(&html, &scratch.text("summary.json"), run);
    }
    let (_, differences) = html.split_once("<caption>What differs</caption>").unwrap();
    let (differences, _) = differences.split_once("</table>").unwrap();
    let row = differences.split("<tr>").find(|row| row.contains(">insurance_fund.start</th>")).unwrap();
    let cells: Vec<String> =
        row.split("</td>").filter_map(|cell| cell.rsplit_once('>')).map(|cell| plain(cell.1)).collect();
    assert_eq!(cells[..3], ["1000", "0", "-1000"]);
    assert!(!differences.contains(">seed</th>"), "equal fields are no difference");
}

/// A browser that can run without a screen.
fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "google-chrome", "chromium-browser"];
    names
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |directory| directory.join(name)))
        .find(|p| p.is_file())
}

/// A page as a browser has it after its scripts ran. `None` where there is no browser.
pub fn rendered(scratch: &Scratch, page: &Path) -> Option<String> {
    let Some(browser) = browser() else {
        eprintln!("skipped: no chromium, google-chrome or chromium-browser on PATH");
        return None;
    };
    let profile = format!("--user-data-dir={}", scratch.path("profile").display());
    let answer = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-logging=stderr"])
        .args(["--window-size=1280,900", "--virtual-time-budget=5000", "--dump-dom", &profile])
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let answer = Answer::from(answer);
    let said: Vec<&str> = answer.err.lines().filter(|line| line.contains("CONSOLE")).collect();
    assert!(said.is_empty(), "the console says {said:?}");
    Some(answer.out)
}

#[test]
fn a_browser_draws_it() {
    let scratch = Scratch::new("report-browser");
    run_tiny(&scratch, &["--quiet"]);
    let Some(dom) = rendered(&scratch, &scratch.path("report.html")) else { return };
    assert!(dom.contains("data-drawn=\"12\""), "not all charts were drawn: {:?}", dom.get(..200));
    assert_eq!(dom.matches("<canvas").count(), 10);
    assert!(dom.contains("class=\"node picked\""), "the cascade has no tree");
    check_numbers(&dom, &scratch.text("summary.json"), 0);
}

#[test]
fn keys_point_at_values() {
    let scratch = Scratch::new("report-keys");
    run_tiny(&scratch, &["--quiet"]);
    let html = scratch.text("report.html");
    let press = "<script>for (const canvas of document.querySelectorAll('canvas')) for (const key of ['ArrowRight', '+', 'ArrowLeft']) \
                 canvas.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));</script></body>";
    let pressed = scratch.path("pressed.html");
    // A browser without a screen may end before it shows a frame, so that frames are drawn when they are asked for.
    let frames = "<head><script>window.requestAnimationFrame = (draw) => draw();</script>";
    std::fs::write(&pressed, html.replacen("<head>", frames, 1).replace("</body>", press)).unwrap();
    let Some(dom) = rendered(&scratch, &pressed) else { return };
    let captions: Vec<&str> =
        dom.split("<figcaption aria-live=\"polite\">").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert_eq!(captions.len(), 11, "{captions:?}");
    let parts = ["mark", "longs", "bids", "would be", "the root", "", "recursion", "end of the run", "Generation 1"];
    for (caption, part) in captions.iter().zip(parts) {
        assert!(!caption.is_empty() && caption.contains(part), "{part:?} in {captions:?}");
    }
}

#[test]
fn a_page_needs_no_network() {
    let scratch = Scratch::new("report-offline");
    run_tiny(&scratch, &["--quiet"]);
    let html = scratch.text("report.html").replace("http://www.w3.org/2000/svg", "");
    for reference in ["http:", "https:", "src=", "@import", "url(", "fetch("] {
        assert!(!html.contains(reference), "{reference}");
    }
    assert!(html.contains("default-src 'none'"));
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
}

#[test]
fn a_browser_draws_runs_without_liquidations_and_side_by_side() {
    let (first, second) = (Scratch::new("report-quiet"), Scratch::new("report-beside"));
    run_tiny(&first, &["--quiet", "--set", "actors.seller.size=0.01"]);
    let Some(dom) = rendered(&first, &first.path("report.html")) else { return };
    assert!(dom.contains("No liquidations.") && dom.contains("No position was liquidated."));
    run_tiny(&second, &["--quiet"]);
    let both = second.path("both.html");
    report(&first, &[second.path("").to_str().unwrap(), "--out", both.to_str().unwrap()]);
    let dom = rendered(&second, &both).unwrap();
    assert_eq!(dom.matches("<canvas").count(), 10 * 2 + 1);
}

#[test]
fn what_a_scenario_says_stays_text() {
    let scratch = Scratch::new("report-escape");
    let evil = "</script></pre><script>console.error(1)</script><img src=x onerror=console.error(2)>";
    let toml = std::fs::read_to_string(tiny()).unwrap();
    let toml = toml.replace("name = \"tiny\"", &format!("# {evil}\nname = '{evil}'"));
    let toml = toml.replace("name = \"flow\"", &format!("name = '{evil}'")).replace("BTC-PERP", &format!("BTC {evil}"));
    let toml = toml.replace("USDT", "'<b>&amp;</b>'");
    let scenario = scratch.path("evil.toml");
    std::fs::write(
        &scenario,
        toml.replace("name = \"BTC", "name = 'BTC")
            .replace("console.error(2)>\"\nsettlement = \"'", "console.error(2)>'\nsettlement = \"")
            .replace("</b>'\"", "</b>\""),
    )
    .unwrap();
    let out = scratch.path("").display().to_string();
    let answer = downdraft(["run", scenario.to_str().unwrap(), "--quiet", "--out", &out]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let html = scratch.text("report.html");
    assert_eq!(html.matches("<script").count(), 2, "the data and the page's own");
    assert!(!html.contains("<img") && !html.contains("<b>"));
    let Some(dom) = rendered(&scratch, &scratch.path("report.html")) else { return };
    assert!(!dom.contains("<img") && dom.contains("data-drawn=\"12\""));
}
