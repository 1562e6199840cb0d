//! Arbitrary bytes and mutated files: no panic, nothing uncounted, nothing after an error.

use crate::synthetic::{MESSAGES, encode, gzip, mbo, zstd};
use downdraft_feed::fuzz::{fuzz_dbn, fuzz_lobster};
use proptest::collection::vec;
use proptest::prelude::*;

const ROWS: &str = "1000100,5,1000000,7,9999999999,0,999900,2\n1000100,5,1000000,7,1000200,1,999900,2\n";

/// Overwrites some bytes, then perhaps cuts.
fn mutate(mut bytes: Vec<u8>, changes: &[(usize, u8)], cut: usize) -> Vec<u8> {
    for &(at, value) in changes {
        let length = bytes.len();
        bytes[at % length] = value;
    }
    let length = bytes.len();
    bytes.truncate(length - if cut.is_multiple_of(2) { 0 } else { cut % length });
    bytes
}

fn a_dbn_file() -> Vec<u8> {
    let codes = [('R', 'N'), ('A', 'B'), ('A', 'A'), ('M', 'B'), ('T', 'A'), ('F', 'B'), ('C', 'B'), ('N', 'N')];
    let messages: Vec<_> = codes.iter().map(|&(action, side)| mbo(1, action, side, 250_000_000, 1, 128)).collect();
    encode(&messages)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..600), magic in prop::sample::select(vec![
        &b""[..], b"DBN\x01", b"DBN\x03\x64\x00\x00\x00", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"34200.1,1,",
    ])) {
        let bytes = [magic, &bytes].concat();
        fuzz_lobster(&bytes);
        fuzz_dbn(&bytes);
    }

    #[test]
    fn almost_csv(text in "[0-9.,\\-\n\r]{0,400}") {
        fuzz_lobster(text.as_bytes());
    }

    #[test]
    fn mutated_lobster(
        changes in vec((any::<usize>(), prop::sample::select(b"0123456789.,-\n\r \xff\x00".to_vec())), 0..6),
        cut in any::<usize>(),
        codec in 0..3_u8,
    ) {
        for text in [MESSAGES, ROWS, &[MESSAGES, ROWS].concat()] {
            let bytes = text.as_bytes().to_vec();
            let bytes = match codec { 0 => bytes, 1 => gzip(&bytes), _ => zstd(&bytes) };
            fuzz_lobster(&mutate(bytes, &changes, cut));
        }
    }

    #[test]
    fn mutated_dbn(changes in vec((any::<usize>(), any::<u8>()), 0..6), cut in any::<usize>(), codec in 0..3_u8) {
        let bytes = a_dbn_file();
        let bytes = match codec { 0 => bytes, 1 => gzip(&bytes), _ => zstd(&bytes) };
        fuzz_dbn(&mutate(bytes, &changes, cut));
    }
}
