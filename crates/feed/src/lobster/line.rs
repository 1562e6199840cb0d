//! Lines of bounded length and their comma-separated integers.

use crate::error::{ErrorKind, FeedError, Position, quoted};
use downdraft_types::Time;
use std::io::{BufRead, ErrorKind as IoKind};

/// Reads one line at a time into a buffer that never outgrows `longest`.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    longest: usize,
    number: u64,
    finished: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) const fn new(reader: R, longest: usize) -> Self {
        Self { reader, line: Vec::new(), longest, number: 0, finished: false }
    }

    /// Lines read so far, the current one included.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    pub(super) const fn position(&self) -> Position {
        Position::Line(self.number)
    }

    /// Nothing more is read: the end, or an error, was reported.
    pub(super) const fn finish(&mut self) {
        self.finished = true;
    }

    /// The next line without its end, `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Fields<'_>>, FeedError> {
        if self.finished || !self.fill()? {
            self.finished = true;
            return Ok(None);
        }
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        Ok(Some(Fields { rest: Some(line), position: Position::Line(self.number) }))
    }

    fn fill(&mut self) -> Result<bool, FeedError> {
        self.line.clear();
        self.number += 1;
        let mut begun = false;
        loop {
            let position = self.position();
            let chunk = match self.reader.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == IoKind::Interrupted => continue,
                Err(error) => return Err(FeedError::io(position, "line", &error)),
            };
            if chunk.is_empty() {
                self.number -= u64::from(!begun);
                return Ok(begun);
            }
            begun = true;
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let taken = end.unwrap_or(chunk.len());
            if self.line.len() + taken > self.longest {
                let expected = format!("at most {} bytes", self.longest);
                return Err(FeedError::malformed(position, "line", expected, "a longer line"));
            }
            self.line.extend_from_slice(&chunk[..taken]);
            self.reader.consume(taken + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

/// The fields of one line, taken from left to right.
pub(super) struct Fields<'a> {
    rest: Option<&'a [u8]>,
    pub(super) position: Position,
}

impl<'a> Fields<'a> {
    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a [u8], FeedError> {
        let Some(rest) = self.rest else {
            return Err(FeedError::new(ErrorKind::Truncated, self.position, field, "a value", "the end of the line"));
        };
        let comma = rest.iter().position(|&byte| byte == b',');
        self.rest = comma.map(|at| &rest[at + 1..]);
        Ok(&rest[..comma.unwrap_or(rest.len())])
    }

    pub(super) fn signed(&mut self, field: &'static str) -> Result<i64, FeedError> {
        let text = self.text(field)?;
        let parsed = match text.strip_prefix(b"-") {
            Some(digits) => unsigned(digits).and_then(|n| 0_i64.checked_sub_unsigned(n)),
            None => unsigned(text).and_then(|n| i64::try_from(n).ok()),
        };
        parsed.ok_or_else(|| self.malformed(field, "a 64-bit integer", text))
    }

    pub(super) fn unsigned(&mut self, field: &'static str) -> Result<u64, FeedError> {
        let text = self.text(field)?;
        unsigned(text).ok_or_else(|| self.malformed(field, "an unsigned 64-bit integer", text))
    }

    /// Seconds as nanoseconds, and whether further decimals were rounded to the nearest.
    pub(super) fn time(&mut self) -> Result<(Time, bool), FeedError> {
        let text = self.text("time")?;
        nanoseconds(text)
            .map(|(ns, rounded)| (Time(ns), rounded))
            .ok_or_else(|| self.malformed("time", "seconds after midnight with at most 18 decimals", text))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_none()
    }

    /// Checks that nothing is left.
    pub(super) fn end(self) -> Result<(), FeedError> {
        match self.rest {
            None => Ok(()),
            Some(rest) => Err(self.malformed("line", "no further field", rest)),
        }
    }

    pub(super) fn malformed(&self, field: &'static str, expected: &'static str, found: &[u8]) -> FeedError {
        FeedError::malformed(self.position, field, expected, quoted(found))
    }
}

fn unsigned(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |n, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        n.checked_mul(10)?.checked_add(digit)
    })
}

fn nanoseconds(text: &[u8]) -> Option<(u64, bool)> {
    const ATTO_PER_NANO: u64 = 1_000_000_000;
    const DECIMALS: usize = 18;
    let (seconds, decimals) = match text.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b"0"[..]),
    };
    let padding = DECIMALS.checked_sub(decimals.len())?;
    let atto = unsigned(decimals)? * 10_u64.pow(padding as u32);
    let nano = (atto + ATTO_PER_NANO / 2) / ATTO_PER_NANO;
    let total = unsigned(seconds)?.checked_mul(1_000_000_000)?.checked_add(nano)?;
    Some((total, !atto.is_multiple_of(ATTO_PER_NANO)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        let exact = |text: &str| nanoseconds(text.as_bytes()).filter(|(_, rounded)| !rounded).map(|(ns, _)| ns);
        assert_eq!(exact("34200.004241176"), Some(34_200_004_241_176));
        assert_eq!(exact("34200.00426064"), Some(34_200_004_260_640));
        assert_eq!(exact("34200"), Some(34_200_000_000_000));
        assert_eq!(exact("0.000000001"), Some(1));
        assert_eq!(exact("0.999999999000000000"), Some(999_999_999));
        assert_eq!(exact("18446744073.709551615"), Some(u64::MAX));
        for bad in
            ["", ".", "1.", ".5", "1.0000000000000000000", "1e4", "-1", "+1", "1 ", "18446744073.709551616", "1.2.3"]
        {
            assert_eq!(nanoseconds(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn decimals_beyond_nanoseconds_round_and_say_so() {
        for (text, ns) in [
            ("35821.088778456004", 35_821_088_778_456),
            ("35821.088778455996", 35_821_088_778_456),
            ("0.0000000005", 1),
            ("0.000000000499999999", 0),
            ("0.999999999999999999", 1_000_000_000),
        ] {
            assert_eq!(nanoseconds(text.as_bytes()), Some((ns, true)), "{text}");
        }
    }

    #[test]
    fn integers_keep_their_range() {
        let mut fields =
            Fields { rest: Some(b"-9223372036854775808,9223372036854775807"), position: Position::Line(1) };
        assert_eq!(fields.signed("a"), Ok(i64::MIN));
        assert_eq!(fields.signed("b"), Ok(i64::MAX));
        for bad in ["-9223372036854775809", "9223372036854775808", "", "-", "--1", "+1", "0x1", "1_0"] {
            assert!(Fields { rest: Some(bad.as_bytes()), position: Position::Line(1) }.signed("a").is_err(), "{bad}");
        }
    }
}
