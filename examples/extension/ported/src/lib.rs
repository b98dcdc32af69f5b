//! An extension module that was written with pyo3-object_store 0.13 and pyo3-bytes 0.8, and is built with longshore's crates.
//!
//! Only `Cargo.toml` says so. What authors of such modules use is here: the two modules, the three kinds of arguments, an
//! enum over what a function takes, keys, URLs and options of a client, a prefix around a store, an error type of their own, and
//! a tokio runtime.

use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3_bytes::PyBytes;
use pyo3_object_store::{
    AnyObjectStore, MaybePrefixedStore, PyClientOptions, PyExternalObjectStore, PyObjectStore, PyObjectStoreError,
    PyObjectStoreResult, PyPath, PyUrl,
};
use tokio::runtime::Runtime;

#[pymodule(gil_used = true)]
fn ported(py: Python, m: &Bound<PyModule>) -> PyResult<()> {
    pyo3_object_store::register_store_module(py, m, "ported", "store")?;
    pyo3_object_store::register_exceptions_module(py, m, "ported", "exceptions")?;
    m.add_class::<PyBytes>()?;
    m.getattr("Bytes")?.setattr("__module__", "ported")?;
    m.add_wrapped(wrap_pyfunction!(use_object_store))?;
    m.add_wrapped(wrap_pyfunction!(use_any))?;
    m.add_wrapped(wrap_pyfunction!(use_external))?;
    m.add_wrapped(wrap_pyfunction!(use_bytes))?;
    m.add_wrapped(wrap_pyfunction!(return_bytes))?;
    m.add_wrapped(wrap_pyfunction!(fetch))?;
    m.add_wrapped(wrap_pyfunction!(save))?;
    m.add_wrapped(wrap_pyfunction!(keys))?;
    m.add_wrapped(wrap_pyfunction!(header))?;
    m.add_wrapped(wrap_pyfunction!(host))?;
    m.add_wrapped(wrap_pyfunction!(download))?;
    m.add_wrapped(wrap_pyfunction!(size))?;
    m.add_wrapped(wrap_pyfunction!(kind_of))?;
    Ok(())
}

/// As in the readme of pyo3-object_store.
#[pyfunction]
pub fn use_object_store(store: PyObjectStore) -> String {
    let store: Arc<dyn ObjectStore> = store.into_dyn();
    store.to_string()
}

#[pyfunction]
pub fn use_any(store: AnyObjectStore) -> String {
    let store: Arc<dyn ObjectStore> = store.into();
    store.to_string()
}

#[pyfunction]
pub fn use_external(store: PyExternalObjectStore) -> String {
    store.into_dyn().to_string()
}

/// As in the readme of pyo3-bytes.
#[pyfunction]
pub fn use_bytes(buffer: PyBytes) -> usize {
    let buffer: Bytes = buffer.into_inner();
    buffer.len()
}

#[pyfunction]
pub fn return_bytes() -> PyBytes {
    let buffer = Bytes::from_static(b"hello");
    PyBytes::new(buffer)
}

/// The author's own runtime, which polls our stores.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("threads can be started"))
}

#[pyfunction]
pub fn fetch(py: Python, store: PyObjectStore, path: String) -> PyObjectStoreResult<PyBytes> {
    let runtime = runtime();
    let store = store.into_inner();
    py.detach(|| {
        let body = runtime.block_on(async { store.get(&path.into()).await?.bytes().await })?;
        Ok::<_, PyObjectStoreError>(body.into())
    })
}

#[pyfunction]
pub fn save(py: Python, store: PyObjectStore, path: PyPath, data: PyBytes) -> PyObjectStoreResult<()> {
    let runtime = runtime();
    let store: &Arc<dyn ObjectStore> = store.as_ref();
    py.detach(|| runtime.block_on(store.put(path.as_ref(), data.into_inner().into())))?;
    Ok(())
}

/// The keys below a prefix, without it.
#[pyfunction]
#[pyo3(signature = (store, *, prefix = None))]
pub fn keys(py: Python, store: AnyObjectStore, prefix: Option<String>) -> PyObjectStoreResult<Vec<String>> {
    let runtime = runtime();
    let store = MaybePrefixedStore::new(store.into_dyn(), prefix);
    let mut keys: Vec<String> =
        py.detach(|| runtime.block_on(store.list(None).map_ok(|object| object.location.to_string()).try_collect()))?;
    keys.sort();
    Ok(keys)
}

/// Errors of the author's own, some of which are the store's.
#[derive(Debug)]
enum Error {
    ObjectStore(object_store::Error),
    Short(usize),
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        Self::ObjectStore(error)
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::ObjectStore(error) => PyObjectStoreError::from(error).into(),
            Error::Short(length) => PyValueError::new_err(format!("the object has only {length} bytes")),
        }
    }
}

/// The first eight bytes of an object.
#[pyfunction]
fn header(py: Python, store: AnyObjectStore, path: PyPath) -> Result<PyBytes, Error> {
    let runtime = runtime();
    let store: Arc<dyn ObjectStore> = store.into();
    let path: Path = path.into();
    let body = py.detach(|| runtime.block_on(store.get_range(&path, 0..8)))?;
    let mut header = BytesMut::with_capacity(8);
    header.extend_from_slice(&body);
    if header.len() < 8 { Err(Error::Short(header.len())) } else { Ok(header.into()) }
}

#[pyfunction]
fn host(url: PyUrl) -> Option<String> {
    url.as_ref().host_str().map(str::to_owned)
}

/// An object of a store that is made here, with the client's options that Python gave.
#[pyfunction]
#[pyo3(signature = (url, path, *, client_options = None))]
fn download(
    py: Python,
    url: PyUrl,
    path: PyPath,
    client_options: Option<PyClientOptions>,
) -> PyObjectStoreResult<PyBytes> {
    let options: ClientOptions = client_options.map(Into::into).unwrap_or_default();
    let url: String = url.into();
    let store = HttpBuilder::new().with_url(url).with_client_options(options).build()?;
    let body = py.detach(|| runtime().block_on(async { store.get(path.as_ref()).await?.bytes().await }))?;
    Ok(PyBytes::new(body))
}

/// What some functions take: a store, or the bytes themselves.
#[derive(FromPyObject)]
enum Source {
    Store(PyObjectStore),
    Buffer(PyBytes),
}

#[pyfunction]
#[pyo3(signature = (source, path = None))]
fn size(py: Python, source: Source, path: Option<String>) -> PyObjectStoreResult<u64> {
    match source {
        Source::Store(store) => {
            let runtime = runtime();
            let store = store.into_inner();
            let meta = py.detach(|| runtime.block_on(store.head(&path.unwrap_or_default().into())))?;
            Ok(meta.size)
        }
        Source::Buffer(buffer) => Ok(buffer.as_slice().len() as u64),
    }
}

#[pyfunction]
fn kind_of(store: AnyObjectStore) -> &'static str {
    match store {
        AnyObjectStore::PyObjectStore(_) => "own",
        AnyObjectStore::PyExternalObjectStore(_) => "external",
    }
}
