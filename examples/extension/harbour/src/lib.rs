//! `harbour._harbour`: checksums of the objects in a store.
//!
//! A complete extension module with stores and bytes of its own: the classes are registered here, and the functions are in
//! `cargo` and `stores`. It has no runtime of its own, and needs none.

mod cargo;
mod stores;
mod wait;

use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn _harbour(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    // The names that users import, not those of the native module: classes show them, and pickling looks there.
    longshore_store::register_store_module(py, module, "harbour", "store")?;
    longshore_store::register_exceptions_module(py, module, "harbour", "exceptions")?;
    longshore_bytes::register(module, "harbour")?;

    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(cargo::crc32, module)?)?;
    module.add_function(wrap_pyfunction!(cargo::read, module)?)?;
    module.add_function(wrap_pyfunction!(cargo::write, module)?)?;
    module.add_function(wrap_pyfunction!(cargo::manifest, module)?)?;
    module.add_function(wrap_pyfunction!(cargo::total_size, module)?)?;
    module.add_function(wrap_pyfunction!(stores::below, module)?)?;
    module.add_function(wrap_pyfunction!(stores::settings, module)?)
}
