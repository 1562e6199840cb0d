//! Frames: what stands before each block and before the footer, so that either can be trusted or cut off
//! whole. A frame's own checksum covers its length, so a length is never believed unchecked.

use crate::codec;
use crate::limits::MAX_PAYLOAD;
use downdraft_types::{MachineId, Seq, Time};
use serde::{Deserialize, Serialize};

/// Bytes of a frame on disk.
pub(crate) const FRAME_LEN: usize = 72;

/// Bytes of a frame under its own checksum: all but that checksum.
const SEALED_LEN: usize = FRAME_LEN - size_of::<u32>();

/// What follows a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Block,
    Footer,
}

impl Kind {
    const fn tag(self) -> [u8; 4] {
        match self {
            Self::Block => *b"BLCK",
            Self::Footer => *b"FOOT",
        }
    }
}

/// A block of whole records. Of the footer's frame: the run's first and last command, counts zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Block {
    /// Its number, from 0; the footer's is the number of blocks.
    pub number: u64,
    /// The first command with a record in it.
    pub first_seq: Seq,
    /// The last.
    pub last_seq: Seq,
    /// The first one's time.
    pub first_time: Time,
    /// The last one's time.
    pub last_time: Time,
    /// Commands that begin in it.
    pub commands: u32,
    /// Records in it: commands and events.
    pub records: u32,
    /// 1 where the last command's events go on in the next block, else 0.
    pub open: u32,
}

/// The end of a run that ended well.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Footer {
    /// Blocks of the journal.
    pub blocks: u64,
    /// Commands applied.
    pub commands: u64,
    /// Events emitted.
    pub events: u64,
    /// Each machine's state hash, in the header's order.
    pub states: Vec<(MachineId, u64)>,
}

/// Why a frame, or what it announces, cannot be what a writer wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// The frame's checksum.
    #[error("frame checksum {found:08x} found, {expected:08x} expected")]
    FrameChecksum {
        /// Of the bytes.
        found: u32,
        /// In the file.
        expected: u32,
    },
    /// The payload's checksum.
    #[error("payload checksum {found:08x} found, {expected:08x} expected")]
    PayloadChecksum {
        /// Of the bytes.
        found: u32,
        /// In the file.
        expected: u32,
    },
    /// A frame of another journal.
    #[error("a frame of journal {found:08x} found, this is {expected:08x}")]
    Foreign {
        /// In the frame.
        found: u32,
        /// The checksum of this journal's header.
        expected: u32,
    },
    /// A block is missing, doubled or out of place.
    #[error("block {found} found, {expected} expected")]
    OutOfPlace {
        /// In the frame.
        found: u64,
        /// The next.
        expected: u64,
    },
    /// A length no writer would write.
    #[error("a payload of {found} bytes found, at most {MAX_PAYLOAD} expected")]
    TooLong {
        /// In the frame.
        found: u32,
    },
    /// The checksums match, but what they cover contradicts itself.
    #[error("{0}")]
    Malformed(String),
}

/// A frame, checked by itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub kind: Kind,
    pub block: Block,
    pub length: usize,
    pub payload_checksum: u32,
}

impl Frame {
    /// Writes the frame of `payload` into `room`.
    pub(crate) fn seal(kind: Kind, journal: u32, block: &Block, payload: &[u8], room: &mut [u8]) {
        let length = u32::try_from(payload.len()).expect("a payload exceeds its limit");
        let checksum = crc32fast::hash(payload);
        let content = (kind.tag(), journal, block, length, checksum);
        assert_eq!(codec::encode_into(&content, room), Some(SEALED_LEN), "a frame has a fixed length");
        let own = crc32fast::hash(&room[..SEALED_LEN]);
        room[SEALED_LEN..FRAME_LEN].copy_from_slice(&own.to_le_bytes());
    }

    /// Reads a frame that should be the `next` of `journal`.
    pub(crate) fn open(bytes: &[u8; FRAME_LEN], journal: u32, next: u64) -> Result<Self, Damage> {
        type Content = ([u8; 4], u32, Block, u32, u32);
        let malformed = |error: codec::DecodeError| Damage::Malformed(error.to_string());
        let (content, checksum) = bytes.split_at(SEALED_LEN);
        let expected: u32 = codec::decode(checksum).map_err(malformed)?;
        let found = crc32fast::hash(content);
        if found != expected {
            return Err(Damage::FrameChecksum { found, expected });
        }
        let (tag, of, block, length, payload_checksum): Content = codec::decode(content).map_err(malformed)?;
        let kind = [Kind::Block, Kind::Footer].into_iter().find(|kind| kind.tag() == tag);
        let kind = kind.ok_or_else(|| Damage::Malformed(format!("no frame is tagged {tag:02x?}")))?;
        if of != journal {
            return Err(Damage::Foreign { found: of, expected: journal });
        }
        if block.number != next {
            return Err(Damage::OutOfPlace { found: block.number, expected: next });
        }
        if length as usize > MAX_PAYLOAD {
            return Err(Damage::TooLong { found: length });
        }
        Ok(Self { kind, block, length: length as usize, payload_checksum })
    }
}
