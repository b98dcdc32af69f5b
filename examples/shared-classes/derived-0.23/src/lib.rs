//! The module `series_smooth_23`: the functions of `series_smooth`, with PyO3 0.23.

#[path = "../../derived/src/functions.rs"]
mod functions;

use pyo3::prelude::*;

/// Computes with the classes of `series_base`.
#[pymodule]
fn series_smooth_23(module: &Bound<'_, PyModule>) -> PyResult<()> {
    functions::add_to(module)
}
