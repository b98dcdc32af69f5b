//! The module `series_smooth`.

mod functions;

use pyo3::prelude::*;
use series_core::SeriesMethods;

use crate::functions::Series;

/// The greatest number. Other threads run Python meanwhile: what is lent does not change, and can be read without the interpreter.
#[pyfunction]
fn greatest(py: Python<'_>, series: Series<'_>) -> PyResult<f64> {
    let samples = series.cast()?;
    Ok(py.detach(|| samples.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)))
}

/// Computes with the classes of `series_base`.
#[pymodule(gil_used = true)]
fn series_smooth(module: &Bound<'_, PyModule>) -> PyResult<()> {
    functions::add_to(module)?;
    module.add_function(wrap_pyfunction!(greatest, module)?)
}
