//! Recorded order flow through the book: operations a second, one by one and in batches.
//!
//! `cargo bench -p downdraft-benches --bench recorded`; says so where there is no recording.

use downdraft_benches::measure::{side_by_side, time};
use downdraft_book::{Book, BookCapacity, Command, TradeAll};
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{Input, Steps};
use downdraft_testkit::recorded_flow::RecordedFlow;
use downdraft_testkit::recordings::find;
use std::fs::File;
use std::path::Path;

const CAPACITY: BookCapacity = BookCapacity::new(100_000, 20_000);

fn open(path: &Path) -> Input<File> {
    Input::new(File::open(path).expect("a recording")).expect("a readable recording")
}

fn lobster() -> Option<Vec<Command>> {
    let messages = find("lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz")?;
    let levels = find("lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv")?;
    let steps = Steps::new(100, 1).expect("a cent");
    let mut row = LevelRow::default();
    LevelReader::new(open(&levels), steps).read_into(&mut row).expect("a sound row");
    let mut flow = RecordedFlow::new(CAPACITY);
    flow.seed(&row);
    MessageReader::new(open(&messages), steps).for_each(|record| flow.apply(&record.expect("sound messages")));
    Some(flow.commands)
}

fn futures() -> Option<Vec<Command>> {
    let path = find("dbn/esh4-glbx-mdp3-20231225.mbo.dbn.zst")?;
    let steps = Steps::new(250_000_000, 1).expect("a quarter point");
    let mut flow = RecordedFlow::new(CAPACITY);
    let records = MboReader::new(open(&path), steps, None).expect("a market-by-order file");
    records.for_each(|record| flow.apply(&record.expect("sound records")));
    Some(flow.commands)
}

fn one_by_one(book: &Book, commands: &[Command]) -> std::time::Duration {
    let mut book = book.clone();
    time(|| commands.iter().filter(|command| book.apply(command, &mut TradeAll).is_ok()).count())
}

fn batch(book: &Book, commands: &[Command]) -> std::time::Duration {
    let mut book = book.clone();
    time(|| {
        let mut accepted = 0;
        book.apply_all(commands, &mut TradeAll, |_, done| accepted += u32::from(done.is_ok()));
        accepted
    })
}

fn main() {
    let empty = Book::with_capacity(CAPACITY);
    for (title, commands) in [("LOBSTER AAPL, an hour", lobster()), ("CME ESH4, an evening", futures())] {
        let Some(commands) = commands else { continue };
        let count = commands.len() as u64;
        let title = format!("{title}, {count} commands");
        side_by_side(
            &title,
            count,
            &mut [("batch", &mut || batch(&empty, &commands)), ("one by one", &mut || one_by_one(&empty, &commands))],
        );
    }
}
