//! The library as files: every scenario reads, says what it shows, and takes changes.

use downdraft_lab::{Document, library, load, show};

#[test]
fn every_scenario_reads_and_introduces_itself() {
    for entry in library().iter().filter(|entry| !entry.needs_recording()) {
        let scenario = load(entry.name, &[]).unwrap_or_else(|error| panic!("{error}"));
        let document = Document::read(entry.name, entry.text, &[]).unwrap();
        assert_eq!((scenario.name.as_str(), scenario.text.as_str()), (entry.name, document.text()));
        assert_eq!(entry.summary(), scenario.summary);
        assert!(scenario.summary.len() > 20 && !scenario.summary.contains('\n'), "{}", entry.name);
        let comment: String = entry.text.lines().take_while(|line| line.starts_with('#')).collect();
        assert!(comment.contains("coupling"), "{} does not state its index coupling", entry.name);
        assert_eq!(show(entry.name).unwrap(), entry.text);
    }
    assert_eq!(library()[0].name, downdraft_lab::library::DEFAULT);
}

/// Those that replay a recording say what they need.
#[test]
fn recorded_scenarios_ask_for_their_recording() {
    let recorded: Vec<_> = library().iter().filter(|entry| entry.needs_recording()).collect();
    assert_eq!(recorded.len(), 2);
    for entry in recorded {
        let error = load(entry.name, &[]).unwrap_err().to_string();
        assert!(error.contains("feed.path") && error.contains("--set feed.path=FILE"), "{error}");
        let error = load(entry.name, &["feed.path=no-such-file".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("no-such-file") && error.contains("the path of a file"), "{error}");
        assert!(entry.summary().len() > 20);
    }
}

#[test]
fn a_file_reads_like_a_builtin() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    for entry in library().iter().filter(|entry| !entry.needs_recording()) {
        let path = format!("{directory}/{}.toml", entry.name);
        assert_eq!(load(&path, &[]).unwrap(), load(entry.name, &[]).unwrap());
    }
}

#[test]
fn sets_reach_every_kind_of_field() {
    let change = |set: &str| load("flash-crash", &[set.to_owned()]).unwrap();
    let before = load("flash-crash", &[]).unwrap();
    for set in [
        "name=other",
        "seed=9",
        "duration=1h",
        "depth=2",
        "currencies.USDT.decimals=8",
        "instruments.0.tick_size=0.1",
        "instruments.BTC-PERP.tiers.1.maintenance=2%",
        "instruments.BTC-PERP.mark.rule=mid",
        "instruments.BTC-PERP.mark={ rule = \"ema-mid\", interval = \"1s\", weight = \"10%\" }",
        "instruments.BTC-PERP.protections.breaker={ movement = \"5%\", window = \"1m\", halt = \"5m\" }",
        "instruments.BTC-PERP.funding={ interval = \"8h\", sample = \"1m\" }",
        "liquidation.mode=bankruptcy-limit",
        "liquidation.residual={ fund_capped = \"0.5%\" }",
        "liquidation.adl.profitable_only=false",
        "fund.USDT=12.5",
        "capacity.accounts=100000",
        "actors.crowd.count=4",
        "actors.crowd.leverage.median=9.5",
        "actors.crowd.leverage=7",
        "actors.crowd.top_ups.share=0.5",
        "actors.flow.latency={ orders = \"3ms\", market_data = { kind = \"uniform\", low = \"1ms\", high = \"2ms\" } }",
        "actors.flow.book.levels.count=12",
        "actors.maker.levels.0=7",
        "actors.seller.limit=59000",
        "actors.3.size=40",
    ] {
        let after = change(set);
        let mut same_text = after.clone();
        same_text.text.clone_from(&before.text);
        assert_ne!(same_text, before, "{set}");
        // Setting is idempotent, and the changed text is a scenario of its own.
        let twice = load("flash-crash", &[set.to_owned(), set.to_owned()]).unwrap();
        assert_eq!(twice, after, "{set}");
    }
}
