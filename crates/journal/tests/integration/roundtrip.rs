//! What is written is read back, whatever it is.

use crate::arbitrary::Draw;
use crate::toy::{MACHINE, header};
use downdraft_journal::{
    Applied, Body, Emitted, End, Header, MachineEntry, OpenError, Reader, Record, Stamp, Writer, survey,
};
use downdraft_types::{MachineId, Seq, Time};
use proptest::prelude::*;

/// Commands with their events, in order, everything else drawn.
fn drawn(seed: u64, commands: usize) -> Vec<Record> {
    let mut draw = Draw::new(seed);
    let (mut time, mut seq) = (Time::ZERO, Seq(0));
    let mut records = Vec::new();
    for _ in 0..commands {
        let mut applied: Applied = draw.value();
        time = Time(time.0 + draw.below(1_000));
        seq = Seq(seq.0 + 1 + draw.below(3));
        (applied.stamp.time, applied.stamp.seq) = (time, seq);
        records.push(Record::Command(applied));
        for index in 0..draw.below(6) {
            let parent = (index > 0 && draw.below(2) == 0).then(|| draw.below(index) as u32);
            records.push(Record::Event(Emitted { parent, event: draw.value() }));
        }
    }
    records
}

fn write(records: &[Record]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    let mut begun = false;
    for record in records {
        match record {
            Record::Command(applied) => {
                if begun {
                    writer.end().unwrap();
                }
                writer.begin(&applied.stamp, &applied.command);
                begun = true;
            }
            Record::Event(emitted) => writer.emit(emitted.parent, &emitted.event),
        }
    }
    if begun {
        writer.end().unwrap();
    }
    writer.finish(&[(MACHINE, 99)]).unwrap().0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_come_back(seed: u64, commands in 0_usize..400) {
        let records = drawn(seed, commands);
        let bytes = write(&records);
        let mut reader = Reader::open(&bytes[..]).unwrap();
        prop_assert_eq!(reader.header(), &header());
        let mut read = Vec::new();
        while let Some(record) = reader.record().unwrap() {
            read.push(record);
        }
        prop_assert_eq!(&read, &records);
        let Some(End::Complete(footer)) = reader.end() else { panic!("{:?}", reader.end()) };
        let count = records.iter().filter(|r| matches!(r, Record::Command(_))).count();
        prop_assert_eq!((footer.commands as usize, footer.events as usize), (count, records.len() - count));
        prop_assert_eq!(&footer.states, &vec![(MACHINE, 99)]);
        let (totals, end) = survey(&mut Reader::open(&bytes[..]).unwrap()).unwrap();
        prop_assert_eq!((totals.bytes, &end), (bytes.len() as u64, &End::Complete(footer.clone())));
    }

    #[test]
    fn entries_are_the_records_of_a_span(seed: u64, from in 0_u64..200_000, length in 0_u64..200_000) {
        let records = drawn(seed, 400);
        let bytes = write(&records);
        let span = Time(from)..=Time(from + length);
        let mut stamp: Option<Stamp> = None;
        let expected = records.iter().filter_map(|record| {
            if let Record::Command(applied) = record {
                stamp = Some(applied.stamp);
            }
            stamp.filter(|stamp| span.contains(&stamp.time)).map(|stamp| (stamp, record.clone()))
        });
        let mut reader = Reader::open(&bytes[..]).unwrap();
        let found = reader.entries(span.clone()).map(|entry| {
            let entry = entry.unwrap();
            match entry.body {
                Body::Command(command) => (entry.stamp, Record::Command(Applied { stamp: entry.stamp, command })),
                Body::Event(id, emitted) => {
                    assert_eq!(id.seq, entry.stamp.seq);
                    (entry.stamp, Record::Event(emitted))
                }
            }
        });
        let (found, expected): (Vec<_>, Vec<_>) = (found.collect(), expected.collect());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn headers_come_back(software: String, scenario: String, seed: u64, genesis: Vec<Vec<u8>>) {
        let entry = |(id, genesis)| MachineEntry { id: MachineId(id), kind: format!("kind {id}"), genesis };
        let machines = (0..).zip(genesis).map(entry).collect();
        let header = Header { software, scenario, seed, machines };
        let (bytes, _) = Writer::new(Vec::new(), &header).unwrap().finish(&[]).unwrap();
        let mut reader = Reader::open(&bytes[..]).unwrap();
        prop_assert_eq!(reader.header(), &header);
        prop_assert!(reader.record().unwrap().is_none());
        prop_assert!(matches!(reader.end(), Some(End::Complete(_))));
    }
}

#[test]
fn another_version_says_which() {
    let (mut bytes, _) = Writer::new(Vec::new(), &header()).unwrap().finish(&[]).unwrap();
    bytes[8] = 9;
    let error = Reader::open(&bytes[..]).err().expect("another version");
    assert!(matches!(error, OpenError::Version { found: 9, expected: 2 }));
    assert_eq!(error.to_string(), "journal format version 9 found, 2 expected: use the software that wrote it");
}

#[test]
fn another_file_is_no_journal() {
    let error = Reader::open(&b"PK\x03\x04 and so on, and on"[..]).err().expect("a zip file");
    assert!(error.to_string().starts_with("not a journal: starts with [50, 4b, 03, 04"), "{error}");
}
