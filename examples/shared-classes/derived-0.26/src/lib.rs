//! The module `series_smooth_26`: the functions of `series_smooth`, with PyO3 0.26. It also has a class of its own, by which the tests
//! see that this PyO3 can share one.

#[macro_use]
#[path = "../../checks/src/declare.rs"]
mod declare;
#[path = "../../checks/src/every.rs"]
mod every;
#[path = "../../derived/src/functions.rs"]
mod functions;

use pyo3::prelude::*;

declare_every!("series_smooth_26");

/// Computes with the classes of `series_base`, with PyO3 0.26.
#[pymodule(gil_used = true)]
fn series_smooth_26(module: &Bound<'_, PyModule>) -> PyResult<()> {
    every::add_to(module)?;
    functions::add_to(module)
}
