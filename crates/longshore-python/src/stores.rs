//! The store classes, and `store_for`.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use longshore_config::{Environment, Location, Options, Scheme, Store as Handle, open};
use longshore_engine::Context;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDelta, PyDeltaAccess, PyDict, PyString};

use crate::arguments::text;
use crate::errors::{invalid, raise, wrong_type};

/// A live store: one configuration, one connection pool. Equal when it is the same one.
#[pyclass(frozen, subclass, eq, hash, weakref, module = "longshore")]
pub(crate) struct Store(Arc<Handle>);

impl Store {
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.0
    }
}

impl PartialEq for Store {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Hash for Store {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[pymethods]
impl Store {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let handle = &slf.get().0;
        let mut fields = Vec::new();
        if let Some(settings) = handle.web_settings() {
            fields.push(format!("origin={:?}", settings.origin()));
            fields.extend(settings.username().map(|username| format!("username={username:?}")));
        } else if !handle.bucket().is_empty() {
            fields.push(format!("bucket={:?}", handle.bucket()));
        }
        if let Some(settings) = handle.s3_settings() {
            fields.push(format!("region={:?}", settings.region()));
            fields.extend(settings.endpoint().map(|endpoint| format!("endpoint={endpoint:?}")));
            fields.extend(settings.access_key_id().map(|key| format!("access_key_id={key:?}")));
        }
        if let Some(settings) = handle.gcs_settings() {
            fields.extend(settings.endpoint().map(|endpoint| format!("endpoint={endpoint:?}")));
            fields.extend(settings.project().map(|project| format!("project={project:?}")));
            fields.extend(settings.service_account().map(|account| format!("service_account={account:?}")));
        }
        if let Some(settings) = handle.azure_settings() {
            fields.push(format!("account={:?}", settings.account()));
            fields.push(format!("endpoint={:?}", settings.endpoint()));
        }
        Ok(format!("{name}({})", fields.join(", ")))
    }

    /// The bucket; empty where the kind of store has none. For the web it is the origin, as ``https://host``.
    #[getter]
    fn bucket(&self) -> &str {
        self.0.bucket()
    }
}

/// A bucket on S3 or on a server that speaks its protocol.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct S3Store;

#[pymethods]
impl S3Store {
    /// The region that requests are signed for.
    #[getter]
    fn region(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().0.s3_settings().map(|settings| settings.region().to_owned()).unwrap_or_default()
    }

    /// The endpoint; `None` for AWS itself.
    #[getter]
    fn endpoint(slf: &Bound<'_, Self>) -> Option<String> {
        Some(slf.as_super().get().0.s3_settings()?.endpoint()?.to_owned())
    }
}

/// A bucket on Google Cloud Storage.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct GCSStore;

#[pymethods]
impl GCSStore {
    /// The endpoint; `None` for Google itself.
    #[getter]
    fn endpoint(slf: &Bound<'_, Self>) -> Option<String> {
        Some(slf.as_super().get().0.gcs_settings()?.endpoint()?.to_owned())
    }

    /// The project that new buckets belong to, where one is known.
    #[getter]
    fn project(slf: &Bound<'_, Self>) -> Option<String> {
        Some(slf.as_super().get().0.gcs_settings()?.project()?.to_owned())
    }

    /// The service account that signs, where one does.
    #[getter]
    fn service_account(slf: &Bound<'_, Self>) -> Option<String> {
        Some(slf.as_super().get().0.gcs_settings()?.service_account()?.to_owned())
    }
}

/// A container in a storage account of Azure.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct AzureStore;

#[pymethods]
impl AzureStore {
    /// The container; the same as `bucket`.
    #[getter]
    fn container(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().0.bucket().to_owned()
    }

    /// The storage account.
    #[getter]
    fn account(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().0.azure_settings().map(|settings| settings.account().to_owned()).unwrap_or_default()
    }

    /// The address of the account's blob service.
    #[getter]
    fn endpoint(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().0.azure_settings().map(|settings| settings.endpoint().to_owned()).unwrap_or_default()
    }
}

/// The local file system, from its root.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct LocalStore;

/// Objects in this process's memory.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct MemoryStore;

/// A web server: read-only, listed where it offers WebDAV.
#[pyclass(frozen, extends = Store, name = "HTTPStore", module = "longshore")]
pub(crate) struct HttpStore;

#[pymethods]
impl HttpStore {
    /// Scheme, host and port, as ``https://host``.
    #[getter]
    fn origin(slf: &Bound<'_, Self>) -> String {
        slf.as_super().get().0.bucket().to_owned()
    }

    /// Who asks, where that is by name and password.
    #[getter]
    fn username(slf: &Bound<'_, Self>) -> Option<String> {
        Some(slf.as_super().get().0.web_settings()?.username()?.to_owned())
    }
}

/// The live store for `uri`, with `options` over the environment.
#[pyfunction]
pub(crate) fn store_for(py: Python<'_>, uri: &Bound<'_, PyAny>, options: &Bound<'_, PyDict>) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let given = options_of(options)?;
    let fail = |error| raise(py, &Context::new("store_for", uri.as_str()).config_error(error));
    let location = Location::parse(&uri).map_err(fail)?;
    let handle = open(&location, given, &Environment::read()).map_err(fail)?;
    let base = PyClassInitializer::from(Store(Arc::clone(&handle)));
    Ok(match handle.scheme() {
        Scheme::S3 => Py::new(py, base.add_subclass(S3Store))?.into_any(),
        Scheme::Gcs => Py::new(py, base.add_subclass(GCSStore))?.into_any(),
        Scheme::Azure => Py::new(py, base.add_subclass(AzureStore))?.into_any(),
        Scheme::File => Py::new(py, base.add_subclass(LocalStore))?.into_any(),
        Scheme::Memory => Py::new(py, base.add_subclass(MemoryStore))?.into_any(),
        Scheme::Http => Py::new(py, base.add_subclass(HttpStore))?.into_any(),
        _ => Py::new(py, base)?.into_any(),
    })
}

/// Headers as lines of `Name: value`, one each: a line end in a value would smuggle in another header.
fn header_lines(headers: &Bound<'_, PyDict>) -> PyResult<String> {
    let mut lines = String::new();
    for (name, value) in headers {
        let (name, value) = (text("a name in headers", &name)?, text("a value in headers", &value)?);
        if [&name, &value].iter().any(|text| text.contains(char::is_control)) || name.contains(':') {
            return Err(invalid(headers.py(), "headers has a name or a value that no header can have"));
        }
        lines.push_str(&format!("{name}: {value}\n"));
    }
    Ok(lines)
}

/// Keyword options as configuration reads them.
pub(crate) fn options_of(options: &Bound<'_, PyDict>) -> PyResult<Options> {
    let mut given = Options::default();
    for (name, value) in options {
        let name: String = name.extract()?;
        let value = match value.cast::<PyDict>() {
            Ok(lines) if name == "headers" => Some(header_lines(lines)?),
            _ => option_text(&name, &value)?,
        };
        if let Some(value) = value {
            given.set(&name, value);
        }
    }
    Ok(given)
}

/// An option's value as the text that configuration is made of; `None` leaves the option out.
fn option_text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Some(flag.is_true().to_string()));
    }
    if let Ok(length) = value.cast::<PyDelta>() {
        let seconds = i64::from(length.get_days()) * 86_400 + i64::from(length.get_seconds());
        return Ok(Some(format!("{seconds}.{:06}", length.get_microseconds())));
    }
    if let Ok(content) = value.cast::<PyString>() {
        // The content itself: `str()` of a member of an enumeration of texts is its name.
        let content = content.extract();
        return content.map(Some).map_err(|_| invalid(value.py(), &format!("{name} is not valid Unicode")));
    }
    if value.hasattr("__index__")? || value.hasattr("__float__")? {
        let number = value.str().and_then(|number| number.extract());
        return number.map(Some).map_err(|_| invalid(value.py(), &format!("{name} is too large a number")));
    }
    let found = value.get_type().name()?;
    Err(wrong_type(value.py(), &format!("{name} must be a str, number, bool or timedelta, not {found}")))
}
