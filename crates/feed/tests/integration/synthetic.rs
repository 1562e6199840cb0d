//! Hand-written files: every type, every refusal, every compression.

use dbn::encode::EncodeRecord;
use dbn::encode::dbn::Encoder;
use dbn::{FlagSet, MboMsg, Metadata, RecordHeader, SType, Schema, WithTsOut, flags, rtype};
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{Body, Compression, Counts, Input, Kind, Reason, Record, Source, Steps, TradingPhase};
use downdraft_types::{Price, Qty, Side, Time};
use std::io::{Read, Write};

/// 2024-01-02, 13:00:00 UTC.
pub const START: u64 = 1_704_200_400_000_000_000;

pub const MESSAGES: &str = "\
34200,1,7,100,1000000,1
34200.5,2,7,40,1000000,1
34200.500000001,4,7,10,1000000,1
34201.1,3,7,50,1000000,1
34201.25,5,0,30,1000050,-1
34201.25,5,0,30,1000100,-1
34202,6,-1,500,1000000,-1
34203,7,0,0,-1,-1
34204,7,0,0,0,-1
34205,7,0,0,1,-1
34206,1,8,0,1000000,-1
";

pub fn mbo(order: u64, action: char, side: char, price: i64, size: u32, flags: u8) -> MboMsg {
    MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 1, 5482, START),
        order_id: order,
        price,
        size,
        flags: FlagSet::new(flags),
        channel_id: 0,
        action: action as _,
        side: side as _,
        ts_recv: START,
        ts_in_delta: 0,
        sequence: 0,
    }
}

pub fn encode(messages: &[MboMsg]) -> Vec<u8> {
    let metadata = Metadata::builder()
        .dataset("TEST".to_owned())
        .schema(Some(Schema::Mbo))
        .start(0)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .build();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, &metadata).unwrap();
    for message in messages {
        encoder.encode_record(message).unwrap();
    }
    bytes
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn drain(mut source: impl Source) -> (Vec<Record>, Counts) {
    let records = source.by_ref().collect::<Result<_, _>>().unwrap();
    (records, source.counts().clone())
}

fn messages(text: &[u8]) -> (Vec<Record>, Counts) {
    drain(MessageReader::new(text, Steps::new(100, 1).unwrap()))
}

fn by_order(bytes: &[u8], steps: Steps, instrument: Option<u32>) -> (Vec<Record>, Counts) {
    drain(MboReader::new(bytes, steps, instrument).unwrap())
}

#[test]
fn every_lobster_type() {
    let (records, counts) = messages(MESSAGES.as_bytes());
    let (side, price) = (Side::Buy, Price(10_000));
    let bodies: Vec<_> = records.iter().map(|record| record.body).collect();
    assert_eq!(
        bodies,
        [
            Body::Add { order: 7, side, price, qty: Qty(100) },
            Body::Reduce { order: 7, side, price, by: Qty(40) },
            Body::Execute { order: 7, side, price, qty: Qty(10) },
            Body::Delete { order: 7, side, price, qty: Qty(50) },
            Body::Unusable(Reason::OffTick),
            Body::HiddenExecute { side: Some(Side::Sell), price: Price(10_001), qty: Qty(30) },
            Body::Cross { order: None, price, qty: Qty(500) },
            Body::Phase(TradingPhase::Halted),
            Body::Phase(TradingPhase::Quoting),
            Body::Phase(TradingPhase::Trading),
            Body::Unusable(Reason::NoQuantity),
        ]
    );
    assert_eq!(records[2].time, Time(34_200_500_000_001));
    assert!(records.iter().enumerate().all(|(n, record)| record.ordinal == n as u64 && record.end_of_event));
    assert_eq!((counts.read, counts.kind(Kind::Phase), counts.reason(Reason::OffTick)), (11, 3, 1));
    assert_eq!(counts.by_kind().map(|(_, n)| n).sum::<u64>() + counts.by_reason().map(|(_, n)| n).sum::<u64>(), 11);
}

#[test]
fn line_ends_and_the_last_line() {
    let expected = messages(MESSAGES.as_bytes()).0;
    assert_eq!(messages(MESSAGES.replace('\n', "\r\n").as_bytes()).0, expected);
    assert_eq!(messages(MESSAGES.trim_end().as_bytes()).0, expected);
    assert_eq!(messages(b"").0, []);
}

#[test]
fn time_that_goes_back_is_counted() {
    let (records, counts) = messages(b"2,1,1,1,100,1\n1,1,2,1,100,1\n1,1,3,1,100,1\n");
    assert_eq!((records.len(), counts.out_of_order), (3, 1));
}

#[test]
fn levels_that_do_not_exist_are_left_out() {
    let text = "1000100,5,1000000,7,9999999999,0,999900,2\n9999999999,0,-9999999999,0,9999999999,0,-9999999999,0\n";
    let mut reader = LevelReader::new(text.as_bytes(), Steps::new(100, 1).unwrap());
    let mut row = LevelRow::default();
    assert_eq!(reader.read_into(&mut row), Ok(true));
    assert_eq!(row.asks, [(Price(10_001), Qty(5))]);
    assert_eq!(row.bids, [(Price(10_000), Qty(7)), (Price(9_999), Qty(2))]);
    assert_eq!(reader.levels(), Some(2));
    assert_eq!(reader.read_into(&mut row), Ok(true));
    assert_eq!(row, LevelRow::default());
    assert_eq!(reader.read_into(&mut row), Ok(false));
}

#[test]
fn every_dbn_action() {
    let last = flags::LAST;
    let tick = 250_000_000;
    let bytes = encode(&[
        mbo(0, 'R', 'N', i64::MAX, 0, last),
        mbo(1, 'A', 'B', 4 * tick, 6, flags::SNAPSHOT | flags::BAD_TS_RECV),
        mbo(1, 'M', 'B', -tick, 4, last),
        mbo(2, 'T', 'A', -tick, 3, 0),
        mbo(1, 'F', 'B', -tick, 3, 0),
        mbo(1, 'C', 'B', -tick, 4, last),
        mbo(0, 'T', 'N', tick, 9, 0),
        mbo(3, 'F', 'N', tick, 9, last),
        mbo(0, 'N', 'N', i64::MAX, 0, last | flags::MAYBE_BAD_BOOK),
        mbo(4, 'A', 'A', tick + 1, 1, last),
        mbo(4, 'A', 'A', i64::MAX, 1, last),
        mbo(4, 'A', 'A', tick, 0, last),
        mbo(4, 'A', 'A', tick, u32::MAX, last),
        mbo(4, 'A', 'N', tick, 1, last),
        mbo(4, 'A', 'A', tick, 1, last | flags::TOB),
    ]);
    let (records, counts) = by_order(&bytes, Steps::new(tick, 1).unwrap(), None);
    let (side, price) = (Side::Buy, Price(-1));
    let bodies: Vec<_> = records.iter().map(|record| record.body).collect();
    assert_eq!(
        bodies,
        [
            Body::Clear,
            Body::Add { order: 1, side, price: Price(4), qty: Qty(6) },
            Body::Modify { order: 1, side, price, qty: Qty(4) },
            Body::Trade { order: 2, side: Side::Sell, price, qty: Qty(3) },
            Body::Fill { order: 1, side, price, qty: Qty(3) },
            Body::Reduce { order: 1, side, price, by: Qty(4) },
            Body::Cross { order: None, price: Price(1), qty: Qty(9) },
            Body::Cross { order: Some(3), price: Price(1), qty: Qty(9) },
            Body::Notice,
            Body::Unusable(Reason::OffTick),
            Body::Unusable(Reason::NoPrice),
            Body::Unusable(Reason::NoQuantity),
            Body::Unusable(Reason::NoQuantity),
            Body::Unusable(Reason::NoSide),
            Body::Unusable(Reason::NotAnOrder),
        ]
    );
    let ends: Vec<_> = records.iter().take(8).map(|record| record.end_of_event).collect();
    assert_eq!(ends, [true, true, true, false, false, true, false, true]);
    assert_eq!(records[0].time, Time(13 * 3_600_000_000_000));
    assert_eq!((counts.maybe_bad_book, counts.reason(Reason::NoQuantity)), (1, 2));
}

#[test]
fn records_with_a_sending_time_are_read() {
    let metadata = Metadata::builder()
        .dataset("TEST".to_owned())
        .schema(Some(Schema::Mbo))
        .start(0)
        .stype_in(None)
        .stype_out(SType::InstrumentId)
        .ts_out(true)
        .build();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, &metadata).unwrap();
    for order in 1..=3 {
        encoder.encode_record(&WithTsOut::new(mbo(order, 'A', 'B', 10, 1, 0), START)).unwrap();
    }
    let (records, _) = by_order(&bytes, Steps::new(10, 1).unwrap(), None);
    let orders: Vec<_> = records.iter().map(|record| record.body).collect();
    let add = |order| Body::Add { order, side: Side::Buy, price: Price(1), qty: Qty(1) };
    assert_eq!(orders, [add(1), add(2), add(3)]);
}

#[test]
fn sizes_between_lots_are_counted_not_rounded() {
    let bytes = encode(&[mbo(1, 'A', 'B', 10, 20, 0), mbo(2, 'A', 'B', 10, 25, 0)]);
    let (records, _) = by_order(&bytes, Steps::new(10, 10).unwrap(), None);
    assert_eq!(records[0].body, Body::Add { order: 1, side: Side::Buy, price: Price(1), qty: Qty(2) });
    assert_eq!(records[1].body, Body::Unusable(Reason::OffLot));
}

#[test]
fn one_instrument_is_chosen() {
    let mut other = mbo(2, 'A', 'B', 10, 1, 0);
    other.hd.instrument_id = 9;
    let bytes = encode(&[mbo(1, 'A', 'B', 10, 1, 0), other, mbo(3, 'A', 'B', 10, 1, 0)]);
    let steps = Steps::new(10, 1).unwrap();
    let (records, counts) = by_order(&bytes, steps, Some(9));
    assert_eq!((records.len(), records[0].ordinal, records[0].instrument), (1, 1, 9));
    assert_eq!((counts.read, counts.reason(Reason::OtherInstrument)), (3, 2));

    let mut reader = MboReader::new(bytes.as_slice(), steps, None).unwrap();
    assert!(reader.next().unwrap().is_ok());
    let error = reader.next().unwrap().unwrap_err();
    assert!(error.to_string().contains("instrument id: expected 5482 throughout"), "{error}");
    assert_eq!(reader.next(), None);
}

#[test]
fn compression_is_told_by_magic_bytes() {
    let plain = MESSAGES.repeat(5_000).into_bytes();
    // Two members, two frames: both formats may be concatenated.
    let (half, rest) = plain.split_at(plain.len() / 2 + 3);
    let gz = [gzip(half), gzip(rest)].concat();
    let zst = [zstd(half), zstd(rest)].concat();
    for (bytes, compression) in [(&plain, Compression::Plain), (&gz, Compression::Gzip), (&zst, Compression::Zstd)] {
        let mut input = Input::new(bytes.as_slice()).unwrap();
        assert_eq!(input.compression(), compression);
        let mut read = Vec::new();
        input.read_to_end(&mut read).unwrap();
        assert!(read == plain, "{compression:?}");
        let input = Input::new(bytes.as_slice()).unwrap();
        assert_eq!(drain(MessageReader::new(input, Steps::new(100, 1).unwrap())).1.read, 55_000);
    }
    for short in [&b""[..], b"3", b"34"] {
        let mut read = Vec::new();
        Input::new(short).unwrap().read_to_end(&mut read).unwrap();
        assert_eq!(read, short);
    }
}
