//! What a constructor is given: dictionaries and keywords of Python, as options.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_config::Options;
use object_store::path::Path;
use pyo3::exceptions::PyOverflowError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDelta, PyDeltaAccess, PyDict, PyMapping, PyString};

use crate::credentials::Cloud;
use crate::exceptions::{exception, invalid, wrong_type};
use crate::keys;
use crate::provider::Provider;

/// Everything that a constructor takes besides the bucket.
#[derive(Default)]
pub(crate) struct Arguments<'py> {
    pub(crate) prefix: Option<Bound<'py, PyAny>>,
    pub(crate) config: Option<Bound<'py, PyAny>>,
    pub(crate) client_options: Option<Bound<'py, PyAny>>,
    pub(crate) retry_config: Option<Bound<'py, PyAny>>,
    pub(crate) credential_provider: Option<Bound<'py, PyAny>>,
    pub(crate) kwargs: Option<Bound<'py, PyDict>>,
}

/// The same, read.
pub(crate) struct Given {
    pub(crate) options: Options,
    pub(crate) prefix: Option<Path>,
    pub(crate) provider: Option<Provider>,
}

impl<'py> Arguments<'py> {
    /// Reads the arguments of the class `store`, which takes credentials for `cloud`.
    pub(crate) fn read(self, py: Python<'py>, store: &str, cloud: Option<Cloud>) -> PyResult<Given> {
        let who = format!("{store}: ");
        let mut reader = Reader { py, who: &who, texts: BTreeMap::new() };
        if let Some(config) = &self.config {
            reader.every("config", config, Reader::add)?;
        }
        if let Some(kwargs) = &self.kwargs {
            reader.every("keyword arguments", kwargs, Reader::add)?;
        }
        if let Some(options) = &self.client_options {
            reader.every("client_options", options, Reader::add_client)?;
        }
        if let Some(retry) = &self.retry_config {
            reader.every("retry_config", retry, Reader::add_retry)?;
        }
        let mut prefix = self.prefix.as_ref().map(|prefix| path(&who, prefix)).transpose()?;
        let provider = match (&self.credential_provider, cloud) {
            (None, _) => None,
            (Some(_), None) => {
                return Err(invalid(py, &format!("{store} sends no credentials, and takes no credential_provider")));
            }
            (Some(provider), Some(_)) if !provider.is_callable() => {
                let found = provider.get_type().name()?;
                let wanted = "a callable that gives a dictionary of credentials";
                return Err(wrong_type(py, &format!("{store}: credential_provider must be {wanted}, not {found}")));
            }
            (Some(provider), Some(cloud)) => {
                // What the provider knows of the store counts where the caller says nothing.
                if let Some(config) = attribute(provider, intern!(py, "config"))? {
                    reader.every("config of the credential_provider", &config, Reader::add_missing)?;
                }
                if prefix.is_none()
                    && let Some(known) = attribute(provider, intern!(py, "prefix"))?
                {
                    prefix = Some(path(&who, &known)?);
                }
                Some(Provider::new(provider, cloud)?)
            }
        };
        let mut options: Options = reader.texts.into_iter().collect();
        if let Some(provider) = &provider {
            options.credentials(Arc::clone(&provider.source) as _);
        }
        Ok(Given { options, prefix, provider })
    }
}

/// Keyword options, as configuration reads them.
///
/// # Errors
///
/// `TypeError` for a value that is of no type an option can have.
pub fn read_options(options: &Bound<'_, PyDict>) -> PyResult<Options> {
    Ok(read_texts(options)?.into_iter().collect())
}

/// The same as texts.
pub(crate) fn read_texts(options: &Bound<'_, PyDict>) -> PyResult<BTreeMap<String, String>> {
    let mut reader = Reader { py: options.py(), who: "", texts: BTreeMap::new() };
    reader.every("options", options, Reader::add)?;
    Ok(reader.texts)
}

fn attribute<'py>(of: &Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(of.getattr_opt(name)?.filter(|value| !value.is_none()))
}

/// A prefix as it stands before keys: without slashes around it.
fn path(who: &str, prefix: &Bound<'_, PyAny>) -> PyResult<Path> {
    let text = text(prefix.py(), &format!("{who}prefix"), prefix)?;
    Path::parse(&text).map_err(|error| invalid(prefix.py(), &format!("{who}{text:?} cannot be a prefix: {error}")))
}

/// The text of a `str`.
pub(crate) fn text(py: Python<'_>, what: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    let Ok(text) = value.cast::<PyString>() else {
        return Err(wrong_type(py, &format!("{what} must be a str, not {}", value.get_type().name()?)));
    };
    text.extract().map_err(|_| invalid(py, &format!("{what} is not valid Unicode")))
}

struct Reader<'a, 'py> {
    py: Python<'py>,
    /// How messages begin.
    who: &'a str,
    texts: BTreeMap<String, String>,
}

type Add<'a, 'py> = fn(&mut Reader<'a, 'py>, &str, &str, &Bound<'py, PyAny>) -> PyResult<()>;

impl<'a, 'py> Reader<'a, 'py> {
    /// Has `add` take every entry of `entries`, which is the argument called `place`.
    fn every(&mut self, place: &str, entries: &Bound<'py, PyAny>, add: Add<'a, 'py>) -> PyResult<()> {
        let (py, who) = (self.py, self.who);
        if entries.is_none() {
            return Ok(());
        }
        let Ok(entries) = entries.cast::<PyMapping>() else {
            let found = entries.get_type().name()?;
            return Err(wrong_type(py, &format!("{who}{place} must be a dictionary, not {found}")));
        };
        for entry in entries.items()? {
            let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = entry.extract()?;
            let key = text(py, &format!("{who}a key in {place}"), &key)?.to_lowercase();
            add(self, place, &key, &value)?;
        }
        Ok(())
    }

    fn add(&mut self, place: &str, key: &str, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let Some(text) = value_text(self.who, key, value)? else { return Ok(()) };
        if self.texts.insert(key.to_owned(), text).is_some() {
            return Err(invalid(self.py, &format!("{}{key} is given twice, once in {place}", self.who)));
        }
        Ok(())
    }

    fn add_missing(&mut self, place: &str, key: &str, value: &Bound<'py, PyAny>) -> PyResult<()> {
        if self.texts.contains_key(key) { Ok(()) } else { self.add(place, key, value) }
    }

    fn add_client(&mut self, place: &str, key: &str, value: &Bound<'py, PyAny>) -> PyResult<()> {
        if !keys::is_client_option(key) {
            return Err(self.unknown(key, place, &keys::CLIENT));
        }
        self.add(place, key, value)
    }

    fn add_retry(&mut self, place: &str, key: &str, value: &Bound<'py, PyAny>) -> PyResult<()> {
        match key {
            "backoff" => self.every("backoff of the retry_config", value, Self::add_backoff),
            "max_retries" | "retry_timeout" => self.add(place, key, value),
            _ => Err(self.unknown(key, place, &["backoff", "max_retries", "retry_timeout"])),
        }
    }

    fn add_backoff(&mut self, place: &str, key: &str, value: &Bound<'py, PyAny>) -> PyResult<()> {
        match key {
            "init_backoff" | "max_backoff" => self.add(place, key, value),
            "base" => self.add(place, "backoff_base", value),
            _ => Err(self.unknown(key, place, &["base", "init_backoff", "max_backoff"])),
        }
    }

    fn unknown(&self, key: &str, place: &str, known: &[&str]) -> PyErr {
        let hint = keys::nearest(key, known).map(|name| format!("; did you mean {name:?}?")).unwrap_or_default();
        let message = format!("{}unknown key {key:?} in {place}{hint}", self.who);
        exception(self.py, "UnknownConfigurationKeyError", &message)
    }
}

/// An option's value as the text that configuration is made of; `None` leaves the option out.
fn value_text(who: &str, name: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let py = value.py();
    if value.is_none() {
        return Ok(None);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Some(flag.is_true().to_string()));
    }
    if let Ok(length) = value.cast::<PyDelta>() {
        return Ok(Some(seconds(length)));
    }
    if value.is_instance_of::<PyString>() {
        // The content itself: `str()` of a member of an enumeration of texts is its name.
        return text(py, &format!("{who}{name}"), value).map(Some);
    }
    if keys::is_certificate(name)
        && let Ok(pem) = value.cast::<PyBytes>()
    {
        let pem = String::from_utf8(pem.as_bytes().to_vec());
        return pem.map(Some).map_err(|_| invalid(py, &format!("{who}{name} is no PEM text")));
    }
    if keys::is_headers(name)
        && let Ok(headers) = value.cast::<PyMapping>()
    {
        return header_lines(who, name, headers).map(Some);
    }
    if let Some(path) = value.getattr_opt(intern!(py, "__fspath__"))? {
        return text(py, &format!("{who}{name}"), &path.call0()?).map(Some);
    }
    if value.hasattr(intern!(py, "__index__"))? || value.hasattr(intern!(py, "__float__"))? {
        let number = value.str().and_then(|number| number.extract());
        return number.map(Some).map_err(|error: PyErr| match error.is_instance_of::<PyOverflowError>(py) {
            true => invalid(py, &format!("{who}{name} is too large a number")),
            false => invalid(py, &format!("{who}{name} is no number that can be written")),
        });
    }
    let found = value.get_type().name()?;
    Err(wrong_type(py, &format!("{who}{name} must be a str, number, bool or timedelta, not {found}")))
}

fn seconds(length: &Bound<'_, PyDelta>) -> String {
    let whole = i64::from(length.get_days()) * 86_400 + i64::from(length.get_seconds());
    format!("{whole}.{:06}", length.get_microseconds())
}

/// Headers as lines of `Name: value`, one each: a line end in a value would smuggle in another header.
fn header_lines(who: &str, option: &str, headers: &Bound<'_, PyMapping>) -> PyResult<String> {
    let py = headers.py();
    let mut lines = String::new();
    for entry in headers.items()? {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
        let name = text(py, &format!("{who}a name in {option}"), &name)?;
        let value = match value.cast::<PyBytes>() {
            Ok(bytes) => String::from_utf8(bytes.as_bytes().to_vec())
                .map_err(|_| invalid(py, &format!("{who}the value of {name:?} in {option} is not ASCII")))?,
            Err(_) => text(py, &format!("{who}the value of {name:?} in {option}"), &value)?,
        };
        if [&name, &value].iter().any(|text| text.contains(char::is_control)) || name.contains(':') || name.is_empty() {
            return Err(invalid(py, &format!("{who}{option} has a name or a value that no header can have")));
        }
        lines.push_str(&format!("{name}: {value}\n"));
    }
    Ok(lines)
}
