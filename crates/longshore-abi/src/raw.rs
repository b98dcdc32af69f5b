//! The structs and functions of the object store interface, as they lie in memory.
//!
//! Each has its C name in `include/object_store_c.h` and its meaning in `SPEC.md`. There is no Rust enum, `bool` or reference in
//! them: a newer peer may send a number that has no name here.

mod arguments;
mod constants;
mod results;
mod table;

pub use self::arguments::{
    CopyArgs, DeleteArgs, EndArgs, GetArgs, ListArgs, NextArgs, PartArgs, PutArgs, Range, RangesArgs, SignArgs,
    UploadArgs,
};
pub use self::constants::{
    ALLOW_INLINE, CAPSULE_NAME, COPY_IF_ABSENT, COPY_RENAME, DESCRIBE_CONFIG_JSON, DESCRIBE_NAME, DESCRIBE_STATS_JSON,
    DESCRIBE_URL, DONE, END, ERROR_ALREADY_EXISTS, ERROR_BUSY, ERROR_CANCELLED, ERROR_FORKED, ERROR_GENERIC,
    ERROR_INVALID_ARGUMENT, ERROR_INVALID_PATH, ERROR_NOT_FOUND, ERROR_NOT_IMPLEMENTED, ERROR_NOT_MODIFIED,
    ERROR_NOT_SUPPORTED, ERROR_PANICKED, ERROR_PERMISSION_DENIED, ERROR_PRECONDITION, ERROR_SHUTDOWN, ERROR_THROTTLED,
    ERROR_TIMEOUT, ERROR_UNAUTHENTICATED, FEATURE_FORK_SAFE, FEATURE_INLINE, FEATURE_PANIC_SAFE, GET_HEAD,
    KIND_BUFFERS, KIND_DELETE, KIND_GET, KIND_LIST, KIND_NONE, KIND_PUT, KIND_SIGN, KIND_UPLOAD, LIST_DELIMITER, MAGIC,
    MAJOR, METADATA_PREFIX, METHOD_NAME, MINOR, PENDING, PUT_CREATE, PUT_OVERWRITE, PUT_UPDATE, RANGE_ALL,
    RANGE_BOUNDED, RANGE_OFFSET, RANGE_SUFFIX, RETRYABLE,
};
pub use self::results::{
    DeleteBody, Error, GetBody, ListBody, Meta, PutBody, Release, Result, SignBody, StreamBody, UploadBody,
};
pub use self::table::{Complete, Store, Submit, Vtable};

use crate::Str;

/// A name and a value, both lent.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The name.
    pub key: Str,
    /// The value.
    pub value: Str,
}
