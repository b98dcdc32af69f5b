//! Text that is lent, and bytes that are owned.

use core::ffi::c_void;
use core::ptr::NonNull;

/// UTF-8, lent for as long as its maker says; not ended by a zero. `ptr` may be null where `len` is 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// Where the text begins.
    pub ptr: *const u8,
    /// Its length, in bytes.
    pub len: usize,
}

impl Str {
    /// No text.
    pub const EMPTY: Self = Self { ptr: core::ptr::null(), len: 0 };

    /// Lends `text`; the pointer is good for as long as `text` is.
    #[must_use]
    pub const fn new(text: &str) -> Self {
        Self { ptr: text.as_ptr(), len: text.len() }
    }

    /// The bytes; none where the length is 0, whatever the pointer is.
    ///
    /// # Safety
    ///
    /// Unless `len` is 0, `ptr` must lead to `len` bytes that nobody writes while the result is in use.
    #[must_use]
    pub const unsafe fn as_bytes<'a>(self) -> &'a [u8] {
        if self.len == 0 || self.ptr.is_null() {
            return &[];
        }
        // SAFETY: the caller promised `len` readable bytes at `ptr`, which is not null.
        unsafe { core::slice::from_raw_parts(self.ptr, self.len) }
    }

    /// The text, or `None` where it is not UTF-8: the other side may have been written in any language.
    ///
    /// # Safety
    ///
    /// As for [`Str::as_bytes`].
    #[must_use]
    pub const unsafe fn as_str<'a>(self) -> Option<&'a str> {
        // SAFETY: the promise is handed on.
        match core::str::from_utf8(unsafe { self.as_bytes() }) {
            Ok(text) => Some(text),
            Err(_) => None,
        }
    }
}

/// Bytes owned by the module that made them.
///
/// # Ownership
///
/// Whoever holds this calls `release(owner)` exactly once, from any thread, attached to Python or not. Bytes without a `release`
/// live as long as the process.
#[repr(C)]
#[derive(Debug)]
pub struct Buffer {
    /// Where the bytes begin. May be null where `len` is 0.
    pub ptr: *const u8,
    /// Their number.
    pub len: usize,
    /// What `release` is called with.
    pub owner: *mut c_void,
    /// Gives the bytes back to their maker.
    pub release: Option<unsafe extern "C" fn(owner: *mut c_void)>,
}

impl Buffer {
    /// Bytes that live as long as the process.
    #[must_use]
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self { ptr: bytes.as_ptr(), len: bytes.len(), owner: core::ptr::null_mut(), release: None }
    }

    /// Where the bytes begin, never null.
    #[must_use]
    pub const fn start(&self) -> NonNull<u8> {
        match NonNull::new(self.ptr.cast_mut()) {
            Some(start) => start,
            None => NonNull::dangling(),
        }
    }
}

const _: () = assert!(size_of::<Str>() == 2 * size_of::<usize>());
const _: () = assert!(size_of::<Buffer>() == 4 * size_of::<usize>());
