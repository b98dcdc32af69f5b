//! The classes as a module of Python.

use std::ffi::CString;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::wrap_pyfunction;

use crate::classes::{from_url, native};
use crate::store::Kind;

/// Adds the store classes and `from_url` to `parent_module`, as its submodule `sub_module_str`.
///
/// `parent_module_str` is the name that `parent_module` is imported by, which a module does not know of itself while it is
/// being made. Classes are called `parent_module_str.sub_module_str.S3Store` and so on, and can be imported from there.
///
/// # Errors
///
/// What Python raises while the module is made.
pub fn register_store_module(
    py: Python<'_>,
    parent_module: &Bound<'_, PyModule>,
    parent_module_str: &str,
    sub_module_str: &str,
) -> PyResult<()> {
    let full_name = format!("{parent_module_str}.{sub_module_str}");
    CString::new(full_name.as_str())?;
    let module = PyModule::new(py, &full_name)?;
    module.setattr(intern!(py, "__doc__"), "Object stores: made here, and given to functions of this package.")?;
    name_classes(py, &full_name)?;
    for kind in Kind::ALL {
        // This also makes it one of `__all__`.
        module.add(kind.name(), native(py, kind))?;
    }
    let from_url = wrap_pyfunction!(from_url, &module)?;
    from_url.setattr(intern!(py, "__module__"), &full_name)?;
    module.add_function(from_url)?;
    parent_module.add(sub_module_str, &module)?;
    py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.set_item(full_name, module)
}

/// Says that the classes are in `module`, for a package that adds them to a module of its own in another way.
///
/// # Errors
///
/// What Python raises while the classes are made.
pub fn name_classes(py: Python<'_>, module: &str) -> PyResult<()> {
    let name = |kind| native(py, kind).setattr(intern!(py, "__module__"), module);
    Kind::ALL.into_iter().try_for_each(name)
}
