//! Damaged files: what came before the damage is delivered, and the error says where and what.

use crate::synthetic::{MESSAGES, encode, gzip, mbo, zstd};
use downdraft_feed::lobster::{LevelReader, LevelRow, MessageReader, PairReader};
use downdraft_feed::mbo::MboReader;
use downdraft_feed::{ErrorKind, FeedError, Input, Position, Source, Steps};
use std::fmt::Write;

const MBO_LEN: usize = 56;

fn cents() -> Steps {
    Steps::new(100, 1).unwrap()
}

/// Records delivered, and the error that ended it.
fn until_error(mut source: impl Source) -> (usize, Option<FeedError>) {
    let mut delivered = 0;
    let error = loop {
        match source.next() {
            Some(Ok(_)) => delivered += 1,
            Some(Err(error)) => break Some(error),
            None => break None,
        }
    };
    assert!(source.next().is_none());
    assert_eq!(source.counts().read, delivered as u64);
    (delivered, error)
}

fn read_messages(text: &str) -> (usize, Option<FeedError>) {
    until_error(MessageReader::new(text.as_bytes(), cents()))
}

#[test]
fn lobster_errors_name_line_field_found_and_expected() {
    let cases = [
        ("x,1,7,1,100,1", "line 2: time: expected seconds after midnight with at most 18 decimals, found `x`"),
        ("1,8,7,1,100,1", "line 2: type: expected 1 to 7, found `8`"),
        ("1,1,-7,1,100,1", "line 2: order id: expected a number from 0, found -7"),
        ("1,1,7,1.5,100,1", "line 2: size: expected an unsigned 64-bit integer, found `1.5`"),
        ("1,1,7,1,1e2,1", "line 2: price: expected a 64-bit integer, found `1e2`"),
        ("1,1,7,1,100,0", "line 2: direction: expected 1 or -1, found 0"),
        ("1,1,7,1,100", "line 2: direction: expected a value, found the end of the line"),
        ("1,1,7,1,100,1,null", "line 2: line: expected no further field, found `null`"),
        ("1,7,0,0,5,-1", "line 2: price of a type 7 row: expected -1 (halted), 0 (quoting) or 1 (trading), found 5"),
        ("", "line 2: time: expected seconds after midnight with at most 18 decimals, found ``"),
        (
            "\u{0}\u{1b}[2J",
            "line 2: time: expected seconds after midnight with at most 18 decimals, found `\\x00\\x1b[2J`",
        ),
    ];
    for (line, expected) in cases {
        let (delivered, error) = read_messages(&format!("1,1,1,1,100,1\n{line}\n1,1,1,1,100,1\n"));
        assert_eq!((delivered, error.map(|error| error.to_string()).as_deref()), (1, Some(expected)));
    }
}

#[test]
fn a_line_without_end_is_refused_early() {
    let endless = std::io::Read::chain(&b"1,1,1,1,100,1\n"[..], std::io::repeat(b'7'));
    let reader = MessageReader::new(Input::new(endless).unwrap(), cents());
    let (delivered, error) = until_error(reader);
    assert_eq!(delivered, 1);
    assert_eq!(error.unwrap().to_string(), "line 2: line: expected at most 256 bytes, found a longer line");
}

#[test]
fn rows_of_the_wrong_shape_are_refused() {
    let cases = [
        ("300,1,200", "line 2: bid size: expected a value, found the end of the line"),
        ("300,1,200,1,400,1,100,1", "line 2: levels: expected 1 levels, as in the first row, found 2"),
        ("350,1,200,1", "line 2: ask price: expected a whole number of ticks, found 350"),
        ("300,0,200,1", "line 2: ask size: expected a size above zero, found 0"),
    ];
    for (line, expected) in cases {
        let text = format!("300,1,200,1\n{line}\n");
        let mut reader = LevelReader::new(text.as_bytes(), cents());
        let mut row = LevelRow::default();
        assert_eq!(reader.read_into(&mut row), Ok(true));
        assert_eq!(reader.read_into(&mut row).unwrap_err().to_string(), expected);
        assert_eq!(reader.read_into(&mut row), Ok(false));
    }
    for (text, field) in [("300,1,200,1,300,1,100,1", "ask price"), ("300,1,200,1,400,1,200,1", "bid price")] {
        let error = LevelReader::new(text.as_bytes(), cents()).read_into(&mut LevelRow::default()).unwrap_err();
        assert_eq!(error.field, field);
    }
}

#[test]
fn a_pair_of_unequal_length_is_refused() {
    let message = "1,1,1,1,100,1\n";
    let row = "300,1,200,1\n";
    for (messages, rows, field) in [(2, 1, "order book file"), (1, 2, "message file")] {
        let (messages, rows) = (message.repeat(messages), row.repeat(rows));
        let levels = LevelReader::new(rows.as_bytes(), cents());
        let mut pair = PairReader::new(MessageReader::new(messages.as_bytes(), cents()), levels);
        let mut row = LevelRow::default();
        assert!(pair.read_into(&mut row).unwrap().is_some());
        let error = pair.read_into(&mut row).unwrap_err();
        assert_eq!((error.kind, error.position, error.field), (ErrorKind::Truncated, Position::Line(2), field));
        assert_eq!(pair.read_into(&mut row), Ok(None));
    }
}

#[test]
fn a_cut_message_file_keeps_its_whole_lines() {
    for cut in 0..MESSAGES.len() {
        let text = &MESSAGES[..cut];
        let (delivered, error) = read_messages(text);
        let whole = text.matches('\n').count();
        let rest = text.rsplit('\n').next().unwrap();
        // The direction is the last field, so a row is either whole or visibly cut.
        let rest_is_whole = MESSAGES[cut..].starts_with('\n');
        assert_eq!(delivered, whole + usize::from(rest_is_whole && !rest.is_empty()), "cut at {cut}");
        assert_eq!(error.is_some(), !rest_is_whole && !rest.is_empty(), "cut at {cut}");
        if let Some(error) = error {
            assert_eq!(error.position, Position::Line(whole as u64 + 1));
        }
    }
}

#[test]
fn cut_compressed_files_are_truncated_not_short() {
    // Numbers that do not compress away, so that a cut leaves some blocks whole.
    let text = (0..40_000_u64).fold(String::new(), |mut text, n| {
        let price = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
        writeln!(text, "{n},1,{n},1,{price}00,1").unwrap();
        text
    });
    for bytes in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let cut = &bytes[..bytes.len() * 3 / 4];
        let (delivered, error) = until_error(MessageReader::new(Input::new(cut).unwrap(), cents()));
        let error = error.unwrap();
        assert_eq!((error.kind, error.position), (ErrorKind::Truncated, Position::Line(delivered as u64 + 1)));
        assert!(delivered > 10_000, "{delivered}");
    }
}

#[test]
fn a_cut_dbn_file_keeps_its_whole_records() {
    let messages: Vec<_> = (0..5).map(|n| mbo(n, 'A', 'B', 1_000, 1, 0)).collect();
    let bytes = encode(&messages);
    let header = bytes.len() - 5 * MBO_LEN;
    for cut in 0..=bytes.len() {
        let opened = MboReader::new(&bytes[..cut], Steps::new(10, 1).unwrap(), None);
        if cut < header {
            let error = opened.err().unwrap();
            assert_eq!((error.kind, error.position), (ErrorKind::Truncated, Position::Header), "cut at {cut}");
            continue;
        }
        let (delivered, error) = until_error(opened.unwrap());
        let (whole, left) = ((cut - header) / MBO_LEN, (cut - header) % MBO_LEN);
        assert_eq!(delivered, whole, "cut at {cut}");
        let position = Position::Record { ordinal: whole as u64, byte: (header + whole * MBO_LEN) as u64 };
        assert_eq!(
            error.as_ref().map(|error| (error.kind, error.position)),
            (left > 0).then_some((ErrorKind::Truncated, position))
        );
        if let Some(error) = error.filter(|_| left > 16) {
            assert_eq!(error.expected, format!("{} more bytes", MBO_LEN - left));
            assert_eq!(error.found, format!("the end after {left} bytes"));
        }
    }
}

#[test]
fn dbn_errors_name_record_byte_field_found_and_expected() {
    let good = mbo(1, 'A', 'B', 1_000, 1, 0);
    let header = encode(&[]).len();
    let at = |offset: usize, value: u8| {
        let mut bytes = encode(&[good.clone(), good.clone(), good.clone()]);
        bytes[header + MBO_LEN + offset] = value;
        until_error(MboReader::new(bytes.as_slice(), Steps::new(10, 1).unwrap(), None).unwrap())
    };
    let place = format!("record 1 (byte {})", header + MBO_LEN);
    let cases = [
        (
            0,
            0,
            "length: expected a record, found decoding error: invalid record with impossible length 0 which is shorter than the header",
        ),
        (0, 5, "record: expected type 0xa0, 56 bytes, found type 0xa0, 20 bytes"),
        // Four bytes more would leave the next record misaligned.
        (0, 15, "record: expected type 0xa0, 56 bytes, found type 0xa0, 60 bytes"),
        (1, 0, "record: expected type 0xa0, 56 bytes, found type 0x00, 56 bytes"),
        (38, b'Z', "action: expected one of `ACFMNRT`, found `Z`"),
        (39, b'?', "side: expected `A`, `B` or `N`, found `?`"),
    ];
    for (offset, value, expected) in cases {
        let (delivered, error) = at(offset, value);
        assert_eq!((delivered, error.unwrap().to_string()), (1, format!("{place}: {expected}")));
    }
    // The top byte of the receive time: centuries before the first record.
    let (delivered, error) = at(47, 0);
    assert_eq!((delivered, error.unwrap().field), (1, "ts_recv"));
}

#[test]
fn headers_are_checked_before_memory_is_taken() {
    let open = |bytes: &[u8]| MboReader::new(bytes, Steps::new(10, 1).unwrap(), None).err().unwrap();
    let prelude = |version: u8, length: u32| [&b"DBN"[..], &[version], &length.to_le_bytes()].concat();

    assert_eq!(open(MESSAGES.as_bytes()).field, "magic bytes");
    assert_eq!(
        (open(&prelude(4, 200)).kind, open(&prelude(0, 200)).kind),
        (ErrorKind::Unsupported, ErrorKind::Unsupported)
    );
    assert_eq!(open(&prelude(3, 99)).field, "metadata length");
    assert_eq!(open(&prelude(3, u32::MAX)).field, "metadata length");
    let claimed = open(&prelude(3, 64 << 20));
    assert_eq!(
        (claimed.kind, claimed.to_string()),
        (ErrorKind::Truncated, "header: metadata: expected 67108864 bytes, found the end after 0".to_owned())
    );

    // A count of symbols that the header cannot hold.
    let mut bytes = encode(&[]);
    let counts = 8 + 100 + 4;
    bytes[counts..counts + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = open(&bytes);
    assert!(error.found.contains("symbol list count declares 4294967295"), "{error}");
}

#[test]
fn steps_must_be_positive() {
    assert_eq!(
        Steps::new(0, 1).unwrap_err().to_string(),
        "setup: tick size: expected a positive number of recorded units, found 0"
    );
    assert!(Steps::new(-1, 1).is_err() && Steps::new(1, 0).is_err());
}
