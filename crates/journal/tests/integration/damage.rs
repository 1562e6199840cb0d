//! Damage: every bit flipped, every tail torn, every block lost is noticed, and what is whole before it is kept.

use crate::toy::{Toy, header, journal};
use downdraft_journal::{Damage, End, Reader, Record, Verdict, Writer, fuzz::fuzz_reader, replay, survey};
use proptest::prelude::*;

/// The records before the end, and the end; `None` where the header itself is not whole.
fn read(bytes: &[u8]) -> Option<(Vec<Record>, End)> {
    let mut reader = Reader::open(bytes).ok()?;
    let mut records = Vec::new();
    while let Some(record) = reader.record().unwrap() {
        records.push(record);
    }
    Some((records, reader.end().unwrap().clone()))
}

/// Where each frame starts, and where the journal ends.
fn boundaries(bytes: &[u8]) -> Vec<usize> {
    let mut reader = Reader::open(bytes).unwrap();
    let mut offsets = vec![reader.totals().bytes as usize];
    while reader.next_block().unwrap() {
        offsets.push(reader.totals().bytes as usize);
    }
    offsets.push(bytes.len());
    offsets
}

/// A journal of several small blocks.
fn small() -> Vec<u8> {
    let mut recorder = journal(5, 0);
    for n in 0..9 {
        recorder.outside(400, &crate::toy::report(n));
        recorder.outside(5, &crate::toy::deposit(1, i128::from(n)));
        if n % 3 == 2 {
            recorder.writer.flush().unwrap();
        }
    }
    recorder.finish()
}

#[test]
fn ten_thousand_flipped_bits_are_all_detected() {
    let bytes = journal(1, 3_000).finish();
    let (records, end) = read(&bytes).unwrap();
    assert!(matches!(end, End::Complete(_)) && bytes.len() > 5 * 65_536, "{} bytes", bytes.len());
    let boundaries = boundaries(&bytes);
    let mut draw = crate::arbitrary::Draw::new(2);
    for n in 0..10_000 {
        // Half of them anywhere, half in the few bytes of frames, header and footer.
        let byte = match n % 2 {
            0 => draw.below(bytes.len() as u64) as usize,
            _ => {
                let frame = boundaries[draw.below(boundaries.len() as u64 - 1) as usize];
                (frame + draw.below(160) as usize).saturating_sub(80).min(bytes.len() - 1)
            }
        };
        let mut flipped = bytes.clone();
        flipped[byte] ^= 1 << draw.below(8);
        let Some(mut reader) = Reader::open(&flipped[..]).ok() else {
            assert!(byte < boundaries[0], "byte {byte}: the header is whole");
            continue;
        };
        let (totals, end) = survey(&mut reader).unwrap();
        assert!(matches!(end, End::Damaged { .. } | End::Torn { .. }), "byte {byte}: {end}");
        let whole = boundaries.iter().rev().find(|offset| **offset <= byte).unwrap();
        assert_eq!(totals.bytes as usize, *whole, "byte {byte}: cut before the frame with the damage");
    }
    assert!(!records.is_empty());
}

#[test]
fn every_bit_of_a_small_journal() {
    let bytes = small();
    let (records, _) = read(&bytes).unwrap();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Some((found, end)) = read(&flipped) {
            assert!(!matches!(end, End::Complete(_)), "bit {bit}");
            assert!(records.starts_with(&found), "bit {bit}: a record that was not written");
        }
    }
}

#[test]
fn torn_at_every_byte() {
    let bytes = small();
    let (records, _) = read(&bytes).unwrap();
    let boundaries = boundaries(&bytes);
    assert!(boundaries.len() > 4);
    for length in 0..bytes.len() {
        let Some((found, end)) = read(&bytes[..length]) else {
            assert!(length < boundaries[0], "{length} bytes: the header is whole");
            continue;
        };
        assert!(records.starts_with(&found), "{length} bytes");
        let whole = *boundaries.iter().rev().find(|offset| **offset <= length).unwrap();
        let expected = match length - whole {
            0 => End::NoFooter,
            rest => End::Torn { offset: whole as u64, bytes: rest as u64 },
        };
        assert_eq!(end, expected, "{length} bytes");
        let replayed = replay::<Toy, _>(Reader::open(&bytes[..length]).unwrap(), |_, _| {}).unwrap();
        assert_eq!((&replayed.verdict, replayed.exit_code()), (&Verdict::Incomplete(expected), 3));
        assert_eq!(replayed.blocks as usize, boundaries.iter().filter(|offset| **offset <= length).count() - 1);
    }
}

#[test]
fn a_message_says_how_far_it_is_verified() {
    let bytes = small();
    let cut = boundaries(&bytes)[2] + 5;
    let replayed = replay::<Toy, _>(Reader::open(&bytes[..cut]).unwrap(), |_, _| {}).unwrap();
    let message = replayed.to_string();
    assert!(message.starts_with("verified up to block 1; torn: the last 5 bytes, from byte"), "{message}");
}

#[test]
fn blocks_lost_doubled_or_from_elsewhere() {
    let bytes = small();
    let at = boundaries(&bytes);
    let damage = |bytes: &[u8]| match read(bytes).unwrap().1 {
        End::Damaged { damage, .. } => damage,
        end => panic!("{end}"),
    };
    let lost = [&bytes[..at[1]], &bytes[at[2]..]].concat();
    assert_eq!(damage(&lost), Damage::OutOfPlace { found: 2, expected: 1 });
    let doubled = [&bytes[..at[2]], &bytes[at[1]..]].concat();
    assert_eq!(damage(&doubled), Damage::OutOfPlace { found: 1, expected: 2 });
    let without_blocks = [&bytes[..at[0]], &bytes[at[at.len() - 2]..]].concat();
    assert!(matches!(damage(&without_blocks), Damage::OutOfPlace { expected: 0, .. }));
    let mut other = header();
    other.seed += 1;
    let (other, _) = Writer::new(Vec::new(), &other).unwrap().finish(&[]).unwrap();
    let mut reader = Reader::open(&other[..]).unwrap();
    let length = reader.totals().bytes as usize;
    survey(&mut reader).unwrap();
    let spliced = [&other[..length], &bytes[at[0]..]].concat();
    assert!(matches!(damage(&spliced), Damage::Foreign { .. }));
    let followed = [&bytes[..], b"x"].concat();
    assert_eq!(damage(&followed), Damage::Malformed("bytes found after the footer".into()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_can_be_read(bytes: Vec<u8>) {
        fuzz_reader(&bytes);
    }

    #[test]
    fn any_change_can_be_read(at in 0_usize..2_000, change: [u8; 4], cut in 0_usize..2_000) {
        let mut bytes = small();
        let at = at % (bytes.len() - 4);
        bytes[at..at + 4].copy_from_slice(&change);
        fuzz_reader(&bytes[..bytes.len().saturating_sub(cut)]);
        // The records of a block, changed: the checksums are right again, the values are not.
        fuzz_reader(&bytes[at % 800..]);
    }
}
