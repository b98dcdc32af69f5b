//! One module for a Rust host and for the Python code that it runs: the same classes inside and outside.
//!
//! A `#[pyclass]` that is compiled into the host and into an extension module is two classes, and neither converts into the other:
//! `'Output' object cannot be converted to 'Output'`. [`provide`] makes Python's `import` find the host's own copy of the module, so
//! that there is one.
//!
//! ```no_run
//! use longshore_share::embed;
//! use pyo3::prelude::*;
//! use pyo3::wrap_pymodule;
//!
//! #[pymodule]
//! mod measures {
//!     use pyo3::prelude::*;
//!
//!     #[pyclass]
//!     pub struct Length {
//!         #[pyo3(get, set)]
//!         pub metres: f64,
//!     }
//! }
//!
//! fn share(py: Python<'_>) -> PyResult<()> {
//!     embed::provide(py, "measures", wrap_pymodule!(measures))
//! }
//! ```
//!
//! # What is found, and when
//!
//! The module is made at its first import, by a finder that is first in `sys.meta_path`. It has a spec and a loader, so that
//! `importlib.reload`, `importlib.util.find_spec` and pickling by path work, and a reload keeps the classes. The name may be dotted:
//! `pkg._native` becomes an attribute of the package `pkg`, which is found as ever; where there is none, an empty one is made, as
//! Python does for a folder without `__init__.py`. A module beneath whose name another is provided is a package.
//!
//! An extension module of the same name that is installed as well is not imported: the host's comes first. Then an `ImportWarning`,
//! which Python hides unless it is asked for (`PYTHONWARNINGS=default`), names the file. [`Module::only_copy`] makes that an error.
//!
//! # What is refused
//!
//! Each refusal is an `ImportError` that names the culprit: another copy of the module that Python code has imported before, or
//! that its package still has; another module under a name that is provided already; a class that says it is defined where it is
//! not found, such as a `#[pyclass]` in a `#[pymodule]` function without `module = "…"`, since pickle would look there.
//!
//! What Python code puts before the finder later is not seen. [`check_class`] tells whether a class is the one that Python code has.
//!
//! One interpreter has the module. Others, which Python calls subinterpreters, do not find it, because PyO3's classes belong to one.

mod classes;
mod copies;
mod finder;
mod module;
mod start;

pub use classes::check_class;
pub use module::{MakeModule, Module, provide};

/// What the macro expands to.
#[doc(hidden)]
pub mod private {
    pub use super::start::refuse_late;
    pub use pyo3;
}
