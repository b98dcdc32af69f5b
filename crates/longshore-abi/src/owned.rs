//! What is owned and given back by `drop`: a reference to a store, bytes, and handles.

use core::ffi::c_void;
use core::fmt;
use core::mem::ManuallyDrop;

use crate::raw::{self, MAGIC, MAJOR, Release, Vtable};
use crate::{Buffer, Expected, Header, HeaderError, Str};

/// What every reader of version 1 expects: the table of version 1.0, which ends with `sign`, however long ours is by now.
const EXPECTED: Expected = Expected {
    magic: MAGIC,
    abi_major: MAJOR,
    abi_minor: 0,
    struct_size: (core::mem::offset_of!(Vtable, sign) + size_of::<usize>()) as u32,
};

/// Why a store cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Its table is not one that this reader knows.
    Header(HeaderError),
    /// Its table lacks a function that every store has.
    Incomplete(&'static str),
    /// Its exporter refused, with one of `ERROR_*`.
    Refused(i32),
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(error) => error.fmt(formatter),
            Self::Incomplete(slot) => write!(formatter, "its table has no function `{slot}`, which every store has"),
            Self::Refused(raw::ERROR_FORKED) => {
                write!(formatter, "it belongs to the process that this one was forked from; ask for it again here")
            }
            Self::Refused(raw::ERROR_SHUTDOWN) => write!(formatter, "its exporter has shut down"),
            Self::Refused(code) => write!(formatter, "its exporter refuses it (error {code})"),
        }
    }
}

impl core::error::Error for StoreError {}

impl From<HeaderError> for StoreError {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

/// A reference to a live store, given back when dropped.
pub struct StoreRef {
    vtable: &'static Vtable,
    data: *mut c_void,
}

// SAFETY: the interface promises that every function of a table may be called by any thread, and several at once.
unsafe impl Send for StoreRef {}
// SAFETY: as above.
unsafe impl Sync for StoreRef {}

impl StoreRef {
    /// Takes a reference to the store at `store`, which remains its owner's.
    ///
    /// # Errors
    ///
    /// Says why the store cannot be used. Nothing is called before its table is known to be good.
    ///
    /// # Safety
    ///
    /// `store` must be null or lead to a [`raw::Store`] that is alive during the call, as what lies in a capsule named
    /// [`raw::CAPSULE_NAME`] is while one holds the capsule; its table lives as long as the process.
    pub unsafe fn retain(store: *const raw::Store) -> Result<Self, StoreError> {
        if store.is_null() || !store.is_aligned() {
            return Err(HeaderError::NoTable.into());
        }
        // SAFETY: not null, aligned, and alive, as the caller promised.
        let raw::Store { vtable, data } = unsafe { *store };
        // SAFETY: a store's table lives as long as the process, as the caller promised.
        let vtable = unsafe { checked(vtable) }?;
        let retain = vtable.retain.ok_or(StoreError::Incomplete("retain"))?;
        // SAFETY: the store is alive, and its table is good.
        match unsafe { retain(data) } {
            0 => Ok(Self { vtable, data }),
            refused => Err(StoreError::Refused(refused.wrapping_neg())),
        }
    }

    /// Takes over a reference that the caller has.
    ///
    /// # Errors
    ///
    /// Says why the store cannot be used; the reference is then still the caller's.
    ///
    /// # Safety
    ///
    /// `store` must be good, and the reference the caller's to give.
    pub unsafe fn from_raw(store: raw::Store) -> Result<Self, StoreError> {
        // SAFETY: a good store's table lives as long as the process.
        let vtable = unsafe { checked(store.vtable) }?;
        Ok(Self { vtable, data: store.data })
    }

    /// Hands the reference over: whoever gets it releases it.
    #[must_use]
    pub fn into_raw(self) -> raw::Store {
        ManuallyDrop::new(self).as_raw()
    }

    /// The store, lent.
    #[must_use]
    pub fn as_raw(&self) -> raw::Store {
        raw::Store { vtable: self.vtable, data: self.data }
    }

    /// Another reference to the same store.
    ///
    /// # Errors
    ///
    /// The exporter refuses, such as in a forked child.
    pub fn retained(&self) -> Result<Self, StoreError> {
        // SAFETY: the store is alive, since we hold a reference.
        unsafe { Self::retain(&self.as_raw()) }
    }

    /// The table's header.
    #[must_use]
    pub fn header(&self) -> &'static Header {
        &self.vtable.header
    }

    /// The table.
    #[must_use]
    pub fn vtable(&self) -> &'static Vtable {
        self.vtable
    }

    /// The address that the table's functions take.
    #[must_use]
    pub fn data(&self) -> *mut c_void {
        self.data
    }

    /// Who made the store, for people.
    #[must_use]
    pub fn info(&self) -> &'static str {
        // SAFETY: a good header's `info` lives as long as the process.
        unsafe { self.header().info.as_str() }.unwrap_or("an exporter of no readable name")
    }

    /// What the store says of itself; `what` is one of `DESCRIBE_*`.
    ///
    /// # Errors
    ///
    /// One of `ERROR_*`: the store does not say this, or the process is a forked child.
    pub fn describe(&self, what: u32) -> Result<OwnedBuffer, i32> {
        let describe = self.vtable.describe.ok_or(raw::ERROR_NOT_SUPPORTED)?;
        let mut out = Buffer::from_static(b"");
        // SAFETY: the store is alive, and `out` is ours.
        match unsafe { describe(self.data, what, &mut out) } {
            // SAFETY: the exporter has just filled it in, and gave it to us.
            0 => Ok(unsafe { OwnedBuffer::from_raw(out) }),
            refused => Err(refused.wrapping_neg()),
        }
    }
}

impl Drop for StoreRef {
    fn drop(&mut self) {
        release(self.vtable.release, self.data);
    }
}

impl fmt::Debug for StoreRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoreRef({})", self.info())
    }
}

/// The table at `vtable`, if it is one, and has what all have.
///
/// # Safety
///
/// As for [`Header::check`].
unsafe fn checked(vtable: *const Vtable) -> Result<&'static Vtable, StoreError> {
    // SAFETY: handed on.
    unsafe { Header::check(vtable.cast(), &EXPECTED) }?;
    // SAFETY: the header says that the whole table of version 1.0 is there, and the caller that it stays.
    let vtable = unsafe { &*vtable };
    let required = [
        ("retain", vtable.retain.is_some()),
        ("release", vtable.release.is_some()),
        ("operation_cancel", vtable.operation_cancel.is_some()),
        ("operation_release", vtable.operation_release.is_some()),
        ("stream_next", vtable.stream_next.is_some()),
        ("stream_release", vtable.stream_release.is_some()),
        ("upload_release", vtable.upload_release.is_some()),
    ];
    match required.iter().find(|(_, is_there)| !is_there) {
        Some((slot, _)) => Err(StoreError::Incomplete(slot)),
        None => Ok(vtable),
    }
}

fn release(function: Option<Release>, owner: *mut c_void) {
    if let Some(function) = function {
        // SAFETY: every caller gives up what it owns, to the function that its maker gave for that.
        unsafe { function(owner) }
    }
}

/// Bytes of another module, given back when dropped.
#[derive(Debug)]
pub struct OwnedBuffer(Buffer);

// SAFETY: nobody writes the bytes, and the interface promises that any thread may give them back.
unsafe impl Send for OwnedBuffer {}
// SAFETY: as above.
unsafe impl Sync for OwnedBuffer {}

impl OwnedBuffer {
    /// Takes over `buffer`.
    ///
    /// # Safety
    ///
    /// `buffer` must be good, and the caller's to give.
    #[must_use]
    pub const unsafe fn from_raw(buffer: Buffer) -> Self {
        Self(buffer)
    }

    /// Hands the bytes over: whoever gets them releases them.
    #[must_use]
    pub fn into_raw(self) -> Buffer {
        let buffer = &ManuallyDrop::new(self).0;
        Buffer { ptr: buffer.ptr, len: buffer.len, owner: buffer.owner, release: buffer.release }
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: whoever made this promised `len` readable bytes until they are released, which takes `&mut self`.
        unsafe { Str { ptr: self.0.ptr, len: self.0.len }.as_bytes() }
    }
}

impl AsRef<[u8]> for OwnedBuffer {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Drop for OwnedBuffer {
    fn drop(&mut self) {
        release(self.0.release, self.0.owner);
    }
}

macro_rules! handle {
    ($(#[$documentation:meta])* $name:ident $release:ident) => {
        $(#[$documentation])*
        #[derive(Debug)]
        pub struct $name {
            vtable: &'static Vtable,
            handle: *mut c_void,
        }

        // SAFETY: the interface promises that any thread may use and release a handle.
        unsafe impl Send for $name {}
        // SAFETY: as above.
        unsafe impl Sync for $name {}

        impl $name {
            /// Takes over `handle`; `None` where it is null.
            ///
            /// # Safety
            ///
            /// `handle` must be null or a handle of this kind, made by `vtable` and the caller's to give.
            #[must_use]
            pub unsafe fn from_raw(vtable: &'static Vtable, handle: *mut c_void) -> Option<Self> {
                (!handle.is_null()).then_some(Self { vtable, handle })
            }

            /// The handle, lent.
            #[must_use]
            pub fn as_ptr(&self) -> *mut c_void {
                self.handle
            }

            /// The table that knows the handle.
            #[must_use]
            pub fn vtable(&self) -> &'static Vtable {
                self.vtable
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                release(self.vtable.$release, self.handle);
            }
        }
    };
}

handle! {
    /// An operation under way. Dropped, it goes on.
    Operation operation_release
}
handle! {
    /// A body or a listing that is open.
    StreamHandle stream_release
}
handle! {
    /// An upload that has begun.
    UploadHandle upload_release
}

impl Operation {
    /// Asks the operation to end soon. It still completes, once.
    pub fn cancel(&self) {
        if let Some(cancel) = self.vtable.operation_cancel {
            // SAFETY: the handle is alive, since it is released only in `drop`.
            unsafe { cancel(self.handle) }
        }
    }
}
