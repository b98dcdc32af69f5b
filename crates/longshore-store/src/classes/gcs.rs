//! Buckets on Google Cloud Storage.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::pyclass_init::PyClassInitializer;
use pyo3::types::{PyDict, PyType};

use super::{bucket_store, store_class, url};
use crate::given::Arguments;
use crate::shown;
use crate::store::{Inner, Kind, Store, handed};

/// A bucket on Google Cloud Storage.
#[pyclass(name = "GCSStore", extends = Store, frozen, subclass, from_py_object, module = "longshore_store")]
#[derive(Clone, Debug)]
pub struct PyGCSStore(pub(crate) Arc<Inner>);

store_class!(PyGCSStore);

#[pymethods]
impl PyGCSStore {
    #[new]
    #[pyo3(signature = (bucket=None, *, prefix=None, config=None, client_options=None, retry_config=None, credential_provider=None, **kwargs))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords")]
    fn new<'py>(
        py: Python<'py>,
        bucket: Option<Bound<'py, PyAny>>,
        prefix: Option<Bound<'py, PyAny>>,
        config: Option<Bound<'py, PyAny>>,
        client_options: Option<Bound<'py, PyAny>>,
        retry_config: Option<Bound<'py, PyAny>>,
        credential_provider: Option<Bound<'py, PyAny>>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        if let Some(inner) = handed(Kind::Gcs) {
            return Ok(Self::made(inner));
        }
        let arguments = Arguments { prefix, config, client_options, retry_config, credential_provider, kwargs };
        bucket_store(py, Kind::Gcs, bucket.as_ref(), arguments).map(Self::made)
    }

    /// Makes the store that a URL names. The URL's path is the store's prefix.
    #[classmethod]
    #[pyo3(signature = (url, *, prefix=None, config=None, client_options=None, retry_config=None, credential_provider=None, **kwargs))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords")]
    fn from_url<'py>(
        class: &Bound<'py, PyType>,
        url: Bound<'py, PyAny>,
        prefix: Option<Bound<'py, PyAny>>,
        config: Option<Bound<'py, PyAny>>,
        client_options: Option<Bound<'py, PyAny>>,
        retry_config: Option<Bound<'py, PyAny>>,
        credential_provider: Option<Bound<'py, PyAny>>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = Arguments { prefix, config, client_options, retry_config, credential_provider, kwargs };
        url::bucket_from_url(class, Kind::Gcs, &url, arguments)
    }

    /// The prefix of all keys, where there is one.
    #[getter]
    fn prefix(&self) -> Option<&str> {
        self.0.prefix().map(AsRef::as_ref)
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

    /// The callable that gives the credentials, where there is one.
    #[getter]
    fn credential_provider(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.0.provider.as_ref().map(|provider| provider.object.clone_ref(py))
    }

    /// The endpoint; `None` for Google itself.
    #[getter]
    fn endpoint(&self) -> Option<&str> {
        self.0.handle.gcs_settings()?.endpoint()
    }

    /// The project that new buckets belong to, where one is known.
    #[getter]
    fn project(&self) -> Option<&str> {
        self.0.handle.gcs_settings()?.project()
    }

    /// The service account that signs, where one does.
    #[getter]
    fn service_account(&self) -> Option<&str> {
        self.0.handle.gcs_settings()?.service_account()
    }
}
