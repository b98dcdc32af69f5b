//! Credentials as dictionaries of Python: what a provider gives, and what one of ours gives to another library.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_config::{Credential, Fetched, Secret};
use percent_encoding::percent_decode_str;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::support::secret;

/// Whose credentials they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cloud {
    S3,
    Gcs,
    Azure,
}

/// What a provider gave. The error is the rest of a sentence about the provider, and shows no value.
pub(crate) fn read(answer: &Bound<'_, PyAny>, cloud: Cloud) -> Result<Fetched, String> {
    let credential = match cloud {
        Cloud::S3 => Credential::Aws {
            access_key_id: text(answer, "access_key_id")?,
            secret_access_key: Secret::new(text(answer, "secret_access_key")?),
            session_token: optional(answer, "token").map(|_| text(answer, "token").map(Secret::new)).transpose()?,
        },
        Cloud::Gcs => Credential::GcsToken(Secret::new(text(answer, "token")?)),
        Cloud::Azure => azure(answer)?,
    };
    Ok(Fetched { credential, expires_at: expiry(answer)? })
}

fn azure(answer: &Bound<'_, PyAny>) -> Result<Credential, String> {
    if optional(answer, "access_key").is_some() {
        return Ok(Credential::AzureKey(Secret::new(text(answer, "access_key")?)));
    }
    let Some(signature) = optional(answer, "sas_token") else {
        let wanted = "gave none of \"access_key\", \"sas_token\" and \"token\"";
        let token = text(answer, "token")
            .map_err(|reason| if answer.contains("token").unwrap_or(false) { reason } else { wanted.into() })?;
        return Ok(Credential::AzureToken(Secret::new(token)));
    };
    if let Ok(pairs) = signature.extract::<Vec<(String, String)>>() {
        return Ok(Credential::AzureSas(pairs.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()));
    }
    let signature = text(answer, "sas_token")?;
    let pairs = signature.trim().trim_start_matches('?').split('&').filter(|pair| !pair.trim().is_empty());
    let decoded = |part: &str| percent_decode_str(part.trim()).decode_utf8().map(|part| part.into_owned());
    let pairs = pairs.map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name).ok()?, Secret::new(decoded(value).ok()?)))
    });
    let pairs: Option<Vec<_>> = pairs.collect();
    pairs.map(Credential::AzureSas).ok_or_else(|| "gave a sas_token that is no list of name=value".to_owned())
}

/// An entry that is there and not `None`.
fn optional<'py>(answer: &Bound<'py, PyAny>, key: &str) -> Option<Bound<'py, PyAny>> {
    answer.get_item(key).ok().filter(|value| !value.is_none())
}

fn text(answer: &Bound<'_, PyAny>, key: &str) -> Result<String, String> {
    let value = answer.get_item(key).map_err(|_| {
        let kind = answer.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        format!("gave a {kind} without {key:?}")
    })?;
    let kind = || value.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    let value = value.cast::<PyString>().map_err(|_| format!("gave a {} as {key:?}, which must be a str", kind()))?;
    value.extract().map_err(|_| format!("gave a {key:?} that is not valid Unicode"))
}

fn expiry(answer: &Bound<'_, PyAny>) -> Result<Option<SystemTime>, String> {
    let Ok(when) = answer.get_item("expires_at") else {
        return Err("gave no \"expires_at\"; None is for credentials that never end".to_owned());
    };
    if when.is_none() {
        return Ok(None);
    }
    let zone = when.getattr(intern!(when.py(), "tzinfo"));
    let Ok(zone) = zone else {
        return Err("gave an \"expires_at\" that is neither a datetime nor None".to_owned());
    };
    if zone.is_none() {
        let cure = "write datetime.now(timezone.utc) instead of datetime.now()";
        return Err(format!("gave an \"expires_at\" without a time zone; {cure}"));
    }
    let seconds = when.call_method0(intern!(when.py(), "timestamp")).and_then(|stamp| stamp.extract::<f64>());
    let time = seconds.ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.map(|time| Some(UNIX_EPOCH + time)).ok_or_else(|| "gave an \"expires_at\" before 1970".to_owned())
}

/// Credentials as a provider gives them.
pub(crate) fn write<'py>(py: Python<'py>, fetched: &Fetched) -> PyResult<Bound<'py, PyDict>> {
    let answer = PyDict::new(py);
    match &fetched.credential {
        Credential::Aws { access_key_id, secret_access_key, session_token } => {
            answer.set_item("access_key_id", access_key_id)?;
            answer.set_item("secret_access_key", secret(py, secret_access_key.reveal())?)?;
            let token = session_token.as_ref().map(|token| secret(py, token.reveal())).transpose()?;
            answer.set_item("token", token)?;
        }
        Credential::GcsToken(token) | Credential::AzureToken(token) => {
            answer.set_item("token", secret(py, token.reveal())?)?;
        }
        Credential::AzureKey(key) => answer.set_item("access_key", secret(py, key.reveal())?)?,
        Credential::AzureSas(pairs) => {
            let pairs: PyResult<Vec<_>> =
                pairs.iter().map(|(name, value)| Ok((name, secret(py, value.reveal())?))).collect();
            answer.set_item("sas_token", pairs?)?;
        }
        _ => {}
    }
    answer.set_item("expires_at", fetched.expires_at.map(|time| aware(py, time)).transpose()?)?;
    Ok(answer)
}

fn aware(py: Python<'_>, time: SystemTime) -> PyResult<Bound<'_, PyAny>> {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let datetime = py.import(intern!(py, "datetime"))?;
    let utc = datetime.getattr("timezone")?.getattr("utc")?;
    datetime.getattr("datetime")?.call_method1("fromtimestamp", (seconds, utc))
}
