//! Before the interpreter is initialised, where there is no `sys.meta_path` yet: the table of built-in modules.

use pyo3::exceptions::PyRuntimeError;
use pyo3::{PyResult, Python};

/// Provides a `#[pymodule]` before the interpreter is initialised, for what runs while it is: `sitecustomize` and `.pth` files.
///
/// The module is then a built-in one, with the name that it has in Rust: for a dotted one, write a `#[pymodule] mod` with
/// `#[pyo3(module = "pkg")]`. The value is a `PyResult<()>`; it is a `RuntimeError` where the interpreter runs already, and
/// [`provide`](crate::embed::provide) is what works there. To call that too, later, does no harm. Classes are not checked;
/// [`check_class`](crate::embed::check_class) does.
///
/// ```
/// #[pyo3::pymodule]
/// mod measures {}
///
/// fn before_python() -> pyo3::PyResult<()> {
///     longshore_share::provide_at_start!(measures)
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! provide_at_start {
    ($module:path) => {{
        use $module as provided_module;
        $crate::embed::private::refuse_late(stringify!($module)).map(|()| {
            $crate::embed::private::pyo3::append_to_inittab!(provided_module);
        })
    }};
}

/// An error where the table of built-in modules has been read already.
#[doc(hidden)]
pub fn refuse_late(module: &str) -> PyResult<()> {
    match Python::try_attach(|_| ()) {
        None => Ok(()),
        Some(()) => Err(PyRuntimeError::new_err(format!(
            "provide_at_start!({module}): the interpreter runs already; call embed::provide, or this before Python::initialize"
        ))),
    }
}
