//! Before the interpreter is initialised.

use crate::_native::{self, Weight};
use crate::alone::{alone, python};
use longshore_share::{embed, provide_at_start};
use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use pyo3_common::Output;

#[test]
fn what_runs_while_python_starts_has_the_classes() {
    let site = "import sys, pyo3_common\nsys.early = pyo3_common.Output(1, 2)\n";
    alone(&[("sitecustomize.py", site)], |_| {
        provide_at_start!(pyo3_common).expect("Python does not run yet");
        Python::attach(|py| {
            let early = py.import("sys").and_then(|sys| sys.getattr("early")).expect("sitecustomize has run");
            assert_eq!(early.extract::<Output>().map_err(PyErr::from).expect("the host's class").y, 2);
            embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common)).expect("it is the host's already");
            embed::check_class::<Output>(py).expect("one class");
            python(
                py,
                "import importlib.util, pickle, sys, pyo3_common as m\n\
                 assert importlib.util.find_spec('pyo3_common').origin == 'built-in'\n\
                 kept = m.Output\n\
                 assert importlib.reload(m).Output is kept is type(pickle.loads(pickle.dumps(sys.early)))\n",
            );
        });
    });
}

#[test]
fn a_dotted_name_works_from_the_start_where_there_is_a_package() {
    alone(&[("pkg/__init__.py", "from ._native import Weight\n")], |_| {
        provide_at_start!(_native).expect("Python does not run yet");
        Python::attach(|py| {
            python(py, "import pkg\nassert pkg._native.Weight is pkg.Weight\n");
            embed::check_class::<Weight>(py).expect("one class");
        });
    });
}

#[test]
fn it_is_too_late_once_python_runs() {
    alone(&[], |_| {
        Python::attach(|_| ());
        let error = provide_at_start!(pyo3_common).expect_err("Python runs");
        let text = Python::attach(|_| error.to_string());
        assert!(text.starts_with("RuntimeError") && text.contains("embed::provide"), "{text}");
    });
}
