//! What the caller says. All of it is lent for the duration of the call, buffers excepted.

use super::Pair;
use crate::{Buffer, Str};

/// Which bytes of an object. What a kind does not use is zero.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// One of `RANGE_*`.
    pub kind: u64,
    /// The first byte.
    pub start: u64,
    /// One past the last byte, or the number of last bytes.
    pub end: u64,
}

/// What to read.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct GetArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`, `GET_HEAD`.
    pub flags: u32,
    /// The object.
    pub path: Str,
    /// Which of its bytes.
    pub range: Range,
    /// Only if its ETag is one of these. Null: no condition, here and below.
    pub if_match: Str,
    /// Only if its ETag is none of these.
    pub if_none_match: Str,
    /// Only if modified since, in nanoseconds since 1970. Zero: no condition.
    pub if_modified_since_ns: i64,
    /// Only if not modified since.
    pub if_unmodified_since_ns: i64,
    /// This version of it.
    pub version: Str,
    /// An answer of no more bytes than this arrives whole, with the completion.
    pub prefetch_bytes: u64,
}

/// Which ranges to read. The answer is a [`StreamBody`](super::StreamBody) with one buffer for each, in order.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RangesArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// The object.
    pub path: Str,
    /// The ranges, each of kind `RANGE_BOUNDED`.
    pub ranges: *const Range,
    /// Their number.
    pub range_count: usize,
}

/// What to write. The buffers are the exporter's from when the call returns zero or more.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PutArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// The object.
    pub path: Str,
    /// Its content, in order.
    pub buffers: *const Buffer,
    /// Their number.
    pub buffer_count: usize,
    /// One of `PUT_*`.
    pub mode: u64,
    /// For `PUT_UPDATE`: the ETag that is replaced.
    pub if_e_tag: Str,
    /// For `PUT_UPDATE`: the version that is replaced.
    pub if_version: Str,
    /// Its attributes.
    pub attributes: *const Pair,
    /// Their number.
    pub attribute_count: usize,
    /// Its tags.
    pub tags: *const Pair,
    /// Their number.
    pub tag_count: usize,
}

/// What to begin to write in parts.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct UploadArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// The object.
    pub path: Str,
    /// Its attributes.
    pub attributes: *const Pair,
    /// Their number.
    pub attribute_count: usize,
    /// Its tags.
    pub tags: *const Pair,
    /// Their number.
    pub tag_count: usize,
}

/// The next part of an upload. The buffers are the exporter's from when the call returns zero or more.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PartArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// Its content, in order.
    pub buffers: *const Buffer,
    /// Their number.
    pub buffer_count: usize,
}

/// How to end an upload.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EndArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
}

/// What to list.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ListArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `LIST_DELIMITER`.
    pub flags: u32,
    /// Below which folder. Null or empty: everything.
    pub prefix: Str,
    /// Only what comes after this. Null: everything.
    pub start_after: Str,
}

/// How much of a stream to bring next.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct NextArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// Of bytes: about so many, less at the end. Zero: as the exporter likes.
    pub target_bytes: u64,
    /// Of a listing: no more than so many. Zero: as the exporter likes.
    pub max_items: u64,
}

/// What to delete.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DeleteArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// The objects.
    pub paths: *const Str,
    /// Their number.
    pub path_count: usize,
}

/// What to copy or rename.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CopyArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`, `COPY_IF_ABSENT`, `COPY_RENAME`.
    pub flags: u32,
    /// The object.
    pub from: Str,
    /// Where to.
    pub to: Str,
}

/// What to make signed URLs for.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SignArgs {
    /// The bytes of this struct that the caller has filled.
    pub struct_size: u32,
    /// `ALLOW_INLINE`.
    pub flags: u32,
    /// The HTTP method, in capitals.
    pub method: Str,
    /// The objects.
    pub paths: *const Str,
    /// Their number.
    pub path_count: usize,
    /// How long the URLs are good for, in nanoseconds.
    pub expires_ns: u64,
    /// Query parameters that are signed, too.
    pub query: *const Pair,
    /// Their number.
    pub query_count: usize,
    /// Headers that are signed, too.
    pub headers: *const Pair,
    /// Their number.
    pub header_count: usize,
}
