//! Keys and URLs as arguments.

use std::convert::Infallible;

use object_store::path::Path;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;
use url::Url;

/// A key, as an argument and as a result: a `str` in Python.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PyPath(Path);

impl PyPath {
    /// The key itself.
    pub fn into_inner(self) -> Path {
        self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for PyPath {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text: PyBackedStr = object.extract()?;
        let path = Path::parse(&text)
            .map_err(|error| PyValueError::new_err(format!("{text:?} cannot be a key in an object store: {error}")))?;
        Ok(Self(path))
    }
}

impl<'py> IntoPyObject<'py> for &PyPath {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(PyString::new(py, self.0.as_ref()))
    }
}

impl<'py> IntoPyObject<'py> for PyPath {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        (&self).into_pyobject(py)
    }
}

impl AsRef<Path> for PyPath {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl From<PyPath> for Path {
    fn from(path: PyPath) -> Self {
        path.0
    }
}

impl From<Path> for PyPath {
    fn from(path: Path) -> Self {
        Self(path)
    }
}

/// A URL, as an argument and as a result: a `str` in Python.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PyUrl(Url);

impl PyUrl {
    /// Wraps a URL.
    pub fn new(url: Url) -> Self {
        Self(url)
    }

    /// The URL itself.
    pub fn into_inner(self) -> Url {
        self.0
    }
}

impl<'py> FromPyObject<'_, 'py> for PyUrl {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text: PyBackedStr = object.extract()?;
        let url = Url::parse(&text).map_err(|error| {
            PyValueError::new_err(format!("{:?} is not a URL: {error}", longshore_config::masked(&text)))
        })?;
        Ok(Self(url))
    }
}

impl<'py> IntoPyObject<'py> for &PyUrl {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        Ok(PyString::new(py, self.0.as_str()))
    }
}

impl<'py> IntoPyObject<'py> for PyUrl {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = Infallible;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Infallible> {
        (&self).into_pyobject(py)
    }
}

impl AsRef<Url> for PyUrl {
    fn as_ref(&self) -> &Url {
        &self.0
    }
}

impl From<PyUrl> for String {
    fn from(url: PyUrl) -> Self {
        url.0.into()
    }
}
