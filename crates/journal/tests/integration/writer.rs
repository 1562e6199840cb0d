//! A writer that failed says so to the end, and holds to its limits.

use crate::toy::{MACHINE, deposit, header};
use downdraft_journal::{End, MachineEntry, Origin, Reader, Record, Stamp, WriteError, Writer, limits, survey};
use downdraft_margin::TierSpec;
use downdraft_types::{AccountId, CurrencyId, InstrumentId, MachineId, Money, Ppm, Seq, Time};
use downdraft_venue::command::Command;
use downdraft_venue::event::Event;
use std::io::{self, Write};

fn stamp(seq: u64) -> Stamp {
    Stamp { machine: MACHINE, time: Time(seq), seq: Seq(seq), origin: Origin::Actor(2), cause: None }
}

fn event() -> Event {
    Event::Deposited { account: AccountId(1), currency: CurrencyId(0), amount: Money(5) }
}

/// A device with room for so many bytes.
struct Full<'a>(&'a mut Vec<u8>, usize);

impl Write for Full<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.1 - self.0.len();
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(room);
        self.0.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_remembered() {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(Full(&mut bytes, 200_000), &header()).unwrap();
    let mut failed = 0;
    for seq in 0..5_000 {
        writer.begin(&stamp(seq), &deposit(1, 5));
        writer.emit(None, &event());
        match writer.end() {
            Err(WriteError::Io(error)) if error.kind() == io::ErrorKind::StorageFull => failed += 1,
            Err(error) => panic!("{error}"),
            Ok(()) => assert_eq!(failed, 0, "a writer that failed pretends"),
        }
    }
    assert!(failed > 0);
    assert!(matches!(writer.flush(), Err(WriteError::Io(_))));
    assert!(matches!(writer.finish(&[]), Err(WriteError::Io(_))));
    let (totals, end) = survey(&mut Reader::open(&bytes[..]).unwrap()).unwrap();
    assert!(totals.blocks > 0 && matches!(end, End::Torn { .. }), "{end}");
}

#[test]
fn a_header_that_cannot_be_written_is_an_error() {
    assert!(matches!(Writer::new(Full(&mut Vec::new(), 10), &header()), Err(WriteError::Io(_))));
    let mut long = header();
    long.scenario = "x".repeat(limits::MAX_HEADER);
    assert!(matches!(Writer::new(Vec::new(), &long), Err(WriteError::HeaderTooLong)));
}

fn tiers(count: usize) -> Command {
    let tier = TierSpec { floor: Money(1), maintenance: Ppm(2), initial: Ppm(3) };
    Command::SetTiers { instrument: InstrumentId(0), tiers: vec![tier; count].into() }
}

#[test]
fn a_command_fits_a_block_or_is_an_error() {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    // Too long for what a block begun has left, not for a block of its own.
    for seq in 0..3 {
        writer.begin(&stamp(2 * seq), &deposit(1, 5));
        writer.emit(None, &event());
        writer.end().unwrap();
        writer.begin(&stamp(2 * seq + 1), &tiers(32_760));
        writer.emit(None, &event());
        writer.end().unwrap();
    }
    writer.begin(&stamp(9), &tiers(32_768));
    writer.emit(None, &event());
    let error = writer.end().unwrap_err();
    assert_eq!(error.to_string(), "command #9 is longer than 1048576 bytes");
    assert!(matches!(writer.finish(&[]), Err(WriteError::CommandTooLong { seq: Seq(9) })));
}

#[test]
fn blocks_are_as_long_as_stated() {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    for seq in 0..50_000 {
        writer.begin(&stamp(seq), &deposit(1, 5));
        writer.emit(None, &event());
        writer.end().unwrap();
    }
    let (bytes, _) = writer.finish(&[]).unwrap();
    let mut reader = Reader::open(&bytes[..]).unwrap();
    let mut before = reader.totals().bytes;
    let mut lengths = Vec::new();
    while reader.next_block().unwrap() {
        lengths.push((reader.totals().bytes - before) as usize);
        before = reader.totals().bytes;
        assert_eq!(reader.block().open, 0, "a short command does not span blocks");
    }
    lengths.pop();
    let target = limits::BLOCK_TARGET..limits::BLOCK_TARGET + 512;
    assert!(lengths.len() > 50 && lengths.iter().all(|length| target.contains(length)), "{lengths:?}");
}

#[test]
fn a_run_stopped_within_a_command_keeps_its_events() {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    writer.begin(&stamp(0), &deposit(1, 5));
    writer.emit(None, &event());
    let bytes = writer.stop().unwrap();
    let mut reader = Reader::open(&bytes[..]).unwrap();
    assert!(matches!(reader.record().unwrap(), Some(Record::Command(_))));
    assert!(matches!(reader.record().unwrap(), Some(Record::Event(_))));
    assert!(reader.record().unwrap().is_none());
    assert_eq!((reader.end(), reader.block().open), (Some(&End::NoFooter), 1));
}

#[test]
fn genesis_is_kept_by_kind() {
    let entry = MachineEntry::new::<crate::toy::Toy>(MachineId(2), &0x0102);
    assert_eq!((entry.kind.as_str(), &entry.genesis[..]), ("toy", &[2, 1, 0, 0, 0, 0, 0, 0][..]));
}

#[test]
#[should_panic(expected = "commands go back in time or order")]
fn order_is_asserted() {
    let mut writer = Writer::new(Vec::new(), &header()).unwrap();
    writer.begin(&stamp(5), &deposit(1, 5));
    writer.end().unwrap();
    writer.begin(&stamp(5), &deposit(1, 5));
}
