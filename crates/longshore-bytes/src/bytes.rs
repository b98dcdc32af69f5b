//! What Rust sees of the class.

use std::fmt;

use bytes::{Bytes, BytesMut};
use pyo3::prelude::*;

use crate::export;

/// Read-only bytes in memory that Rust or another Python object owns. They do what ``bytes`` do, without being copied.
///
/// ``Bytes(buf)`` refers to the memory of any object with a C-contiguous buffer, whatever its format and shape, and keeps it
/// where it is: a ``bytearray`` cannot grow meanwhile. Memory that can change must not change while it is referred to.
/// ``Bytes(buf, copy=True)`` takes a copy instead, also of memory that is not contiguous.
///
/// Slices, and parts such as those of ``split``, are in the same memory.
// These are Python's words too: PyO3 makes the docstring of them. What is Rust's is at the implementations.
#[pyclass(name = "Bytes", frozen, subclass, weakref, sequence)]
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PyBytes(Bytes);

/// In Rust it is [`bytes::Bytes`]: cheap to clone and to slice, for any thread.
///
/// A clone may be dropped anywhere: on an attached thread the buffer is given back at once. What a thread drops that Python has
/// never seen is given back when a thread next takes or drops a buffer here, or when Python's main thread gets to it: before its
/// next instruction, or, before Python 3.13, when it has next waited for something. Dropping never waits for the
/// interpreter. After the interpreter has ended the buffer is leaked.
impl PyBytes {
    /// Wraps bytes. Costs nothing.
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The bytes, as they were wrapped or taken.
    pub fn into_inner(self) -> Bytes {
        self.0
    }

    /// The bytes, to look at.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes inside, for what is cheap with them: clones and slices.
    pub(crate) const fn inner(&self) -> &Bytes {
        &self.0
    }
}

/// Takes `bytes`, `bytearray`, `memoryview`, `array.array`, `mmap`, ctypes arrays, NumPy arrays and whatever else has a
/// C-contiguous buffer, of any format and any shape, writable or not. The bytes refer to the memory of the Python object, which is
/// kept alive and where it is until the last clone and the last slice of them are gone. A `Bytes` of this module is unwrapped.
///
/// # Errors
///
/// `TypeError` when there is no buffer, or one of Python objects; `BufferError` when the memory is not contiguous; and what the
/// object itself raises.
impl<'py> FromPyObject<'_, 'py> for PyBytes {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<Self>() {
            Ok(own) => Ok(own.get().clone()),
            Err(_) => export::borrow(&object).map(Self),
        }
    }
}

impl AsRef<[u8]> for PyBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<Bytes> for PyBytes {
    fn as_ref(&self) -> &Bytes {
        &self.0
    }
}

impl From<Bytes> for PyBytes {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<PyBytes> for Bytes {
    fn from(bytes: PyBytes) -> Self {
        bytes.0
    }
}

impl From<BytesMut> for PyBytes {
    fn from(bytes: BytesMut) -> Self {
        Self(bytes.freeze())
    }
}

impl From<Vec<u8>> for PyBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// As many bytes as [`Debug`](fmt::Debug) and Python's `repr` show.
const SHOWN: usize = 32;

/// All of a short value, and the beginning and the length of a long one.
impl fmt::Debug for PyBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= SHOWN {
            return write!(formatter, "PyBytes({:?})", self.0);
        }
        write!(formatter, "PyBytes({:?}.., {} bytes)", self.0.slice(..SHOWN), self.0.len())
    }
}

/// What `repr` shows of `bytes`, and how many there are where that is not all.
pub(crate) fn shown(bytes: &Bytes) -> (Bytes, Option<usize>) {
    if bytes.len() <= SHOWN { (bytes.clone(), None) } else { (bytes.slice(..SHOWN), Some(bytes.len())) }
}
