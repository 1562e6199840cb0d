//! `run`.

use crate::shell::{Scratch, downdraft, run_tiny, tiny};

/// A summary without what a clock put into it.
fn untimed(text: &str) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    value.as_object_mut().unwrap().remove("timing").expect("a run is timed");
    value
}

#[test]
fn a_run_shows_a_cascade_and_writes_its_files() {
    let scratch = Scratch::new("run");
    let answer = run_tiny(&scratch, &[]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""), "{answer:?}");
    for part in ["tiny · seed 3 · 4 s simulated", "Liquidated", "Insurance fund", "branching ratio", "USDT 0 (audited)"]
    {
        assert!(answer.out.contains(part), "{part} in {}", answer.out);
    }
    let summary = untimed(&scratch.text("summary.json"));
    assert_eq!(summary["scenario"], "tiny");
    assert_eq!(summary["seed"], 3);
    assert_eq!(summary["conservation"]["USDT"], 0);
    let episodes = summary["liquidations"]["episodes"].as_u64().unwrap();
    assert!(episodes > 5, "{summary}");
    for (file, header) in [
        ("prices.csv", "time,instrument,last,mark,index"),
        ("liquidations.csv", "episode,pool,account,parent,"),
        ("waterfall.csv", "time,event,episode,kind,"),
    ] {
        assert!(scratch.text(file).starts_with(header), "{file}");
    }
    assert!(scratch.text("liquidations.csv").lines().count() as u64 > episodes);
    assert!(std::fs::metadata(scratch.path("journal.ddj")).unwrap().len() > 10_000);
}

#[test]
fn two_runs_of_one_seed_are_equal_byte_for_byte() {
    let (first, second, third) = (Scratch::new("first"), Scratch::new("second"), Scratch::new("third"));
    run_tiny(&first, &["--quiet"]);
    run_tiny(&second, &["--quiet"]);
    run_tiny(&third, &["--quiet", "--seed", "4"]);
    let cut = |scratch: &Scratch| {
        let text = scratch.text("summary.json");
        text.split("\"timing\"").next().unwrap().to_owned()
    };
    assert_eq!(cut(&first), cut(&second));
    for file in ["journal.ddj", "prices.csv", "liquidations.csv", "waterfall.csv"] {
        let read = |scratch: &Scratch| std::fs::read(scratch.path(file)).unwrap();
        assert!(read(&first) == read(&second), "{file}");
    }
    let hash = |scratch: &Scratch| untimed(&scratch.text("summary.json"))["state_hash"].clone();
    assert_ne!(hash(&first), hash(&third));
}

#[test]
fn json_prints_the_summary_alone() {
    let scratch = Scratch::new("json");
    let answer = run_tiny(&scratch, &["--json"]);
    assert_eq!((answer.code, answer.err.as_str()), (0, ""));
    assert_eq!(answer.out, scratch.text("summary.json"));
    assert_eq!(run_tiny(&scratch, &["--quiet"]).out, "");
}

#[test]
fn set_reaches_the_scenario() {
    let scratch = Scratch::new("set");
    run_tiny(&scratch, &["--quiet", "--set", "fund.USDT=0", "--set", "duration=\"1500ms\""]);
    let summary = untimed(&scratch.text("summary.json"));
    assert_eq!(summary["insurance_fund"]["start"], 0);
    assert!(summary["simulated_s"].as_f64().unwrap() <= 1.5);
}

#[test]
fn what_makes_no_sense_is_refused_in_a_line() {
    let scratch = Scratch::new("refused");
    let tiny = tiny();
    let out = scratch.path("").display().to_string();
    for (arguments, parts) in [
        (vec!["run", "flash-crush"], vec!["flash-crush", "flash-crash"]),
        (vec!["run", &tiny, "--out", &out, "--set", "fund.USDT"], vec!["--set fund.USDT", "path=value"]),
        (vec!["run", &tiny, "--out", &out, "--set", "fund.USDT=-1"], vec!["fund.USDT", "found", "expected"]),
        (vec!["run", &tiny, "--out", &out, "--set", "actors.selller.size=1"], vec!["selller", "did you mean seller"]),
        (vec!["run", &tiny, "--out", &out, "--set", "actors.seller.sise=1"], vec!["sise", "size"]),
        (vec!["check", "nowhere.toml"], vec!["nowhere.toml"]),
        (vec!["show", "flashcrash"], vec!["flashcrash", "flash-crash"]),
    ] {
        let answer = downdraft(arguments.iter().copied());
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{arguments:?} {answer:?}");
        assert_eq!(answer.err.lines().count(), 1, "{answer:?}");
        for part in parts {
            assert!(answer.err.contains(part), "{part} in {answer:?}");
        }
    }
    for arguments in [vec![], vec!["frobnicate"], vec!["run", "--seed", "x"], vec!["inspect"]] {
        assert_eq!(downdraft(arguments.iter().copied()).code, 2, "{arguments:?}");
    }
}

/// What stood there would be taken for this run's.
#[test]
fn nothing_of_an_earlier_run_is_left_beside_a_later_one() {
    let scratch = Scratch::new("earlier");
    run_tiny(&scratch, &["--quiet", "--tables"]);
    assert!(scratch.path("report.html").exists() && scratch.path("tables/fills.csv").exists());
    run_tiny(&scratch, &["--quiet", "--no-report", "--seed", "4"]);
    assert!(!scratch.path("report.html").exists() && !scratch.path("tables/fills.csv").exists());
    assert_eq!(untimed(&scratch.text("summary.json"))["seed"], 4);
    // A run that fails on its way leaves no summary, and its journal is known to be incomplete.
    let answer = run_tiny(&scratch, &["--quiet", "--set", "actors.flow.deposit=1"]);
    assert_ne!(answer.code, 0, "{answer:?}");
    assert!(!scratch.path("summary.json").exists());
    assert_eq!(downdraft(["replay", scratch.path("").to_str().unwrap()]).code, 3);
}

const TABLES: [&str; 9] =
    ["fills", "orders", "marks", "liquidations", "waterfall", "adl", "accounts", "ladder", "book"];

#[test]
fn the_full_tables_agree_with_the_summary_and_are_the_same_every_time() {
    let (first, second) = (Scratch::new("tables-1"), Scratch::new("tables-2"));
    run_tiny(&first, &["--quiet", "--tables"]);
    run_tiny(&second, &["--quiet", "--tables", "csv"]);
    let table = |scratch: &Scratch, name: &str| scratch.text(&format!("tables/{name}.csv"));
    for name in TABLES {
        let text = table(&first, name);
        assert!(text == table(&second, name), "{name}");
        let columns: Vec<usize> = text.lines().map(|line| line.split(',').count()).collect();
        assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "{name}");
        assert!(columns.len() > 1 || name == "adl", "{name} is empty");
    }
    assert_eq!(table(&first, "liquidations"), first.text("liquidations.csv"));
    assert_eq!(table(&first, "waterfall"), first.text("waterfall.csv"));
    let summary = untimed(&first.text("summary.json"));
    let rows = |name: &str| table(&first, name).lines().count() as u64 - 1;
    assert_eq!(Some(rows("fills")), summary["fills"].as_u64());
    let forced = table(&first, "fills").lines().filter(|line| line.contains(",USDT,1,")).count() as u64;
    assert_eq!(Some(forced), summary["liquidations"]["fills"].as_u64());
    let accepted = table(&first, "orders").lines().filter(|line| line.contains(",accepted,")).count() as u64;
    assert_eq!(Some(accepted), summary["orders"].as_u64());
    // What one wins another loses: all profits together are what the fees, which no account has, took.
    let liquidations: u64 = column(&table(&first, "accounts"), "liquidations").iter().map(|n| *n as u64).sum();
    assert_eq!(Some(liquidations), summary["liquidations"]["episodes"].as_u64());
    let profit: f64 = column(&table(&first, "accounts"), "profit").iter().sum();
    let fees = ["maker_fee", "taker_fee"].map(|fee| column(&table(&first, "fills"), fee).iter().sum::<f64>());
    assert!((profit + fees[0] + fees[1]).abs() < 1e-3, "{profit} {fees:?}");
    assert!(summary["metrics"]["instruments"]["falling"]["recursion_max"].as_f64().unwrap() > 0.0);
}

fn column(text: &str, name: &str) -> Vec<f64> {
    let place = text.lines().next().unwrap().split(',').position(|column| column == name).unwrap();
    text.lines().skip(1).map(|line| line.split(',').nth(place).unwrap().parse().unwrap_or(0.0)).collect()
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_so_before_it_runs() {
    let scratch = Scratch::new("no-parquet");
    for command in ["run", "fork"] {
        let out = scratch.path("nothing").display().to_string();
        let answer = downdraft([command, &tiny(), "--tables", "parquet", "--out", &out]);
        assert_eq!((answer.code, answer.out.as_str()), (2, ""), "{answer:?}");
        assert!(answer.err.contains("a build with `--features parquet`"), "{}", answer.err);
        assert!(!scratch.path("nothing").exists());
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_is_the_same_every_time() {
    let (first, second) = (Scratch::new("parquet-1"), Scratch::new("parquet-2"));
    run_tiny(&first, &["--quiet", "--tables", "parquet"]);
    run_tiny(&second, &["--quiet", "--tables", "parquet"]);
    for name in TABLES {
        let read = |scratch: &Scratch| std::fs::read(scratch.path(&format!("tables/{name}.parquet"))).unwrap();
        assert!(read(&first) == read(&second), "{name}");
        assert!(read(&first).starts_with(b"PAR1") && read(&first).ends_with(b"PAR1"), "{name}");
    }
}
