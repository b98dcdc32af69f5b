//! Functions that read and write objects.

use std::sync::Arc;

use bytes::Bytes;
use crc32fast::Hasher;
use futures::stream::TryStreamExt;
use longshore_bytes::PyBytes;
use longshore_store::{AnyObjectStore, PyObjectStore, PyObjectStoreResult, PyPath};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use pyo3::prelude::*;

use crate::wait::wait;

/// How many objects are read at the same time.
const IN_FLIGHT: usize = 16;

/// The CRC-32 of the memory of any object that has a buffer. Nothing is copied.
#[pyfunction]
pub fn crc32(py: Python<'_>, buffer: PyBytes) -> u32 {
    let buffer: Bytes = buffer.into_inner();
    // Bytes belong to Rust, so that other Python threads may run meanwhile.
    py.detach(|| crc32fast::hash(&buffer))
}

/// One object. `PyObjectStore` takes stores of `harbour.store` only.
#[pyfunction]
pub fn read(py: Python<'_>, store: PyObjectStore, key: PyPath) -> PyObjectStoreResult<PyBytes> {
    let store: Arc<dyn ObjectStore> = store.into_dyn();
    let body = wait(py, async { store.get(key.as_ref()).await?.bytes().await })?;
    Ok(PyBytes::new(body))
}

/// Writes one object from the memory of any object that has a buffer.
#[pyfunction]
pub fn write(py: Python<'_>, store: PyObjectStore, key: PyPath, data: PyBytes) -> PyObjectStoreResult<()> {
    let store = store.into_dyn();
    wait(py, async { store.put(key.as_ref(), data.into_inner().into()).await })?;
    Ok(())
}

/// How many objects there are under a prefix, and how many bytes. `AnyObjectStore` takes other libraries' stores as well.
#[pyfunction]
#[pyo3(signature = (store, prefix=None))]
pub fn total_size(py: Python<'_>, store: AnyObjectStore, prefix: Option<PyPath>) -> PyObjectStoreResult<(u64, u64)> {
    let store = store.into_dyn();
    let found = store.list(prefix.as_ref().map(PyPath::as_ref));
    wait(py, found.try_fold((0, 0), async |(count, bytes), object| Ok((count + 1, bytes + object.size))))
}

/// Key, size and CRC-32 of each object under a prefix, by key. Bodies are read as they arrive, many at the same time.
#[pyfunction]
#[pyo3(signature = (store, prefix=None))]
pub fn manifest(
    py: Python<'_>,
    store: AnyObjectStore,
    prefix: Option<PyPath>,
) -> PyObjectStoreResult<Vec<(String, u64, u32)>> {
    let store = store.into_dyn();
    let entries = store
        .list(prefix.as_ref().map(PyPath::as_ref))
        .map_ok(|object| checksum(Arc::clone(&store), object.location))
        .try_buffer_unordered(IN_FLIGHT)
        .try_collect();
    let mut entries: Vec<_> = wait(py, entries)?;
    entries.sort_unstable();
    Ok(entries)
}

async fn checksum(store: Arc<dyn ObjectStore>, key: Path) -> object_store::Result<(String, u64, u32)> {
    let mut body = store.get(&key).await?.into_stream();
    let (mut size, mut hasher) = (0, Hasher::new());
    while let Some(chunk) = body.try_next().await? {
        size += chunk.len() as u64;
        hasher.update(&chunk);
    }
    Ok((key.into(), size, hasher.finalize()))
}
