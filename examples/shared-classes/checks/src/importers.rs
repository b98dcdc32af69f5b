//! Modules that were built for another `Series` than the one that is installed, and one that was built for an older one.

use longshore_share::{SharedVec, import_shared, shared_class};
use pyo3::prelude::*;

/// A module `$name` that imports the class which is declared with it.
macro_rules! importer {
    ($(#[$documentation:meta])* $name:ident; $($declaration:tt)*) => {
        mod $name {
            use super::*;

            shared_class! { $($declaration)* }

            import_shared!(Series as Imported);

            $(#[$documentation])*
            #[pymodule(gil_used = true)]
            fn $name(module: &Bound<'_, PyModule>) -> PyResult<()> {
                Imported::import(module.py())
            }
        }
    };
}

importer! {
    /// Its data has its fields in another order.
    other_layout;
    module = "series_base";
    abi = 1;
    pub class Series;
    lend pub struct Samples { pub start: f64, pub values: SharedVec<f64>, pub step: f64 }
    fn label(&self) -> String;
}

importer! {
    /// A method takes something else.
    other_method;
    module = "series_base";
    abi = 1;
    pub class Series;
    lend pub struct Samples { pub values: SharedVec<f64>, pub start: f64, pub step: f64 }
    fn label(&self) -> String;
    fn labelled(&self, label: &str, number: u32) -> Result<Self>;
}

importer! {
    /// Has another ABI number.
    other_abi;
    module = "series_base";
    abi = 2;
    pub class Series;
    lend pub struct Samples { pub values: SharedVec<f64>, pub start: f64, pub step: f64 }
    fn label(&self) -> String;
}

importer! {
    /// Needs a method that is not there yet.
    later;
    module = "series_base";
    abi = 1;
    pub class Series;
    lend pub struct Samples { pub values: SharedVec<f64>, pub start: f64, pub step: f64 }
    fn label(&self) -> String;
    fn labelled(&self, label: &str) -> Result<Self>;
    fn at(&self, index: usize) -> Result<f64>;
    fn resampled(&self, step: f64) -> Result<Self>;
}

importer! {
    /// Was built before the last methods were added.
    earlier;
    module = "series_base";
    abi = 1;
    pub class Series;
    lend pub struct Samples { pub values: SharedVec<f64>, pub start: f64, pub step: f64 }
    fn label(&self) -> String;
}

importer! {
    /// Wants a module that the tests put together themselves.
    elsewhere;
    module = "series_elsewhere";
    abi = 1;
    pub class Series;
    fn label(&self) -> String;
}
