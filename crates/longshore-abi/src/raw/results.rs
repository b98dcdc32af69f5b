//! What the exporter answers. All of it is good until the result's `release` is called, buffers and handles excepted.

use core::ffi::c_void;

use super::Pair;
use crate::{Buffer, Str};

/// Gives something back to its maker, once.
pub type Release = unsafe extern "C" fn(owner: *mut c_void);

/// How an operation ended.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Result {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// One of `KIND_*`; `KIND_NONE` where `status` is not zero.
    pub kind: u32,
    /// Zero, or one of `ERROR_*`.
    pub status: i32,
    /// `END`.
    pub flags: u32,
    /// The struct that `kind` says, or null.
    pub body: *const c_void,
    /// Where `status` is not zero: what went wrong. May be null.
    pub error: *const Error,
    /// What `release` is called with.
    pub owner: *mut c_void,
    /// Frees the body, the error and all their text, but neither buffers nor handles. May be null.
    pub release: Option<Release>,
}

/// What went wrong.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Error {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// One of `ERROR_*`.
    pub code: i32,
    /// `RETRYABLE`.
    pub flags: u32,
    /// What the server answered, or zero.
    pub http_status: u32,
    /// The kind of store, such as `S3`, or null.
    pub store: Str,
    /// The object, or null.
    pub path: Str,
    /// What happened, without what the fields above say.
    pub message: Str,
    /// Why, or null.
    pub source: *const Self,
}

/// What is known about an object.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// The bytes of this struct that the exporter has filled, and so from one of an array to the next.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// Its path.
    pub location: Str,
    /// Its ETag, or null.
    pub e_tag: Str,
    /// Its version, or null.
    pub version: Str,
    /// Its bytes.
    pub size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub last_modified_ns: i64,
}

/// An object, or part of it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GetBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// The object.
    pub meta: *const Meta,
    /// The first of its bytes that is here.
    pub start: u64,
    /// One past the last.
    pub end: u64,
    /// Its attributes.
    pub attributes: *const Pair,
    /// Their number.
    pub attribute_count: usize,
    /// The first bytes of the content, as far as they came along. The reader's own from now on.
    pub buffers: *const Buffer,
    /// Their number.
    pub buffer_count: usize,
    /// Whatever follows them: a handle, the reader's own. Null: nothing follows.
    pub stream: *mut c_void,
}

/// Bytes: one buffer for each range, or what came next of a stream.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct StreamBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// The bytes. The reader's own from now on.
    pub buffers: *const Buffer,
    /// Their number.
    pub buffer_count: usize,
}

/// What was written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PutBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// Its ETag, or null.
    pub e_tag: Str,
    /// Its version, or null.
    pub version: Str,
}

/// An upload that has begun.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UploadBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// Its handle, the reader's own.
    pub upload: *mut c_void,
}

/// Some of a listing.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ListBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// Objects. The next one begins `struct_size` bytes after one.
    pub objects: *const Meta,
    /// Their number.
    pub object_count: usize,
    /// With a delimiter: folders.
    pub prefixes: *const Str,
    /// Their number.
    pub prefix_count: usize,
}

/// What was deleted.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DeleteBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// For each path, in order: null, or why it was not deleted.
    pub errors: *const *const Error,
    /// Their number.
    pub error_count: usize,
}

/// Signed URLs.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SignBody {
    /// The bytes of this struct that the exporter has filled.
    pub struct_size: u32,
    /// None yet.
    pub flags: u32,
    /// One for each path, in order. Each is a secret.
    pub urls: *const Str,
    /// Their number.
    pub url_count: usize,
}
