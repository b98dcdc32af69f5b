//! A process for each test: the test starts its own program again, with itself as the only test.

use pyo3::ffi::c_str;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::any::type_name_of_val;
use std::env;
use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const INSIDE: &str = "EMBEDDING_HOST_TEST_FOLDER";

/// Runs a test in a process of its own, whose `PYTHONPATH` is a folder with these files.
pub(crate) fn alone(files: &[(&str, &str)], test: impl FnOnce(&Path)) {
    if let Some(folder) = env::var_os(INSIDE) {
        return test(Path::new(&folder));
    }
    // The closure is called after the test that it stands in.
    let name = type_name_of_val(&test);
    let name =
        name.split_once("::").and_then(|(_, rest)| rest.strip_suffix("::{{closure}}")).expect("a test's closure");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name.replace("::", "-"));
    let _ = fs::remove_dir_all(&folder);
    for (file, text) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
    fs::create_dir_all(&folder).expect("a folder can be made");
    let done = Command::new(env::current_exe().expect("the test's program"))
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, &folder)
        .env("PYTHONPATH", &folder)
        .env_remove("PYTHONWARNINGS")
        .output()
        .expect("the program can be started");
    let said = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("1 passed"), "{name} in its own process:\n{said}");
}

/// Runs Python code in a namespace of its own, which it returns.
pub(crate) fn python<'py>(py: Python<'py>, code: &str) -> Bound<'py, PyDict> {
    let names = PyDict::new(py);
    let code = CString::new(code).expect("code without NUL");
    py.run(&code, Some(&names), None).unwrap_or_else(|error| {
        error.print(py);
        panic!("the Python code failed");
    });
    names
}

/// The text of the error that some Python code ends with.
pub(crate) fn failure(py: Python<'_>, code: &str) -> String {
    let code = CString::new(code).expect("code without NUL");
    py.run(&code, Some(&PyDict::new(py)), None).expect_err("the code fails").to_string()
}

/// The text of an error, after a look at its beginning.
pub(crate) fn text(result: PyResult<()>, kind: &str) -> String {
    let text = result.expect_err("it is refused").to_string();
    assert!(text.starts_with(&format!("{kind}: ")), "{text}");
    text
}

/// Whether `sys.meta_path` has something of the host's.
pub(crate) fn is_installed(py: Python<'_>) -> bool {
    let code = c_str!("any('longshore' in type(finder).__module__ for finder in __import__('sys').meta_path)");
    py.eval(code, None, None).and_then(|answer| answer.extract()).expect("an answer")
}

/// Puts the extension module of the example into a folder, as another copy of what the host has.
pub(crate) fn install_copy(folder: &Path) -> PathBuf {
    let copy = folder.join("pyo3_common.so");
    install("../pyo3_common/target/debug/libpyo3_common.so", &copy);
    copy
}

/// Copies what Cargo has built in another package, seen from this one.
pub(crate) fn install(built: &str, copy: &Path) {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(built);
    fs::copy(&built, copy)
        .unwrap_or_else(|error| panic!("{}: {error}; run cargo build in its package", built.display()));
}
