//! What an operation came to, as a C result: memory that `release` frees, and buffers and handles that are the reader's own.

use std::ffi::c_void;
use std::ptr;

use bytes::Bytes;
use longshore_abi::{Buffer, Str, raw};
use object_store_014::{Attributes, ListResult, ObjectMeta, PutResult};

use super::failure::Failure;
use super::request::attribute_name;
use super::state::{StreamState, UploadState};
use crate::unwind::dropped;

/// What an operation came to.
pub(super) type Reply = Result<Outcome, Failure>;

pub(super) enum Outcome {
    Nothing,
    /// The payload of the `GetResult` is gone: its first bytes are the chunks, and the rest the stream.
    Got {
        object: ObjectMeta,
        range: std::ops::Range<u64>,
        attributes: Attributes,
        chunks: Vec<Bytes>,
        stream: Option<StreamState>,
    },
    Bytes {
        chunks: Vec<Bytes>,
        is_end: bool,
    },
    Put(PutResult),
    Upload(UploadState),
    Listed {
        page: ListResult,
        is_end: bool,
    },
    Deleted(Vec<Option<Failure>>),
    Signed(Vec<String>),
}

/// Makes a result that its reader owns.
pub(super) fn pack(reply: Reply) -> raw::Result {
    match reply {
        Ok(outcome) => pack_outcome(outcome),
        Err(failure) => {
            let status = failure.code;
            let error = Errors::new(failure);
            let (error, owner, release) = seal(error, |errors| errors.chain.as_ptr());
            raw::Result { status, error, owner, release, ..result(raw::KIND_NONE, 0) }
        }
    }
}

fn pack_outcome(outcome: Outcome) -> raw::Result {
    match outcome {
        Outcome::Nothing => result(raw::KIND_NONE, 0),
        Outcome::Got { object, range, attributes, chunks, stream } => {
            let attributes: Vec<_> =
                attributes.iter().filter_map(|(key, value)| Some((attribute_name(key)?, value.to_string()))).collect();
            let got = Got {
                body: raw::GetBody {
                    struct_size: size_of::<raw::GetBody>() as u32,
                    flags: 0,
                    meta: ptr::null(),
                    start: range.start,
                    end: range.end,
                    attributes: ptr::null(),
                    attribute_count: attributes.len(),
                    buffers: ptr::null(),
                    buffer_count: chunks.len(),
                    stream: stream.map_or(ptr::null_mut(), handle),
                },
                meta: meta(&object),
                pairs: attributes
                    .iter()
                    .map(|(key, value)| raw::Pair { key: Str::new(key), value: Str::new(value) })
                    .collect(),
                buffers: chunks.into_iter().map(buffer).collect(),
                _object: object,
                _attributes: attributes,
            };
            sealed(raw::KIND_GET, 0, got, |got| {
                got.body.meta = &raw const got.meta;
                got.body.attributes = got.pairs.as_ptr();
                got.body.buffers = got.buffers.as_ptr();
                &raw const got.body
            })
        }
        Outcome::Bytes { chunks, is_end } => {
            let buffers: Vec<_> = chunks.into_iter().map(buffer).collect();
            let body = raw::StreamBody {
                struct_size: size_of::<raw::StreamBody>() as u32,
                flags: 0,
                buffers: buffers.as_ptr(),
                buffer_count: buffers.len(),
            };
            sealed(raw::KIND_BUFFERS, end(is_end), (body, buffers), |parts| &raw const parts.0)
        }
        Outcome::Put(put) => {
            let body = raw::PutBody {
                struct_size: size_of::<raw::PutBody>() as u32,
                flags: 0,
                e_tag: optional(put.e_tag.as_deref()),
                version: optional(put.version.as_deref()),
            };
            sealed(raw::KIND_PUT, 0, (body, put), |parts| &raw const parts.0)
        }
        Outcome::Upload(upload) => {
            let body =
                raw::UploadBody { struct_size: size_of::<raw::UploadBody>() as u32, flags: 0, upload: handle(upload) };
            sealed(raw::KIND_UPLOAD, 0, body, |body| ptr::from_ref(body))
        }
        Outcome::Listed { page, is_end } => {
            let objects: Vec<_> = page.objects.iter().map(meta).collect();
            let prefixes: Vec<_> = page.common_prefixes.iter().map(|prefix| Str::new(prefix.as_ref())).collect();
            let body = raw::ListBody {
                struct_size: size_of::<raw::ListBody>() as u32,
                flags: 0,
                objects: objects.as_ptr(),
                object_count: objects.len(),
                prefixes: prefixes.as_ptr(),
                prefix_count: prefixes.len(),
            };
            sealed(raw::KIND_LIST, end(is_end), (body, objects, prefixes, page), |parts| &raw const parts.0)
        }
        Outcome::Deleted(failures) => {
            let failures: Vec<_> = failures.into_iter().map(|failure| failure.map(Errors::new)).collect();
            let errors: Vec<_> = failures
                .iter()
                .map(|errors| errors.as_ref().map_or(ptr::null(), |errors| errors.chain.as_ptr()))
                .collect();
            let body = raw::DeleteBody {
                struct_size: size_of::<raw::DeleteBody>() as u32,
                flags: 0,
                errors: errors.as_ptr(),
                error_count: errors.len(),
            };
            sealed(raw::KIND_DELETE, 0, (body, errors, failures), |parts| &raw const parts.0)
        }
        Outcome::Signed(urls) => {
            let lent: Vec<_> = urls.iter().map(|url| Str::new(url)).collect();
            let body = raw::SignBody {
                struct_size: size_of::<raw::SignBody>() as u32,
                flags: 0,
                urls: lent.as_ptr(),
                url_count: lent.len(),
            };
            sealed(raw::KIND_SIGN, 0, (body, lent, urls), |parts| &raw const parts.0)
        }
    }
}

/// A get's body and all that it points to.
struct Got {
    body: raw::GetBody,
    meta: raw::Meta,
    pairs: Vec<raw::Pair>,
    buffers: Vec<Buffer>,
    // The text that the fields above point to.
    _object: ObjectMeta,
    _attributes: Vec<(String, String)>,
}

/// A failure and its chain of errors, which point to its text and to each other.
struct Errors {
    chain: Vec<raw::Error>,
    _failure: Failure,
}

impl Errors {
    fn new(failure: Failure) -> Self {
        let mut chain: Vec<_> = failure
            .messages
            .iter()
            .map(|message| raw::Error {
                struct_size: size_of::<raw::Error>() as u32,
                code: failure.code,
                flags: if failure.is_retryable { raw::RETRYABLE } else { 0 },
                http_status: failure.http_status,
                store: optional(failure.store.as_deref()),
                path: optional(failure.path.as_deref()),
                message: Str::new(message),
                source: ptr::null(),
            })
            .collect();
        let start = chain.as_ptr();
        for index in 1..chain.len() {
            chain[index - 1].source = start.wrapping_add(index);
        }
        Self { chain, _failure: failure }
    }
}

fn result(kind: u32, flags: u32) -> raw::Result {
    raw::Result {
        struct_size: size_of::<raw::Result>() as u32,
        kind,
        status: 0,
        flags,
        body: ptr::null(),
        error: ptr::null(),
        owner: ptr::null_mut(),
        release: None,
    }
}

fn end(is_end: bool) -> u32 {
    if is_end { raw::END } else { 0 }
}

fn sealed<Parts, Body>(
    kind: u32,
    flags: u32,
    parts: Parts,
    fill: impl FnOnce(&mut Parts) -> *const Body,
) -> raw::Result {
    let (body, owner, release) = seal(parts, fill);
    raw::Result { body: body.cast(), owner, release, ..result(kind, flags) }
}

/// Puts `parts` where they stay, lets `fill` point them to each other, and says how they are freed.
fn seal<Parts, Body>(
    parts: Parts,
    fill: impl FnOnce(&mut Parts) -> *const Body,
) -> (*const Body, *mut c_void, Option<raw::Release>) {
    let parts = Box::into_raw(Box::new(parts));
    // SAFETY: just made, and not shared yet. The pointers that come of this are good until `free`, as nobody else touches the box.
    let body = fill(unsafe { &mut *parts });
    (body, parts.cast(), Some(free::<Parts>))
}

/// # Safety
///
/// `owner` must come from `seal` for the same type, or from a box of it, and not be used again.
unsafe extern "C" fn free<Parts>(owner: *mut c_void) {
    // SAFETY: handed on.
    dropped(unsafe { Box::from_raw(owner.cast::<Parts>()) });
}

/// Bytes that their reader gives back; not copied.
pub(super) fn buffer(bytes: Bytes) -> Buffer {
    let (ptr, len) = (bytes.as_ptr(), bytes.len());
    let owner = Box::into_raw(Box::new(bytes)).cast();
    Buffer { ptr, len, owner, release: Some(free::<Bytes>) }
}

/// A handle that its reader gives back, by the table's function for its kind.
pub(super) fn handle<State>(state: State) -> *mut c_void {
    Box::into_raw(Box::new(state)).cast()
}

fn meta(object: &ObjectMeta) -> raw::Meta {
    raw::Meta {
        struct_size: size_of::<raw::Meta>() as u32,
        flags: 0,
        location: Str::new(object.location.as_ref()),
        e_tag: optional(object.e_tag.as_deref()),
        version: optional(object.version.as_deref()),
        size: object.size,
        last_modified_ns: nanoseconds(object.last_modified),
    }
}

/// What lies outside of 64 bits is clamped to the nearest that does not.
fn nanoseconds(time: chrono::DateTime<chrono::Utc>) -> i64 {
    time.timestamp_nanos_opt().unwrap_or(if time.timestamp() < 0 { i64::MIN } else { i64::MAX })
}

fn optional(text: Option<&str>) -> Str {
    text.map_or(Str::EMPTY, Str::new)
}
