//! What a stream and an upload remember between calls.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use longshore_abi::raw::{ERROR_BUSY, ERROR_INVALID_ARGUMENT};
use object_store_014::path::Path;
use object_store_014::{
    Attributes, Error, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, Result,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::Export;
use super::request::Listed;

/// What is brought at once where the caller does not say.
const TARGET_BYTES: usize = 1 << 20;
/// What one read of a file brings at most, whatever the caller says: it is allocated before it is read.
const MOST_AT_ONCE: u64 = 16 << 20;
/// The objects that are brought at once where the caller does not say, and at most.
const MOST_ITEMS: usize = 1000;

/// What a stream's handle leads to.
pub(super) struct StreamState {
    pub(super) export: Arc<Export>,
    source: Arc<Mutex<Source>>,
}

/// Where a stream's content comes from.
pub(super) struct Source {
    /// Whether it came to its end, or failed, or was cancelled half-way.
    is_used_up: bool,
    content: Content,
}

enum Content {
    Bytes(Body),
    Objects(Listing),
}

/// What a stream brought.
pub(super) enum Next {
    Bytes(Vec<Bytes>),
    Objects(ListResult),
}

impl StreamState {
    pub(super) fn of_body(export: Arc<Export>, body: Body) -> Self {
        Self::new(export, Content::Bytes(body))
    }

    pub(super) fn of_listing(export: Arc<Export>, listed: Listed) -> Self {
        Self::new(export, Content::Objects(Listing::Unopened(listed)))
    }

    fn new(export: Arc<Export>, content: Content) -> Self {
        Self { export, source: Arc::new(Mutex::new(Source { is_used_up: false, content })) }
    }

    /// The right to bring what is next, or minus an error's code.
    pub(super) fn turn(&self) -> std::result::Result<Turn, i32> {
        let source = Arc::clone(&self.source).try_lock_owned().map_err(|_| -ERROR_BUSY)?;
        if source.is_used_up { Err(-ERROR_INVALID_ARGUMENT) } else { Ok(Turn(source)) }
    }
}

/// The one call that may be under way.
pub(super) struct Turn(OwnedMutexGuard<Source>);

impl Turn {
    /// What is next, and whether it is the last.
    pub(super) async fn next(mut self, export: &Export, target_bytes: u64, max_items: u64) -> Result<(Next, bool)> {
        let or = |said: u64, otherwise: usize| usize::try_from(said).ok().filter(|said| *said > 0).unwrap_or(otherwise);
        // Whoever drops this future half-way leaves it like that: what was lost cannot be brought again.
        self.0.is_used_up = true;
        let (next, is_end) = match &mut self.0.content {
            Content::Bytes(body) => {
                let (chunks, is_end) = body.next(or(target_bytes, TARGET_BYTES)).await?;
                (Next::Bytes(chunks), is_end)
            }
            Content::Objects(listing) => {
                let (objects, is_end) = listing.next(export, or(max_items, MOST_ITEMS).min(MOST_ITEMS)).await?;
                (Next::Objects(objects), is_end)
            }
        };
        self.0.is_used_up = is_end;
        Ok((next, is_end))
    }
}

/// The content of an object.
pub(super) enum Body {
    Stream(BoxStream<'static, Result<Bytes>>),
    /// `None` while a thread reads it.
    File(Option<std::fs::File>, Range<u64>),
}

impl Body {
    /// Parts a result from its content.
    pub(super) fn of(result: GetResult) -> (Range<u64>, ObjectMeta, Attributes, Self) {
        let GetResult { payload, meta, range, attributes, .. } = result;
        let body = match payload {
            GetResultPayload::File(file, _) => Self::File(Some(file), range.clone()),
            GetResultPayload::Stream(stream) => Self::Stream(stream),
        };
        (range, meta, attributes, body)
    }

    /// About `target` bytes, and whether they are the last.
    pub(super) async fn next(&mut self, target: usize) -> Result<(Vec<Bytes>, bool)> {
        match self {
            Self::Stream(stream) => {
                let mut chunks = Vec::with_capacity(1);
                let mut length = 0;
                while length < target {
                    let Some(chunk) = stream.next().await.transpose()? else { return Ok((chunks, true)) };
                    length += chunk.len();
                    if !chunk.is_empty() {
                        chunks.push(chunk);
                    }
                }
                Ok((chunks, false))
            }
            Self::File(file, rest) => {
                let length = (rest.end - rest.start).min(target as u64).min(MOST_AT_ONCE);
                let (Some(mut read), start) = (file.take(), rest.start) else { return Ok((Vec::new(), true)) };
                let (read, chunk) = tokio::task::spawn_blocking(move || {
                    let mut chunk = Vec::with_capacity(length as usize);
                    let outcome = read
                        .seek(SeekFrom::Start(start))
                        .and_then(|_| Read::by_ref(&mut read).take(length).read_to_end(&mut chunk));
                    outcome.map(|_| (read, chunk))
                })
                .await?
                .map_err(file_failed)?;
                if (chunk.len() as u64) < length {
                    return Err(file_failed("it became shorter while it was read"));
                }
                *file = Some(read);
                rest.start += length;
                Ok((if chunk.is_empty() { Vec::new() } else { vec![chunk.into()] }, rest.start == rest.end))
            }
        }
    }

    /// All that is left.
    pub(super) async fn all(&mut self) -> Result<Vec<Bytes>> {
        let (mut chunks, mut is_end) = self.next(usize::MAX).await?;
        while !is_end {
            let (more, end) = self.next(usize::MAX).await?;
            chunks.extend(more);
            is_end = end;
        }
        Ok(chunks)
    }
}

fn file_failed(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "LocalFileSystem", source: reason.into() }
}

/// A listing, as far as it has come.
enum Listing {
    Unopened(Listed),
    Objects(BoxStream<'static, Result<ObjectMeta>>),
    /// With a delimiter, `object_store` brings everything at once.
    Level(ListResult),
}

impl Listing {
    async fn open(listed: &Listed, export: &Export) -> Result<Self> {
        let path = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(Path::parse).transpose();
        let prefix = path(&listed.prefix)?;
        let store = &export.exported.store;
        if listed.has_delimiter {
            let mut level = store.as_ref().list_with_delimiter(prefix.as_ref()).await?;
            // Taken from the end below.
            level.objects.reverse();
            level.common_prefixes.reverse();
            return Ok(Self::Level(level));
        }
        Ok(Self::Objects(match path(&listed.start_after)? {
            Some(offset) => store.as_ref().list_with_offset(prefix.as_ref(), &offset),
            None => store.as_ref().list(prefix.as_ref()),
        }))
    }

    async fn next(&mut self, export: &Export, most: usize) -> Result<(ListResult, bool)> {
        if let Self::Unopened(listed) = self {
            *self = Self::open(listed, export).await?;
        }
        let mut page = ListResult { common_prefixes: Vec::new(), objects: Vec::new(), extensions: Default::default() };
        match self {
            Self::Unopened(_) => {}
            Self::Objects(stream) => {
                while page.objects.len() < most {
                    let Some(object) = stream.next().await.transpose()? else { return Ok((page, true)) };
                    page.objects.push(object);
                }
            }
            Self::Level(level) => {
                while page.common_prefixes.len() < most
                    && let Some(prefix) = level.common_prefixes.pop()
                {
                    page.common_prefixes.push(prefix);
                }
                while page.common_prefixes.len() + page.objects.len() < most
                    && let Some(object) = level.objects.pop()
                {
                    page.objects.push(object);
                }
                return Ok((page, level.objects.is_empty() && level.common_prefixes.is_empty()));
            }
        }
        Ok((page, false))
    }
}

/// What an upload's handle leads to.
pub(super) struct UploadState {
    pub(super) export: Arc<Export>,
    upload: Arc<Mutex<Option<Box<dyn MultipartUpload>>>>,
}

/// The upload, while a call has it. `None` inside once it was completed or aborted.
pub(super) type Held = OwnedMutexGuard<Option<Box<dyn MultipartUpload>>>;

impl UploadState {
    pub(super) fn new(export: Arc<Export>, upload: Box<dyn MultipartUpload>) -> Self {
        Self { export, upload: Arc::new(Mutex::new(Some(upload))) }
    }

    /// The upload, for one call, or minus an error's code.
    pub(super) fn hold(&self) -> std::result::Result<Held, i32> {
        let held = Arc::clone(&self.upload).try_lock_owned().map_err(|_| -ERROR_BUSY)?;
        if held.is_none() { Err(-ERROR_INVALID_ARGUMENT) } else { Ok(held) }
    }
}
