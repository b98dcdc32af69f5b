//! Web servers.

use std::sync::Arc;

use longshore_config::{Environment, masked, open_web};
use pyo3::prelude::*;
use pyo3::pyclass_init::PyClassInitializer;
use pyo3::types::{PyDict, PyType};

use super::store_class;
use crate::error::config_error;
use crate::exceptions::{invalid, wrong_type};
use crate::given::{Arguments, text};
use crate::shown;
use crate::store::{Inner, Kind, Store, handed};

/// A web server: read-only, listed where it offers WebDAV.
#[pyclass(name = "HTTPStore", extends = Store, frozen, subclass, from_py_object, module = "longshore_store")]
#[derive(Clone, Debug)]
pub struct PyHttpStore(pub(crate) Arc<Inner>);

store_class!(PyHttpStore);

#[pymethods]
impl PyHttpStore {
    #[new]
    #[pyo3(signature = (url=None, *, config=None, client_options=None, retry_config=None, **kwargs))]
    fn new<'py>(
        py: Python<'py>,
        url: Option<Bound<'py, PyAny>>,
        config: Option<Bound<'py, PyAny>>,
        client_options: Option<Bound<'py, PyAny>>,
        retry_config: Option<Bound<'py, PyAny>>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        if let Some(inner) = handed(Kind::Http) {
            return Ok(Self::made(inner));
        }
        let Some(url) = url else { return Err(wrong_type(py, "HTTPStore: the url is missing")) };
        let url = text(py, "HTTPStore: url", &url)?;
        let arguments = Arguments { config, client_options, retry_config, kwargs, ..Arguments::default() };
        let given = arguments.read(py, Kind::Http.name(), None)?;
        let handle = open_web(&url, given.options, &Environment::read())
            .map_err(|error| config_error(py, Some(Kind::Http.name()), &error))?;
        Ok(Self::made(Arc::new(Inner { url: Some(without_user(py, &url)?), ..Inner::new(Kind::Http, handle) })))
    }

    /// The same as the constructor.
    #[classmethod]
    #[pyo3(signature = (url, **kwargs))]
    fn from_url<'py>(
        class: &Bound<'py, PyType>,
        url: Bound<'py, PyAny>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        class.call((url,), kwargs.as_ref())
    }

    /// The address that keys follow. User and password, which it may have been given with, are in ``config``.
    #[getter]
    fn url(&self) -> &str {
        self.0.url.as_deref().unwrap_or(self.0.handle.bucket())
    }

    /// Scheme, host and port, as ``https://host``.
    #[getter]
    fn origin(&self) -> &str {
        self.0.handle.web_settings().map_or("", |settings| settings.origin())
    }

    /// Who asks, where that is by name and password.
    #[getter]
    fn username(&self) -> Option<&str> {
        self.0.handle.web_settings()?.username()
    }

    /// What keywords, the URL and the environment said. Secrets are there, but ``repr`` does not show them.
    #[getter]
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        shown::config(py, &self.0)
    }

    /// The same of the HTTP client; `None` where nobody said anything.
    #[getter]
    fn client_options<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        shown::client_options(py, &self.0)
    }

    /// The same of repeating requests; `None` where nobody said anything.
    #[getter]
    fn retry_config<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        shown::retry_config(py, &self.0)
    }
}

/// The address without user and password, which are settings.
fn without_user(py: Python<'_>, address: &str) -> PyResult<String> {
    let refuse = || invalid(py, &format!("HTTPStore: {:?} is no URL", masked(address)));
    let mut url = url::Url::parse(address).map_err(|_| refuse())?;
    url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| refuse())?;
    Ok(url.into())
}
