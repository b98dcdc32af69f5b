//! The exceptions: one tree of Python classes for each extension module.
//!
//! They are written in Python (`exceptions.py`), because a class that is also a built-in exception cannot be made natively
//! for every version of Python at once. An extension module has its own copy, under its own name. The package `longshore`
//! has the same file among its own, and says so with [`import_exceptions_from`].

use std::ffi::CString;
use std::sync::OnceLock;

use longshore_config::Context;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

const SOURCE: &str = include_str!("exceptions.py");

struct Exceptions {
    /// The module that holds the classes.
    classes: PyOnceLock<Py<PyModule>>,
    /// The name to import them by, where they are not made here.
    elsewhere: OnceLock<String>,
}

impl Default for Exceptions {
    fn default() -> Self {
        Self { classes: PyOnceLock::new(), elsewhere: OnceLock::new() }
    }
}

fn exceptions() -> &'static Exceptions {
    Context::process().part()
}

/// Adds the exceptions to `parent_module`, as its submodule `sub_module_str`.
///
/// `parent_module_str` is the name that `parent_module` is imported by, which a module does not know of itself while it is
/// being made. The classes are called `parent_module_str.sub_module_str.NotFoundError` and so on, can be imported from there,
/// and pickle. An extension module has one set of classes: if it registers them again, it is the same ones.
///
/// # Errors
///
/// What Python raises while the module is made.
pub fn register_exceptions_module(
    py: Python<'_>,
    parent_module: &Bound<'_, PyModule>,
    parent_module_str: &str,
    sub_module_str: &str,
) -> PyResult<()> {
    let full_name = format!("{parent_module_str}.{sub_module_str}");
    let mut made = false;
    let classes = exceptions().classes.get_or_try_init(py, || {
        made = true;
        make(py, &full_name)
    })?;
    let module = if made { classes.bind(py).clone() } else { again(classes.bind(py), &full_name)? };
    parent_module.add(sub_module_str, &module)?;
    py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.set_item(full_name, module)
}

/// Has the exceptions imported from the Python module `name`, which defines the classes of this crate's `exceptions.py`.
///
/// For a package that has that file among its own. Nothing is imported before the first error.
pub fn import_exceptions_from(name: &str) {
    // Whoever comes first: two packages cannot share one extension module.
    let _ = exceptions().elsewhere.set(name.to_owned());
}

fn make(py: Python<'_>, full_name: &str) -> PyResult<Py<PyModule>> {
    let name = CString::new(full_name)?;
    Ok(PyModule::from_code(py, &CString::new(SOURCE)?, c"longshore_store/exceptions.py", &name)?.unbind())
}

/// A module under another name that has the same classes.
fn again<'py>(classes: &Bound<'py, PyModule>, full_name: &str) -> PyResult<Bound<'py, PyModule>> {
    let module = PyModule::new(classes.py(), full_name)?;
    let names: Vec<String> = classes.getattr(intern!(classes.py(), "__all__"))?.extract()?;
    for name in names {
        module.add(name.as_str(), classes.getattr(name.as_str())?)?;
    }
    Ok(module)
}

/// The module that holds the classes: the one that was registered, or the one to import, or one of its own name.
pub(crate) fn classes(py: Python<'_>) -> PyResult<Bound<'_, PyModule>> {
    let classes = exceptions().classes.get_or_try_init(py, || match exceptions().elsewhere.get() {
        Some(name) => py.import(name.as_str()).map(Bound::unbind),
        None => make(py, "longshore_store.exceptions"),
    });
    Ok(classes?.bind(py).clone())
}

/// An exception of the class called `name`.
pub(crate) fn exception(py: Python<'_>, name: &str, message: &str) -> PyErr {
    exception_about(py, name, message, None, None)
}

/// As [`exception`], with more of what the classes hold, and a cause in words.
pub(crate) fn exception_about(
    py: Python<'_>,
    name: &str,
    message: &str,
    cause: Option<String>,
    details: Option<Bound<'_, PyDict>>,
) -> PyErr {
    let build = || {
        let make = classes(py)?.getattr(intern!(py, "_from_native"))?;
        make.call1((name, message, cause, details))
    };
    build().map_or_else(|failure| failure, PyErr::from_value)
}

/// An argument of the wrong type.
pub(crate) fn wrong_type(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "ArgumentTypeError", message)
}

/// An argument with a value that cannot be used.
pub(crate) fn invalid(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "InvalidArgumentError", message)
}

/// Something that cannot be done.
pub(crate) fn not_supported(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "NotSupportedError", message)
}
