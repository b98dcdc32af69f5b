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
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Hash for Store {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

#[pymethods]
impl Store {
    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        let name = slf.get_type().name()?;
        let handle = &slf.get().0;
        let mut fields = Vec::new();
        if !handle.bucket().is_empty() {
            fields.push(format!("bucket={:?}", handle.bucket()));
        }
        if let Some(settings) = handle.s3_settings() {
            fields.push(format!("region={:?}", settings.region()));
            fields.extend(settings.endpoint().map(|endpoint| format!("endpoint={endpoint:?}")));
            fields.extend(settings.access_key_id().map(|key| format!("access_key_id={key:?}")));
        }
        Ok(format!("{name}({})", fields.join(", ")))
    }

    /// The bucket; empty where the kind of store has none.
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

/// The local file system, from its root.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct LocalStore;

/// Objects in this process's memory.
#[pyclass(frozen, extends = Store, module = "longshore")]
pub(crate) struct MemoryStore;

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
        Scheme::File => Py::new(py, base.add_subclass(LocalStore))?.into_any(),
        Scheme::Memory => Py::new(py, base.add_subclass(MemoryStore))?.into_any(),
        _ => Py::new(py, base)?.into_any(),
    })
}

/// Keyword options as configuration reads them.
pub(crate) fn options_of(options: &Bound<'_, PyDict>) -> PyResult<Options> {
    let mut given = Options::default();
    for (name, value) in options {
        let name: String = name.extract()?;
        if let Some(value) = option_text(&name, &value)? {
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
