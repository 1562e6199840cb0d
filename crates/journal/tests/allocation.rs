//! What is allocated: by a writer nothing, by a reader no more than the file could justify.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use downdraft_journal::{
    End, FORMAT_VERSION, Header, MAGIC, MachineEntry, Origin, Reader, Stamp, Writer, codec, limits,
};
use downdraft_testkit::alloc::{Counting, allocated_bytes, allocations};
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MachineId, Money, Seq, Time};
use downdraft_venue::{Command, Event};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a decoder may reserve for a sequence before it has seen its elements.
const RESERVE: u64 = 1 << 20;
const LITTLE: u64 = 8 << 10;

fn stamp(seq: u64) -> Stamp {
    Stamp { machine: MachineId(0), time: Time(seq), seq: Seq(seq), origin: Origin::Outside, cause: None }
}

fn header() -> Header {
    Header { software: String::new(), scenario: String::new(), seed: 0, machines: Vec::new() }
}

/// Bytes allocated while reading `bytes` to the end, or to an error.
fn cost(bytes: &[u8]) -> u64 {
    let before = allocated_bytes();
    if let Ok(mut reader) = Reader::open(bytes) {
        while reader.record().unwrap().is_some() {}
        assert!(reader.end().is_some());
    }
    allocated_bytes() - before
}

/// A header whose body is these bytes, with a right checksum.
fn with_body(body: &[u8]) -> Vec<u8> {
    let mut bytes = codec::encode(&(MAGIC, FORMAT_VERSION, body.len() as u32));
    bytes.extend_from_slice(body);
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// A journal with one block, whose payload is these bytes and whose checksums are right.
fn with_payload(payload: &[u8]) -> Vec<u8> {
    let mut bytes = with_body(&codec::encode(&header()));
    let journal = crc32fast::hash(&bytes[..bytes.len() - 4]);
    let block = (0_u64, [0_u64; 4], (1_u32, 1_u32, 0_u32));
    let frame = codec::encode(&(b"BLCK", journal, block, payload.len() as u32, crc32fast::hash(payload)));
    bytes.extend_from_slice(&frame);
    bytes.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn a_writer_allocates_nothing() {
    struct Nowhere;
    impl std::io::Write for Nowhere {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (account, currency, amount) = (AccountId(1), CurrencyId(0), Money(5));
    let mut writer = Writer::new(Nowhere, &header()).unwrap();
    let before = allocations();
    for seq in 0..10_000 {
        writer.begin(&stamp(seq), &Command::Deposit { account, currency, amount });
        (0..3).for_each(|_| writer.emit(None, &Event::Deposited { account, currency, amount }));
        writer.end().unwrap();
    }
    writer.flush().unwrap();
    assert_eq!(allocations() - before, 0);
}

#[test]
fn a_forged_block_is_read_as_one() {
    let (account, currency, amount) = (AccountId(1), CurrencyId(0), Money(5));
    let bytes = with_payload(&codec::encode(&(0_u32, stamp(0), Command::Deposit { account, currency, amount })));
    let mut reader = Reader::open(&bytes[..]).unwrap();
    assert!(reader.record().unwrap().is_some(), "{:?}", reader.end());
    assert!(reader.record().unwrap().is_none());
    assert_eq!(reader.end(), Some(&End::NoFooter));
}

#[test]
fn a_length_without_bytes_behind_it_reserves_nothing() {
    let header_only = codec::encode(&(MAGIC, FORMAT_VERSION, limits::MAX_HEADER as u32));
    assert!(cost(&header_only) < LITTLE);
    assert!(cost(&with_body(&u64::MAX.to_le_bytes())) < LITTLE, "a text");
    assert!(cost(&with_body(&(1_u64 << 24).to_le_bytes())) < LITTLE, "a text within the limit");
    let mut torn = with_payload(&vec![0; limits::MAX_PAYLOAD]);
    torn.truncate(torn.len() - limits::MAX_PAYLOAD + 10);
    assert!(cost(&torn) < LITTLE, "a block");
}

#[test]
fn a_sequence_reserves_little_before_its_elements() {
    for claimed in [1_000_000, u64::MAX] {
        let mut body = codec::encode(&("", "", 0_u64));
        body.extend_from_slice(&claimed.to_le_bytes());
        let found = cost(&with_body(&body));
        assert!(found <= RESERVE + LITTLE, "machines: {found}");

        let command = Command::SetTiers { instrument: InstrumentId(0), tiers: Box::default() };
        let mut payload = codec::encode(&(0_u32, stamp(0), &command));
        let length = payload.len();
        payload[length - 8..].copy_from_slice(&claimed.to_le_bytes());
        let found = cost(&with_payload(&payload));
        assert!(found <= RESERVE + LITTLE, "tiers: {found}");
    }
}

#[test]
fn reading_costs_a_block_however_long_the_journal() {
    let amount = Money(5);
    let journal = |commands| {
        let machines = vec![MachineEntry { id: MachineId(0), kind: "x".into(), genesis: vec![0; 9] }];
        let mut writer = Writer::new(Vec::new(), &Header { machines, ..header() }).unwrap();
        for seq in 0..commands {
            writer.begin(&stamp(seq), &Command::Deposit { account: AccountId(1), currency: CurrencyId(0), amount });
            writer.end().unwrap();
        }
        writer.finish(&[]).unwrap().0
    };
    let (short, long) = (journal(5_000), journal(500_000));
    assert!(long.len() > 25 << 20 && cost(&long) <= cost(&short) + LITTLE, "{} {}", cost(&short), cost(&long));
}
