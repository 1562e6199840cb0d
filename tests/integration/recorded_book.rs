//! Recordings through the book alone, one command at a time and in batches.

use downdraft_book::{Book, BookCapacity, TradeAll};
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{Input, Steps};
use downdraft_testkit::recorded_flow::RecordedFlow;
use downdraft_testkit::recordings::find;
use downdraft_types::{Qty, Side};
use std::fs::File;
use std::path::Path;

const CAPACITY: BookCapacity = BookCapacity::new(100_000, 20_000);

fn open(path: &Path) -> Input<File> {
    Input::new(File::open(path).expect("a recording")).expect("a readable recording")
}

fn ten_levels(book: &Book) -> LevelRow {
    let side = |side| book.depth(side).take(10).map(|level| (level.price, level.qty)).collect();
    LevelRow { asks: side(Side::Sell), bids: side(Side::Buy) }
}

#[test]
fn lobster_sample_rebuilds_ten_levels_on_every_row() {
    let (Some(messages), Some(levels)) = (
        find("lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv"),
        find("lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv"),
    ) else {
        return;
    };
    let steps = Steps::new(100, 1).expect("a cent");
    let (mut messages, mut rows) = (MessageReader::new(open(&messages), steps), LevelReader::new(open(&levels), steps));
    let mut flow = RecordedFlow::new(CAPACITY);
    let (mut before, mut row) = (LevelRow::default(), LevelRow::default());
    let (mut matched, mut count) = (0, 0);
    // The first row seeds the book, and is what its message led to.
    while let Some(record) = messages.next().transpose().expect("sound messages") {
        assert!(rows.read_into(&mut row).expect("sound rows"), "a row for each message");
        if count == 0 {
            flow.seed(&row);
        } else {
            flow.apply(&record);
            flow.reveal(&before, &row);
            matched += u32::from(ten_levels(&flow.book) == row);
        }
        before.clone_from(&row);
        count += 1;
    }
    flow.book.check_invariants();
    println!("{matched} of {} rows match, {} reveals", count - 1, flow.reveals);
    assert_eq!((matched, count, flow.traded), (998, 999, Qty::ZERO));
    assert_replays(&flow);
}

/// A batch leads to the same book as its commands one by one.
fn assert_replays(flow: &RecordedFlow) {
    let mut batch = Book::with_capacity(CAPACITY);
    batch.apply_all(&flow.commands, &mut TradeAll, |at, done| assert!(done.is_ok(), "command {at}"));
    batch.check_invariants();
    assert!(batch.save() == flow.book.save(), "the same book");
}

#[test]
fn an_hour_of_aapl() {
    let (Some(messages), Some(levels)) = (
        find("lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz"),
        find("lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv"),
    ) else {
        return;
    };
    let steps = Steps::new(100, 1).expect("a cent");
    let mut row = LevelRow::default();
    assert!(LevelReader::new(open(&levels), steps).read_into(&mut row).expect("a sound row"));
    let mut flow = RecordedFlow::new(CAPACITY);
    flow.seed(&row);
    for record in MessageReader::new(open(&messages), steps) {
        flow.apply(&record.expect("sound messages"));
    }
    println!(
        "{} commands, {} records of unknown orders, {} lots traded",
        flow.commands.len(),
        flow.unknown,
        flow.traded
    );
    assert!(flow.commands.len() > 80_000);
    assert_replays(&flow);
}

#[test]
fn an_evening_of_futures() {
    let Some(path) = find("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst") else { return };
    let steps = Steps::new(250_000_000, 1).expect("a quarter point");
    let mut flow = RecordedFlow::new(CAPACITY);
    for record in MboReader::new(open(&path), steps, None).expect("a market-by-order file") {
        flow.apply(&record.expect("sound records"));
    }
    println!(
        "{} commands, {} records of unknown orders, {} lots traded",
        flow.commands.len(),
        flow.unknown,
        flow.traded
    );
    assert!(flow.commands.len() > 55_000);
    assert_eq!(flow.book.best_bid().map(|price| price.0), Some(19_240), "best bid 4810.00");
    assert_eq!(flow.book.best_ask().map(|price| price.0), Some(19_241), "best ask 4810.25");
    assert_replays(&flow);
}
