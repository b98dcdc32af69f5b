//! One class with every kind of method, shared by a module with itself. The same text is built with other PyO3s in `derived-0.23`
//! and `derived-0.26`; which module it is, the crate's root says by `declare_every!`.

use longshore_share::{SharedVec, export_shared, import_shared};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::declared::{Every, EveryBase, EveryMethods};

/// Has every kind of method.
#[pyclass(name = "Every")]
struct PyEvery {
    text: String,
}

export_shared!(PyEvery as Every);
import_shared!(Every as Imported);

impl EveryBase for PyEvery {
    type Error = PyErr;

    fn text(&self) -> String {
        self.text.clone()
    }

    fn set_text(&mut self, value: &str) {
        value.clone_into(&mut self.text);
    }

    fn not(&self, value: bool) -> bool {
        !value
    }

    fn doubled(&self, values: &[i16]) -> SharedVec<i16> {
        values.iter().map(|value| value * 2).collect::<Vec<_>>().into()
    }

    fn sum(&self, a: i64, b: u8, c: f32) -> PyResult<f64> {
        Ok(a as f64 + f64::from(b) + f64::from(c))
    }

    fn fail(&self, message: &str) -> PyResult<()> {
        Err(PyValueError::new_err(message.to_owned()))
    }

    fn table(&self, object: u8, out: u8, answer: u8, table: u8, token: u8) -> u8 {
        object + out + answer + table + token
    }

    fn panic(&self) {
        panic!("the end of {}", self.text);
    }

    fn with(text: &str) -> PyResult<Self> {
        if text.is_empty() { Err(PyValueError::new_err("no text")) } else { Ok(Self { text: text.to_owned() }) }
    }
}

#[pymethods]
impl PyEvery {
    #[new]
    fn new(text: String) -> Self {
        Self { text }
    }
}

#[pyfunction]
fn not<'py>(every: Imported<'py>, value: bool) -> PyResult<bool> {
    EveryMethods::not(&every, value)
}

#[pyfunction]
fn doubled(every: Imported<'_>, values: Vec<i16>) -> PyResult<Vec<i16>> {
    Ok(every.doubled(&values)?.to_vec())
}

#[pyfunction]
fn sum(every: Imported<'_>, a: i64, b: u8, c: f32) -> PyResult<f64> {
    every.sum(a, b, c)
}

#[pyfunction]
fn text(every: Imported<'_>) -> PyResult<String> {
    every.text()
}

#[pyfunction]
fn set_text(every: Imported<'_>, value: &str) -> PyResult<()> {
    every.set_text(value)
}

#[pyfunction]
fn fail(every: Imported<'_>, message: &str) -> PyResult<()> {
    every.fail(message)
}

#[pyfunction]
fn table(every: Imported<'_>) -> PyResult<u8> {
    EveryMethods::table(&every, 1, 2, 4, 8, 16)
}

#[pyfunction]
fn panic(every: Imported<'_>) -> PyResult<()> {
    every.panic()
}

#[pyfunction]
fn with<'py>(py: Python<'py>, text: &str) -> PyResult<Imported<'py>> {
    Imported::with(py, text)
}

/// Puts everything into the module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyEvery>()?;
    PyEvery::export_shared(module)?;
    module.add_function(wrap_pyfunction!(not, module)?)?;
    module.add_function(wrap_pyfunction!(doubled, module)?)?;
    module.add_function(wrap_pyfunction!(sum, module)?)?;
    module.add_function(wrap_pyfunction!(text, module)?)?;
    module.add_function(wrap_pyfunction!(set_text, module)?)?;
    module.add_function(wrap_pyfunction!(fail, module)?)?;
    module.add_function(wrap_pyfunction!(table, module)?)?;
    module.add_function(wrap_pyfunction!(panic, module)?)?;
    module.add_function(wrap_pyfunction!(with, module)?)
}
