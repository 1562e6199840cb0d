//! The one place where values become bytes and bytes become values: bincode 2 in its fixed-width,
//! little-endian layout, described byte by byte in `docs/journal.md`.

use crate::limits::MAX_HEADER;
use bincode::config::{self, Configuration, Fixint, Limit, LittleEndian};
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::{Deserialize, DeserializeOwned};

const LAYOUT: Configuration<LittleEndian, Fixint, Limit<MAX_HEADER>> =
    config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<MAX_HEADER>();

/// Bytes that are not a value of the type asked for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct DecodeError(String);

/// Encodes `value` at the start of `room` and returns its length in bytes; `None` where it does not fit.
///
/// # Panics
/// Where `T` has no fixed layout (a sequence of unknown length): a defect of the type, not of the value.
#[inline]
pub fn encode_into<T: Serialize + ?Sized>(value: &T, room: &mut [u8]) -> Option<usize> {
    match bincode::serde::encode_into_slice(value, room, LAYOUT) {
        Ok(length) => Some(length),
        Err(EncodeError::UnexpectedEnd) => None,
        Err(error) => panic!("a type without a layout: {error}"),
    }
}

/// Encodes `value` into new bytes.
///
/// # Panics
/// As [`encode_into`].
#[must_use]
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    match bincode::serde::encode_to_vec(value, LAYOUT) {
        Ok(bytes) => bytes,
        Err(error) => panic!("a type without a layout: {error}"),
    }
}

/// Decodes a value from the start of `bytes` and returns it with its length in bytes.
///
/// # Errors
/// Where `bytes` end too early or hold a tag, flag or character that the type does not have.
#[inline]
pub fn decode_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), DecodeError> {
    bincode::serde::decode_from_slice(bytes, LAYOUT).map_err(|error| DecodeError(error.to_string()))
}

/// Decodes a value, which may borrow, from all of `bytes`.
///
/// # Errors
/// As [`decode_prefix`], and where bytes are left over.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let decoded = bincode::serde::borrow_decode_from_slice(bytes, LAYOUT);
    let (value, length) = decoded.map_err(|error| DecodeError(error.to_string()))?;
    check_length(length, bytes)?;
    Ok(value)
}

/// Decodes an owned value from all of `bytes`.
///
/// # Errors
/// As [`decode`].
pub fn decode_owned<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (value, length) = decode_prefix(bytes)?;
    check_length(length, bytes)?;
    Ok(value)
}

fn check_length(length: usize, bytes: &[u8]) -> Result<(), DecodeError> {
    if length == bytes.len() {
        return Ok(());
    }
    Err(DecodeError(format!("{length} bytes expected, {} found", bytes.len())))
}
