//! The other direction: a host that takes the classes of an installed extension module, and one that provides such a module.

use crate::alone::{alone, install, text};
use longshore_share::{embed, import_shared};
use meters_core::MeterMethods;
use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use pyo3_common::Output;
use series_core::{Samples, SeriesMethods, WindowMethods};

import_shared!(series_core::Series as Series);
import_shared!(series_core::Window as Window);
import_shared!(meters_core::Meter as Meter);

mod meters_core {
    longshore_share::shared_class! {
        module = "meters";
        abi = 1;

        /// A number that can be set.
        pub class Meter;

        /// The number.
        field count: i32;
        /// A meter that shows `count`.
        fn of(count: i32) -> Self;
    }
}

#[pymodule(gil_used = true)]
mod meters {
    use super::meters_core;
    use longshore_share::export_shared;
    use pyo3::prelude::*;

    #[pyclass(name = "Meter")]
    pub(super) struct PyMeter {
        #[pyo3(get, set)]
        count: i32,
    }

    export_shared!(PyMeter as meters_core::Meter);

    impl meters_core::MeterBase for PyMeter {
        type Error = PyErr;

        fn of(count: i32) -> Self {
            Self { count }
        }

        fn count(&self) -> i32 {
            self.count
        }

        fn set_count(&mut self, value: i32) {
            self.count = value;
        }
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        PyMeter::export_shared(module)
    }
}

/// Puts the extension module of the other example into a folder.
fn install_series(folder: &std::path::Path) {
    install("../../shared-classes/target/debug/libseries_base.so", &folder.join("series_base.so"));
}

#[test]
fn the_host_has_the_class_of_the_extension_module_itself() {
    alone(&[], |folder| {
        install_series(folder);
        Python::attach(|py| {
            // The other way does not disturb this one.
            embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common)).expect("it is provided");
            Series::import(py).expect("the module is installed");
            let class = py.import("series_base").and_then(|module| module.getattr("Series")).expect("a class");
            assert!(Series::type_object(py).expect("a class").is(&class));
            embed::check_class::<Output>(py).expect("one class");
        });
    });
}

#[test]
fn its_instances_cross_both_ways_without_a_copy_and_their_fields_can_be_set() {
    alone(
        &[(
            "lib.py",
            "def look(series, window):\n    window.width += 4\n    return series, series.address, type(series)\n",
        )],
        |folder| {
            install_series(folder);
            Python::attach(|py| {
                let samples = Samples { values: vec![1.0, 2.0].into(), start: 0.0, step: 1.0 };
                let given = Series::create(py, samples).expect("an instance");
                let address = given.cast().expect("it is lent").values.as_ptr().addr();
                let window = Window::even(py, 1).expect("an instance");
                window.set_width(3).expect("it can be set");

                let look = py.import("lib").and_then(|lib| lib.getattr("look")).expect("the function");
                let result = look.call1((given, &window)).expect("the library runs");
                let (back, seen, class): (Series<'_>, usize, Bound<'_, PyAny>) =
                    result.extract().expect("what it returns");
                assert_eq!((address, window.width().expect("a width")), (seen, 7));
                assert_eq!(back.cast().expect("it is lent").values.as_ptr().addr(), address);
                assert_eq!(back.label().expect("a label"), "");
                assert!(class.is(Series::type_object(py).expect("a class")));
            });
        },
    );
}

#[test]
fn without_the_extension_module_the_error_says_who_needs_what() {
    alone(&[], |_| {
        Python::attach(|py| {
            let text = text(Series::import(py).map(|_| ()), "ImportError");
            assert!(text.contains("embedding-host") && text.contains("series_base.Series"), "{text}");
            assert!(text.contains("Install the package that has it"), "{text}");
        });
    });
}

#[test]
fn a_module_that_the_host_provides_shares_its_classes_too() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::provide(py, "meters", wrap_pymodule!(meters)).expect("it is provided");
            let meter = Meter::of(py, 5).expect("an instance");
            let class = py.import("meters").and_then(|module| module.getattr("Meter")).expect("a class");
            assert!(Meter::type_object(py).expect("a class").is(&class));
            meter.set_count(6).expect("it can be set");
            embed::check_class::<meters::PyMeter>(py).expect("one class");
            assert_eq!(
                (&meter)
                    .into_pyobject(py)
                    .expect("an object")
                    .getattr("count")
                    .and_then(|n| n.extract::<i32>())
                    .expect("a number"),
                6
            );
        });
    });
}
