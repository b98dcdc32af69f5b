//! What a store does, in the words of the interface: text, numbers and bytes, of no version of `object_store`.
//!
//! Each function begins its operation at once and returns the future of its result, so that nothing lent is kept.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use longshore_abi::raw::{
    self, ALLOW_INLINE, CopyArgs, DeleteArgs, EndArgs, GetArgs, ListArgs, NextArgs, Pair, PartArgs, PutArgs,
    RangesArgs, SignArgs, UploadArgs,
};
use longshore_abi::{Answer, Buffer, OwnedBuffer, StoreRef, Str, StreamHandle, UploadHandle};

use super::call::Call;
use super::error::ForeignError;
use crate::unwind::dropped;

/// Bodies of no more than this arrive with the first answer.
const PREFETCH_BYTES: u64 = 256 << 10;
/// The first bytes of a larger body are asked for in so small a piece, so that they come soon; each next piece is twice as large.
const FIRST_BYTES: u64 = 256 << 10;
/// The largest piece: one is read while another one is on its way, and both stay in a processor's cache.
const MOST_BYTES: u64 = 1 << 20;

type Result<T, E = ForeignError> = std::result::Result<T, E>;

/// A store in another module.
#[derive(Clone)]
pub(super) struct Remote {
    pub(super) store: Arc<StoreRef>,
    name: Arc<str>,
}

/// Which bytes of an object.
pub(super) enum Bounds {
    Bounded(u64, u64),
    Offset(u64),
    Suffix(u64),
}

/// What to read.
pub(super) struct Get<'a> {
    pub(super) path: &'a str,
    pub(super) range: Option<Bounds>,
    pub(super) if_match: Option<&'a str>,
    pub(super) if_none_match: Option<&'a str>,
    pub(super) if_modified_since_ns: Option<i64>,
    pub(super) if_unmodified_since_ns: Option<i64>,
    pub(super) version: Option<&'a str>,
    pub(super) is_head: bool,
}

/// When to write.
#[derive(Clone, Copy)]
pub(super) enum Mode<'a> {
    Overwrite,
    Create,
    Update { e_tag: Option<&'a str>, version: Option<&'a str> },
}

/// A name and a value.
pub(super) type Named = (String, String);

impl Remote {
    pub(super) fn new(store: StoreRef) -> Self {
        let name = store.describe(raw::DESCRIBE_NAME).ok();
        let name = name.as_ref().and_then(|name| std::str::from_utf8(name.as_slice()).ok()).unwrap_or("a store");
        let name = format!("{name} of {}", store.info()).into();
        Self { store: Arc::new(store), name }
    }

    pub(super) fn get(&self, get: &Get<'_>) -> impl Future<Output = Result<Answer>> + Send + use<> {
        let mut args = GetArgs::EMPTY;
        args.flags = ALLOW_INLINE | if get.is_head { raw::GET_HEAD } else { 0 };
        args.path = Str::new(get.path);
        args.range = match get.range {
            None => raw::Range { kind: raw::RANGE_ALL, start: 0, end: 0 },
            Some(Bounds::Bounded(start, end)) => raw::Range { kind: raw::RANGE_BOUNDED, start, end },
            Some(Bounds::Offset(start)) => raw::Range { kind: raw::RANGE_OFFSET, start, end: 0 },
            Some(Bounds::Suffix(end)) => raw::Range { kind: raw::RANGE_SUFFIX, start: 0, end },
        };
        args.if_match = optional(get.if_match);
        args.if_none_match = optional(get.if_none_match);
        args.if_modified_since_ns = condition(get.if_modified_since_ns);
        args.if_unmodified_since_ns = condition(get.if_unmodified_since_ns);
        args.version = optional(get.version);
        args.prefetch_bytes = PREFETCH_BYTES;
        // SAFETY: the store is alive, and all that the arguments point to lives until the call returns.
        let call = unsafe { Call::begin(self.store.vtable(), self.store.vtable().get, self.store.data(), &args) };
        self.finish(call, get.path)
    }

    pub(super) fn get_ranges(
        &self,
        path: &str,
        ranges: &[(u64, u64)],
    ) -> impl Future<Output = Result<Vec<Bytes>>> + Send + use<> {
        let ranges: Vec<_> =
            ranges.iter().map(|&(start, end)| raw::Range { kind: raw::RANGE_BOUNDED, start, end }).collect();
        let mut args = RangesArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        args.path = Str::new(path);
        (args.ranges, args.range_count) = (ranges.as_ptr(), ranges.len());
        // SAFETY: as in `get`.
        let call =
            unsafe { Call::begin(self.store.vtable(), self.store.vtable().get_ranges, self.store.data(), &args) };
        let (call, store, count) = (self.finish(call, path), Arc::clone(&self.store), ranges.len());
        let path = path.to_owned();
        async move {
            let mut answer = call.await?;
            let chunks = chunks(&mut answer);
            if chunks.len() == count {
                Ok(chunks)
            } else {
                Err(ForeignError::malformed(&store, "one buffer for each range", &path))
            }
        }
    }

    pub(super) fn put(
        &self,
        path: &str,
        payload: &[Bytes],
        mode: Mode<'_>,
        attributes: &[Named],
        tags: &[Named],
    ) -> impl Future<Output = Result<Answer>> + Send + use<> {
        let (attributes, tags, buffers) = (pairs(attributes), pairs(tags), Lent::new(payload));
        let mut args = PutArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        args.path = Str::new(path);
        (args.mode, args.if_e_tag, args.if_version) = match mode {
            Mode::Overwrite => (raw::PUT_OVERWRITE, Str::EMPTY, Str::EMPTY),
            Mode::Create => (raw::PUT_CREATE, Str::EMPTY, Str::EMPTY),
            Mode::Update { e_tag, version } => (raw::PUT_UPDATE, optional(e_tag), optional(version)),
        };
        (args.buffers, args.buffer_count) = (buffers.0.as_ptr(), buffers.0.len());
        (args.attributes, args.attribute_count) = (attributes.as_ptr(), attributes.len());
        (args.tags, args.tag_count) = (tags.as_ptr(), tags.len());
        // SAFETY: as in `get`; the buffers are ours to give.
        let call = unsafe { Call::begin(self.store.vtable(), self.store.vtable().put, self.store.data(), &args) };
        buffers.given(call.is_ok());
        self.finish(call, path)
    }

    pub(super) fn upload_start(
        &self,
        path: &str,
        attributes: &[Named],
        tags: &[Named],
    ) -> impl Future<Output = Result<Upload>> + Send + use<> {
        let (attributes, tags) = (pairs(attributes), pairs(tags));
        let mut args = UploadArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        args.path = Str::new(path);
        (args.attributes, args.attribute_count) = (attributes.as_ptr(), attributes.len());
        (args.tags, args.tag_count) = (tags.as_ptr(), tags.len());
        // SAFETY: as in `get`.
        let call =
            unsafe { Call::begin(self.store.vtable(), self.store.vtable().upload_start, self.store.data(), &args) };
        let (call, remote, path) = (self.finish(call, path), self.clone(), path.to_owned());
        async move {
            match call.await?.take_upload() {
                Some(handle) => Ok(Upload { remote, handle, path }),
                None => Err(ForeignError::malformed(&remote.store, "an upload", &path)),
            }
        }
    }

    pub(super) fn list(
        &self,
        prefix: Option<&str>,
        start_after: Option<&str>,
        has_delimiter: bool,
    ) -> Result<impl Stream<Item = Result<Answer>> + Send + use<>> {
        let mut args = ListArgs::EMPTY;
        args.flags = if has_delimiter { raw::LIST_DELIMITER } else { 0 };
        (args.prefix, args.start_after) = (optional(prefix), optional(start_after));
        let prefix = prefix.unwrap_or_default();
        let mut handle = std::ptr::null_mut();
        let code = match self.store.vtable().list {
            // SAFETY: as in `get`; the handle can be written.
            Some(list) => unsafe { list(self.store.data(), &args, &raw mut handle) },
            None => -raw::ERROR_NOT_IMPLEMENTED,
        };
        if code != 0 {
            return Err(ForeignError::refused(&self.store, code.wrapping_neg(), prefix));
        }
        // SAFETY: written by the exporter, and ours.
        let handle = unsafe { StreamHandle::from_raw(self.store.vtable(), handle) };
        let handle = handle.ok_or_else(|| ForeignError::malformed(&self.store, "a listing", prefix))?;
        let source = Source { remote: self.clone(), ahead: None, handle, path: prefix.into(), target: 0 };
        Ok(answers(Some(source)))
    }

    /// For each path, why it was not deleted.
    pub(super) fn delete(
        &self,
        paths: &[String],
    ) -> impl Future<Output = Result<Vec<Option<ForeignError>>>> + Send + use<> {
        let lent: Vec<_> = paths.iter().map(|path| Str::new(path)).collect();
        let mut args = DeleteArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        (args.paths, args.path_count) = (lent.as_ptr(), lent.len());
        // SAFETY: as in `get`.
        let call = unsafe { Call::begin(self.store.vtable(), self.store.vtable().delete, self.store.data(), &args) };
        let (count, first) = (paths.len(), paths.first().cloned().unwrap_or_default());
        let (call, store) = (self.finish(call, &first), Arc::clone(&self.store));
        async move {
            let answer = call.await?;
            let errors: Vec<_> =
                answer.deleted().map(|failure| failure.as_ref().map(ForeignError::of_failure)).collect();
            if errors.len() == count {
                Ok(errors)
            } else {
                Err(ForeignError::malformed(&store, "an answer for each path", &first))
            }
        }
    }

    pub(super) fn copy(
        &self,
        from: &str,
        to: &str,
        is_rename: bool,
        if_absent: bool,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let mut args = CopyArgs::EMPTY;
        args.flags = ALLOW_INLINE
            | if is_rename { raw::COPY_RENAME } else { 0 }
            | if if_absent { raw::COPY_IF_ABSENT } else { 0 };
        (args.from, args.to) = (Str::new(from), Str::new(to));
        // SAFETY: as in `get`.
        let call = unsafe { Call::begin(self.store.vtable(), self.store.vtable().copy, self.store.data(), &args) };
        let call = self.finish(call, from);
        async move { call.await.map(drop) }
    }

    pub(super) fn sign(
        &self,
        method: &str,
        paths: &[String],
        expires: std::time::Duration,
    ) -> impl Future<Output = Result<Vec<String>>> + Send + use<> {
        let lent: Vec<_> = paths.iter().map(|path| Str::new(path)).collect();
        let mut args = SignArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        args.method = Str::new(method);
        args.expires_ns = u64::try_from(expires.as_nanos()).unwrap_or(u64::MAX);
        (args.paths, args.path_count) = (lent.as_ptr(), lent.len());
        // SAFETY: as in `get`.
        let call = unsafe { Call::begin(self.store.vtable(), self.store.vtable().sign, self.store.data(), &args) };
        let (count, first) = (paths.len(), paths.first().cloned().unwrap_or_default());
        let (call, store) = (self.finish(call, &first), Arc::clone(&self.store));
        async move {
            let answer = call.await?;
            let urls: Option<Vec<_>> = answer.urls().map(|url| url.map(str::to_owned)).collect();
            let urls = urls.filter(|urls| urls.len() == count);
            urls.ok_or_else(|| ForeignError::malformed(&store, "a URL for each path", &first))
        }
    }

    fn finish(
        &self,
        call: std::result::Result<Call, i32>,
        path: &str,
    ) -> impl Future<Output = Result<Answer>> + Send + use<> {
        let call = call.map_err(|code| ForeignError::refused(&self.store, code, path));
        async move {
            let answer = call?.await;
            if answer.status() == 0 { Ok(answer) } else { Err(ForeignError::of_answer(&answer)) }
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ForeignStore({})", self.name)
    }
}

/// The content that a get brought: what came along, and what follows, if there is more.
pub(super) fn body(
    remote: &Remote,
    answer: &mut Answer,
    path: &str,
) -> (Vec<Bytes>, Option<impl Stream<Item = Result<Bytes>> + Send + use<>>) {
    let first = chunks(answer);
    let rest = answer.take_stream().map(|handle| {
        let source = Source { remote: remote.clone(), ahead: None, handle, path: path.into(), target: FIRST_BYTES };
        answers(Some(source)).flat_map(|answer| {
            let chunks = match answer {
                Ok(mut answer) => chunks(&mut answer).into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(chunks)
        })
    });
    (first, rest)
}

/// A stream that is open.
struct Source {
    remote: Remote,
    /// The next piece of a body is on its way while the reader has the one before. Dropped before the stream is.
    ahead: Option<std::result::Result<Call, i32>>,
    handle: StreamHandle,
    path: Box<str>,
    /// The bytes to ask for next; zero for objects.
    target: u64,
}

/// One answer after the other, until the last one or the first error.
fn answers(source: Option<Source>) -> impl Stream<Item = Result<Answer>> + Send {
    let answers = stream::unfold(source, |source| async move {
        let mut source = source?;
        let call = source.ahead.take().unwrap_or_else(|| source.begin(ALLOW_INLINE));
        match source.remote.finish(call, &source.path).await {
            Ok(answer) if answer.is_end() => Some((Ok(answer), None)),
            Ok(answer) => {
                if source.target > 0 {
                    // Not inline: the reader does not wait for it now.
                    source.ahead = Some(source.begin(0));
                }
                Some((Ok(answer), Some(source)))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    // `object_store` itself asks a stream once more after its end.
    answers.fuse()
}

impl Source {
    fn begin(&mut self, flags: u32) -> std::result::Result<Call, i32> {
        let mut args = NextArgs::EMPTY;
        (args.flags, args.target_bytes) = (flags, self.target);
        self.target = (self.target * 2).min(MOST_BYTES);
        let vtable = self.handle.vtable();
        // SAFETY: the stream is alive, and the arguments point to nothing.
        unsafe { Call::begin(vtable, vtable.stream_next, self.handle.as_ptr(), &args) }
    }
}

/// An upload that has begun.
#[derive(Debug)]
pub(super) struct Upload {
    remote: Remote,
    handle: UploadHandle,
    path: String,
}

impl Upload {
    pub(super) fn part(&mut self, payload: &[Bytes]) -> impl Future<Output = Result<()>> + Send + use<> {
        let buffers = Lent::new(payload);
        let mut args = PartArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        (args.buffers, args.buffer_count) = (buffers.0.as_ptr(), buffers.0.len());
        let vtable = self.handle.vtable();
        // SAFETY: the upload is alive, and the buffers are ours to give.
        let call = unsafe { Call::begin(vtable, vtable.upload_part, self.handle.as_ptr(), &args) };
        buffers.given(call.is_ok());
        let call = self.remote.finish(call, &self.path);
        async move { call.await.map(drop) }
    }

    pub(super) fn complete(&mut self) -> impl Future<Output = Result<Answer>> + Send + use<> {
        self.end(self.handle.vtable().upload_complete)
    }

    pub(super) fn abort(&mut self) -> impl Future<Output = Result<Answer>> + Send + use<> {
        self.end(self.handle.vtable().upload_abort)
    }

    fn end(&self, slot: Option<raw::Submit<EndArgs>>) -> impl Future<Output = Result<Answer>> + Send + use<> {
        let mut args = EndArgs::EMPTY;
        args.flags = ALLOW_INLINE;
        // SAFETY: the upload is alive, and the arguments point to nothing.
        let call = unsafe { Call::begin(self.handle.vtable(), slot, self.handle.as_ptr(), &args) };
        self.remote.finish(call, &self.path)
    }
}

/// Buffers that are ours until a call has taken them.
struct Lent(Vec<Buffer>);

impl Lent {
    fn new(payload: &[Bytes]) -> Self {
        Self(payload.iter().cloned().map(buffer).collect())
    }

    /// What the call did not take is given back.
    fn given(self, is_taken: bool) {
        if !is_taken {
            for buffer in self.0 {
                // SAFETY: made here, and not taken.
                drop(unsafe { OwnedBuffer::from_raw(buffer) });
            }
        }
    }
}

fn buffer(bytes: Bytes) -> Buffer {
    unsafe extern "C" fn release(owner: *mut std::ffi::c_void) {
        // SAFETY: made below, and given back once.
        dropped(unsafe { Box::from_raw(owner.cast::<Bytes>()) });
    }

    let (ptr, len) = (bytes.as_ptr(), bytes.len());
    Buffer { ptr, len, owner: Box::into_raw(Box::new(bytes)).cast(), release: Some(release) }
}

/// All buffers of an answer; not copied.
fn chunks(answer: &mut Answer) -> Vec<Bytes> {
    std::iter::from_fn(|| answer.take_buffer()).map(Bytes::from_owner).collect()
}

fn pairs(named: &[Named]) -> Vec<Pair> {
    named.iter().map(|(key, value)| Pair { key: Str::new(key), value: Str::new(value) }).collect()
}

fn optional(text: Option<&str>) -> Str {
    text.map_or(Str::EMPTY, Str::new)
}

/// Zero says that there is no condition, so 1970 itself is said as a moment later.
fn condition(nanoseconds: Option<i64>) -> i64 {
    nanoseconds.map_or(0, |nanoseconds| if nanoseconds == 0 { 1 } else { nanoseconds })
}
