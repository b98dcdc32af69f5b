//! Files.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_config::{LocalOptions, open_local};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pyclass_init::PyClassInitializer;
use pyo3::types::{PyDict, PyType};

use super::{store_class, url};
use crate::error::config_error;
use crate::exceptions::wrong_type;
use crate::store::{Inner, Kind, Store, handed};

/// Files below a folder, or all files.
#[pyclass(name = "LocalStore", extends = Store, frozen, subclass, from_py_object, module = "longshore_store")]
#[derive(Clone, Debug)]
pub struct PyLocalStore(pub(crate) Arc<Inner>);

store_class!(PyLocalStore);

#[pymethods]
impl PyLocalStore {
    #[new]
    #[pyo3(signature = (prefix=None, *, automatic_cleanup=false, mkdir=false))]
    fn new(
        py: Python<'_>,
        prefix: Option<Bound<'_, PyAny>>,
        automatic_cleanup: bool,
        mkdir: bool,
    ) -> PyResult<PyClassInitializer<Self>> {
        if let Some(inner) = handed(Kind::Local) {
            return Ok(Self::made(inner));
        }
        let root = match prefix {
            None => None,
            Some(prefix) => Some(prefix.extract::<PathBuf>().or_else(|_| {
                let found = prefix.get_type().name()?;
                Err(wrong_type(py, &format!("LocalStore: prefix must be a str or a path, not {found}")))
            })?),
        };
        let local = LocalOptions { root, automatic_cleanup, mkdir };
        let handle = open_local(&local).map_err(|error| config_error(py, Some(Kind::Local.name()), &error))?;
        Ok(Self::made(Arc::new(Inner { local: Some(local), ..Inner::new(Kind::Local, handle) })))
    }

    /// Makes the store of the folder that a ``file://`` URL names.
    #[classmethod]
    #[pyo3(signature = (url, *, automatic_cleanup=false, mkdir=false))]
    fn from_url<'py>(
        class: &Bound<'py, PyType>,
        url: &Bound<'py, PyAny>,
        automatic_cleanup: bool,
        mkdir: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let keywords = PyDict::new(class.py());
        keywords.set_item("prefix", url::folder(url)?)?;
        keywords.set_item("automatic_cleanup", automatic_cleanup)?;
        keywords.set_item("mkdir", mkdir)?;
        class.call((), Some(&keywords))
    }

    /// The folder that keys are below, as a ``pathlib.Path``; `None` where keys are paths from the root.
    #[getter]
    fn prefix<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(root) = self.0.local.as_ref().and_then(|local| local.root.as_ref()) else { return Ok(None) };
        let path = py.import(intern!(py, "pathlib"))?.getattr(intern!(py, "Path"))?;
        path.call1((root.as_os_str(),)).map(Some)
    }

    /// Whether folders that a deletion leaves empty are deleted as well.
    #[getter]
    fn automatic_cleanup(&self) -> bool {
        self.0.local.as_ref().is_some_and(|local| local.automatic_cleanup)
    }
}
