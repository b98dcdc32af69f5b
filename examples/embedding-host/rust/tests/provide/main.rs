//! What `longshore_share::embed` promises. Each test runs in a process of its own, because a process has one interpreter.

mod alone;
mod imports;
mod packages;
mod refusals;
mod sharing;
mod start;

use pyo3::prelude::*;

/// A module with one class, which says where it is only as far as its name goes.
#[pymodule(gil_used = true)]
pub(crate) mod measures {
    use pyo3::prelude::*;

    #[pyclass(from_py_object)]
    #[derive(Clone)]
    pub(crate) struct Length {
        #[pyo3(get, set)]
        pub(crate) metres: f64,
    }

    #[pymethods]
    impl Length {
        #[new]
        pub(crate) fn new(metres: f64) -> Self {
            Length { metres }
        }

        fn __getnewargs__(&self) -> (f64,) {
            (self.metres,)
        }
    }
}

/// The native module of a package, whose class says so.
#[pymodule(gil_used = true)]
#[pyo3(module = "pkg")]
pub(crate) mod _native {
    use pyo3::prelude::*;

    #[pyclass(from_py_object)]
    #[derive(Clone)]
    pub(crate) struct Weight {
        #[pyo3(get, set)]
        pub(crate) grams: i32,
    }

    #[pymethods]
    impl Weight {
        #[new]
        pub(crate) fn new(grams: i32) -> Self {
            Weight { grams }
        }

        fn __getnewargs__(&self) -> (i32,) {
            (self.grams,)
        }
    }
}

/// A class that does not say where it is found, as with `#[pymodule(gil_used = true)]` on a function and nothing else.
#[pymodule(gil_used = true)]
pub(crate) fn homeless(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Stray>()
}

#[pyclass]
pub(crate) struct Stray;

/// A module whose initialiser fails.
#[pymodule(gil_used = true)]
pub(crate) mod broken {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        Err(pyo3::exceptions::PyOSError::new_err("no licence file"))
    }
}
