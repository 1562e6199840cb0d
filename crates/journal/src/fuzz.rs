//! Bodies of fuzz targets: any bytes, as a journal and as the inside of one.

use crate::frame::{Block, FRAME_LEN, Frame, Kind};
use crate::header::Header;
use crate::limits::MAX_PAYLOAD;
use crate::read::{Reader, survey};
use downdraft_types::Time;

/// Reads `bytes` as a whole journal, and as the payload of a block, and of a footer, whose checksums are right.
pub fn fuzz_reader(bytes: &[u8]) {
    read_all(bytes);
    let payload = &bytes[..bytes.len().min(MAX_PAYLOAD)];
    let header = Header { software: String::new(), scenario: String::new(), seed: 0, machines: Vec::new() };
    let (header, journal) = header.encode().expect("an empty header is short");
    let block = Block { commands: 1, records: 2, ..Block::default() };
    for kind in [Kind::Block, Kind::Footer] {
        let mut frame = [0; FRAME_LEN];
        Frame::seal(kind, journal, &block, payload, &mut frame);
        read_all(&[&header, &frame[..], payload].concat());
    }
}

fn read_all(bytes: &[u8]) {
    if let Ok(mut reader) = Reader::open(bytes) {
        let entries = reader.entries(Time::ZERO..=Time::MAX).count();
        assert!(entries <= bytes.len(), "more records than bytes");
        assert!(reader.end().is_some());
        assert!(reader.totals().bytes <= bytes.len() as u64);
    }
    if let Ok(mut reader) = Reader::open(bytes) {
        let (totals, _) = survey(&mut reader).expect("memory can be read");
        assert!(totals.bytes <= bytes.len() as u64);
    }
}
