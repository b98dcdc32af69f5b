//! Pickling: what was said about a store, and the same store from it, whatever the other environment says.

use std::path::PathBuf;
use std::sync::Arc;

use longshore_config::{Environment, LocalOptions, Options, open_bucket, open_local, open_web};
use object_store::path::Path;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::error::config_error;
use crate::exceptions::{invalid, not_supported};
use crate::provider::Provider;
use crate::store::{Inner, Kind, Store, wrap};
use crate::{classes, shown};

/// What `pickle` makes the store of again: our own state, and the attributes of a Python subclass.
pub(crate) fn reduce<'py>(store: &Bound<'py, Store>) -> PyResult<Bound<'py, PyAny>> {
    let py = store.py();
    let state = describe(py, &store.get().0)?;
    let restore = store.get_type().getattr(intern!(py, "_from_state"))?;
    let attributes = store.getattr_opt(intern!(py, "__dict__"))?.filter(|own| own.is_truthy().unwrap_or(false));
    let attributes = attributes.map_or_else(|| py.None().into_bound(py), Bound::into_any);
    Ok(PyTuple::new(py, [restore, PyTuple::new(py, [state])?.into_any(), attributes])?.into_any())
}

pub(crate) fn describe<'py>(py: Python<'py>, inner: &Inner) -> PyResult<Bound<'py, PyAny>> {
    let state = PyDict::new(py);
    match inner.kind {
        Kind::Memory => {
            let reason = "a MemoryStore cannot be pickled, because its objects are in the memory of this process; \
                          use a LocalStore for what processes share";
            return Err(not_supported(py, reason));
        }
        Kind::Other => {
            let reason =
                "a store that an extension module made cannot be pickled; only that module knows how to make it";
            return Err(not_supported(py, reason));
        }
        Kind::Local => {
            let local = inner.local.clone().unwrap_or_default();
            state.set_item("root", local.root.map(|root| root.into_os_string()))?;
            state.set_item("automatic_cleanup", local.automatic_cleanup)?;
            state.set_item("mkdir", local.mkdir)?;
        }
        Kind::Http => state.set_item("url", inner.url.as_deref().unwrap_or(inner.handle.bucket()))?,
        Kind::S3 | Kind::Gcs | Kind::Azure => state.set_item("bucket", inner.handle.bucket())?,
    }
    let options = PyDict::new(py);
    for one in inner.handle.configuration() {
        if Some(one.name) != shown::bucket_key(inner.kind) {
            options.set_item(one.name, &one.value)?;
        }
    }
    state.set_item("options", options)?;
    state.set_item("prefix", inner.prefix().map(Path::as_ref))?;
    state.set_item("credential_provider", inner.provider.as_ref().map(|provider| &provider.object))?;
    Ok(state.into_any())
}

/// The store that `state` describes, as an object of `class`.
pub(crate) fn restore<'py>(class: &Bound<'py, PyType>, state: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let kind = classes::kind_of(class)?;
    let options: Bound<'py, PyDict> = state.get_item("options")?.extract()?;
    let options: Vec<(String, String)> =
        options.iter().map(|(key, value)| Ok((key.extract()?, value.extract()?))).collect::<PyResult<_>>()?;
    let mut options: Options = options.into_iter().collect();
    let provider = state.get_item("credential_provider")?;
    let provider = match kind.cloud().filter(|_| !provider.is_none()) {
        Some(cloud) => Some(Provider::new(&provider, cloud)?),
        None => None,
    };
    if let Some(provider) = &provider {
        options.credentials(Arc::clone(&provider.source) as _);
    }
    let prefix: Option<String> = state.get_item("prefix")?.extract()?;
    let prefix = prefix.map(Path::parse).transpose().map_err(|error| invalid(py, &error.to_string()))?;
    let failed = |error| config_error(py, Some(kind.name()), &error);
    // What was said has been said; where files and programs are is for this machine to say.
    let here = Environment::of_machine();
    let text = |key: &str| -> PyResult<String> { state.get_item(key)?.extract() };
    let inner = match kind {
        Kind::S3 | Kind::Gcs | Kind::Azure => {
            let handle = open_bucket(kind.scheme(), Some(&text("bucket")?), options, &here).map_err(failed)?;
            Inner { provider, ..Inner::new(kind, handle).with_prefix(prefix) }
        }
        Kind::Http => {
            let url = text("url")?;
            let handle = open_web(&url, options, &here).map_err(failed)?;
            Inner { url: Some(url), ..Inner::new(kind, handle) }
        }
        Kind::Local => {
            let root: Option<PathBuf> = state.get_item("root")?.extract()?;
            let automatic_cleanup = state.get_item("automatic_cleanup")?.extract()?;
            let local = LocalOptions { root, automatic_cleanup, mkdir: state.get_item("mkdir")?.extract()? };
            let handle = open_local(&local).map_err(failed)?;
            Inner { local: Some(local), ..Inner::new(kind, handle) }
        }
        Kind::Memory | Kind::Other => return Err(invalid(py, "there is no such state")),
    };
    wrap(class, Arc::new(inner))
}
