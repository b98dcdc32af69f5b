//! What a host provides, how strictly, and the moment at which it does.

use super::finder::HostModules;
use super::{classes, copies};
use pyo3::exceptions::{PyImportError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use std::panic::{self, AssertUnwindSafe};

/// What `wrap_pymodule!` gives: a function that makes the module, and gives the same one each time.
pub type MakeModule = &'static (dyn Fn(Python<'_>) -> Py<PyModule> + Send + Sync);

/// Makes `import name` find the host's module, as [`Module::provide`] with nothing else asked for.
///
/// ```no_run
/// # use pyo3::{prelude::*, wrap_pymodule};
/// # #[pymodule] mod pyo3_common {}
/// # fn host(py: Python<'_>) -> PyResult<()> {
/// longshore_share::embed::provide(py, "pyo3_common", wrap_pymodule!(pyo3_common))?;
/// let result = py.import("python_lib.lib")?.getattr("run")?.call0()?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// As [`Module::provide`].
pub fn provide(py: Python<'_>, name: &str, make: MakeModule) -> PyResult<()> {
    Module::new(name, make).provide(py)
}

/// A module that the host is about to provide.
#[derive(Clone)]
pub struct Module {
    name: String,
    make: MakeModule,
    only_copy: bool,
    check_classes: bool,
}

impl Module {
    /// The module that `make` makes, under the whole name by which Python code imports it, such as `pkg._native`.
    pub fn new(name: impl Into<String>, make: MakeModule) -> Self {
        Module { name: name.into(), make, only_copy: false, check_classes: true }
    }

    /// Refuses where an installed copy could be found too, even though the host's comes first: for a host whose copy may differ from
    /// the one that the Python code was written for. Looked for when the module is provided, and again at its first import.
    #[must_use]
    pub fn only_copy(mut self) -> Self {
        self.only_copy = true;
        self
    }

    /// Takes classes that say they are defined elsewhere, for a module that cannot be changed. Their instances cannot be pickled.
    #[must_use]
    pub fn unchecked_classes(mut self) -> Self {
        self.check_classes = false;
        self
    }

    /// Makes `import` find the module, in the interpreter that runs. It is made at its first import.
    ///
    /// Twice for the same module is as good as once; what was asked for at first counts. Where the module is imported already and is
    /// the host's, because it was built in or put into `sys.modules` by hand, it is left there.
    ///
    /// # Errors
    ///
    /// `ImportError` where another copy has been imported or another module is provided under that name, and as asked for by
    /// [`only_copy`](Module::only_copy); `ValueError` for a name that is none. Nothing has changed then.
    pub fn provide(self, py: Python<'_>) -> PyResult<()> {
        self.check_name(py)?;
        let finder = HostModules::of_this_process(py)?;
        let known = finder.get().find(&self.name);
        if let Some(known) = &known
            && !known.make(py)?.is(&self.make(py)?)
        {
            return Err(self.refusal(py, "the host provides another module under that name already".to_owned()));
        }
        if let Some(imported) = copies::imported(py, &self.name)? {
            let ours = self.make(py)?;
            if !copies::is_same_code(&ours, &imported)? {
                return Err(self.refusal(
                    py,
                    format!(
                        "another copy is imported already, from {}; provide the host's before any Python code imports it",
                        copies::place(&imported)
                    ),
                ));
            }
        }
        self.check_package(py)?;
        self.check_path(py)?;
        if known.is_none() {
            finder.get().add(self.clone());
        }
        finder.get().install(py, &finder)?;
        match copies::imported(py, &self.name)? {
            Some(imported) => finder.get().adopt(&finder, &imported, &self.name),
            None => Ok(()),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The host's module. `wrap_pymodule!` panics where its initialiser fails; an import ends with an exception.
    pub(super) fn make<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyModule>> {
        panic::catch_unwind(AssertUnwindSafe(|| (self.make)(py).into_bound(py))).map_err(|panic| {
            let cause = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("it panicked");
            self.refusal(py, format!("its initialiser failed: {cause}"))
        })
    }

    /// The module for an import, with its name, after what can only be checked now.
    pub(super) fn for_import<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyModule>> {
        let module = self.make(py)?;
        let spec = module.getattr("__spec__")?;
        if !spec.is_none() {
            let earlier = spec.getattr("name")?;
            if !earlier.eq(&self.name)? {
                return Err(
                    self.refusal(py, format!("the same module is provided as `{earlier}`, and a module has one name"))
                );
            }
        }
        module.setattr("__name__", &self.name)?;
        if self.check_classes {
            classes::check_paths(&module, &self.name).map_err(|text| self.refusal(py, text))?;
        }
        self.check_path(py)?;
        // A finder of somebody else that fails is no reason to fail: nobody would have asked it.
        if let Ok(Some(file)) = copies::installed(py, &self.name) {
            copies::warn(py, &self.name, &file)?;
        }
        Ok(module)
    }

    fn check_name(&self, py: Python<'_>) -> PyResult<()> {
        for part in self.name.split('.') {
            if !PyString::new(py, part).call_method0("isidentifier")?.is_truthy()? {
                return Err(PyValueError::new_err(format!(
                    "provide: `{}` is not the name of a module, as `pkg._native` is",
                    self.name
                )));
            }
        }
        Ok(())
    }

    /// The package, where it is imported already, can have this module, and has no other.
    fn check_package(&self, py: Python<'_>) -> PyResult<()> {
        let Some((package, last)) = self.name.rsplit_once('.') else {
            return Ok(());
        };
        let Some(imported) = copies::imported(py, package)? else {
            return Ok(());
        };
        if !imported.hasattr("__path__")? {
            return Err(self.refusal(
                py,
                format!(
                    "`{package}` is imported already and is no package; provide what is in it before its first import"
                ),
            ));
        }
        match imported.getattr_opt(last)? {
            Some(other) if other.is_instance_of::<PyModule>() && !copies::is_same_code(&self.make(py)?, &other)? => {
                Err(self.refusal(
                    py,
                    format!(
                        "`{package}` has another copy already, from {}; provide the host's before its import",
                        copies::place(&other)
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    fn check_path(&self, py: Python<'_>) -> PyResult<()> {
        if !self.only_copy {
            return Ok(());
        }
        match copies::installed(py, &self.name)? {
            Some(file) => Err(self.refusal(
                py,
                format!("another copy is installed, at {file}, and the host asked for its own to be the only one; remove either"),
            )),
            None => Ok(()),
        }
    }

    fn refusal(&self, py: Python<'_>, reason: String) -> PyErr {
        let error = PyImportError::new_err(format!("the host's module `{}` is not provided: {reason}", self.name));
        // What Python's own ImportError says about itself; the message has it as well.
        let _ = error.value(py).setattr("name", &self.name);
        error
    }
}
