//! The module `series_smooth`.

mod functions;

use pyo3::prelude::*;

/// Computes with the classes of `series_base`.
#[pymodule]
fn series_smooth(module: &Bound<'_, PyModule>) -> PyResult<()> {
    functions::add_to(module)
}
