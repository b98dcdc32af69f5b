//! The module `pair_turn`: takes and returns the classes of `pair_base`, which it reaches through Python alone.

use longshore_share::{SharedValue, from_capsule, into_capsule, shared_value};
use pair_ffi::{Input, Output};
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// What this module would have been built with, had its author not moved to the new `pair-ffi` yet.
mod old {
    use super::shared_value;

    shared_value! {
        abi = 0;

        /// What went in.
        pub struct Input {
            /// Across.
            pub x: i32,
            /// Up.
            pub y: i32,
        }
    }
}

/// An early word on versions, for whoever has two that do not go together. What counts is in each capsule.
fn check(py: Python<'_>) -> PyResult<()> {
    let base = py.import("pair_base")?;
    let (major, minor, patch, abi): (u32, u32, u32, u32) = base.getattr("__version__")?.extract()?;
    if abi == Input::ABI {
        return Ok(());
    }
    Err(PyImportError::new_err(format!(
        "pair-turn {} needs pair-base with ABI {}, and pair-base {major}.{minor}.{patch} with ABI {abi} is installed",
        env!("CARGO_PKG_VERSION"),
        Input::ABI,
    )))
}

/// Turns an `Input` by a quarter, into an `Output`.
#[pyfunction]
fn run<'py>(py: Python<'py>, input: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let Input { x, y } = from_capsule!(Input, &input.call_method0("__capsule__")?)?;
    let output = into_capsule!(py, Output { x: -y, y: x })?;
    py.import("pair_base")?.getattr("Output")?.call_method1("__from_capsule__", (output,))
}

/// What `run` was before the ABI number was raised.
#[pyfunction]
fn run_old(input: &Bound<'_, PyAny>) -> PyResult<i32> {
    let old::Input { x, y } = from_capsule!(old::Input, &input.call_method0("__capsule__")?)?;
    Ok(x + y)
}

/// Computes with the classes of `pair_base`.
#[pymodule(gil_used = true)]
fn pair_turn(module: &Bound<'_, PyModule>) -> PyResult<()> {
    check(module.py())?;
    module.add_function(wrap_pyfunction!(run, module)?)?;
    module.add_function(wrap_pyfunction!(run_old, module)?)
}
