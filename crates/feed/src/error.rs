//! The one error of all readers.

use std::borrow::Cow;
use std::fmt;
use std::io;

/// Where in a file something was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Position {
    /// In the configuration, before any byte was read.
    Setup,
    /// At the start of the file, in its magic bytes or header.
    Header,
    /// In a line, numbered from 1.
    Line(u64),
    /// In a binary record.
    Record {
        /// Its place in the file, from 0.
        ordinal: u64,
        /// Its first byte's place in the uncompressed file, from 0.
        byte: u64,
    },
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setup => f.write_str("setup"),
            Self::Header => f.write_str("header"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Record { ordinal, byte } => write!(f, "record {ordinal} (byte {byte})"),
        }
    }
}

/// What sort of trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The input ends in the middle of something. What came before was delivered.
    Truncated,
    /// The input is not what its format promises.
    Malformed,
    /// The input is sound, but of a kind that is not read here.
    Unsupported,
    /// The operating system or the decompressor failed.
    Io,
}

/// A file that cannot be read on, and why. The reader that returned it is at its end.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{position}: {field}: expected {expected}, found {found}")]
pub struct FeedError {
    /// What sort of trouble.
    pub kind: ErrorKind,
    /// Where.
    pub position: Position,
    /// Which field.
    pub field: &'static str,
    /// What should have been there.
    pub expected: Cow<'static, str>,
    /// What was there.
    pub found: String,
}

impl FeedError {
    pub(crate) fn new(
        kind: ErrorKind,
        position: Position,
        field: &'static str,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) -> Self {
        Self { kind, position, field, expected: expected.into(), found: found.into() }
    }

    pub(crate) fn malformed(
        position: Position,
        field: &'static str,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
    ) -> Self {
        Self::new(ErrorKind::Malformed, position, field, expected, found)
    }

    pub(crate) fn io(position: Position, field: &'static str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::UnexpectedEof => ErrorKind::Truncated,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => ErrorKind::Malformed,
            _ => ErrorKind::Io,
        };
        Self::new(kind, position, field, "readable input", error.to_string())
    }
}

/// At most 64 characters of input, with what cannot be printed escaped.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    const SHOWN: usize = 64;
    let ellipsis = if bytes.len() > SHOWN { "..." } else { "" };
    format!("`{}{ellipsis}`", bytes[..bytes.len().min(SHOWN)].escape_ascii())
}
