//! The table of functions, and what a capsule leads to.

use core::ffi::c_void;

use super::arguments::{
    CopyArgs, DeleteArgs, EndArgs, GetArgs, ListArgs, NextArgs, PartArgs, PutArgs, RangesArgs, SignArgs, UploadArgs,
};
use super::results::{Release, Result};
use crate::{Buffer, Header};

/// Called once, when an operation has ended, by a thread of the exporter. `result` is good during the call; what it leads to, until
/// it is released.
pub type Complete = unsafe extern "C" fn(user: *mut c_void, result: *const Result);

/// Begins an operation on `target`, which is a store, a stream or an upload.
///
/// `inline_out` may be null unless `ALLOW_INLINE` is said, and `operation_out` where nobody will cancel.
pub type Submit<Args> = unsafe extern "C" fn(
    target: *mut c_void,
    arguments: *const Args,
    complete: Option<Complete>,
    user: *mut c_void,
    inline_out: *mut Result,
    operation_out: *mut *mut c_void,
) -> i32;

/// A live store: what a capsule leads to.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Store {
    /// What can be done. Lives as long as the process.
    pub vtable: *const Vtable,
    /// With what.
    pub data: *mut c_void,
}

/// What can be done with a store, its streams and its uploads. A null slot is a thing that cannot be done.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Vtable {
    /// Checked first, as data.
    pub header: Header,
    /// Takes another reference to a store: zero, or minus an error.
    pub retain: Option<unsafe extern "C" fn(data: *mut c_void) -> i32>,
    /// Gives a reference back.
    pub release: Option<Release>,
    /// Writes what a store says of itself: zero, or minus an error.
    pub describe: Option<unsafe extern "C" fn(data: *mut c_void, what: u32, out: *mut Buffer) -> i32>,
    /// Asks an operation to end soon. It still completes, once.
    pub operation_cancel: Option<unsafe extern "C" fn(operation: *mut c_void)>,
    /// Gives an operation's handle back. The operation goes on.
    pub operation_release: Option<Release>,
    /// Reads.
    pub get: Option<Submit<GetArgs>>,
    /// Reads several ranges of one object.
    pub get_ranges: Option<Submit<RangesArgs>>,
    /// Writes.
    pub put: Option<Submit<PutArgs>>,
    /// Begins to write in parts.
    pub upload_start: Option<Submit<UploadArgs>>,
    /// Writes the next part. The order of the calls is the order of the parts.
    pub upload_part: Option<Submit<PartArgs>>,
    /// Ends an upload whose parts have all completed.
    pub upload_complete: Option<Submit<EndArgs>>,
    /// Calls an upload off.
    pub upload_abort: Option<Submit<EndArgs>>,
    /// Gives an upload's handle back.
    pub upload_release: Option<Release>,
    /// Opens a listing, without asking the service anything: zero, or minus an error.
    pub list: Option<
        unsafe extern "C" fn(data: *mut c_void, arguments: *const ListArgs, stream_out: *mut *mut c_void) -> i32,
    >,
    /// Brings what is next of a stream. One call at a time.
    pub stream_next: Option<Submit<NextArgs>>,
    /// Gives a stream's handle back.
    pub stream_release: Option<Release>,
    /// Deletes.
    pub delete: Option<Submit<DeleteArgs>>,
    /// Copies or renames.
    pub copy: Option<Submit<CopyArgs>>,
    /// Makes signed URLs.
    pub sign: Option<Submit<SignArgs>>,
}

// SAFETY: the interface promises that a table never changes, stays as long as the process, and may be used by any thread.
unsafe impl Send for Vtable {}
// SAFETY: as above.
unsafe impl Sync for Vtable {}
