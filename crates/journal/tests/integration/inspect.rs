//! Looking into a journal: places, numbers and spans of time.

use crate::toy::{Recorder, deposit, report};
use downdraft_journal::{Body, Origin, Reader};
use downdraft_types::{EventId, Seq, Time};

#[test]
fn entries_have_their_places() {
    let mut recorder = Recorder::toy();
    recorder.outside(10, &report(5));
    recorder.outside(100, &deposit(1, 7));
    recorder.writer.flush().unwrap();
    recorder.outside(5_000, &deposit(2, 7));
    let bytes = recorder.finish();
    let mut reader = Reader::open(&bytes[..]).unwrap();
    let entries: Vec<_> = reader.entries(Time(110)..=Time(1_010)).map(Result::unwrap).collect();
    let places: Vec<_> = entries.iter().map(|e| (e.block, e.stamp.seq.0, e.stamp.time.0, e.stamp.origin)).collect();
    let internal = (1, 2, 1_010, Origin::Internal);
    assert_eq!(places, [(0, 1, 110, Origin::Outside), (0, 1, 110, Origin::Outside), internal, internal]);
    assert!(matches!(entries[2].body, Body::Command(_)));
    assert!(matches!(entries[3].body, Body::Event(EventId { seq: Seq(2), index: 0 }, _)));
    assert_eq!(entries[2].stamp.cause, Some(EventId { seq: Seq(0), index: 1 }));
}

#[test]
fn blocks_before_the_span_are_passed_over_and_those_after_it_not_read() {
    let mut recorder = Recorder::toy();
    for n in 0..20_000 {
        recorder.outside(1, &deposit(1, n));
    }
    let bytes = recorder.finish();
    let mut reader = Reader::open(&bytes[..]).unwrap();
    let found: Vec<_> = reader.entries(Time(9_000)..=Time(9_001)).map(|e| e.unwrap().stamp.time.0).collect();
    assert_eq!(found, [9_000, 9_000, 9_001, 9_001]);
    assert!(reader.end().is_none(), "the rest was not read");
    assert!(reader.totals().bytes < bytes.len() as u64 * 6 / 10);
}
