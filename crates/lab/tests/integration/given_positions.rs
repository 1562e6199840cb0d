//! `positions` actors: what a venue's own files must look like.

use downdraft_lab::scenario::{ActorKind, Files};
use downdraft_lab::{Document, Scenario, show};
use downdraft_types::{AccountId, Lots, Money};
use std::path::PathBuf;

/// The `my-venue` scenario with other files.
fn read(name: &str, positions: &str, book: &str, sets: &[&str]) -> Result<Scenario, String> {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(directory.join("my-venue")).expect("a file of a test");
    std::fs::write(directory.join("my-venue/positions.csv"), positions).expect("a file of a test");
    std::fs::write(directory.join("my-venue/book.csv"), book).expect("a file of a test");
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let document =
        Document::read("t.toml", show("my-venue").expect("a file of a test"), &sets).expect("a file of a test");
    let error = |e: downdraft_lab::ScenarioError| e.to_string().replace(&format!("{}/", directory.display()), "");
    Scenario::read(&document, &Files::Directory(directory.clone())).map_err(error)
}

const HEADER: &str = "account,instrument,size,entry,margin\n";
const PAIR: &str = "a,BTC-PERP,1.5,60000.5,9000\nb,BTC-PERP,-1.5,60000,50000\n";
const BOOK: &str = "instrument,side,price,quantity\nBTC-PERP,bid,59999.5,3\n";

#[test]
fn positions_are_read_exactly() {
    let scenario = read("exact", &format!("{HEADER}{PAIR}"), BOOK, &[]).unwrap();
    let ActorKind::Positions(config, book) = &scenario.actors[0].kind else { panic!("positions") };
    let first = &config.holdings[0];
    assert_eq!((first.account, first.size), (AccountId(1), Lots(15)));
    assert_eq!((first.value, first.margin), (Money(90_000_750_000), Money(9_000_000_000)));
    assert_eq!(config.holdings[1].size, Lots(-15));
    assert_eq!(scenario.account_names, [(AccountId(1), "a".to_owned()), (AccountId(2), "b".to_owned())]);
    // An account, its deposit, and the one order.
    assert_eq!(book.len(), 3);
}

#[test]
fn positions_that_do_not_net_need_a_balancing_account() {
    let lone = format!("{HEADER}a,BTC-PERP,1.5,60000,9000\n");
    assert_eq!(
        read("lone", &lone, BOOK, &[]).unwrap_err(),
        "t.toml:57:1: actors.positions.positions: found positions in BTC-PERP that sum to 1.5, expected positions that \
         sum to 0, or a balancing_account"
    );
    let house = ["actors.positions.balancing_account=house", "actors.positions.balancing_margin=50000"];
    let scenario = read("house", &lone, BOOK, &house).unwrap();
    assert_eq!(scenario.account_names[1].1, "house");
    assert!(read("margin", &lone, BOOK, &house[..1]).unwrap_err().contains("what the balancing account deposits"));
    assert!(
        read("named", &lone, BOOK, &["actors.positions.balancing_account=a", house[1]])
            .unwrap_err()
            .contains("holds no position")
    );
}

#[test]
fn rows_are_refused_with_file_line_and_column() {
    for (row, expected) in [
        (
            "c,BTC-PRP,1,1,1",
            "my-venue/positions.csv:4: instrument: found \"BTC-PRP\", expected an instrument, one of BTC-PERP, ETH-PERP (did you mean BTC-PERP or ETH-PERP?)",
        ),
        (
            "c,BTC-PERP,1.05,1,1",
            "my-venue/positions.csv:4: size: found \"1.05\", expected a whole number of lots of 0.1",
        ),
        (
            "c,BTC-PERP,0,1,1",
            "my-venue/positions.csv:4: size: found \"0\", expected a size other than 0, below 2^63 lots",
        ),
        ("c,BTC-PERP,1,x,1", "my-venue/positions.csv:4: entry: found \"x\", expected a decimal"),
        (
            "c,BTC-PERP,0.1,0.000001,1",
            "my-venue/positions.csv:4: entry: found \"0.000001\", expected size × entry a whole number of 0.000001",
        ),
        ("c,BTC-PERP,1,1,-1", "my-venue/positions.csv:4: margin: found \"-1\", expected an amount of at least 0"),
        (
            "a,BTC-PERP,1,1,1",
            "my-venue/positions.csv:4: account: found \"a\", expected one row per account and instrument: BTC-PERP again",
        ),
        (",BTC-PERP,1,1,1", "my-venue/positions.csv:4: account: found nothing, expected a value"),
    ] {
        assert_eq!(read("rows", &format!("{HEADER}{PAIR}{row}\n"), BOOK, &[]).unwrap_err(), expected);
    }
    let short = read("short", &format!("{HEADER}{PAIR}c,BTC-PERP\n"), BOOK, &[]).unwrap_err();
    assert!(short.starts_with("my-venue/positions.csv:4: row: "), "{short}");
    assert_eq!(
        read("column", "account,instrument,size,entry,margins\n", BOOK, &[]).unwrap_err(),
        "my-venue/positions.csv:1: margins: found an unknown column, expected one of account, instrument, size, entry, \
         margin, mode, currency (did you mean margin?)"
    );
}

#[test]
fn a_book_that_is_crossed_is_refused() {
    let book = format!("{BOOK}BTC-PERP,ask,59999,1\n");
    assert_eq!(
        read("crossed", &format!("{HEADER}{PAIR}"), &book, &[]).unwrap_err(),
        "my-venue/book.csv:3: price: found \"59999\", expected a book whose bids are below its asks"
    );
    let book = format!("{BOOK}BTC-PERP,offer,60001,1\n");
    assert!(read("side", &format!("{HEADER}{PAIR}"), &book, &[]).unwrap_err().contains("expected one of bid, ask"));
}
