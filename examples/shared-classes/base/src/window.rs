//! The class `Window`. Its fields can be set, here and by other modules, and both keep to the one borrow flag.

use longshore_share::export_shared;
use pyo3::exceptions::PyOverflowError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use series_core::WindowBase;

/// How many neighbours count, and how much.
#[pyclass(subclass, weakref, name = "Window", module = "series_base")]
pub(crate) struct PyWindow {
    #[pyo3(get, set)]
    width: u32,
    #[pyo3(get, set)]
    weight: f64,
    /// Anything.
    #[pyo3(get, set)]
    note: Option<Py<PyAny>>,
}

export_shared!(PyWindow as series_core::Window);

impl WindowBase for PyWindow {
    type Error = PyErr;

    fn width(&self) -> u32 {
        self.width
    }

    fn set_width(&mut self, value: u32) {
        self.width = value;
    }

    fn weight(&self) -> f64 {
        self.weight
    }

    fn set_weight(&mut self, value: f64) {
        self.weight = value;
    }

    fn even(width: u32) -> Self {
        Self { width, weight: 1.0, note: None }
    }

    fn widen(&mut self, by: u32) -> PyResult<u32> {
        let before = self.width;
        let wider = before.checked_add(by);
        self.width =
            wider.ok_or_else(|| PyOverflowError::new_err(format!("a window of {before} and {by} is too wide")))?;
        Ok(before)
    }
}

#[pymethods]
impl PyWindow {
    #[new]
    #[pyo3(signature = (width, weight = 1.0))]
    fn new(width: u32, weight: f64) -> Self {
        Self { width, weight, note: None }
    }

    /// Calls `action` while this object is borrowed exclusively.
    #[pyo3(name = "edit")]
    fn edit<'py>(&mut self, action: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        action.call0()
    }

    fn __repr__(&self) -> String {
        format!("Window(width={}, weight={})", self.width, self.weight)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.note)
    }

    fn __clear__(&mut self) {
        self.note = None;
    }
}
