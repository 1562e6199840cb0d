//! Plain, gzip or zstd input, told apart by its first bytes.

use crate::error::{FeedError, Position};
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// Bytes looked at to recognise a format.
const MAGIC_LEN: usize = 4;
/// Bytes buffered on either side of a decompressor.
const BUFFER_LEN: usize = 64 * 1024;
/// The largest zstd window accepted, 2^27 bytes: what `zstd --ultra -22` and `--long` use by default.
const MAX_WINDOW_LOG: u32 = 27;

/// How an input is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames.
    Zstd,
}

impl Compression {
    /// The compression that starts with these bytes.
    #[must_use]
    pub const fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or a skippable frame before it.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

type Head<R> = BufReader<Chain<Cursor<Vec<u8>>, R>>;

/// A decompressing reader over any source of bytes, with bounded memory: two buffers of 64 KiB and, for zstd,
/// a window of at most 128 MiB.
pub struct Input<R: Read>(Codec<R>);

enum Codec<R: Read> {
    Plain(Head<R>),
    Gzip(Box<BufReader<MultiGzDecoder<Head<R>>>>),
    Zstd(Box<BufReader<zstd::Decoder<'static, Head<R>>>>),
}

impl<R: Read> Input<R> {
    /// Looks at the first bytes of `source` and decompresses accordingly.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub fn new(mut source: R) -> Result<Self, FeedError> {
        let failed = |error: io::Error| FeedError::io(Position::Header, "magic bytes", &error);
        let mut magic = Vec::with_capacity(MAGIC_LEN);
        source.by_ref().take(MAGIC_LEN as u64).read_to_end(&mut magic).map_err(failed)?;
        let compression = Compression::of(&magic);
        let head = BufReader::with_capacity(BUFFER_LEN, Cursor::new(magic).chain(source));
        Ok(Self(match compression {
            Compression::Plain => Codec::Plain(head),
            Compression::Gzip => Codec::Gzip(Box::new(BufReader::with_capacity(BUFFER_LEN, MultiGzDecoder::new(head)))),
            Compression::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(head).map_err(failed)?;
                decoder.window_log_max(MAX_WINDOW_LOG).map_err(failed)?;
                Codec::Zstd(Box::new(BufReader::with_capacity(BUFFER_LEN, decoder)))
            }
        }))
    }

    /// What was recognised.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        match self.0 {
            Codec::Plain(_) => Compression::Plain,
            Codec::Gzip(_) => Compression::Gzip,
            Codec::Zstd(_) => Compression::Zstd,
        }
    }

    fn inner(&mut self) -> &mut dyn BufRead {
        match &mut self.0 {
            Codec::Plain(reader) => reader,
            Codec::Gzip(reader) => reader,
            Codec::Zstd(reader) => reader,
        }
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner().read(buffer)
    }
}

impl<R: Read> BufRead for Input<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner().fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner().consume(amount);
    }
}
