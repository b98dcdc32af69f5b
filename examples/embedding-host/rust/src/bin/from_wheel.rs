//! The other direction: the classes are those of an installed extension module, which shares them. The host brings no module.

use longshore_share::import_shared;
use pyo3::prelude::*;
use series_core::{Samples, SeriesMethods, WindowMethods};

import_shared!(series_core::Series as Series);
import_shared!(series_core::Window as Window);

fn main() -> PyResult<()> {
    Python::attach(|py| {
        // An error here says which package is missing, or which of the two is too old.
        Series::import(py)?;
        Window::import(py)?;

        let given = Series::create(py, Samples { values: vec![1.0, 5.0, 3.0].into(), start: 0.0, step: 0.5 })?;
        let window = Window::even(py, 1)?;
        let result = py.import("python_lib.curves")?.getattr("thin")?.call1((given, &window))?;

        let thinned: Series<'_> = result.extract()?;
        let samples = thinned.cast()?;
        println!("{}: {:?}, one each {}", thinned.label()?, samples.values.to_vec(), samples.step);
        println!("{}", window.width()?);
        Ok(())
    })
}
