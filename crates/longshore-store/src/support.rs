//! The Python half of this crate, made at first use.

use std::ffi::CString;

use longshore_config::Context;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The module of `support.py`.
pub(crate) fn support(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    module(py, &modules().support, "longshore_store.support", include_str!("support.py"))
}

/// The module of `file_systems.py`.
pub(crate) fn fsspec(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    module(py, &modules().fsspec, "longshore_store.fsspec", include_str!("file_systems.py"))
}

/// The module of `served.py`.
pub(crate) fn served(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    module(py, &modules().served, "longshore_store.served", include_str!("served.py"))
}

struct Modules {
    served: PyOnceLock<Py<PyModule>>,
    support: PyOnceLock<Py<PyModule>>,
    fsspec: PyOnceLock<Py<PyModule>>,
}

impl Default for Modules {
    fn default() -> Self {
        Self { served: PyOnceLock::new(), support: PyOnceLock::new(), fsspec: PyOnceLock::new() }
    }
}

fn modules() -> &'static Modules {
    Context::process().part()
}

/// A module whose name is in nobody's way: it is not among `sys.modules`.
fn module<'py>(
    py: Python<'py>,
    made: &'static PyOnceLock<Py<PyModule>>,
    name: &str,
    source: &str,
) -> PyResult<Bound<'py, PyModule>> {
    let module = made.get_or_try_init(py, || {
        let module = PyModule::new(py, name)?;
        py.run(&CString::new(source)?, Some(&module.dict()), None)?;
        Ok::<_, PyErr>(module.unbind())
    });
    Ok(module?.bind(py).clone())
}

/// `text` as a `str` that `repr` does not show.
pub(crate) fn secret<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    support(py)?.getattr("Secret")?.call1((text,))
}
