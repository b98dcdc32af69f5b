//! Arguments as `bytes` takes them.

use std::ops::{Deref, Range};
use std::ptr;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes as Builtin;

use crate::PyBytes;
use crate::export::Export;

/// The memory of an argument, for as long as the call.
pub(crate) enum View<'py> {
    Own(Bound<'py, PyBytes>),
    Builtin(Bound<'py, Builtin>),
    /// With the token, because only an attached thread may give it back.
    Other(Export, Python<'py>),
}

impl<'py> View<'py> {
    pub(crate) fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(own) = object.cast::<PyBytes>() {
            return Ok(Self::Own(own.clone()));
        }
        if let Ok(builtin) = object.cast_exact::<Builtin>() {
            return Ok(Self::Builtin(builtin.clone()));
        }
        // CPython's own error says "a bytes-like object is required, not 'str'".
        Ok(Self::Other(Export::new(object, ffi::PyBUF_SIMPLE)?, object.py()))
    }
}

impl Deref for View<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(own) => own.get().as_slice(),
            Self::Builtin(builtin) => builtin.as_bytes(),
            Self::Other(export, _) => export.as_slice(),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for View<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Self::new(&object)
    }
}

/// What is looked for: some bytes, or one as a number.
pub(crate) enum Needle<'py> {
    Byte([u8; 1]),
    View(View<'py>),
}

impl Deref for Needle<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Byte(byte) => byte,
            Self::View(view) => view,
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Needle<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        // SAFETY: we are attached, and `object` is alive.
        if unsafe { ffi::PyObject_CheckBuffer(object.as_ptr()) } == 1 {
            return View::new(&object).map(Self::View);
        }
        let Some(number) = index(&object)? else {
            let found = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!(
                "argument should be integer or bytes-like object, not '{found}'"
            )));
        };
        let byte = u8::try_from(number).map_err(|_| PyValueError::new_err("byte must be in range(0, 256)"))?;
        Ok(Self::Byte([byte]))
    }
}

/// A bound of a search, as in a slice: it counts from the end where it is negative.
#[derive(Clone, Copy)]
pub(crate) struct Position(isize);

impl<'py> FromPyObject<'_, 'py> for Position {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        index(&object)?
            .map(Self)
            .ok_or_else(|| PyTypeError::new_err("slice indices must be integers or None or have an __index__ method"))
    }
}

/// The part of a value that is searched.
#[derive(Clone, Copy)]
pub(crate) struct Bounds(pub(crate) Option<Position>, pub(crate) Option<Position>);

impl Bounds {
    /// The bounds in `length` bytes, or `None` where the part would begin behind its end.
    pub(crate) fn of(self, length: usize) -> Option<Range<usize>> {
        let from_front = |Position(position)| match usize::try_from(position) {
            Ok(position) => position,
            Err(_) => length.saturating_sub(position.unsigned_abs()),
        };
        let start = self.0.map_or(0, from_front);
        let end = self.1.map_or(length, from_front).min(length);
        (start <= end).then_some(start..end)
    }
}

/// The number that `object` stands for, at most the largest and at least the smallest there is; `None` where it is none.
fn index(object: &Bound<'_, PyAny>) -> PyResult<Option<isize>> {
    // SAFETY: without an exception to raise, CPython cuts what is too large, which is what a null pointer asks for.
    unsafe { index_or(object, ptr::null_mut()) }
}

/// The number that `object` stands for, or an `IndexError` where it is too large; `None` where it is none.
pub(crate) fn exact_index(object: &Bound<'_, PyAny>) -> PyResult<Option<isize>> {
    // SAFETY: we are attached, so the exception is there.
    unsafe { index_or(object, ffi::PyExc_IndexError) }
}

/// # Safety
///
/// `overflow` is null or a living class of exceptions.
unsafe fn index_or(object: &Bound<'_, PyAny>, overflow: *mut ffi::PyObject) -> PyResult<Option<isize>> {
    // SAFETY: we are attached, and `object` is alive.
    if unsafe { ffi::PyIndex_Check(object.as_ptr()) } == 0 {
        return Ok(None);
    }
    // SAFETY: as above, and the caller's promise.
    let number = unsafe { ffi::PyNumber_AsSsize_t(object.as_ptr(), overflow) };
    if number == -1
        && let Some(error) = PyErr::take(object.py())
    {
        return Err(error);
    }
    Ok(Some(number))
}
