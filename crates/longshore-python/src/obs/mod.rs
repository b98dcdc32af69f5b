//! What the methods of a store do, and the functions of `longshore.obs`, which are the same: objects by key rather than by URI,
//! with everything that can be said of one.
//!
//! A call that gives something to go on with, such as a body or a listing, hands it to a Python class through `wrapped`: what
//! such a class is called and which methods it has is decided in Python.

pub(crate) mod answer;
pub(crate) mod arrow;
mod belonging;
pub(crate) mod files;
pub(crate) mod listing;
pub(crate) mod managing;
mod meta;
mod options;
mod place;
pub(crate) mod reading;
pub(crate) mod writing;

use bytes::Bytes;
use longshore_bytes::PyBytes;
use longshore_runtime::Shelf;
use pyo3::prelude::*;

use crate::landing::missing;

/// Bytes of an object as Python has them, without a copy.
pub(crate) fn give(py: Python<'_>, bytes: Bytes) -> PyResult<Py<PyAny>> {
    Ok(Py::new(py, PyBytes::new(bytes))?.into_any())
}

/// A shelf with the Python class that the result of a call is given to.
pub(super) fn with_class(class: Py<PyAny>) -> Shelf {
    Shelf { objects: vec![(0, class)], ..Shelf::default() }
}

/// `native` in the hands of the class on the shelf.
pub(super) fn wrapped<T: pyo3::PyClass + Into<PyClassInitializer<T>>>(
    py: Python<'_>,
    native: T,
    shelf: &mut Shelf,
) -> PyResult<Py<PyAny>> {
    let (_, class) = shelf.objects.pop().ok_or_else(missing)?;
    class.call1(py, (Py::new(py, native)?,))
}
