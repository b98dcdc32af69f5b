//! Whether a class is found where it says that it is defined, which is where pickle and inspect look for it.

use super::copies;
use pyo3::PyTypeInfo;
use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// Checks that Python code which imports the class `T` of the host gets this very class, however the module came to Python.
///
/// The module that the class names as its own is imported for it.
///
/// ```no_run
/// # use pyo3::prelude::*;
/// # #[pyclass(module = "measures")] struct Length;
/// # fn host(py: Python<'_>) -> PyResult<()> {
/// longshore_share::embed::check_class::<Length>(py)?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// `ImportError` where Python code would get another class, with the file that it comes from, or none; what the import raises.
pub fn check_class<T: PyTypeInfo>(py: Python<'_>) -> PyResult<()> {
    let class = py.get_type::<T>();
    let (module_name, path) = (class.module()?.to_string(), class.qualname()?.to_string());
    let module = py.import(module_name.as_str())?;
    match attribute(&module, &path)? {
        Some(found) if found.is(&class) => Ok(()),
        Some(_) => Err(PyImportError::new_err(format!(
            "`{module_name}.{path}` is another class than the host's: Python code has it from {}; call embed::provide before any \
             Python code imports `{module_name}`, and look for what has put itself first in sys.meta_path",
            copies::place(&module)
        ))),
        None => Err(PyImportError::new_err(format!(
            "the host's class `{path}` says that it is defined in `{module_name}`, which has none ({}); name the module that has \
             it: #[pyclass(module = \"…\")]",
            copies::place(&module)
        ))),
    }
}

/// Checks each class of a module that is to be imported as `name`; the text says which is not found, and what to write.
pub(super) fn check_paths(module: &Bound<'_, PyModule>, name: &str) -> Result<(), String> {
    for (_, value) in module.dict() {
        if let Ok(class) = value.cast_into::<PyType>() {
            let said = class.module().map(|said| said.to_string()).unwrap_or_default();
            let path = class.qualname().map(|path| path.to_string()).unwrap_or_default();
            if !(said == name || is_beneath(name, &said) || is_beneath(&said, name) || is_found(&class, &said, &path)) {
                return Err(format!(
                    "its class `{path}` says that it is defined in `{said}`, where pickle and inspect would look for it; write \
                     #[pyclass(module = \"{name}\")], or, where #[pymodule] is on a mod with the class in it, #[pyo3(module = \"…\")] \
                     with the package; Module::unchecked_classes takes it as it is"
                ));
            }
        }
    }
    Ok(())
}

/// A package may say that classes of its native module are its own, and a module may have classes of modules in it.
fn is_beneath(name: &str, package: &str) -> bool {
    name.strip_prefix(package).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether a class of somebody else, which the module merely has too, is where it says.
fn is_found(class: &Bound<'_, PyType>, said: &str, path: &str) -> bool {
    let home = copies::imported(class.py(), said);
    home.ok().flatten().and_then(|home| attribute(&home, path).ok().flatten()).is_some_and(|found| found.is(class))
}

fn attribute<'py>(module: &Bound<'py, PyAny>, path: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let mut found = module.clone();
    for part in path.split('.') {
        match found.getattr_opt(part)? {
            Some(next) => found = next,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}
