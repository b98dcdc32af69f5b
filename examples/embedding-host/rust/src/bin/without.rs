//! What happens when nothing is done about it: Python code imports the extension module, whose `Output` is another class.

use longshore_share::embed;
use pyo3::prelude::*;
use pyo3_common::{Input, Output};

fn main() -> PyResult<()> {
    Python::attach(|py| {
        let output = py.import("python_lib.lib")?.getattr("run")?.call1((Input::new(1, 3),))?;
        match output.extract::<Output>() {
            Ok(output) => println!("{output:?}"),
            Err(error) => println!("{}", PyErr::from(error)),
        }
        // Why that is so.
        if let Err(error) = embed::check_class::<Output>(py) {
            println!("{error}");
        }
        Ok(())
    })
}
