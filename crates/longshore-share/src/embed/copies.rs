//! Other copies of a module: those that have been imported, and those that could be.

use super::finder::{HostModules, meta_path};
use pyo3::exceptions::PyImportWarning;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use std::ffi::CString;

/// What Python has imported under that name. None in its place, which forbids the import, is the program's own wish and stays one.
pub(super) fn imported<'py>(py: Python<'py>, name: &str) -> PyResult<Option<Bound<'py, PyAny>>> {
    let modules = py.import(intern!(py, "sys"))?.getattr(intern!(py, "modules"))?.cast_into::<PyDict>()?;
    Ok(modules.get_item(name)?.filter(|module| !module.is_none()))
}

/// Whether both are made by the same compiled code: the same module, or another one with the same classes.
pub(super) fn is_same_code(ours: &Bound<'_, PyModule>, other: &Bound<'_, PyAny>) -> PyResult<bool> {
    if other.is(ours) {
        return Ok(true);
    }
    let mut classes = 0;
    for (name, value) in ours.dict() {
        if value.is_instance_of::<PyType>() {
            classes += 1;
            if !other.getattr_opt(name.cast()?)?.is_some_and(|theirs| theirs.is(&value)) {
                return Ok(false);
            }
        }
    }
    Ok(classes > 0)
}

/// Where a module comes from, as a person would look for it.
pub(super) fn place(module: &Bound<'_, PyAny>) -> String {
    let py = module.py();
    let file = module.getattr(intern!(py, "__file__"));
    let origin = || module.getattr(intern!(py, "__spec__"))?.getattr(intern!(py, "origin"));
    for known in [file, origin()].into_iter().flatten() {
        if let Ok(text) = known.extract::<String>() {
            return text;
        }
    }
    module.repr().map_or_else(|_| "an unknown place".to_owned(), |text| text.to_string())
}

/// Where the others in `sys.meta_path` would find a module of that name. Nothing is imported for it.
pub(super) fn installed(py: Python<'_>, name: &str) -> PyResult<Option<String>> {
    let ours = HostModules::of_this_process(py)?;
    let mut path = py.None().into_bound(py);
    let mut known = 0;
    for part in name.split('.') {
        known += part.len() + usize::from(known > 0);
        let sought = &name[..known];
        let package = if known < name.len() { imported(py, sought)? } else { None };
        if let Some(found) = package.map(|package| package.getattr_opt(intern!(py, "__path__"))).transpose()?.flatten()
        {
            path = found;
            continue;
        }
        let Some(spec) = spec_of_others(py, ours.get(), sought, &path)? else {
            return Ok(None);
        };
        if known == name.len() {
            let origin = spec.getattr(intern!(py, "origin"))?;
            return Ok((!origin.is_none()).then(|| origin.to_string()));
        }
        path = spec.getattr(intern!(py, "submodule_search_locations"))?;
        if path.is_none() {
            return Ok(None);
        }
    }
    Ok(None)
}

/// Tells whoever listens that a file of that name is not what Python code gets.
pub(super) fn warn(py: Python<'_>, name: &str, file: &str) -> PyResult<()> {
    let text = format!("the host provides `{name}`; the copy at {file} is not used");
    // A path cannot hold a NUL, nor can a name.
    let text = CString::new(text).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PyImportWarning>(), &text, 1)
}

fn spec_of_others<'py>(
    py: Python<'py>,
    ours: &HostModules,
    name: &str,
    path: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    for finder in meta_path(py)? {
        // A finder without this method is of a kind that Python passes over, from 3.12 on.
        let Some(find) = finder.getattr_opt(intern!(py, "find_spec"))?.filter(|_| !ours.is_ours(&finder)) else {
            continue;
        };
        let spec = find.call1((name, path))?;
        if !spec.is_none() {
            return Ok(Some(spec));
        }
    }
    Ok(None)
}
