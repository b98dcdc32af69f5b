//! Before the interpreter is initialised, for Python code that runs while it is.

use pyo3::prelude::*;
use pyo3_common::{Input, Output};

fn main() -> PyResult<()> {
    longshore_share::provide_at_start!(pyo3_common)?;
    Python::initialize();
    Python::attach(|py| {
        let output: Output = py.import("python_lib.lib")?.getattr("run")?.call1((Input::new(1, 3),))?.extract()?;
        println!("{output:?}");
        Ok(())
    })
}
