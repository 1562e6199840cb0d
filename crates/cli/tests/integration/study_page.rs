//! The page of a study, in a real browser where one is installed.

use crate::report::{plain, rendered};
use crate::shell::{Scratch, downdraft, tiny};

fn study(scratch: &Scratch, more: &[&str]) {
    let (tiny, out) = (tiny(), scratch.path("").display().to_string());
    let seeds = if more.contains(&"--seeds") { vec![] } else { vec!["--seeds", "6"] };
    let answer =
        downdraft(["study", &tiny, "--out", &out, "--quiet"].into_iter().chain(seeds).chain(more.iter().copied()));
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
}

/// The cells of a page: `(cell, figure, of, at, text)`.
fn cells(html: &str) -> Vec<[String; 5]> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!("{name}=\"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let parts = html.split("<td class=\"num\" data-cell").skip(1);
    parts
        .map(|part| {
            let (tag, rest) = part.split_once('>').unwrap();
            let tag = format!("data-cell{tag}");
            let [cell, figure, of, at] =
                ["data-cell", "data-figure", "data-of", "data-at"].map(|name| attribute(&tag, name));
            [cell, figure, of, at, plain(rest.split('<').next().unwrap())]
        })
        .collect()
}

/// Every number of every figure is on the page, digit by digit.
fn check_numbers(html: &str, json: &str) {
    let shown = cells(html);
    let study: serde_json::Value = serde_json::from_str(json).unwrap();
    let mut count = 0;
    for (place, cell) in study["cells"].as_array().unwrap().iter().enumerate() {
        for figure in cell["figures"].as_array().unwrap() {
            for at in ["mean", "p50", "p90", "p95", "p99", "max", "es95", "es99"] {
                let [name, of] = ["figure", "of"].map(|field| figure[field].as_str().unwrap());
                let found =
                    shown.iter().find(|c| c[0] == place.to_string() && c[1] == name && c[2] == of && c[3] == at);
                let text = &found.unwrap_or_else(|| panic!("{name} {of} {at} is not shown"))[4];
                assert_eq!(text.parse::<f64>().unwrap(), figure[at].as_f64().unwrap(), "{name} {of} {at}");
                count += 1;
            }
        }
    }
    assert_eq!(shown.len(), count);
}

#[test]
fn a_browser_shows_the_answers() {
    let scratch = Scratch::new("study-page");
    study(&scratch, &[]);
    let (html, json) = (scratch.text("study.html"), scratch.text("study.json"));
    check_numbers(&html, &json);
    // Cascades, fund, largest accounts, tiers, and four of what was expected.
    assert_eq!(html.matches("<svg").count(), 8);
    assert!(!html.contains("NaN") && !html.contains("\"inf\""), "a chart has no number");
    for part in
        ["Fund that suffices in 99% of runs", "Cover-2", "How large cascades become", "--first-seed 3 --seeds 6"]
    {
        assert!(html.contains(part), "{part}");
    }
    let Some(dom) = rendered(&scratch, &scratch.path("study.html")) else { return };
    check_numbers(&dom, &json);
    assert_eq!(dom.matches("<svg").count(), 8);
}

/// Ranks of three runs say nothing: the page says so, and has no table without rows.
#[test]
fn a_few_runs_have_no_ranks() {
    let scratch = Scratch::new("study-few");
    let few = "Ranks of runs are correlated from four runs on that have liquidations and differ.";
    for (seeds, is_few) in [("1", true), ("3", true), ("6", false)] {
        study(&scratch, &["--seeds", seeds]);
        let html = scratch.text("study.html");
        assert_eq!((html.contains(few), html.contains("Spearman")), (is_few, !is_few), "{seeds}");
        assert!(!html.contains("<tbody>\n</tbody>") && !html.contains("<tbody></tbody>"), "{seeds}");
    }
}

#[test]
fn all_texts_of_charts_are_within_them() {
    let scratch = Scratch::new("study-layout");
    study(&scratch, &["--vary", "depth=1,2", "--vary", "fund.USDT=0,1000,5000"]);
    let html = scratch.text("study.html");
    check_numbers(&html, &scratch.text("study.json"));
    assert_eq!(html.matches("<section id=\"cell-").count(), 6);
    // The browser measures the page at the end of its own parsing: no frame is waited for.
    let measure = "<script>const bad = []; \
        for (const text of document.querySelectorAll('svg text')) { \
          const a = text.getBoundingClientRect(), b = text.closest('svg').getBoundingClientRect(); \
          if (a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1) bad.push(text.textContent); } \
        const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth + 1; \
        document.body.dataset.measured = JSON.stringify({ bad, wide });</script></body>";
    let open = html.replace("default-src 'none';", "default-src 'none'; script-src 'unsafe-inline';");
    std::fs::write(scratch.path("measured.html"), open.replace("</body>", measure)).unwrap();
    let Some(dom) = rendered(&scratch, &scratch.path("measured.html")) else { return };
    let (_, rest) = dom.split_once("data-measured=\"").expect("the page was measured");
    assert!(rest.starts_with("{&quot;bad&quot;:[],&quot;wide&quot;:false}"), "{}", rest.split('>').next().unwrap());
}

#[test]
fn the_page_needs_nothing_and_can_be_left_out() {
    let scratch = Scratch::new("study-alone");
    study(&scratch, &["--no-report"]);
    assert!(!scratch.path("study.html").exists());
    let evil = "</style></pre><script>console.error(1)</script><img src=x>";
    let toml = std::fs::read_to_string(tiny()).unwrap();
    let toml =
        toml.replace("name = \"tiny\"", &format!("# {evil}\nname = '{evil}'")).replace("BTC-PERP", "<i>&amp;</i>");
    std::fs::write(scratch.path("evil.toml"), toml).unwrap();
    let (scenario, out) = (scratch.path("evil.toml").display().to_string(), scratch.path("").display().to_string());
    let answer = downdraft(["study", &scenario, "--seeds", "2", "--out", &out, "--quiet"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let html = scratch.text("study.html");
    for reference in ["<script", "<img", "http:", "https:", "src=", "@import", "url(", "<i>&amp;</i>"] {
        assert!(!html.replace("&lt;img src=x", "").contains(reference), "{reference}");
    }
    assert!(html.contains("default-src 'none'"));
}
