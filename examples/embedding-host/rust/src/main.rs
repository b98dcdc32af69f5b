//! Runs a Python library whose classes are the host's own.

use longshore_share::embed;
use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use pyo3_common::{Input, Output};

fn main() -> PyResult<()> {
    Python::attach(|py| {
        embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common))?;

        let output: Output = py.import("python_lib.lib")?.getattr("run")?.call1((Input::new(1, 3),))?.extract()?;
        println!("{output:?}");
        Ok(())
    })
}
