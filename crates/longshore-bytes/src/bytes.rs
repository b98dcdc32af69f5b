//! What Rust sees of the class.

use std::fmt;

use bytes::{Bytes, BytesMut};
use pyo3::prelude::*;

use crate::export;

/// [`bytes::Bytes`] for Python: an argument takes any buffer without copying it, a result is a Python object with a buffer.
///
/// # As an argument
///
/// Takes `bytes`, `bytearray`, `memoryview`, `array.array`, `mmap`, ctypes arrays, NumPy arrays and whatever else has a
/// C-contiguous buffer, of any format and any shape, writable or not. The bytes inside refer to the memory of the Python
/// object, which is kept alive and where it is until the last clone and the last slice of them are gone. A `Bytes` of this
/// module is unwrapped.
///
/// It is a `TypeError` when there is no buffer, or one of Python objects, and a `BufferError` when the memory is not
/// contiguous.
///
/// # As a result
///
/// Is the Python class `Bytes` of this module: read-only, and with everything that `bytes` can do.
///
/// # Letting go
///
/// A clone may be dropped anywhere: on an attached thread the buffer is given back at once, and on any other as soon as a
/// thread uses the module, or Python's main thread gets to its next instruction. Dropping never waits for the interpreter. After
/// the interpreter has ended the buffer is leaked.
#[pyclass(name = "Bytes", frozen, subclass, weakref, sequence)]
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PyBytes(Bytes);

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
