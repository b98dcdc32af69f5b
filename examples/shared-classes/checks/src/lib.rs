//! Modules for the tests. One file has several: `series_checks`, which shares with itself, and the importers of `importers.rs`,
//! which the tests load by their names.

#[macro_use]
mod declare;
mod every;
mod importers;

use pyo3::prelude::*;

declare_every!("series_checks");

/// One class with every kind of method.
#[pymodule(gil_used = true)]
fn series_checks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    every::add_to(module)
}
