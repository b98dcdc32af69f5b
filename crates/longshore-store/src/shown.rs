//! A store's configuration as people and programs see it: what keywords, the URI and variables said.

use std::collections::BTreeMap;

use longshore_config::{Configured, masked};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::keys;
use crate::provider::Provider;
use crate::store::{Inner, Kind};
use crate::support::secret;

/// The settings in one of the three dictionaries.
fn entries(inner: &Inner, belongs: impl Fn(&str) -> bool) -> Vec<Configured> {
    inner.handle.configuration().iter().filter(|one| belongs(one.name)).cloned().collect()
}

/// A text; one that repr does not show, where it is a secret.
pub(crate) fn value<'py>(py: Python<'py>, one: &Configured) -> PyResult<Bound<'py, PyAny>> {
    if one.secret { secret(py, &one.value) } else { Ok(one.value.as_str().into_pyobject(py)?.into_any()) }
}

/// The settings of the kind of store, by the names of its keywords.
pub(crate) fn config<'py>(py: Python<'py>, inner: &Inner) -> PyResult<Bound<'py, PyDict>> {
    let shown = PyDict::new(py);
    if let Some(name) = bucket_key(inner.kind) {
        shown.set_item(name, inner.handle.bucket())?;
    }
    for one in entries(inner, |name| !keys::is_client_option(name) && !keys::is_retry_option(name)) {
        shown.set_item(one.name, value(py, &one)?)?;
    }
    Ok(shown)
}

/// The keyword that names the bucket.
pub(crate) fn bucket_key(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::S3 | Kind::Gcs => Some("bucket"),
        Kind::Azure => Some("container_name"),
        _ => None,
    }
}

/// The settings of the HTTP client; `None` where nobody said anything about it.
pub(crate) fn client_options<'py>(py: Python<'py>, inner: &Inner) -> PyResult<Option<Bound<'py, PyDict>>> {
    let entries = entries(inner, keys::is_client_option);
    if entries.is_empty() {
        return Ok(None);
    }
    let shown = PyDict::new(py);
    for one in entries {
        let value = if keys::is_headers(one.name) { headers(py, &one)?.into_any() } else { value(py, &one)? };
        shown.set_item(one.name, value)?;
    }
    Ok(Some(shown))
}

/// Headers as a dictionary: each line is one.
pub(crate) fn headers<'py>(py: Python<'py>, one: &Configured) -> PyResult<Bound<'py, PyDict>> {
    let shown = PyDict::new(py);
    for line in one.value.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        let value = if one.secret { secret(py, value)? } else { value.into_pyobject(py)?.into_any() };
        shown.set_item(name.trim(), value)?;
    }
    Ok(shown)
}

/// The settings of repetitions; `None` where nobody said anything about them.
pub(crate) fn retry_config<'py>(py: Python<'py>, inner: &Inner) -> PyResult<Option<Bound<'py, PyDict>>> {
    let entries = entries(inner, keys::is_retry_option);
    if entries.is_empty() {
        return Ok(None);
    }
    let (shown, backoff) = (PyDict::new(py), PyDict::new(py));
    for one in entries {
        match one.name {
            "backoff_base" => backoff.set_item("base", number(py, &one.value)?)?,
            "init_backoff" | "max_backoff" => backoff.set_item(one.name, length(py, &one.value)?)?,
            "retry_timeout" => shown.set_item(one.name, length(py, &one.value)?)?,
            name => shown.set_item(name, number(py, &one.value)?)?,
        }
    }
    if !backoff.is_empty() {
        shown.set_item("backoff", backoff)?;
    }
    Ok(Some(shown))
}

/// A text that was found to be a number, as one.
fn number<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    if let Ok(whole) = text.trim().parse::<u64>() {
        return Ok(whole.into_pyobject(py)?.into_any());
    }
    match text.trim().parse::<f64>() {
        Ok(number) => Ok(number.into_pyobject(py)?.into_any()),
        Err(_) => Ok(text.into_pyobject(py)?.into_any()),
    }
}

/// A text that was found to be a length of time, as a `timedelta`.
fn length<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let Some(length) = longshore_config::length(text) else { return Ok(text.into_pyobject(py)?.into_any()) };
    let timedelta = py.import(intern!(py, "datetime"))?.getattr(intern!(py, "timedelta"))?;
    let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX);
    timedelta.call1((0, micros / 1_000_000, micros % 1_000_000))
}

/// What a person asks about a store: where it is, and what was said about it. Secrets are masked.
pub(crate) fn repr(name: &str, inner: &Inner) -> String {
    let handle = &inner.handle;
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: &str| fields.push((name.to_owned(), format!("{:?}", masked(value))));
    match inner.kind {
        Kind::Local => {
            if let Some(root) = inner.local.as_ref().and_then(|local| local.root.as_ref()) {
                add("prefix", &root.to_string_lossy());
            }
        }
        Kind::Http => add("url", inner.url.as_deref().unwrap_or(handle.bucket())),
        Kind::Other => add("objects", &inner.objects().to_string()),
        kind => {
            if !handle.bucket().is_empty() {
                add(bucket_key(kind).unwrap_or("name"), handle.bucket());
            }
        }
    }
    if let Some(prefix) = inner.prefix() {
        add("prefix", prefix.as_ref());
    }
    // What is asked about most counts as resolved, whoever said it.
    if let Some(settings) = handle.s3_settings() {
        add("region", settings.region());
        settings.endpoint().into_iter().for_each(|endpoint| add("endpoint", endpoint));
        settings.access_key_id().into_iter().for_each(|key| add("access_key_id", key));
    }
    if let Some(settings) = handle.gcs_settings() {
        settings.endpoint().into_iter().for_each(|endpoint| add("endpoint", endpoint));
        settings.project().into_iter().for_each(|project| add("project", project));
        settings.service_account().into_iter().for_each(|account| add("service_account", account));
    }
    if let Some(settings) = handle.azure_settings() {
        add("account_name", settings.account());
        add("endpoint", settings.endpoint());
    }
    if let Some(local) = &inner.local
        && local.automatic_cleanup
    {
        fields.push(("automatic_cleanup".to_owned(), "True".to_owned()));
    }
    let said: BTreeMap<&str, String> = handle
        .configuration()
        .iter()
        .map(|one| (one.name, if one.secret { "****".to_owned() } else { masked(&one.value).into_owned() }))
        .collect();
    for (name, value) in said {
        if !fields.iter().any(|(shown, _)| shown == name) {
            fields.push((name.to_owned(), format!("{value:?}")));
        }
    }
    if let Some(Provider { source, .. }) = &inner.provider {
        fields.push(("credential_provider".to_owned(), format!("{source:?}")));
    }
    let fields: Vec<String> = fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{name}({})", fields.join(", "))
}
