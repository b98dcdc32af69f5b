//! The module `pair_base`: two classes whose values cross in capsules, and the constant `__version__`.

use longshore_share::{SharedValue, from_capsule, into_capsule};
use pyo3::prelude::*;

macro_rules! class {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[pyclass(get_all, set_all, eq, module = "pair_base")]
        #[derive(PartialEq)]
        struct $name {
            x: i32,
            y: i32,
        }

        #[pymethods]
        impl $name {
            #[new]
            fn new(x: i32, y: i32) -> Self {
                Self { x, y }
            }

            /// The value, for another module.
            fn __capsule__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                into_capsule!(py, pair_ffi::$name { x: self.x, y: self.y })
            }

            /// An object of this class with a value from another module.
            #[staticmethod]
            fn __from_capsule__(capsule: &Bound<'_, PyAny>) -> PyResult<Self> {
                let pair_ffi::$name { x, y } = from_capsule!(pair_ffi::$name, capsule)?;
                Ok(Self { x, y })
            }

            fn __repr__(&self) -> String {
                format!(concat!(stringify!($name), "({}, {})"), self.x, self.y)
            }
        }
    };
}

class! {
    /// What goes in.
    Input
}

class! {
    /// What comes out.
    Output
}

/// Two classes whose values cross in capsules.
#[pymodule(gil_used = true)]
fn pair_base(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let [major, minor, patch] = pair_ffi::Input::VERSION;
    module.add("__version__", (major, minor, patch, pair_ffi::Input::ABI))?;
    module.add_class::<Input>()?;
    module.add_class::<Output>()
}
