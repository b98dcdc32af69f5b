//! How Python finds what the host provides: a finder that is first in `sys.meta_path`, and one that is last.

use super::module::Module;
use pyo3::exceptions::PyImportError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Provided = Arc<Mutex<BTreeMap<String, Module>>>;

/// Finds and loads the modules of the host.
#[pyclass(frozen, module = "longshore_share.embed")]
pub(super) struct HostModules {
    provided: Provided,
    /// Who is last, for the packages that nobody else finds.
    packages: Py<HostPackages>,
}

impl HostModules {
    /// The one of this process; it may not be in `sys.meta_path` yet.
    pub(super) fn of_this_process(py: Python<'_>) -> PyResult<Bound<'_, HostModules>> {
        static FINDER: PyOnceLock<Py<HostModules>> = PyOnceLock::new();
        let finder = FINDER.get_or_try_init(py, || {
            let provided = Provided::default();
            let packages = Py::new(py, HostPackages { provided: provided.clone() })?;
            Py::new(py, HostModules { provided, packages })
        })?;
        Ok(finder.bind(py).clone())
    }

    /// What is provided under that name.
    pub(super) fn find(&self, name: &str) -> Option<Module> {
        lock(&self.provided).get(name).cloned()
    }

    pub(super) fn add(&self, module: Module) {
        lock(&self.provided).insert(module.name().to_owned(), module);
    }

    /// Becomes the first that is asked, whoever has come before since.
    pub(super) fn install(&self, py: Python<'_>, this: &Bound<'_, HostModules>) -> PyResult<()> {
        let finders = meta_path(py)?;
        if !finders.get_item(0).is_ok_and(|first| first.is(this)) {
            if finders.contains(this)? {
                finders.call_method1(intern!(py, "remove"), (this,))?;
            }
            finders.insert(0, this)?;
        }
        if !finders.contains(&self.packages)? {
            finders.append(&self.packages)?;
        }
        Ok(())
    }

    /// Whether a finder is one of these, whom nobody has to ask for copies of others.
    pub(super) fn is_ours(&self, finder: &Bound<'_, PyAny>) -> bool {
        finder.is_instance_of::<HostModules>() || finder.is_instance_of::<HostPackages>()
    }

    /// Gives a module that was put into `sys.modules` by hand what an import would have given it.
    pub(super) fn adopt(&self, this: &Bound<'_, HostModules>, module: &Bound<'_, PyAny>, name: &str) -> PyResult<()> {
        let py = this.py();
        if module.getattr_opt(intern!(py, "__spec__"))?.is_none_or(|spec| spec.is_none()) {
            module.setattr(intern!(py, "__name__"), name)?;
            module.setattr(intern!(py, "__loader__"), this)?;
            module.setattr(intern!(py, "__package__"), name.rsplit_once('.').map_or("", |(package, _)| package))?;
            module.setattr(intern!(py, "__spec__"), HostModules::find_spec(this, name, None, None)?)?;
        }
        Ok(())
    }
}

#[pymethods]
impl HostModules {
    /// The spec of a module that the host provides.
    #[pyo3(signature = (name, path = None, target = None))]
    fn find_spec<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        path: Option<&Bound<'py, PyAny>>,
        target: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        // The name says it all; a finder is asked with all three.
        let _ = (path, target);
        let finder = slf.get();
        if finder.find(name).is_none() {
            return Ok(None);
        }
        let options = PyDict::new(slf.py());
        options.set_item("origin", origin())?;
        options.set_item("is_package", has_modules(&finder.provided, name))?;
        spec_type(slf.py())?.call((name, slf), Some(&options)).map(Some)
    }

    /// The module itself: the same at each import, so that there is one type of each class.
    fn create_module<'py>(&self, spec: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyModule>> {
        let name: String = spec.getattr(intern!(spec.py(), "name"))?.extract()?;
        match self.find(&name) {
            Some(module) => module.for_import(spec.py()),
            None => Err(PyImportError::new_err(format!("the host does not provide a module `{name}`"))),
        }
    }

    /// Nothing: a module is complete when it has been made, and a reload changes no class.
    fn exec_module(&self, module: &Bound<'_, PyAny>) {
        let _ = module;
    }

    /// Whether the host provides something beneath that name.
    fn is_package(&self, name: &str) -> bool {
        has_modules(&self.provided, name)
    }

    /// None: the code is the host's.
    fn get_code(&self, name: &str) -> Option<Py<PyAny>> {
        let _ = name;
        None
    }

    /// None: the source is not at hand.
    fn get_source(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    fn __repr__(&self) -> String {
        let names: Vec<String> = lock(&self.provided).keys().cloned().collect();
        format!("<modules {}: {}>", origin(), names.join(", "))
    }
}

/// Finds packages of whom nothing is known but that the host provides a module in them: each is an empty namespace package.
#[pyclass(frozen, module = "longshore_share.embed")]
struct HostPackages {
    provided: Provided,
}

#[pymethods]
impl HostPackages {
    /// The spec of an empty package, where the host provides something in it.
    #[pyo3(signature = (name, path = None, target = None))]
    fn find_spec<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        path: Option<&Bound<'py, PyAny>>,
        target: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _ = (path, target);
        if !has_modules(&self.provided, name) {
            return Ok(None);
        }
        let options = PyDict::new(py);
        options.set_item("is_package", true)?;
        spec_type(py)?.call((name, py.None()), Some(&options)).map(Some)
    }
}

fn has_modules(provided: &Provided, name: &str) -> bool {
    lock(provided).keys().any(|key| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}

/// What Python shows of such a module, beside its name.
fn origin() -> String {
    match std::env::current_exe() {
        Ok(path) => format!("provided by {}", path.display()),
        Err(_) => "provided by the host".to_owned(),
    }
}

pub(super) fn meta_path(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    Ok(py.import(intern!(py, "sys"))?.getattr(intern!(py, "meta_path"))?.cast_into()?)
}

/// `importlib.machinery.ModuleSpec`, from where Python has it before any import: a finder should not need others.
fn spec_type(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import(intern!(py, "_frozen_importlib"))?.getattr(intern!(py, "ModuleSpec"))
}

/// Nothing that is done under the lock can panic or ask Python.
fn lock(provided: &Provided) -> MutexGuard<'_, BTreeMap<String, Module>> {
    provided.lock().unwrap_or_else(PoisonError::into_inner)
}
