//! The bytes of format version 2, pinned: a file of this version must stay readable, and writing must stay the
//! same. `docs/journal.md` walks through the same bytes.

use downdraft_journal::{Applied, Emitted, End, Footer, Header, MachineEntry, Origin, Reader, Record, Stamp, Writer};
use downdraft_types::{AccountId, ClientOrderId, CurrencyId, EventId, InstrumentId, MachineId, Money, Seq, Time};
use downdraft_venue::command::{Command, Internal, OrderRef};
use downdraft_venue::event::{Event, Rejection};

const GOLDEN: &[u8] = include_bytes!("../golden/v2.ddj");
const DOCUMENT: &str = include_str!("../../../../docs/journal.md");

fn header() -> Header {
    Header {
        software: "downdraft 0.1.0".into(),
        scenario: "name = \"tiny\"\n".into(),
        seed: 42,
        machines: vec![MachineEntry { id: MachineId(1), kind: "venue".into(), genesis: vec![8, 0, 0, 0] }],
    }
}

fn records() -> Vec<Record> {
    let stamp =
        |seq, time, origin, cause| Stamp { machine: MachineId(1), time: Time(time), seq: Seq(seq), origin, cause };
    let (account, currency, instrument) = (AccountId(7), CurrencyId(0), InstrumentId(2));
    let amount = Money(-1_000);
    let order = OrderRef::Client(ClientOrderId(513));
    let cause = EventId { seq: Seq(0), index: 1 };
    let event = |parent, event| Record::Event(Emitted { parent, event });
    vec![
        Record::Command(Applied {
            stamp: stamp(0, 0, Origin::Outside, None),
            command: Command::Deposit { account, currency, amount },
        }),
        event(None, Event::Deposited { account, currency, amount }),
        event(Some(0), Event::ParameterSet { instrument: None }),
        Record::Command(Applied {
            stamp: stamp(1, 1_000_000, Origin::Actor(3), None),
            command: Command::CancelOrder { account, order },
        }),
        event(None, Event::Rejected { reason: Rejection::UnknownOrder }),
        Record::Command(Applied {
            stamp: stamp(2, 1_000_001, Origin::Internal, Some(cause)),
            command: Command::Internal(Internal::PayFunding { instrument }),
        }),
    ]
}

fn written() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    let records = records();
    for (place, record) in records.iter().enumerate() {
        match record {
            Record::Command(applied) => writer.begin(&applied.stamp, &applied.command),
            Record::Event(emitted) => writer.emit(emitted.parent, &emitted.event),
        }
        if !matches!(records.get(place + 1), Some(Record::Event(_))) {
            writer.end().unwrap();
        }
    }
    writer.finish(&[(MachineId(1), 0x0123_4567_89ab_cdef)]).unwrap().0
}

#[test]
fn the_golden_file_is_read() {
    let mut reader = Reader::open(GOLDEN).unwrap();
    assert_eq!(reader.header(), &header());
    let mut read = Vec::new();
    while let Some(record) = reader.record().unwrap() {
        read.push(record);
    }
    assert_eq!(read, records());
    let states = vec![(MachineId(1), 0x0123_4567_89ab_cdef)];
    assert_eq!(reader.end(), Some(&End::Complete(Footer { blocks: 1, commands: 3, events: 3, states })));
}

/// `UPDATE_GOLDEN=1` writes the file anew: only together with a new format version.
#[test]
fn the_golden_file_is_written() {
    let written = written();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/v2.ddj"), &written).unwrap();
        let bytes: Vec<_> =
            written.chunks(16).map(|row| row.iter().map(|b| format!("{b:02x} ")).collect::<String>()).collect();
        println!("{}", bytes.join("\n"));
        return;
    }
    assert_eq!(written, GOLDEN);
}

/// Every `hex` block of the document holds rows of bytes, with remarks after `|`; together they are the file.
#[test]
fn the_document_shows_the_golden_file() {
    let mut shown = Vec::new();
    for block in DOCUMENT.split("```hex\n").skip(1) {
        let rows = block.split("```").next().unwrap().lines();
        let digits = rows.flat_map(|row| row.split('|').next().unwrap().split_whitespace());
        shown.extend(digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()));
    }
    assert_eq!(shown, GOLDEN);
}
