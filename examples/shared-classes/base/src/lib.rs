//! The module `series_base`: the classes, and what other modules need in order to use them.

mod home;
mod series;
mod window;

/// Numbers, and windows to look at them through.
#[pyo3::pymodule(gil_used = true)]
mod series_base {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::home::{casts, creations};
    #[pymodule_export]
    use crate::series::{PySeries, live};
    #[pymodule_export]
    use crate::window::PyWindow;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        PySeries::export_shared(module)?;
        PyWindow::export_shared(module)
    }
}
