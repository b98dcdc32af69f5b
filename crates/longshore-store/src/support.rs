//! The Python half of this crate, made at first use.

use std::ffi::CString;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

const SOURCE: &str = include_str!("support.py");

static SUPPORT: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

/// The module of `support.py`. Its name is in nobody's way: it is not among `sys.modules`.
pub(crate) fn support(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let support = SUPPORT.get_or_try_init(py, || {
        let module = PyModule::new(py, "longshore_store.support")?;
        let code = CString::new(SOURCE)?;
        py.run(&code, Some(&module.dict()), None)?;
        Ok::<_, PyErr>(module.unbind())
    });
    Ok(support?.bind(py).clone())
}

/// `text` as a `str` that `repr` does not show.
pub(crate) fn secret<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    support(py)?.getattr("Secret")?.call1((text,))
}
