//! A table in and out of a capsule, as objects of PyO3.

#![expect(unsafe_code, reason = "the functions of longshore-capsule take Python's own pointers")]

use longshore_abi::StoreRef;
use longshore_capsule::{capsule_of, store_of};
use pyo3::prelude::*;

/// A capsule of `table`, for an importer that knows the interface up to `max_abi`.
///
/// # Errors
///
/// `BufferError` where that is too old.
pub(crate) fn wrapped<'py>(
    py: Python<'py>,
    table: StoreRef,
    max_abi: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let max_abi = max_abi.map_or_else(std::ptr::null_mut, Bound::as_ptr);
    // SAFETY: this thread is attached, as `py` shows, and `max_abi` is null or an object that outlives the call. What comes back is a
    // new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, capsule_of(table, max_abi.cast()).cast()) }
}

/// The live store of `object`: of a capsule, or of what has the method that gives one. `None` for what has not.
///
/// # Errors
///
/// What the method raises; `BufferError`, `TypeError` or `RuntimeError` for what it gives and cannot be used.
pub(crate) fn unwrapped(object: &Bound<'_, PyAny>, importer: &str) -> PyResult<Option<StoreRef>> {
    // SAFETY: an object, on an attached thread. PyO3 leaves no exception set between its calls.
    let error = match unsafe { store_of(object.as_ptr().cast(), importer) } {
        Ok(table) => return Ok(Some(table)),
        Err(error) => error,
    };
    if error.is_no_store() {
        return Ok(None);
    }
    // SAFETY: this thread is attached.
    unsafe { error.raise() };
    Err(PyErr::fetch(object.py()))
}
