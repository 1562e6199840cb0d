//! How large the parts of a journal may be. Writer and reader hold to the same limits.

/// The longest body of a header, in bytes: room for a scenario's text.
pub const MAX_HEADER: usize = 16 << 20;

/// The longest payload of a block, in bytes, and so the longest record.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// A block is closed at the end of the first command that brings its payload to this many bytes.
pub const BLOCK_TARGET: usize = 64 << 10;

/// A block is closed in the middle of a command once its payload has this many bytes, so that a command with
/// very many events needs no more memory than another.
pub const BLOCK_SPLIT: usize = 2 * BLOCK_TARGET;
