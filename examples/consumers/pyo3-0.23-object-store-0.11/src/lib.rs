//! An extension module with PyO3 0.23 and object_store 0.11. What it offers is in `module.rs`, which all of them share.

#[path = "../../module.rs"]
mod module;

use longshore_ffi::v0_11::ForeignStore;
use pyo3::prelude::*;

/// Waits without holding up Python's other threads.
fn detach<T: Send>(py: Python<'_>, wait: impl FnOnce() -> T + Send) -> T {
    py.allow_threads(wait)
}

#[pymodule(gil_used = true)]
fn pyo3_0_23_object_store_0_11(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module::register(module)
}
