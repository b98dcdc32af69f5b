//! What the Rust host and the Python library have in common.

pub use pyo3_common::*;

/// The module `pyo3_common`. Its classes stand in it, so that they know where they are found.
#[pyo3::pymodule(gil_used = true)]
pub mod pyo3_common {
    use pyo3::prelude::*;

    /// What `run` is given.
    #[pyclass(from_py_object)]
    #[derive(Clone, Debug, PartialEq)]
    pub struct Input {
        /// The first number.
        #[pyo3(get, set)]
        pub x: i32,
        /// The second number.
        #[pyo3(get, set)]
        pub y: i32,
    }

    /// What `run` gives back.
    #[pyclass(from_py_object)]
    #[derive(Clone, Debug, PartialEq)]
    pub struct Output {
        /// The first number.
        #[pyo3(get, set)]
        pub x: i32,
        /// The second number.
        #[pyo3(get, set)]
        pub y: i32,
    }

    #[pymethods]
    impl Input {
        /// Both numbers.
        #[new]
        pub fn new(x: i32, y: i32) -> Self {
            Input { x, y }
        }

        /// With this, instances can be pickled.
        fn __getnewargs__(&self) -> (i32, i32) {
            (self.x, self.y)
        }

        fn __repr__(&self) -> String {
            format!("Input(x={}, y={})", self.x, self.y)
        }
    }

    #[pymethods]
    impl Output {
        /// Both numbers.
        #[new]
        pub fn new(x: i32, y: i32) -> Self {
            Output { x, y }
        }

        /// With this, instances can be pickled.
        fn __getnewargs__(&self) -> (i32, i32) {
            (self.x, self.y)
        }

        fn __repr__(&self) -> String {
            format!("Output(x={}, y={})", self.x, self.y)
        }
    }
}
