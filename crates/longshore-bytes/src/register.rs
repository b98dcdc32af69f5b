//! The class in an author's module.

use pyo3::prelude::*;

use crate::PyBytes;

/// The type hints of the class, to be copied into the stub of a module that has it.
pub const STUB: &str = include_str!("../bytes.pyi");

/// Adds the class `Bytes` to `module`, and tells it that it is imported from `import_name`.
///
/// That is the name of the module that users import `Bytes` from: `"mypackage"`, where a package re-exports it from its native
/// module, or the name of the native module itself. Pickling writes it down. Without it (with
/// [`add_class`](pyo3::types::PyModuleMethods::add_class) alone) everything but pickling works.
///
/// # Errors
///
/// Those of Python, such as that there is no memory.
pub fn register(module: &Bound<'_, PyModule>, import_name: &str) -> PyResult<()> {
    module.add_class::<PyBytes>()?;
    module.py().get_type::<PyBytes>().setattr("__module__", import_name)
}
