//! Items, slices, sums and products, and the way to Python's own `bytes`.

use pyo3::exceptions::{PyIndexError, PyOverflowError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes as Builtin, PyDict, PySlice, PyTuple};

use crate::PyBytes;
use crate::arguments::exact_index;
use crate::export;

/// A byte as a number, or a slice: the same memory where it is one piece, else a copy.
pub(crate) fn item<'py>(value: &PyBytes, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let (py, bytes) = (key.py(), value.inner());
    if let Ok(slice) = key.cast::<PySlice>() {
        return slice_of(value, slice)?.into_pyobject(py).map(Bound::into_any);
    }
    let Some(index) = exact_index(key)? else {
        let found = key.get_type().name()?;
        return Err(PyTypeError::new_err(format!("byte indices must be integers or slices, not {found}")));
    };
    let position = if index < 0 { bytes.len().checked_sub(index.unsigned_abs()) } else { Some(index.cast_unsigned()) };
    match position.and_then(|position| bytes.get(position)) {
        Some(byte) => Ok(byte.into_pyobject(py)?.into_any()),
        None => Err(PyIndexError::new_err("index out of range")),
    }
}

fn slice_of(value: &PyBytes, slice: &Bound<'_, PySlice>) -> PyResult<PyBytes> {
    let bytes = value.inner();
    let parts = slice.indices(bytes.len().cast_signed())?;
    match (parts.slicelength, parts.step) {
        (0, _) => Ok(PyBytes::default()),
        (length, 1) => {
            let start = parts.start.cast_unsigned();
            Ok(bytes.slice(start..start + length).into())
        }
        (length, step) => {
            let mut copied = export::reserved(length)?;
            let mut position = parts.start;
            for _ in 0..length {
                copied.push(bytes[position.cast_unsigned()]);
                position = position.wrapping_add(step);
            }
            Ok(copied.into())
        }
    }
}

pub(crate) fn concatenated(left: &[u8], right: &[u8]) -> PyResult<PyBytes> {
    let mut both = export::reserved(left.len().saturating_add(right.len()))?;
    both.extend_from_slice(left);
    both.extend_from_slice(right);
    Ok(both.into())
}

pub(crate) fn repeated(value: &PyBytes, times: isize) -> PyResult<PyBytes> {
    let bytes = value.as_slice();
    let times = usize::try_from(times).unwrap_or(0);
    if times == 1 || bytes.is_empty() {
        return Ok(value.clone());
    }
    let length = bytes.len().checked_mul(times).filter(|length| isize::try_from(*length).is_ok());
    let length = length.ok_or_else(|| PyOverflowError::new_err("repeated bytes are too long"))?;
    let mut repeated = export::reserved(length)?;
    for _ in 0..times {
        repeated.extend_from_slice(bytes);
    }
    Ok(repeated.into())
}

/// The hash of equal `bytes`.
pub(crate) fn hash(value: &Bound<'_, PyBytes>) -> PyResult<isize> {
    let memory = value.get().as_slice();
    let start = memory.as_ptr().cast_mut().cast();
    // A view of an object would ask the object for its hash. One of bare memory computes that of `bytes`, and copies nothing.
    // SAFETY: we are attached; the view only reads, and is gone before `value` is.
    let view = unsafe {
        let view = ffi::PyMemoryView_FromMemory(start, memory.len().cast_signed(), ffi::PyBUF_READ);
        Bound::from_owned_ptr_or_err(value.py(), view)?
    };
    view.hash()
}

/// A copy as Python's own `bytes`.
pub(crate) fn builtin<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, Builtin>> {
    // SAFETY: we are attached, and CPython copies that many bytes from there, or sets `MemoryError`.
    let copied = unsafe {
        let copied = ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), bytes.len().cast_signed());
        Bound::from_owned_ptr_or_err(py, copied)?
    };
    Ok(copied.cast_into()?)
}

/// What the method `name` of Python's own `bytes` makes of the arguments.
pub(crate) fn through(
    value: &Bound<'_, PyBytes>,
    name: &str,
    arguments: &Bound<'_, PyTuple>,
    keywords: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyBytes> {
    let py = value.py();
    // Some take their arguments from `bytes` only, such as the character that `center` fills with.
    let arguments = arguments.iter().map(|argument| match argument.cast::<PyBytes>() {
        Ok(own) => builtin(py, own.get().as_slice()).map(Bound::into_any),
        Err(_) => Ok(argument),
    });
    let arguments = PyTuple::new(py, arguments.collect::<PyResult<Vec<_>>>()?)?;
    builtin(py, value.get().as_slice())?.call_method(name, arguments, keywords)?.extract()
}
