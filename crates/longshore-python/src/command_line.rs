//! The command `longshore`, for the wheel.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command line and returns its exit code. Takes over SIGINT and SIGTERM of the process.
#[pyfunction]
pub(crate) fn cli(py: Python<'_>, arguments: Vec<OsString>) -> i32 {
    py.detach(|| longshore_cli::run(arguments))
}
