//! An extension module of somebody else, for the tests: it has the classes under its own name, and takes stores.

use std::sync::Arc;

use futures::TryStreamExt;
use futures_executor::block_on;
use longshore_store::{
    AnyObjectStore, PyClientOptions, PyExternalObjectStore, PyObjectStore, PyObjectStoreResult, PyPath, PyS3Store,
    PyUrl, register_exceptions_module, register_store_module,
};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use pyo3::prelude::*;

#[pymodule(gil_used = true)]
fn third_party(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    register_store_module(py, module, "third_party", "store")?;
    register_exceptions_module(py, module, "third_party", "exceptions")?;
    module.add_function(wrap_pyfunction!(own, module)?)?;
    module.add_function(wrap_pyfunction!(external, module)?)?;
    module.add_function(wrap_pyfunction!(any, module)?)?;
    module.add_function(wrap_pyfunction!(get, module)?)?;
    module.add_function(wrap_pyfunction!(put, module)?)?;
    module.add_function(wrap_pyfunction!(list, module)?)?;
    module.add_function(wrap_pyfunction!(memory, module)?)?;
    module.add_function(wrap_pyfunction!(same, module)?)?;
    module.add_function(wrap_pyfunction!(settings, module)?)?;
    module.add_function(wrap_pyfunction!(s3, module)?)?;
    module.add_function(wrap_pyfunction!(client, module)?)?;
    module.add_function(wrap_pyfunction!(echo, module)?)?;
    module.add_function(wrap_pyfunction!(list_under, module)?)?;
    module.add_function(wrap_pyfunction!(delete, module)?)?;
    module.add_function(wrap_pyfunction!(names, module)?)
}

#[pyfunction]
fn own(store: PyObjectStore) -> String {
    format!("{store:?}")
}

#[pyfunction]
fn external(store: PyExternalObjectStore) -> String {
    format!("{store:?}")
}

/// The store that was given, and what it came to.
#[pyfunction]
fn any(store: AnyObjectStore) -> (AnyObjectStore, String) {
    let shown = format!("{store:?}");
    (store, shown)
}

#[pyfunction]
fn get(py: Python<'_>, store: AnyObjectStore, key: PyPath) -> PyObjectStoreResult<Vec<u8>> {
    let store: Arc<dyn ObjectStore> = store.into();
    let body = py.detach(|| block_on(async { store.get(key.as_ref()).await?.bytes().await }))?;
    Ok(body.to_vec())
}

#[pyfunction]
fn put(py: Python<'_>, store: AnyObjectStore, key: PyPath, data: Vec<u8>) -> PyObjectStoreResult<()> {
    let store = store.into_dyn();
    py.detach(|| block_on(store.put(key.as_ref(), data.into())))?;
    Ok(())
}

#[pyfunction]
fn list(py: Python<'_>, store: AnyObjectStore) -> PyObjectStoreResult<Vec<String>> {
    let found: Vec<_> = py.detach(|| block_on(store.as_ref().list(None).try_collect()))?;
    let mut keys: Vec<_> = found.into_iter().map(|found| found.location.to_string()).collect();
    keys.sort();
    Ok(keys)
}

/// A store that Rust made.
#[pyfunction]
fn memory() -> PyObjectStore {
    PyObjectStore::new(Arc::new(InMemory::new()))
}

#[pyfunction]
fn same(one: PyObjectStore, two: PyObjectStore) -> bool {
    Arc::ptr_eq(one.as_ref(), two.as_ref())
}

/// The configuration, as Rust reads it. Names alone: some values are secrets.
#[pyfunction]
fn settings(store: AnyObjectStore) -> Option<(Vec<&'static str>, Option<String>)> {
    let names = store.handle()?.configuration().iter().map(|one| one.name).collect();
    Some((names, store.prefix().map(|prefix| prefix.to_string())))
}

/// A class as an argument, as some take it.
#[pyfunction]
fn s3(store: PyS3Store) -> String {
    store.into_inner().to_string()
}

#[pyfunction]
fn names(path: PyPath, url: PyUrl) -> (PyPath, PyUrl) {
    (path, url)
}

/// What a client of `object_store` is made with. Debug shows names alone.
#[pyfunction]
fn client(options: PyClientOptions) -> String {
    let shown = format!("{options:?}");
    let _: object_store::ClientOptions = options.into();
    shown
}

/// A class as a result.
#[pyfunction]
fn echo(store: PyS3Store) -> PyS3Store {
    store
}

#[pyfunction]
fn list_under(py: Python<'_>, store: AnyObjectStore, prefix: PyPath) -> PyObjectStoreResult<Vec<String>> {
    let found: Vec<_> = py.detach(|| block_on(store.as_ref().list(Some(prefix.as_ref())).try_collect()))?;
    Ok(found.into_iter().map(|found| found.location.to_string()).collect())
}

#[pyfunction]
fn delete(py: Python<'_>, store: AnyObjectStore, key: PyPath) -> PyObjectStoreResult<()> {
    Ok(py.detach(|| block_on(store.as_ref().delete(key.as_ref())))?)
}
