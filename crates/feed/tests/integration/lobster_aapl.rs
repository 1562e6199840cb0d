//! LOBSTER's AAPL sample: the readers' records rebuild the published book.

use crate::{naive::Levels, recordings};
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader, PairReader};
use downdraft_feed::{Compression, Kind, Reason, Source, Steps};
use downdraft_types::Time;

const DEPTH: usize = 10;

fn cents() -> Steps {
    Steps::new(100, 1).unwrap()
}

#[test]
fn ten_levels_match_on_every_row() {
    let name = |file| format!("lobster/AAPL_2012-06-21_34200000_57600000_{file}_10.csv");
    let (Some(messages), Some(rows)) = (recordings::open(&name("message")), recordings::open(&name("orderbook")))
    else {
        return;
    };
    let mut pair = PairReader::new(MessageReader::new(messages, cents()), LevelReader::new(rows, cents()));
    let (mut previous, mut row) = (LevelRow::default(), LevelRow::default());
    let mut book = Levels::default();

    assert!(pair.read_into(&mut previous).unwrap().is_some());
    book.seed(&previous);
    let (mut matched, mut reveals) = (0, 0);
    while let Some(record) = pair.read_into(&mut row).unwrap() {
        book.apply(&record.body);
        reveals += book.reveal(&previous, &row);
        assert_eq!(book.row(DEPTH), row, "row {}", record.ordinal + 1);
        matched += 1;
        std::mem::swap(&mut previous, &mut row);
    }
    assert_eq!((matched, reveals), (998, 318));
    assert_eq!(pair.counts().read, 999);
    println!("{matched} of 998 rows match at {DEPTH} levels, {reveals} reveals");
}

#[test]
fn an_hour_is_counted_by_type() {
    let Some(input) = recordings::open("lobster/AAPL_2012-06-21_34200000_37800000_message_50.csv.gz") else {
        return;
    };
    assert_eq!(input.compression(), Compression::Gzip);
    let mut reader = MessageReader::new(input, cents());
    let mut latest = Time::ZERO;
    let mut hidden_off_tick = 0;
    for record in reader.by_ref() {
        let record = record.unwrap();
        latest = record.time;
        hidden_off_tick += u64::from(record.body.kind() == Err(Reason::OffTick));
    }
    let counts = reader.counts();
    println!("{counts:?}");
    let of = |kind| counts.kind(kind);
    assert_eq!(counts.read, 91_997);
    assert_eq!([of(Kind::Add), of(Kind::Reduce), of(Kind::Delete)], [44_256, 469, 41_004]);
    assert_eq!(of(Kind::Execute), 4_067);
    // A hidden order may trade between two cents; those prints cannot be expressed in ticks.
    assert_eq!(of(Kind::HiddenExecute) + hidden_off_tick, 2_201);
    assert_eq!((counts.out_of_order, counts.rounded_times), (0, 1));
    assert!(latest < Time(37_800_000_000_000));
}
