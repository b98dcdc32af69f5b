//! A result that is owned: what is not taken out of it is given back when it is dropped.

use core::mem::MaybeUninit;

use crate::arguments::slice;
use crate::owned::{OwnedBuffer, StreamHandle, UploadHandle};
use crate::raw::{self, Vtable};
use crate::{Buffer, Str};

/// How an operation ended, and what it brought.
#[derive(Debug)]
pub struct Answer {
    result: raw::Result,
    vtable: &'static Vtable,
    /// The first buffer that was not taken.
    next_buffer: usize,
    handle_taken: bool,
}

// SAFETY: the interface promises that any thread may read and release a result, and that nobody writes it.
unsafe impl Send for Answer {}
// SAFETY: as above.
unsafe impl Sync for Answer {}

/// What is known about an object, lent by an answer.
#[derive(Clone, Copy, Debug)]
pub struct Meta<'a> {
    /// Its path.
    pub location: &'a str,
    /// Its ETag.
    pub e_tag: Option<&'a str>,
    /// Its version.
    pub version: Option<&'a str>,
    /// Its bytes.
    pub size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub last_modified_ns: i64,
}

/// What went wrong, lent by an answer.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a>(&'a Answer, raw::Error);

impl Answer {
    /// Takes over what a callback was called with, or what was written to `inline_out`.
    ///
    /// # Safety
    ///
    /// `result` must lead to a good result, made by an exporter with this table and the caller's to give.
    #[must_use]
    pub unsafe fn from_raw(result: *const raw::Result, vtable: &'static Vtable) -> Self {
        // SAFETY: handed on; zeros are a value of every field.
        let result = unsafe { sized(result) };
        Self { result, vtable, next_buffer: 0, handle_taken: false }
    }

    /// One of `KIND_*`.
    #[must_use]
    pub fn kind(&self) -> u32 {
        self.result.kind
    }

    /// Zero, or one of `ERROR_*`.
    #[must_use]
    pub fn status(&self) -> i32 {
        self.result.status
    }

    /// Whether a stream has nothing after this.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.result.flags & raw::END != 0
    }

    /// What went wrong, where `status` is not zero and the exporter says more.
    #[must_use]
    pub fn failure(&self) -> Option<Failure<'_>> {
        self.failure_at(self.result.error)
    }

    /// The object and the range of its bytes that a get brought.
    #[must_use]
    pub fn object(&self) -> Option<(Meta<'_>, core::ops::Range<u64>)> {
        let body = self.body::<raw::GetBody>(raw::KIND_GET)?;
        Some((self.meta_at(body.meta)?, body.start..body.end))
    }

    /// The attributes that a get brought.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let body = self.body::<raw::GetBody>(raw::KIND_GET);
        let pairs = body.and_then(|body| self.lent(body.attributes, body.attribute_count)).unwrap_or_default();
        pairs.iter().filter_map(|pair| Some((self.text(pair.key)?, self.text(pair.value)?)))
    }

    /// The ETag and the version of what was written.
    #[must_use]
    pub fn written(&self) -> Option<(Option<&str>, Option<&str>)> {
        let body = self.body::<raw::PutBody>(raw::KIND_PUT)?;
        Some((self.text(body.e_tag), self.text(body.version)))
    }

    /// The number of objects and of folders that a listing brought.
    #[must_use]
    pub fn listed(&self) -> Option<(usize, usize)> {
        self.body::<raw::ListBody>(raw::KIND_LIST).map(|body| (body.object_count, body.prefix_count))
    }

    /// The objects that a listing brought; `None` for one that cannot be read.
    pub fn objects(&self) -> impl Iterator<Item = Option<Meta<'_>>> {
        let body = self.body::<raw::ListBody>(raw::KIND_LIST);
        let (mut next, count) = body.map_or((core::ptr::null(), 0), |body| (body.objects, body.object_count));
        (0..count).map(move |_| {
            let meta = self.meta_at(next)?;
            // SAFETY: `meta_at` found a struct there, and `count` says that there is another, which begins where this one ends.
            next = unsafe { next.byte_add((*next).struct_size as usize) };
            Some(meta)
        })
    }

    /// The folders that a listing brought; `None` for one that cannot be read.
    pub fn prefixes(&self) -> impl Iterator<Item = Option<&str>> {
        let body = self.body::<raw::ListBody>(raw::KIND_LIST);
        let prefixes = body.and_then(|body| self.lent(body.prefixes, body.prefix_count)).unwrap_or_default();
        prefixes.iter().map(|prefix| self.text_or_empty(*prefix))
    }

    /// For each path of a delete, why it was not deleted.
    pub fn deleted(&self) -> impl Iterator<Item = Option<Failure<'_>>> {
        let body = self.body::<raw::DeleteBody>(raw::KIND_DELETE);
        let errors = body.and_then(|body| self.lent(body.errors, body.error_count)).unwrap_or_default();
        errors.iter().map(|error| self.failure_at(*error))
    }

    /// The URLs that were signed; `None` for one that cannot be read.
    pub fn urls(&self) -> impl Iterator<Item = Option<&str>> {
        let body = self.body::<raw::SignBody>(raw::KIND_SIGN);
        let urls = body.and_then(|body| self.lent(body.urls, body.url_count)).unwrap_or_default();
        urls.iter().map(|url| self.text(*url))
    }

    /// Takes the next of the buffers.
    pub fn take_buffer(&mut self) -> Option<OwnedBuffer> {
        let buffer = self.buffers().get(self.next_buffer)?;
        let buffer = Buffer { ptr: buffer.ptr, len: buffer.len, owner: buffer.owner, release: buffer.release };
        self.next_buffer += 1;
        // SAFETY: the answer owns its buffers, and counts past this one.
        Some(unsafe { OwnedBuffer::from_raw(buffer) })
    }

    /// The number of buffers that are left to take.
    #[must_use]
    pub fn buffer_count(&self) -> usize {
        self.buffers().len() - self.next_buffer
    }

    /// Takes the stream of what follows the buffers of a get.
    pub fn take_stream(&mut self) -> Option<StreamHandle> {
        let body = self.body::<raw::GetBody>(raw::KIND_GET)?;
        if core::mem::replace(&mut self.handle_taken, true) {
            return None;
        }
        // SAFETY: the answer owned the handle, and gives it up once.
        unsafe { StreamHandle::from_raw(self.vtable, body.stream) }
    }

    /// Takes the upload that has begun.
    pub fn take_upload(&mut self) -> Option<UploadHandle> {
        let body = self.body::<raw::UploadBody>(raw::KIND_UPLOAD)?;
        if core::mem::replace(&mut self.handle_taken, true) {
            return None;
        }
        // SAFETY: as above.
        unsafe { UploadHandle::from_raw(self.vtable, body.upload) }
    }

    fn buffers(&self) -> &[Buffer] {
        if let Some(body) = self.body::<raw::GetBody>(raw::KIND_GET) {
            self.lent(body.buffers, body.buffer_count).unwrap_or_default()
        } else if let Some(body) = self.body::<raw::StreamBody>(raw::KIND_BUFFERS) {
            self.lent(body.buffers, body.buffer_count).unwrap_or_default()
        } else {
            &[]
        }
    }

    fn body<T: Sized + Copy>(&self, kind: u32) -> Option<T> {
        let body = self.result.body.cast::<T>();
        if self.result.kind != kind || body.is_null() {
            return None;
        }
        // SAFETY: the kind says what the body is, and it is good until the answer is dropped. Every caller names the struct that
        // the kind says: integers and pointers, for which zeros are a value.
        Some(unsafe { sized(body) })
    }

    fn meta_at(&self, meta: *const raw::Meta) -> Option<Meta<'_>> {
        if meta.is_null() {
            return None;
        }
        // SAFETY: the exporter's pointers are good until the answer is dropped.
        let meta = unsafe { sized(meta) };
        Some(Meta {
            location: self.text_or_empty(meta.location)?,
            e_tag: self.text(meta.e_tag),
            version: self.text(meta.version),
            size: meta.size,
            last_modified_ns: meta.last_modified_ns,
        })
    }

    fn failure_at(&self, error: *const raw::Error) -> Option<Failure<'_>> {
        // SAFETY: as in `meta_at`.
        (!error.is_null()).then(|| Failure(self, unsafe { sized(error) }))
    }

    /// Text that may be absent.
    fn text(&self, text: Str) -> Option<&str> {
        if text.ptr.is_null() {
            return None;
        }
        // SAFETY: as in `meta_at`.
        unsafe { text.as_str() }
    }

    /// Text that is empty where there is no address.
    fn text_or_empty(&self, text: Str) -> Option<&str> {
        // SAFETY: as in `meta_at`.
        unsafe { text.as_str() }
    }

    fn lent<T>(&self, start: *const T, count: usize) -> Option<&[T]> {
        // SAFETY: as in `meta_at`.
        unsafe { slice(start, count) }.ok()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        while self.take_buffer().is_some() {}
        drop(self.take_stream());
        drop(self.take_upload());
        if let Some(release) = self.result.release {
            // SAFETY: the answer owned the result, and nothing of it is used any more.
            unsafe { release(self.result.owner) }
        }
    }
}

impl<'a> Failure<'a> {
    /// One of `ERROR_*`.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.1.code
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.1.flags & raw::RETRYABLE != 0
    }

    /// What the server answered.
    #[must_use]
    pub fn http_status(&self) -> Option<u32> {
        (self.1.http_status != 0).then_some(self.1.http_status)
    }

    /// The kind of store.
    #[must_use]
    pub fn store(&self) -> Option<&'a str> {
        self.0.text(self.1.store)
    }

    /// The object.
    #[must_use]
    pub fn path(&self) -> Option<&'a str> {
        self.0.text(self.1.path)
    }

    /// What happened.
    #[must_use]
    pub fn message(&self) -> &'a str {
        self.0.text(self.1.message).unwrap_or("no readable message")
    }

    /// Why.
    #[must_use]
    pub fn source(&self) -> Option<Self> {
        self.0.failure_at(self.1.source)
    }
}

/// Reads a struct that may be shorter or longer than ours; what is not there is zero.
///
/// # Safety
///
/// `from` must lead to as many readable bytes as its first four say, at least four; zeros must be a value of `T`.
unsafe fn sized<T: Copy>(from: *const T) -> T {
    // SAFETY: four bytes are there, as the caller promised.
    let said = unsafe { from.cast::<u32>().read_unaligned() } as usize;
    if said >= size_of::<T>() {
        // SAFETY: all of it is there; the exporter aligned it or not.
        return unsafe { from.read_unaligned() };
    }
    let mut read = MaybeUninit::<T>::zeroed();
    // SAFETY: no more than is there, and the two are different memory.
    unsafe { core::ptr::copy_nonoverlapping(from.cast::<u8>(), read.as_mut_ptr().cast::<u8>(), said) };
    // SAFETY: the caller promised that zeros are a value, and the exporter that what it wrote is.
    unsafe { read.assume_init() }
}
