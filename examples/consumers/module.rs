//! What each of the modules with PyO3 offers: a few functions over a store that somebody else opened.
//!
//! This source is compiled with every version of PyO3 and of `object_store` beside it. `crate::ForeignStore` is a store of the
//! module's own `object_store`, and whatever takes an `ObjectStore` can have it: it needs no runtime here.

use std::sync::Mutex;

use bytes::Bytes;
use futures::executor::block_on;
use futures::stream::{FuturesUnordered, TryStreamExt};
use longshore_abi::raw;
use longshore_ffi::ForeignError;
use object_store::path::Path;
use object_store::{Error, GetOptions, ObjectStore, PutMode, PutOptions, PutPayload, Result};
use pyo3::exceptions::{
    PyFileExistsError, PyFileNotFoundError, PyOSError, PyPermissionError, PyRuntimeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::{detach, ForeignStore};

/// Who asks for a store, in the messages of errors.
const IMPORTER: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

/// A store that the module keeps between calls, as one with a cache does.
static KEPT: Mutex<Option<ForeignStore>> = Mutex::new(None);

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let built_with = PyDict::new(module.py());
    built_with.set_item("language", "Rust")?;
    built_with.set_item("binding", concat!("PyO3 ", env!("PYO3_VERSION")))?;
    built_with.set_item("store", concat!("object_store ", env!("OBJECT_STORE_VERSION")))?;
    module.add("BUILT_WITH", built_with)?;
    module.add_function(wrap_pyfunction!(describe, module)?)?;
    module.add_function(wrap_pyfunction!(get, module)?)?;
    module.add_function(wrap_pyfunction!(get_ranges, module)?)?;
    module.add_function(wrap_pyfunction!(stream_length, module)?)?;
    module.add_function(wrap_pyfunction!(gather, module)?)?;
    module.add_function(wrap_pyfunction!(put, module)?)?;
    module.add_function(wrap_pyfunction!(upload, module)?)?;
    module.add_function(wrap_pyfunction!(list_objects, module)?)?;
    module.add_function(wrap_pyfunction!(keep, module)?)?;
    module.add_function(wrap_pyfunction!(get_kept, module)?)
}

/// Takes the store out of any object that has one.
fn taken(object: &Bound<'_, PyAny>) -> PyResult<ForeignStore> {
    // SAFETY: the object is alive, and this thread is attached to the interpreter, as `Bound` says.
    let store = unsafe { longshore_capsule::store_of(object.as_ptr().cast(), IMPORTER) };
    store.map(ForeignStore::new).map_err(|error| {
        // SAFETY: as above.
        unsafe { error.raise() };
        PyErr::fetch(object.py())
    })
}

/// What the store says of itself.
#[pyfunction]
fn describe(store: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(taken(store)?.to_string())
}

/// An object, and the address at which its bytes were received.
#[pyfunction]
fn get<'py>(py: Python<'py>, store: &Bound<'py, PyAny>, path: &str) -> PyResult<(Bound<'py, PyBytes>, usize)> {
    let (store, path) = (taken(store)?, parsed(path)?);
    let content = detach(py, || block_on(whole(&store, &path))).map_err(raised)?;
    Ok((PyBytes::new(py, &content), content.as_ptr() as usize))
}

/// Several ranges of an object.
#[pyfunction]
fn get_ranges<'py>(
    py: Python<'py>,
    store: &Bound<'py, PyAny>,
    path: &str,
    ranges: Vec<(u32, u32)>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let (store, path) = (taken(store)?, parsed(path)?);
    // Some versions of `object_store` count in `u64`, and some in `usize`.
    let ranges: Vec<_> = ranges.into_iter().map(|(start, end)| start as _..end as _).collect();
    let parts = detach(py, || block_on(store.get_ranges(&path, &ranges))).map_err(raised)?;
    Ok(parts.iter().map(|part| PyBytes::new(py, part)).collect())
}

/// The bytes of an object, counted while they arrive.
#[pyfunction]
fn stream_length(py: Python<'_>, store: &Bound<'_, PyAny>, path: &str) -> PyResult<usize> {
    let (store, path) = (taken(store)?, parsed(path)?);
    let counting = async {
        let chunks = store.get_opts(&path, GetOptions::default()).await?.into_stream();
        chunks.try_fold(0, |length, chunk| async move { Ok(length + chunk.len()) }).await
    };
    detach(py, || block_on(counting)).map_err(raised)
}

/// Reads an object `count` times at once. `is_attached` holds on to the interpreter meanwhile: a store must not need it.
#[pyfunction]
fn gather(py: Python<'_>, store: &Bound<'_, PyAny>, path: &str, count: usize, is_attached: bool) -> PyResult<usize> {
    let (store, path) = (taken(store)?, parsed(path)?);
    let reading = async {
        let all: FuturesUnordered<_> = (0..count).map(|_| whole(&store, &path)).collect();
        all.try_fold(0, |length, content| async move { Ok(length + content.len()) }).await
    };
    if is_attached { block_on(reading) } else { detach(py, || block_on(reading)) }.map_err(raised)
}

/// Writes an object, and returns the address of the bytes that were handed over. `create`: only where there is none.
#[pyfunction]
#[pyo3(signature = (store, path, content, *, create = false))]
fn put(py: Python<'_>, store: &Bound<'_, PyAny>, path: &str, content: &[u8], create: bool) -> PyResult<usize> {
    let (store, path) = (taken(store)?, parsed(path)?);
    let content = Bytes::copy_from_slice(content);
    let address = content.as_ptr() as usize;
    let mode = if create { PutMode::Create } else { PutMode::Overwrite };
    let writing = store.put_opts(&path, content.into(), PutOptions::from(mode));
    detach(py, || block_on(writing)).map_err(raised)?;
    Ok(address)
}

/// Writes an object in parts.
#[pyfunction]
fn upload(py: Python<'_>, store: &Bound<'_, PyAny>, path: &str, parts: Vec<Bound<'_, PyBytes>>) -> PyResult<()> {
    let (store, path) = (taken(store)?, parsed(path)?);
    let parts: Vec<_> = parts.iter().map(|part| PutPayload::from(part.as_bytes().to_vec())).collect();
    let writing = async {
        let mut upload = store.put_multipart_opts(&path, Default::default()).await?;
        for part in parts {
            if let Err(error) = upload.put_part(part).await {
                // What was stored of it costs money until it is called off.
                upload.abort().await.ok();
                return Err(error);
            }
        }
        upload.complete().await.map(drop)
    };
    detach(py, || block_on(writing)).map_err(raised)
}

/// The paths and sizes of the objects under a prefix.
#[pyfunction]
fn list_objects(py: Python<'_>, store: &Bound<'_, PyAny>, prefix: &str) -> PyResult<Vec<(String, u64)>> {
    let (store, prefix) = (taken(store)?, parsed(prefix)?);
    let objects: Vec<_> = detach(py, || block_on(store.list(Some(&prefix)).try_collect())).map_err(raised)?;
    Ok(objects
        .into_iter()
        .map(|object: object_store::ObjectMeta| (object.location.to_string(), object.size as _))
        .collect())
}

/// Keeps a store for later calls.
#[pyfunction]
fn keep(store: &Bound<'_, PyAny>) -> PyResult<()> {
    *KEPT.lock().unwrap() = Some(taken(store)?);
    Ok(())
}

/// An object of the store that was kept.
#[pyfunction]
fn get_kept<'py>(py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
    let store = KEPT.lock().unwrap().clone().ok_or_else(|| PyValueError::new_err("no store was kept"))?;
    let path = parsed(path)?;
    let content = detach(py, || block_on(whole(&store, &path))).map_err(raised)?;
    Ok(PyBytes::new(py, &content))
}

async fn whole(store: &ForeignStore, path: &Path) -> Result<Bytes> {
    store.get_opts(path, GetOptions::default()).await?.bytes().await
}

fn parsed(path: &str) -> PyResult<Path> {
    Path::parse(path).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The kind of an error crosses with it, so code that branches on it goes on to work.
fn raised(error: Error) -> PyErr {
    let message = error.to_string();
    match &error {
        Error::NotFound { .. } => PyFileNotFoundError::new_err(message),
        Error::AlreadyExists { .. } => PyFileExistsError::new_err(message),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => PyPermissionError::new_err(message),
        _ => match code(&error) {
            // The store is gone: it was the parent's, or is shutting down.
            Some(raw::ERROR_FORKED | raw::ERROR_SHUTDOWN | raw::ERROR_CANCELLED) => PyRuntimeError::new_err(message),
            _ => PyOSError::new_err(message),
        },
    }
}

/// What the store's own module called the error.
fn code(error: &Error) -> Option<i32> {
    let mut reason = std::error::Error::source(error);
    while let Some(error) = reason {
        if let Some(foreign) = error.downcast_ref::<ForeignError>() {
            return Some(foreign.code());
        }
        reason = error.source();
    }
    None
}
