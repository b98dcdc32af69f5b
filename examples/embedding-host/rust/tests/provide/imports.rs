//! A module that the host provides is a module like any other.

use crate::alone::{alone, failure, install_copy, python};
use crate::measures::{self, Length};
use longshore_share::embed;
use pyo3::prelude::*;
use pyo3::types::PyModule;
use pyo3::wrap_pymodule;

fn provided(test: impl FnOnce(Python<'_>)) {
    Python::attach(|py| {
        embed::provide(py, "measures", wrap_pymodule!(measures)).expect("it is provided");
        test(py);
    });
}

#[test]
fn an_instance_crosses_both_ways_and_its_fields_can_be_set() {
    alone(
        &[(
            "lib.py",
            "from measures import Length\ndef double(a: Length) -> Length:\n    a.metres += 1\n    return Length(2 * a.metres)\n",
        )],
        |_| {
            provided(|py| {
                let given = Bound::new(py, Length::new(2.0)).expect("an instance");
                let double = py.import("lib").and_then(|lib| lib.getattr("double")).expect("the function");
                let result: Length =
                    double.call1((&given,)).and_then(|result| Ok(result.extract()?)).expect("a Length");
                assert_eq!((given.borrow().metres, result.metres), (3.0, 6.0));
                embed::check_class::<Length>(py).expect("one class");
            });
        },
    );
}

#[test]
fn a_field_cannot_be_set_while_the_host_holds_the_instance() {
    alone(&[("lib.py", "def grow(a):\n    a.metres += 1\n")], |_| {
        provided(|py| {
            let length = Bound::new(py, Length::new(2.0)).expect("an instance");
            let grow = py.import("lib").and_then(|lib| lib.getattr("grow")).expect("the function");
            let held = length.borrow_mut();
            let error = grow.call1((&length,)).expect_err("it is held").to_string();
            assert!(error.starts_with("RuntimeError: Already"), "{error}");
            drop(held);
            grow.call1((&length,)).expect("it is free");
            assert_eq!(length.borrow().metres, 3.0);
        });
    });
}

#[test]
fn an_import_gives_a_module_with_a_spec_and_a_loader() {
    alone(&[], |_| {
        provided(|py| {
            python(
                py,
                r#"
import importlib.util, sys
spec = importlib.util.find_spec("measures")
assert "measures" not in sys.modules
import measures
assert importlib.util.find_spec("measures") == measures.__spec__ == spec
assert measures.__loader__ is spec.loader is sys.meta_path[0]
assert (measures.__name__, measures.__package__) == ("measures", "")
assert not hasattr(measures, "__path__") and not hasattr(measures, "__file__")
assert "provided by /" in repr(measures) and "provided by /" in spec.origin and not spec.has_location
assert "measures" in repr(spec.loader)
assert importlib.util.module_from_spec(spec) is measures
assert importlib.util.find_spec("measurements") is None
"#,
            );
        });
    });
}

#[test]
fn a_reload_and_a_second_import_keep_the_classes() {
    alone(&[], |_| {
        provided(|py| {
            python(
                py,
                r#"
import importlib, sys
import measures
before = measures.Length
measures.note = 5
assert importlib.reload(measures) is measures
assert measures.Length is before and measures.note == 5
del sys.modules["measures"]
import measures as again
assert again.Length is before and sys.modules["measures"] is again
"#,
            );
            embed::check_class::<Length>(py).expect("one class");
        });
    });
}

#[test]
fn instances_and_the_class_are_pickled_by_path() {
    alone(&[], |_| {
        provided(|py| {
            let names = python(
                py,
                r#"
import copy, pickle, measures
for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
    data = pickle.dumps(measures.Length(1.5), protocol)
    assert b"measures" in data
    result = pickle.loads(data)
    assert type(result) is measures.Length and result.metres == 1.5
assert pickle.loads(pickle.dumps(measures.Length)) is measures.Length
assert copy.deepcopy(result) is not result
"#,
            );
            let result = names.get_item("result").expect("a dictionary").expect("a result");
            assert_eq!(result.extract::<Length>().map_err(PyErr::from).expect("the host's class").metres, 1.5);
        });
    });
}

#[test]
fn what_the_host_has_pickled_is_read_by_python_alone_with_the_extension_module() {
    alone(&[], |folder| {
        install_copy(folder);
        Python::attach(|py| {
            embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common)).expect("it is provided");
            python(
                py,
                r#"
import pickle, subprocess, pyo3_common
code = "import pickle, sys; print(pickle.load(sys.stdin.buffer), sys.modules['pyo3_common'].__file__)"
done = subprocess.run(["python3", "-c", code], input=pickle.dumps(pyo3_common.Output(1, 3)), stdout=subprocess.PIPE)
assert done.stdout.startswith(b"Output(x=1, y=3) /") and done.stdout.endswith(b"/pyo3_common.so\n"), done
"#,
            );
        });
    });
}

#[test]
fn inspect_pkgutil_and_linecache_find_what_there_is_and_miss_the_source_calmly() {
    alone(&[], |_| {
        provided(|py| {
            python(
                py,
                r#"
import inspect, linecache, pkgutil, measures
assert inspect.getmodule(measures.Length) is measures
assert str(inspect.signature(measures.Length)) == "(metres)"
assert inspect.isclass(measures.Length) and ("Length", measures.Length) in inspect.getmembers(measures)
for question in (inspect.getfile, inspect.getsource):
    try:
        question(measures)
    except (TypeError, OSError):
        pass
    else:
        raise AssertionError(question)
assert measures.__loader__.get_source("measures") is None and measures.__loader__.get_code("measures") is None
assert not measures.__loader__.is_package("measures")
assert pkgutil.resolve_name("measures:Length") is measures.Length
linecache.lazycache("measures", vars(measures))
"#,
            );
        });
    });
}

#[test]
fn threads_that_import_at_the_same_time_get_one_module() {
    alone(&[], |_| {
        provided(|py| {
            python(
                py,
                r#"
import threading
found, start = [], threading.Barrier(8)
def look():
    start.wait()
    import measures
    found.append(measures)
threads = [threading.Thread(target=look) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert len(found) == 8 and len(set(map(id, found))) == 1
"#,
            );
        });
    });
}

#[test]
fn another_interpreter_of_the_process_does_not_find_the_module() {
    alone(&[], |_| {
        provided(|py| {
            py.import("measures").expect("this interpreter has it");
            python(
                py,
                r#"
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
other = interpreters.create()
found = None
try:
    found = interpreters.run_string(other, "import measures")
except Exception as error:
    found = error
assert "No module named 'measures'" in str(found), found
interpreters.destroy(other)
"#,
            );
        });
    });
}

#[test]
fn a_module_that_was_put_there_by_hand_is_completed() {
    alone(&[], |_| {
        Python::attach(|py| {
            let module: Py<PyModule> = wrap_pymodule!(measures)(py);
            py.import("sys")
                .and_then(|sys| sys.getattr("modules")?.set_item("measures", module))
                .expect("it is put there");
            assert!(
                failure(py, "import importlib.util\nimportlib.util.find_spec('measures')").contains("__spec__ is None")
            );
            embed::provide(py, "measures", wrap_pymodule!(measures)).expect("it is the host's");
            python(
                py,
                "import importlib, importlib.util, measures\n\
                 assert importlib.util.find_spec('measures').name == 'measures' == measures.__name__\n\
                 assert importlib.reload(measures) is measures\n",
            );
            embed::check_class::<Length>(py).expect("one class");
        });
    });
}
