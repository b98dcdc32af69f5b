//! The module `series_smooth_26`: the functions of `series_smooth`, with PyO3 0.26.

#[path = "../../derived/src/functions.rs"]
mod functions;

use pyo3::prelude::*;

/// Computes with the classes of `series_base`.
#[pymodule]
fn series_smooth_26(module: &Bound<'_, PyModule>) -> PyResult<()> {
    functions::add_to(module)
}
