//! Bodies of the fuzz targets: any bytes may be read, none may panic, and every record is accounted for.

use crate::lobster::{LevelReader, LevelRow, MessageReader, PairReader};
use crate::mbo::MboReader;
use crate::{FeedError, Input, Source, Steps};

/// Reads `bytes` as a message file, an order book file and a pair of both, compressed or not.
pub fn fuzz_lobster(bytes: &[u8]) {
    let steps = steps(100);
    if let Ok(input) = Input::new(bytes) {
        drain(MessageReader::new(input, steps));
    }
    let mut row = LevelRow::default();
    if let Ok(input) = Input::new(bytes) {
        let mut levels = LevelReader::new(input, steps);
        while let Ok(true) = levels.read_into(&mut row) {
            assert!(row.asks.len().max(row.bids.len()) <= levels.levels().unwrap_or(0), "more levels than columns");
        }
    }
    let (messages, levels) = bytes.split_at(bytes.len() / 2);
    let mut pair = PairReader::new(MessageReader::new(messages, steps), LevelReader::new(levels, steps));
    while let Ok(Some(_)) = pair.read_into(&mut row) {}
    assert_eq!(pair.read_into(&mut row), Ok(None), "a finished pair yields nothing");
}

/// Reads `bytes` as a market-by-order file, compressed or not, with and without a choice of instrument.
pub fn fuzz_dbn(bytes: &[u8]) {
    for instrument in [None, Some(5482)] {
        let opened = Input::new(bytes).and_then(|input| MboReader::new(input, steps(250_000_000), instrument));
        if let Ok(reader) = opened {
            drain(reader);
        }
    }
}

fn steps(tick: i64) -> Steps {
    Steps::new(tick, 1).expect("a positive tick")
}

fn drain(mut source: impl Source) {
    let mut delivered = 0;
    let failed: Option<FeedError> = loop {
        match source.next() {
            Some(Ok(_)) => delivered += 1,
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    assert!(source.next().is_none(), "a reader yields nothing after {failed:?}");
    let counts = source.counts();
    let counted: u64 = counts.by_kind().chain(counts.by_reason()).map(|(_, n)| n).sum();
    assert_eq!(counts.read, counted, "read = kinds + reasons");
    assert_eq!(delivered + counts.reason(crate::Reason::OtherInstrument), counts.read, "delivered or filtered");
}
