//! A store as other libraries can make it: the arguments of their classes, in `object_store`'s names.
//!
//! What our store knows and they cannot, such as a profile, is given to them as what came of it: an address, a region, and for
//! credentials a provider that asks our live store. What would make another store of it is an error.

use std::sync::Arc;

use longshore_config::{Configured, Store as Handle, length};
use longshore_runtime::{Shelf, run_blocking};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::credentials::write;
use crate::error::config_error;
use crate::exceptions::{exception, not_supported};
use crate::keys::{self, Abroad, abroad};
use crate::shown;
use crate::store::{Inner, Kind, Store};
use crate::support::secret;

/// Settings that are credentials which others understand as well.
fn is_credential(kind: Kind, name: &str) -> bool {
    match kind {
        Kind::S3 => matches!(name, "access_key_id" | "skip_signature"),
        Kind::Gcs => matches!(
            name,
            "service_account" | "service_account_key" | "application_credentials" | "bearer_token" | "skip_signature"
        ),
        Kind::Azure => matches!(
            name,
            "account_key" | "sas_token" | "bearer_token" | "client_secret" | "skip_signature" | "use_emulator"
        ),
        _ => false,
    }
}

/// Positional arguments and keywords for a class of the same name in another library.
pub(crate) fn new_arguments<'py>(store: &Bound<'py, Store>) -> PyResult<Bound<'py, PyTuple>> {
    let py = store.py();
    let inner = &store.get().0;
    let keywords = PyDict::new(py);
    let positional = match inner.kind {
        Kind::Memory | Kind::Other => {
            let reason =
                "other libraries cannot make this store anew, because its objects are in the memory of this process";
            return Err(not_supported(py, reason));
        }
        Kind::Local => {
            let local = inner.local.clone().unwrap_or_default();
            keywords.set_item("automatic_cleanup", local.automatic_cleanup)?;
            keywords.set_item("mkdir", local.mkdir)?;
            PyTuple::new(py, [local.root.map(|root| root.into_os_string())])?
        }
        Kind::Http => {
            let client = client_options(py, inner)?;
            let headers = web_headers(py, &inner.handle)?;
            if !headers.is_empty() {
                client.set_item("default_headers", headers)?;
            }
            set_unless_empty(&keywords, "client_options", client)?;
            PyTuple::new(py, [inner.url.as_deref().unwrap_or(inner.handle.bucket())])?
        }
        Kind::S3 | Kind::Gcs | Kind::Azure => {
            bucket(store, &keywords)?;
            PyTuple::empty(py)
        }
    };
    if let Some(retry) = shown::retry_config(py, inner)? {
        keywords.set_item("retry_config", retry)?;
    }
    PyTuple::new(py, [positional.into_any(), keywords.into_any()])
}

fn bucket<'py>(store: &Bound<'py, Store>, keywords: &Bound<'py, PyDict>) -> PyResult<()> {
    let py = store.py();
    let inner = &store.get().0;
    let config = PyDict::new(py);
    if let Some(key) = shown::bucket_key(inner.kind) {
        config.set_item(key, inner.handle.bucket())?;
    }
    let mut has_credentials = false;
    for one in inner.handle.configuration() {
        has_credentials |= is_credential(inner.kind, one.name);
        match abroad(inner.kind, one.name) {
            Abroad::Config(name) => config.set_item(name, shown::value(py, one)?)?,
            Abroad::Impossible => return Err(impossible(py, inner, one.name)),
            _ => {}
        }
    }
    let endpoint = resolved(py, inner, &config)?;
    let client = client_options(py, inner)?;
    if endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")) {
        client.set_item("allow_http", "true")?;
    }
    if let Some(prefix) = inner.prefix() {
        keywords.set_item("prefix", prefix.as_ref())?;
    }
    keywords.set_item("config", config)?;
    set_unless_empty(keywords, "client_options", client)?;
    match &inner.provider {
        Some(provider) => keywords.set_item("credential_provider", &provider.object)?,
        None if has_credentials => {}
        None => keywords.set_item("credential_provider", StoreCredentials(store.clone().unbind()))?,
    }
    Ok(())
}

/// Adds to `config` what a profile or a rule of ours decided. Returns the endpoint, where there is one.
fn resolved(py: Python<'_>, inner: &Inner, config: &Bound<'_, PyDict>) -> PyResult<Option<String>> {
    let handle = &inner.handle;
    if let Some(settings) = handle.s3_settings() {
        config.set_item("region", settings.region())?;
        let said = |name: &str| handle.configuration().iter().any(|one| one.name == name);
        let endpoint = settings.endpoint().map(str::to_owned);
        let in_host = said("virtual_hosted_style_request") && endpoint.is_some();
        let other_host =
            ["use_dualstack_endpoint", "use_fips_endpoint", "use_accelerate_endpoint"].into_iter().any(said);
        let endpoint = if in_host || other_host {
            let live = handle.live().map_err(|error| config_error(py, Some(inner.kind.name()), &error))?;
            let access = live.s3.as_ref();
            // Others want the bucket in the endpoint, where it is in the host's name.
            let by_host = access.filter(|access| !access.bucket_url.starts_with(&access.service_url));
            match by_host {
                Some(access) => {
                    config.set_item("virtual_hosted_style_request", "true")?;
                    Some(access.bucket_url.clone())
                }
                None => access.map(|access| access.service_url.clone()),
            }
        } else {
            endpoint
        };
        if let Some(endpoint) = &endpoint {
            config.set_item("endpoint", endpoint)?;
        }
        return Ok(endpoint);
    }
    if let Some(settings) = handle.gcs_settings() {
        return Ok(settings.endpoint().map(str::to_owned));
    }
    if let Some(settings) = handle.azure_settings() {
        config.set_item("account_name", settings.account())?;
        return Ok(Some(settings.endpoint().to_owned()));
    }
    Ok(None)
}

fn impossible(py: Python<'_>, inner: &Inner, name: &str) -> PyErr {
    let kind = inner.kind.name();
    let reason = format!(
        "this {kind} has the option {name}, which classes of other libraries do not have: made there, it would be another \
         store. Make one without it, or with that library's own class"
    );
    not_supported(py, &reason)
}

fn client_options<'py>(py: Python<'py>, inner: &Inner) -> PyResult<Bound<'py, PyDict>> {
    let client = PyDict::new(py);
    for one in inner.handle.configuration().iter().filter(|one| keys::is_client_option(one.name)) {
        match abroad(inner.kind, one.name) {
            Abroad::Client("default_headers" | "headers") => {
                client.set_item("default_headers", shown::headers(py, one)?)?;
            }
            // Of two names for the longest silence the shorter one counts; the other was longer.
            Abroad::Client("read_timeout") if client.contains("read_timeout")? && is_longer(inner, one) => {}
            Abroad::Client(name) => client.set_item(name, spelled(py, one)?)?,
            Abroad::Certificates if !is_encrypted(&inner.handle) => {}
            Abroad::Certificates => client.set_item("root_certificate", certificates(py, inner, &one.value)?)?,
            _ => return Err(impossible(py, inner, one.name)),
        }
    }
    Ok(client)
}

/// Whether the other name for the longest silence says a shorter one.
fn is_longer(inner: &Inner, one: &Configured) -> bool {
    let lengths = inner.handle.configuration().iter().filter(|other| matches!(other.name, "timeout" | "read_timeout"));
    lengths.filter_map(|other| length(&other.value)).min() < length(&one.value)
}

/// Whether certificates are asked for at all.
fn is_encrypted(handle: &Handle) -> bool {
    let endpoint = handle.s3_settings().and_then(|settings| settings.endpoint());
    let endpoint = endpoint.or_else(|| handle.gcs_settings()?.endpoint());
    let endpoint = endpoint.or_else(|| handle.azure_settings().map(|settings| settings.endpoint()));
    let endpoint = endpoint.or_else(|| handle.web_settings().map(|settings| settings.origin()));
    !endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"))
}

/// The certificates in a file: others are given them, and not where they are.
fn certificates<'py>(py: Python<'py>, inner: &Inner, file: &str) -> PyResult<Bound<'py, PyBytes>> {
    let content = std::fs::read(file).map_err(|error| {
        let kind = inner.kind.name();
        not_supported(
            py,
            &format!("this {kind} has the ca_bundle {file:?}, which cannot be read for another library: {error}"),
        )
    });
    Ok(PyBytes::new(py, &content?))
}

/// A value as others spell it: they want a unit on every length of time.
fn spelled<'py>(py: Python<'py>, one: &Configured) -> PyResult<Bound<'py, PyAny>> {
    match length(&one.value).filter(|_| keys::is_length(one.name)) {
        Some(length) => Ok(format!("{}ms", length.as_millis()).into_pyobject(py)?.into_any()),
        None => shown::value(py, one),
    }
}

/// The headers of every request, credentials among them.
fn web_headers<'py>(py: Python<'py>, handle: &Handle) -> PyResult<Bound<'py, PyDict>> {
    let headers = PyDict::new(py);
    let live = handle.live().map_err(|error| config_error(py, Some(Kind::Http.name()), &error))?;
    for (name, value) in live.web.iter().flat_map(|access| &access.headers) {
        if let Ok(value) = value.to_str() {
            headers.set_item(name.as_str(), secret(py, value)?)?;
        }
    }
    Ok(headers)
}

fn set_unless_empty(keywords: &Bound<'_, PyDict>, name: &str, value: Bound<'_, PyDict>) -> PyResult<()> {
    if value.is_empty() { Ok(()) } else { keywords.set_item(name, value) }
}

/// A credential provider for other libraries: it asks a live store of ours.
#[pyclass(frozen, eq, hash, module = "longshore_store")]
pub(crate) struct StoreCredentials(pub(crate) Py<Store>);

impl PartialEq for StoreCredentials {
    fn eq(&self, other: &Self) -> bool {
        self.0.get().0 == other.0.get().0
    }
}

impl std::hash::Hash for StoreCredentials {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.get().0.hash(state);
    }
}

#[pymethods]
impl StoreCredentials {
    /// The credentials that count now, as a dictionary.
    fn __call__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let inner = Arc::clone(&self.0.get().0);
        inner.make_ready()?;
        let kind = inner.kind.name();
        // The client is made here, attached, because a new one reads the environment.
        inner.handle.live().map_err(|error| config_error(py, Some(kind), &error))?;
        let ask = |_: &_| async move { inner.handle.credentials().await };
        run_blocking(py, Shelf::default(), ask, move |py, fetched, _| match fetched {
            Ok(Some(fetched)) => Ok(write(py, &fetched)?.into_any().unbind()),
            Ok(None) => Err(exception(py, "UnauthenticatedError", &format!("this {kind} sends no credentials"))),
            Err(error) => Err(config_error(py, Some(kind), &error)),
        })
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Py<Store>,))> {
        let make = self.0.bind(py).get_type().getattr(intern!(py, "_credentials"))?;
        Ok((make, (self.0.clone_ref(py),)))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("<the credentials of {}>", self.0.bind(py).repr()?))
    }
}
