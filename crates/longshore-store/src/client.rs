//! Options of `object_store`'s own HTTP clients, for functions that make a client by themselves.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue};
use longshore_config::length;
use object_store::{Certificate, ClientConfigKey, ClientOptions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::exceptions::{exception, invalid};
use crate::given::read_texts;
use crate::keys;

/// The name of an option of a client: a `str` in Python.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PyClientConfigKey(ClientConfigKey);

impl AsRef<ClientConfigKey> for PyClientConfigKey {
    fn as_ref(&self) -> &ClientConfigKey {
        &self.0
    }
}

impl From<PyClientConfigKey> for ClientConfigKey {
    fn from(key: PyClientConfigKey) -> Self {
        key.0
    }
}

impl<'py> FromPyObject<'_, 'py> for PyClientConfigKey {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let name: String = object.extract()?;
        client_key(object.py(), &name.to_lowercase()).map(Self)
    }
}

impl<'py> IntoPyObject<'py> for PyClientConfigKey {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(PyString::new(py, self.0.as_ref()))
    }
}

fn client_key(py: Python<'_>, name: &str) -> PyResult<ClientConfigKey> {
    ClientConfigKey::from_str(name).map_err(|_| {
        let hint = keys::nearest(name, &keys::CLIENT).map(|near| format!("; did you mean {near:?}?"));
        let message = format!("a client has no option {name:?}{}", hint.unwrap_or_default());
        exception(py, "UnknownConfigurationKeyError", &message)
    })
}

/// The options of a client, as `client_options` of a store class takes them: a dictionary in Python.
///
/// The classes of this crate need none of it: they have a client of their own. It is for functions that make one.
#[derive(Clone, Default)]
pub struct PyClientOptions {
    texts: BTreeMap<String, String>,
    options: ClientOptions,
}

impl From<PyClientOptions> for ClientOptions {
    fn from(options: PyClientOptions) -> Self {
        options.options
    }
}

impl PartialEq for PyClientOptions {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

/// The names alone: headers may be secrets.
impl std::fmt::Debug for PyClientOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}

impl<'py> FromPyObject<'_, 'py> for PyClientOptions {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let texts = read_texts(&object.cast::<PyDict>()?.to_owned())?;
        let mut options = ClientOptions::new();
        for (name, text) in &texts {
            options = match name.as_str() {
                "default_headers" => options.with_default_headers(headers(py, text)?),
                "root_certificate" => {
                    let found = Certificate::from_pem_bundle(text.as_bytes())
                        .map_err(|error| invalid(py, &format!("root_certificate: {error}")))?;
                    found.into_iter().fold(options, ClientOptions::with_root_certificate)
                }
                // Lengths of time may be plain seconds here, and need a unit there.
                name => match length(text).filter(|_| keys::is_length(name)) {
                    Some(length) => options.with_config(client_key(py, name)?, format!("{}ms", length.as_millis())),
                    None => options.with_config(client_key(py, name)?, text),
                },
            };
        }
        Ok(Self { texts, options })
    }
}

fn headers(py: Python<'_>, lines: &str) -> PyResult<HeaderMap> {
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((HeaderName::from_str(name.trim()).ok()?, HeaderValue::from_str(value.trim()).ok()?))
    };
    let headers: Option<HeaderMap> = lines.lines().map(header).collect();
    headers.ok_or_else(|| invalid(py, "default_headers has a name or a value that no header can have"))
}
