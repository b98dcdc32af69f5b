//! An object that is read here and there, or from front to back with the next bytes on their way.
//!
//! A read somewhere new asks for one block. Reads that go on where the last one ended ask ahead, in blocks that double. All
//! blocks are of one version of the object.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use object_store::{GetOptions, GetRange};
use tokio::task::JoinHandle;

use super::answer::{Answer, open};
use super::spot::{Spot, Way};
use super::stat;
use crate::body::{pin, same_version};
use crate::error::{Context, Error, ErrorKind};
use crate::local::OpenFile;
use crate::manage::Metadata;
use crate::window::lost;

/// A block is no larger than this, unless one was asked for.
const LARGEST_BLOCK: u64 = 8 << 20;
/// Blocks that are asked for at once.
const BLOCKS: usize = 4;
const REPLACED: &str = "the object was replaced since it was opened; open it again";

/// How an object is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReaderOptions {
    /// What a request brings at least.
    pub buffer: u64,
    /// The size of the object, where the caller knows it. It saves a request, and is checked against the first answer.
    pub size: Option<u64>,
}

/// An object that is open for reading.
pub struct Reader {
    /// The object as it was when it was opened; only its size where the caller knew that.
    pub meta: Metadata,
    spot: Spot,
    context: Context,
    source: Source,
    buffer: u64,
    /// The size of the next block.
    window: u64,
    /// In order, without gaps.
    blocks: VecDeque<Block>,
    /// Where the next block begins.
    planned: u64,
    /// Where a read begins that goes on where the last one ended.
    expected: u64,
    /// Whether an answer has told which version this is. Then it is that of `meta`.
    seen: bool,
}

enum Source {
    File(OpenFile),
    Memory(Bytes),
    Remote,
}

struct Block {
    range: Range<u64>,
    content: Content,
}

enum Content {
    Coming(Coming),
    There(Vec<Bytes>),
}

/// A task that ends with its handle.
struct Coming(JoinHandle<Result<(Metadata, Vec<Bytes>), Error>>);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reader {
    /// Opens the object at `spot`. The request that tells its size brings the first block too.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], and what else the store answers.
    pub async fn open(spot: Spot, options: ReaderOptions) -> Result<Self, Error> {
        let context = spot.context("get");
        let buffer = options.buffer.max(1);
        let is_file = matches!(spot.way(&context)?, Way::File);
        let in_memory = matches!(spot.way(&context)?, Way::Path(_, _, true));
        let mut reader = Self {
            meta: Metadata { key: spot.key.clone(), size: options.size.unwrap_or(0), ..Metadata::default() },
            spot,
            context,
            source: Source::Remote,
            buffer,
            window: buffer,
            blocks: VecDeque::new(),
            planned: 0,
            expected: 0,
            seen: false,
        };
        if is_file {
            let file = OpenFile::open(&reader.spot.key, &reader.context).await?;
            reader.meta = file.describe(&reader.spot.key);
            reader.source = Source::File(file);
            reader.require_size(options.size)?;
        } else if in_memory {
            reader.take_whole(options.size).await?;
        } else if options.size == Some(0) {
            // No read will ever ask, so this does.
            reader.meta = stat(&reader.spot).await?;
            reader.seen = true;
            reader.require_size(options.size)?;
        } else if options.size.is_none() {
            reader.begin().await?;
        }
        Ok(reader)
    }

    async fn begin(&mut self) -> Result<(), Error> {
        let range = Some(GetRange::Bounded(0..self.buffer));
        let answer = match open(&self.spot, GetOptions { range, ..GetOptions::default() }).await {
            Ok(answer) => answer,
            // There is no first byte, or there is nothing at all; asking for no range tells.
            Err(error) if error.kind() == ErrorKind::OutOfRange || error.status() == Some(416) => {
                self.meta = stat(&self.spot).await?;
                self.seen = true;
                return Ok(());
            }
            // A web server that knows no ranges, or does not say how much there is.
            Err(error) if error.kind() == ErrorKind::NotSupported => return self.take_whole(None).await,
            Err(error) => return Err(error),
        };
        self.meta = answer.meta.clone();
        self.seen = true;
        if answer.range.start != 0 {
            return Err(self.context.error(ErrorKind::Generic, "the server sent another range than was asked for"));
        }
        let range = answer.range.clone();
        self.planned = range.end;
        self.window = (self.buffer * 2).min(LARGEST_BLOCK.max(self.buffer));
        let coming = tokio::spawn(async move { Ok((answer.meta.clone(), chunks_of(answer).await?)) });
        self.blocks.push_back(Block { range, content: Content::Coming(Coming(coming)) });
        Ok(())
    }

    async fn take_whole(&mut self, size: Option<u64>) -> Result<(), Error> {
        let answer = open(&self.spot, GetOptions::default()).await?;
        self.meta = answer.meta.clone();
        let whole = answer.collect().await?;
        self.meta.size = whole.len() as u64;
        self.source = Source::Memory(whole);
        self.require_size(size)
    }

    fn require_size(&self, announced: Option<u64>) -> Result<(), Error> {
        match announced {
            Some(size) if size != self.meta.size => Err(self.other_size(size, self.meta.size)),
            _ => Ok(()),
        }
    }

    fn other_size(&self, announced: u64, found: u64) -> Error {
        let reason = format!("the object has {found} bytes, and not {announced}, which was given as its size");
        self.context.error(ErrorKind::Precondition, reason)
    }

    /// The object's size in bytes.
    pub fn size(&self) -> u64 {
        self.meta.size
    }

    /// The bytes from `at` on: `length` of them, and fewer only where the object ends. In as many pieces as they come in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Precondition`] where the object was replaced since it was opened, and what else the store answers. A later
    /// read may succeed.
    pub async fn read(&mut self, at: u64, length: u64) -> Result<Vec<Bytes>, Error> {
        let mut pieces = Vec::new();
        self.read_each(at, length, |piece| pieces.push(piece)).await?;
        Ok(pieces)
    }

    /// The same in one piece. Each block is let go as soon as its bytes are in place.
    ///
    /// # Errors
    ///
    /// As [`Reader::read`].
    pub async fn read_joined(&mut self, at: u64, length: u64) -> Result<Bytes, Error> {
        let wanted = length.min(self.meta.size.saturating_sub(at)) as usize;
        let (mut only, mut joined) = (Bytes::new(), Vec::new());
        self.read_each(at, length, |piece| {
            if piece.len() == wanted {
                only = piece;
            } else {
                joined.reserve_exact(wanted - joined.len());
                joined.extend_from_slice(&piece);
            }
        })
        .await?;
        Ok(if joined.is_empty() { only } else { joined.into() })
    }

    async fn read_each(&mut self, at: u64, length: u64, mut take: impl FnMut(Bytes)) -> Result<(), Error> {
        let end = at.saturating_add(length).min(self.meta.size);
        if at >= end {
            return Ok(());
        }
        match &self.source {
            Source::File(file) => take(file.read(at..end, &self.context).await?),
            // Both lie within what is in memory.
            Source::Memory(whole) => take(whole.slice(at as usize..end as usize)),
            Source::Remote => {
                let read = self.read_blocks(at, end, take).await;
                if read.is_err() {
                    self.blocks.clear();
                    (self.planned, self.expected) = (at, at);
                }
                return read;
            }
        }
        Ok(())
    }

    async fn read_blocks(&mut self, at: u64, end: u64, mut take: impl FnMut(Bytes)) -> Result<(), Error> {
        let goes_on = at == self.expected;
        let covered = self.blocks.front().is_some_and(|first| first.range.start <= at) && at < self.planned;
        let follows = goes_on && at == self.planned;
        if !(covered || follows) {
            self.blocks.clear();
            (self.planned, self.window) = (at, self.buffer);
        }
        let mut cursor = at;
        while cursor < end {
            while self.blocks.front().is_some_and(|block| block.range.end <= cursor) {
                self.blocks.pop_front();
            }
            self.plan(end, goes_on);
            let block = self.first().await?;
            let Content::There(chunks) = &block.content else { continue };
            let mut offset = block.range.start;
            let until = end.min(block.range.end);
            for chunk in chunks {
                let (start, stop) = (cursor.max(offset), until.min(offset + chunk.len() as u64));
                if start < stop {
                    // Both lie within the chunk.
                    take(chunk.slice((start - offset) as usize..(stop - offset) as usize));
                }
                offset += chunk.len() as u64;
            }
            cursor = until;
        }
        self.expected = end;
        Ok(())
    }

    /// Asks for what is wanted up to `end`, and beyond it where reads go on.
    fn plan(&mut self, end: u64, goes_on: bool) {
        let horizon = if goes_on { end.saturating_add(self.window) } else { end };
        // The first answer tells which version the others must be of.
        let most = if self.seen { BLOCKS } else { 1 };
        while self.planned < horizon.min(self.meta.size) && self.blocks.len() < most {
            let wanted = end.saturating_sub(self.planned).min(LARGEST_BLOCK);
            let range = self.planned..self.meta.size.min(self.planned.saturating_add(wanted.max(self.window)));
            self.planned = range.end;
            self.window = self.window.saturating_mul(2).min(LARGEST_BLOCK.max(self.buffer));
            let content = Content::Coming(self.fetch(range.clone()));
            self.blocks.push_back(Block { range, content });
        }
    }

    fn fetch(&self, range: Range<u64>) -> Coming {
        let tag = if self.seen { pin(&self.meta).map(str::to_owned) } else { None };
        let (spot, context) = (self.spot.clone(), self.context.clone());
        Coming(tokio::spawn(async move {
            let asked = Some(GetRange::Bounded(range.clone()));
            let answer = open(&spot, GetOptions { range: asked, if_match: tag, ..GetOptions::default() }).await;
            let answer = answer.map_err(|error| match error.kind() {
                ErrorKind::Precondition => error.with_advice(REPLACED),
                _ => error,
            })?;
            if answer.range != range {
                let (found, size) = (&answer.range, answer.meta.size);
                let reason = format!("{range:?} was asked for, and the server sent {found:?} of {size}");
                return Err(context.error(ErrorKind::Precondition, reason));
            }
            Ok((answer.meta.clone(), chunks_of(answer).await?))
        }))
    }

    /// The first block, with its bytes.
    async fn first(&mut self) -> Result<&Block, Error> {
        let nothing = || self.context.error(ErrorKind::Generic, "nothing was asked for");
        let coming = match self.blocks.front_mut() {
            Some(Block { content: Content::Coming(coming), .. }) => Some(coming),
            Some(_) => None,
            None => return Err(nothing()),
        };
        if let Some(coming) = coming {
            // Where this future is dropped the task goes on, and the next read waits for it again.
            let (meta, chunks) = (&mut coming.0).await.unwrap_or_else(|error| Err(lost(&self.context, error)))?;
            if !self.seen {
                if meta.size != self.meta.size {
                    return Err(self.other_size(self.meta.size, meta.size));
                }
                self.meta = meta;
                self.seen = true;
            } else if !same_version(&meta, &self.meta) {
                return Err(self.context.error(ErrorKind::Precondition, REPLACED));
            }
            if let Some(block) = self.blocks.front_mut() {
                block.content = Content::There(chunks);
            }
        }
        self.blocks.front().ok_or_else(|| self.context.error(ErrorKind::Generic, "nothing was asked for"))
    }
}

async fn chunks_of(mut answer: Answer) -> Result<Vec<Bytes>, Error> {
    let mut chunks = Vec::new();
    while let Some(chunk) = answer.next().await? {
        chunks.push(chunk);
    }
    Ok(chunks)
}
