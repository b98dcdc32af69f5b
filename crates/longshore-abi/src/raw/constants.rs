//! The numbers of version 1.0. A number keeps its meaning for ever; new ones are added at the end.

use core::ffi::CStr;

/// The magic of an object store's table: `"OSC-ABI\x01"`, where the first letter is the lowest byte.
pub const MAGIC: u64 = u64::from_le_bytes(*b"OSC-ABI\x01");
/// The major version described here.
pub const MAJOR: u16 = 1;
/// The minor version described here.
pub const MINOR: u16 = 0;
/// The name of a capsule that leads to a [`Store`](super::Store) of this major version.
pub const CAPSULE_NAME: &CStr = c"object_store_v1";
/// The Python method that gives such a capsule, looked up on the type.
pub const METHOD_NAME: &CStr = c"__object_store_capsule__";

/// Header: a panic or exception inside the exporter arrives as [`ERROR_PANICKED`].
pub const FEATURE_PANIC_SAFE: u64 = 1;
/// Header: [`ALLOW_INLINE`] can have an effect.
pub const FEATURE_INLINE: u64 = 1 << 1;
/// Header: in a forked child every call is refused with [`ERROR_FORKED`].
pub const FEATURE_FORK_SAFE: u64 = 1 << 2;

/// Returned: accepted; the callback follows, exactly once.
pub const PENDING: i32 = 0;
/// Returned: the result is already in `inline_out`; no callback follows.
pub const DONE: i32 = 1;

/// Anything without a number of its own, and what a reader takes an unknown number for.
pub const ERROR_GENERIC: i32 = 1;
/// There is no such object.
pub const ERROR_NOT_FOUND: i32 = 2;
/// There is already such an object.
pub const ERROR_ALREADY_EXISTS: i32 = 3;
/// A condition of the request does not hold.
pub const ERROR_PRECONDITION: i32 = 4;
/// The object is as the request says it is known.
pub const ERROR_NOT_MODIFIED: i32 = 5;
/// The credentials are not enough for this.
pub const ERROR_PERMISSION_DENIED: i32 = 6;
/// The credentials are missing or wrong.
pub const ERROR_UNAUTHENTICATED: i32 = 7;
/// The store cannot have such a path.
pub const ERROR_INVALID_PATH: i32 = 8;
/// This store, or this version of the exporter, cannot do what is asked: an unknown flag or field counts as such.
pub const ERROR_NOT_SUPPORTED: i32 = 9;
/// The store has no such operation.
pub const ERROR_NOT_IMPLEMENTED: i32 = 10;
/// The arguments make no sense.
pub const ERROR_INVALID_ARGUMENT: i32 = 11;
/// It took too long.
pub const ERROR_TIMEOUT: i32 = 12;
/// The service asks for fewer requests.
pub const ERROR_THROTTLED: i32 = 13;
/// The operation was cancelled.
pub const ERROR_CANCELLED: i32 = 14;
/// The exporter's code panicked.
pub const ERROR_PANICKED: i32 = 15;
/// The exporter is shutting down.
pub const ERROR_SHUTDOWN: i32 = 16;
/// The table belongs to a parent process.
pub const ERROR_FORKED: i32 = 17;
/// As much is under way as there can be; try again later.
pub const ERROR_BUSY: i32 = 18;

/// Of an error: the same request may succeed later.
pub const RETRYABLE: u32 = 1;

/// A result without a body.
pub const KIND_NONE: u32 = 0;
/// A [`GetBody`](super::GetBody).
pub const KIND_GET: u32 = 1;
/// A [`StreamBody`](super::StreamBody).
pub const KIND_BUFFERS: u32 = 2;
/// A [`PutBody`](super::PutBody).
pub const KIND_PUT: u32 = 3;
/// An [`UploadBody`](super::UploadBody).
pub const KIND_UPLOAD: u32 = 4;
/// A [`ListBody`](super::ListBody).
pub const KIND_LIST: u32 = 5;
/// A [`DeleteBody`](super::DeleteBody).
pub const KIND_DELETE: u32 = 6;
/// A [`SignBody`](super::SignBody).
pub const KIND_SIGN: u32 = 7;

/// Of a result: the stream has nothing after this.
pub const END: u32 = 1;

/// Of any arguments: a result that needs no waiting may be given in `inline_out`.
pub const ALLOW_INLINE: u32 = 1;
/// Of a get: only what is known about the object, no bytes.
pub const GET_HEAD: u32 = 1 << 8;
/// Of a list: one level, folders as prefixes.
pub const LIST_DELIMITER: u32 = 1 << 8;
/// Of a copy: fail where the target exists.
pub const COPY_IF_ABSENT: u32 = 1 << 8;
/// Of a copy: the source is gone afterwards.
pub const COPY_RENAME: u32 = 1 << 9;

/// The whole object.
pub const RANGE_ALL: u64 = 0;
/// From `start` to before `end`.
pub const RANGE_BOUNDED: u64 = 1;
/// From `start` to the object's end.
pub const RANGE_OFFSET: u64 = 2;
/// The last `end` bytes.
pub const RANGE_SUFFIX: u64 = 3;

/// Put: replace what is there.
pub const PUT_OVERWRITE: u64 = 0;
/// Put: fail where there is something.
pub const PUT_CREATE: u64 = 1;
/// Put: fail unless there is the version said.
pub const PUT_UPDATE: u64 = 2;

/// Describe: the store in a few words, for people, without secrets.
pub const DESCRIBE_NAME: u32 = 1;
/// Describe: its URL, without secrets.
pub const DESCRIBE_URL: u32 = 2;
/// Describe: its settings as a JSON object, without secrets.
pub const DESCRIBE_CONFIG_JSON: u32 = 3;
/// Describe: counters of the exporter as a JSON object.
pub const DESCRIBE_STATS_JSON: u32 = 4;

/// What the key of a user's own metadata begins with, among attributes.
pub const METADATA_PREFIX: &str = "metadata:";
