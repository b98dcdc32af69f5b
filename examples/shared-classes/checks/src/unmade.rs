//! A class that Python cannot make, which its module shares without having added it.

use longshore_share::{export_shared, import_shared, shared_class};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

shared_class! {
    module = "series_checks";
    abi = 1;

    /// Is never there.
    pub class Unmade;
    /// Nothing.
    fn nothing(&self);
}

#[pyclass(name = "Unmade")]
struct PyUnmade;

export_shared!(PyUnmade as Unmade);
import_shared!(Unmade as Imported);

impl UnmadeBase for PyUnmade {
    type Error = PyErr;

    fn nothing(&self) {}
}

#[pymethods]
impl PyUnmade {
    #[classattr]
    fn wrong() -> PyResult<u8> {
        Err(PyValueError::new_err("there is no such attribute"))
    }
}

#[pyfunction]
fn unmade_type(py: Python<'_>) -> PyResult<Bound<'_, pyo3::types::PyType>> {
    Imported::type_object(py)
}

#[pyfunction]
fn is_unmade(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Imported::is_type_of(object)
}

/// Puts everything into the module, but for the class.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    PyUnmade::export_shared(module)?;
    module.add_function(wrap_pyfunction!(unmade_type, module)?)?;
    module.add_function(wrap_pyfunction!(is_unmade, module)?)
}
