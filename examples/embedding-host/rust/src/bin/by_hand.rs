//! The classical way, without longshore: the module is put into `sys.modules`.

use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use pyo3_common::{Input, Output};

fn main() -> PyResult<()> {
    Python::attach(|py| {
        let module = wrap_pymodule!(pyo3_common)(py);
        py.import("sys")?.getattr("modules")?.set_item("pyo3_common", module)?;

        let output: Output = py.import("python_lib.lib")?.getattr("run")?.call1((Input::new(1, 3),))?.extract()?;
        println!("{output:?}");
        Ok(())
    })
}
