//! What would make two classes of one is refused, by the name of the culprit.

use crate::alone::{alone, failure, install_copy, is_installed, python, text};
use crate::measures::Length;
use crate::{_native, Stray, broken, homeless, measures};
use longshore_share::embed::{self, Module};
use pyo3::prelude::*;
use pyo3::wrap_pymodule;
use pyo3_common::Output;

#[test]
fn a_copy_that_is_imported_already_is_named_and_nothing_is_changed() {
    alone(&[], |folder| {
        let copy = install_copy(folder);
        Python::attach(|py| {
            py.import("pyo3_common").expect("the extension module");
            let text = text(embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common)), "ImportError");
            assert!(text.contains("`pyo3_common`") && text.contains("imported already, from"), "{text}");
            assert!(text.contains(&copy.display().to_string()), "{text}");
            assert!(!is_installed(py));
        });
    });
}

#[test]
fn a_copy_on_the_path_gives_way() {
    alone(&[], |folder| {
        install_copy(folder);
        Python::attach(|py| {
            embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common)).expect("it is provided");
            assert!(is_installed(py));
            embed::check_class::<Output>(py).expect("one class");
        });
    });
}

#[test]
fn a_copy_on_the_path_is_named_where_there_is_to_be_one_only() {
    alone(&[], |folder| {
        Python::attach(|py| {
            let module = || Module::new("pyo3_common", wrap_pymodule!(pyo3_common)).only_copy();
            let copy = install_copy(folder);
            let text = text(module().provide(py), "ImportError");
            assert!(text.contains(&format!("at {}", copy.display())) && !is_installed(py), "{text}");

            // One that comes to be after that is found by the import.
            std::fs::remove_file(&copy).expect("the copy can be removed");
            python(py, "import importlib\nimportlib.invalidate_caches()\n");
            module().provide(py).expect("there is no other");
            install_copy(folder);
            let text = failure(py, "import importlib\nimportlib.invalidate_caches()\nimport pyo3_common\n");
            assert!(text.contains(&format!("at {}", copy.display())), "{text}");
        });
    });
}

#[test]
fn who_comes_before_the_finder_later_is_told_by_the_class_and_put_behind_by_a_second_call() {
    alone(&[], |folder| {
        let copy = install_copy(folder);
        Python::attach(|py| {
            let provide = || embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common));
            provide().expect("it is provided");
            python(py, "import sys, importlib.machinery as m\nsys.meta_path.insert(0, m.PathFinder)\n");
            let error = text(embed::check_class::<Output>(py), "ImportError");
            assert!(
                error.contains("`pyo3_common.Output` is another class") && error.contains(&copy.display().to_string()),
                "{error}"
            );
            assert!(text(provide(), "ImportError").contains("another copy is imported already"));

            python(py, "import sys\ndel sys.modules['pyo3_common']\n");
            provide().expect("it becomes the first again");
            embed::check_class::<Output>(py).expect("one class");
            python(py, "import sys\nassert sum('longshore' in type(each).__module__ for each in sys.meta_path) == 2\n");
        });
    });
}

#[test]
fn a_finder_that_fails_is_in_nobodys_way() {
    alone(&[], |_| {
        Python::attach(|py| {
            let code = "import sys\nclass Broken:\n\
                        \x20   def find_spec(self, name, *arguments):\n\
                        \x20       if name == 'measures': raise RuntimeError('broken')\n\
                        sys.meta_path.insert(0, Broken())\n";
            python(py, code);
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("provided");
            embed::check_class::<Length>(py).expect("one class");
            let asked = failure(py, "import sys\nfor finder in sys.meta_path[1:]: finder.find_spec('measures')");
            assert!(asked.contains("broken"), "{asked}");
        });
    });
}

#[test]
fn the_same_module_twice_is_as_good_as_once_and_another_is_refused() {
    alone(&[], |_| {
        Python::attach(|py| {
            for _ in 0..2 {
                embed::provide(py, "measures", wrap_pymodule!(measures)).expect("the same");
            }
            py.import("measures").expect("a module");
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("the same");
            let text = text(embed::provide(py, "measures", wrap_pymodule!(_native)), "ImportError");
            assert!(text.contains("the host provides another module under that name already"), "{text}");
            embed::check_class::<Length>(py).expect("one class");
        });
    });
}

#[test]
fn one_module_under_two_names_is_refused_at_the_second_import() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("provided");
            embed::provide(py, "lengths", wrap_pymodule!(measures)).expect("provided");
            py.import("measures").expect("the first");
            let text = failure(py, "import lengths");
            assert!(text.contains("`lengths`") && text.contains("is provided as `measures`"), "{text}");
            python(py, "import measures\nassert measures.__name__ == 'measures'\n");
        });
    });
}

#[test]
fn a_class_that_names_no_home_is_refused_with_what_to_write() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::provide(py, "homeless", wrap_pymodule!(homeless)).expect("provided");
            let refused = failure(py, "import homeless");
            assert!(refused.contains("`Stray` says that it is defined in `builtins`"), "{refused}");
            assert!(refused.contains("#[pyclass(module = \"homeless\")]"), "{refused}");

            let text = text(embed::check_class::<Stray>(py), "ImportError");
            assert!(text.contains("`Stray` says that it is defined in `builtins`, which has none"), "{text}");

            // The class says `pkg._native`; the name is another.
            embed::provide(py, "native", wrap_pymodule!(_native)).expect("provided");
            assert!(failure(py, "import native").contains("`Weight` says that it is defined in `pkg._native`"));
        });
    });
}

#[test]
fn a_class_that_names_no_home_can_be_taken_as_it_is_and_the_module_has_the_whole_name() {
    alone(&[], |_| {
        Python::attach(|py| {
            let module = Module::new("pkg.homeless", wrap_pymodule!(homeless));
            module.unchecked_classes().provide(py).expect("provided");
            python(
                py,
                "import pkg.homeless as m\n\
                 assert (m.__name__, m.__package__, m.Stray.__module__) == ('pkg.homeless', 'pkg', 'builtins')\n",
            );
        });
    });
}

#[test]
fn a_class_of_another_module_may_be_there_too() {
    alone(&[], |_| {
        Python::attach(|py| {
            let module = wrap_pymodule!(measures)(py).into_bound(py);
            module
                .add("Decimal", py.import("decimal").and_then(|m| m.getattr("Decimal")).expect("a class"))
                .expect("added");
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("provided");
            py.import("measures").expect("each class is where it says");
        });
    });
}

#[test]
fn an_initialiser_that_fails_is_an_import_error_with_its_reason() {
    alone(&[], |_| {
        Python::attach(|py| {
            embed::provide(py, "broken", wrap_pymodule!(broken)).expect("provided");
            let text = failure(
                py,
                "try:\n    import broken\nexcept ImportError as error:\n    assert error.name == 'broken'\n    raise\n",
            );
            assert!(text.contains("its initialiser failed") && text.contains("no licence file"), "{text}");
        });
    });
}

#[test]
fn what_is_no_name_is_a_value_error() {
    alone(&[], |_| {
        Python::attach(|py| {
            for name in ["", "a-b", "pkg.", ".pkg", "a b"] {
                let text = text(embed::provide(py, name, wrap_pymodule!(measures)), "ValueError");
                assert!(text.contains(&format!("`{name}` is not the name of a module")), "{text}");
            }
        });
    });
}
