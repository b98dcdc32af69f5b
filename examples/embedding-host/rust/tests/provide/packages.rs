//! Dotted names: the module becomes part of a package.

use crate::_native::{self, Weight};
use crate::alone::{alone, failure, install_copy, python};
use crate::measures;
use longshore_share::embed;
use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use pyo3_common::Output;

const PACKAGE: &str = "from ._native import Weight\nfrom . import tools\n";
const TOOLS: &str = "from pkg import _native\ndef heavy() -> _native.Weight:\n    return _native.Weight(900)\n";

#[test]
fn a_package_on_the_path_gets_the_module_as_its_attribute() {
    alone(&[("pkg/__init__.py", PACKAGE), ("pkg/tools.py", TOOLS)], |_| {
        Python::attach(|py| {
            embed::provide(py, "pkg._native", wrap_pymodule!(_native)).expect("it is provided");
            let weight = py.import("pkg.tools").and_then(|tools| tools.getattr("heavy")?.call0()).expect("a weight");
            assert_eq!(weight.extract::<Weight>().map_err(PyErr::from).expect("the host's class").grams, 900);
            python(
                py,
                r#"
import importlib, pickle, sys, pkg
assert pkg._native is sys.modules["pkg._native"] and pkg.__file__.endswith("__init__.py")
assert (pkg._native.__name__, pkg._native.__package__) == ("pkg._native", "pkg")
assert pkg.Weight.__module__ == "pkg._native" and type(pickle.loads(pickle.dumps(pkg.Weight(3)))) is pkg.Weight
kept = pkg.Weight
importlib.reload(pkg._native)
importlib.reload(pkg)
assert pkg.Weight is kept
"#,
            );
        });
    });
}

#[test]
fn the_module_that_was_installed_with_the_package_gives_way() {
    alone(
        &[("pkg/__init__.py", PACKAGE), ("pkg/tools.py", TOOLS), ("pkg/_native.py", "class Weight: pass\n")],
        |folder| {
            Python::attach(|py| {
                embed::provide(py, "pkg._native", wrap_pymodule!(_native)).expect("it is provided");
                let names = python(
                    py,
                    "import warnings\nwith warnings.catch_warnings(record=True) as caught:\n    warnings.simplefilter('always')\n    import pkg\ntexts = [str(each.message) for each in caught if each.category is ImportWarning]\n",
                );
                let texts: Vec<String> =
                    names.get_item("texts").expect("names").expect("texts").extract().expect("strings");
                let file = folder.join("pkg/_native.py");
                assert_eq!(
                    texts,
                    [format!("the host provides `pkg._native`; the copy at {} is not used", file.display())]
                );
                embed::check_class::<Weight>(py).expect("one class");
            });
        },
    );
}

/// What maturin writes around a module that has no Python part.
const MATURIN: &str = "from .pyo3_common import *\n__doc__ = pyo3_common.__doc__\n__all__ = pyo3_common.__all__\n";

#[test]
fn a_wheel_of_maturin_keeps_its_package_where_the_module_in_it_is_provided() {
    alone(&[("pyo3_common/__init__.py", MATURIN)], |folder| {
        install_copy(&folder.join("pyo3_common"));
        Python::attach(|py| {
            embed::provide(py, "pyo3_common.pyo3_common", wrap_pymodule!(pyo3_common)).expect("it is provided");
            embed::check_class::<Output>(py).expect("the package has the host's class");
            python(py, "import pyo3_common\nassert pyo3_common.__file__.endswith('/pyo3_common/__init__.py')\n");
        });
    });
}

#[test]
fn a_wheel_of_maturin_is_replaced_as_a_whole_where_its_package_is_provided() {
    alone(&[("pyo3_common/__init__.py", MATURIN)], |folder| {
        install_copy(&folder.join("pyo3_common"));
        Python::attach(|py| {
            embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common)).expect("it is provided");
            embed::check_class::<Output>(py).expect("one class");
            assert!(failure(py, "import pyo3_common.pyo3_common").contains("'pyo3_common' is not a package"));
        });
    });
}

#[test]
fn without_a_package_an_empty_one_is_made() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::provide(py, "pkg._native", wrap_pymodule!(_native)).expect("it is provided");
            python(
                py,
                r#"
import pkg._native, importlib, pickle
assert list(pkg.__path__) == [] and pkg.__file__ is None
assert pkg._native.Weight(1).grams == 1
assert type(pickle.loads(pickle.dumps(pkg._native.Weight(3)))) is pkg._native.Weight
importlib.reload(pkg)
from pkg import _native
"#,
            );
            assert!(failure(py, "import pkg.other").contains("No module named 'pkg.other'"));
            assert!(failure(py, "import pkgs").contains("No module named 'pkgs'"));
        });
    });
}

#[test]
fn a_module_with_another_beneath_it_is_a_package() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::Module::new("measures.native", wrap_pymodule!(_native))
                .unchecked_classes()
                .provide(py)
                .expect("provided");
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("provided");
            python(
                py,
                "import measures.native\n\
                 assert measures.__path__ == [] and measures.Length(1.0).metres == 1.0\n\
                 assert measures.__loader__.is_package('measures') and measures.native.Weight(1).grams == 1\n",
            );
        });
    });
}

#[test]
fn a_module_beneath_one_that_is_no_package_is_refused() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("provided");
            py.import("measures").expect("a module");
            let error = embed::Module::new("measures.native", wrap_pymodule!(_native)).provide(py);
            let text = crate::alone::text(error, "ImportError");
            assert!(text.contains("`measures` is imported already and is no package"), "{text}");
        });
    });
}

#[test]
fn what_a_package_still_has_of_another_copy_is_refused() {
    alone(&[("pkg/__init__.py", "from . import _native\n"), ("pkg/_native.py", "class Weight: pass\n")], |folder| {
        Python::attach(|py| {
            python(py, "import pkg, sys\ndel sys.modules['pkg._native']\n");
            let text = crate::alone::text(embed::provide(py, "pkg._native", wrap_pymodule!(_native)), "ImportError");
            assert!(text.contains("`pkg` has another copy already"), "{text}");
            assert!(text.contains(&folder.join("pkg/_native.py").display().to_string()), "{text}");
        });
    });
}
