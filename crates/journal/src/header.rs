//! The header: what is needed to understand, and to replay, the records that follow.

use crate::codec::{self, DecodeError};
use crate::limits::MAX_HEADER;
use crate::machine::Machine;
use downdraft_types::MachineId;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};

/// The first bytes of every journal. As in PNG: a high bit and both kinds of line end, so that a transfer as
/// text is noticed.
pub const MAGIC: [u8; 8] = *b"\x89DDJ\r\n\x1a\n";

/// The version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u32 = 2;

/// Magic, version and length of the body.
const PREFIX_LEN: usize = 16;

/// What a journal says of its run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Name and version of the software that wrote it.
    pub software: String,
    /// The scenario's whole text.
    pub scenario: String,
    /// The seed of the run.
    pub seed: u64,
    /// The machines, each number once.
    pub machines: Vec<MachineEntry>,
}

/// A machine at genesis: empty, with its capacities.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MachineEntry {
    /// Its number, in every record of a command applied to it.
    pub id: MachineId,
    /// [`Machine::KIND`].
    pub kind: String,
    /// [`Machine::Genesis`], encoded.
    pub genesis: Vec<u8>,
}

/// The header as decoded: borrowed, so that a length claimed in it reserves nothing.
#[derive(Deserialize)]
struct RawHeader<'a> {
    software: &'a str,
    scenario: &'a str,
    seed: u64,
    #[serde(borrow)]
    machines: Vec<RawMachine<'a>>,
}

#[derive(Deserialize)]
struct RawMachine<'a> {
    id: MachineId,
    kind: &'a str,
    genesis: &'a [u8],
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Reading failed.
    #[error("cannot read the journal: {0}")]
    Io(#[from] io::Error),
    /// The first bytes are something else.
    #[error("not a journal: starts with {found:02x?}, expected {MAGIC:02x?}")]
    NotAJournal {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// Another version of the format.
    #[error("journal format version {found} found, {expected} expected: use the software that wrote it")]
    Version {
        /// In the file.
        found: u32,
        /// By this software.
        expected: u32,
    },
    /// The file ends within the header.
    #[error("the journal ends within its header: {found} bytes found, {expected} expected")]
    Torn {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// A length no writer would write.
    #[error("damaged header: a body of {found} bytes found, at most {MAX_HEADER} expected")]
    TooLong {
        /// The length of the body.
        found: u32,
    },
    /// The checksum does not match.
    #[error("damaged header: checksum {found:08x} found, {expected:08x} expected")]
    Checksum {
        /// Of the bytes.
        found: u32,
        /// In the file.
        expected: u32,
    },
    /// The bytes are whole, but are not a header.
    #[error("damaged header: {0}")]
    Malformed(#[from] DecodeError),
}

impl MachineEntry {
    /// The entry of a machine of type `M`.
    #[must_use]
    pub fn new<M: Machine>(id: MachineId, genesis: &M::Genesis) -> Self {
        Self { id, kind: M::KIND.to_owned(), genesis: codec::encode(genesis) }
    }
}

impl Header {
    /// The header's bytes and its checksum, by which every frame names its journal. `None`: its body is longer
    /// than [`MAX_HEADER`].
    pub(crate) fn encode(&self) -> Option<(Vec<u8>, u32)> {
        let body = codec::encode(self);
        let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_HEADER)?;
        let mut bytes = codec::encode(&(MAGIC, FORMAT_VERSION, length));
        bytes.extend_from_slice(&body);
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        Some((bytes, checksum))
    }

    /// Reads a header. Returns it with its checksum and its length in bytes.
    pub(crate) fn read(input: &mut impl Read) -> Result<(Self, u32, u64), OpenError> {
        let mut bytes = Vec::new();
        let length = read_prefix(input, &mut bytes)?;
        let whole = PREFIX_LEN + length + size_of::<u32>();
        input.take((length + size_of::<u32>()) as u64).read_to_end(&mut bytes)?;
        if bytes.len() < whole {
            return Err(OpenError::Torn { found: bytes.len() as u64, expected: whole as u64 });
        }
        let (content, checksum) = bytes.split_at(PREFIX_LEN + length);
        let expected: u32 = codec::decode(checksum)?;
        let found = crc32fast::hash(content);
        if found != expected {
            return Err(OpenError::Checksum { found, expected });
        }
        let raw: RawHeader<'_> = codec::decode(&content[PREFIX_LEN..])?;
        Ok((raw.into(), found, whole as u64))
    }
}

/// Reads what comes before the header's body, whose length it returns.
fn read_prefix(input: &mut impl Read, bytes: &mut Vec<u8>) -> Result<usize, OpenError> {
    input.take(PREFIX_LEN as u64).read_to_end(bytes)?;
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] {
        return Err(OpenError::NotAJournal { found: bytes[..known].to_vec() });
    }
    if bytes.len() < PREFIX_LEN {
        return Err(OpenError::Torn { found: bytes.len() as u64, expected: PREFIX_LEN as u64 });
    }
    let (_, version, length): ([u8; 8], u32, u32) = codec::decode(bytes)?;
    if version != FORMAT_VERSION {
        return Err(OpenError::Version { found: version, expected: FORMAT_VERSION });
    }
    if length as usize > MAX_HEADER {
        return Err(OpenError::TooLong { found: length });
    }
    Ok(length as usize)
}

impl From<RawHeader<'_>> for Header {
    fn from(raw: RawHeader<'_>) -> Self {
        let entry = |m: RawMachine<'_>| MachineEntry { id: m.id, kind: m.kind.to_owned(), genesis: m.genesis.to_vec() };
        Self {
            software: raw.software.to_owned(),
            scenario: raw.scenario.to_owned(),
            seed: raw.seed,
            machines: raw.machines.into_iter().map(entry).collect(),
        }
    }
}
