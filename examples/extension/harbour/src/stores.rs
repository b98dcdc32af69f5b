//! Functions about stores themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_store::{AnyObjectStore, MaybePrefixedStore, PyObjectStore, PyPath};
use object_store::ObjectStore;
use object_store::path::Path;
use pyo3::prelude::*;

/// The part of a store that is below a prefix, as a store. Whatever implements `ObjectStore` can be handed to Python like this.
#[pyfunction]
pub fn below(store: PyObjectStore, prefix: PyPath) -> PyObjectStore {
    let part: Arc<dyn ObjectStore> = Arc::new(MaybePrefixedStore::new(store.into_dyn(), Some(prefix)));
    PyObjectStore::new(part)
}

/// Any store as one of this module's own classes, so that `read` and `write` take it as well. One of another module stays the live
/// store that it is.
#[pyfunction]
pub fn live(store: AnyObjectStore) -> PyObjectStore {
    PyObjectStore::new(store.into_dyn())
}

/// The store that was given. One of another module is the object that it came from.
#[pyfunction]
pub fn same(store: AnyObjectStore) -> AnyObjectStore {
    store
}

/// What was said about a store when it was made, by whomever; without secrets. `None` for a store that Rust made, and for a live one of
/// another module.
#[pyfunction]
pub fn settings(store: AnyObjectStore) -> Option<BTreeMap<&'static str, String>> {
    let handle = store.handle()?;
    let said = handle.configuration().iter().filter(|one| !one.secret);
    let mut settings: BTreeMap<_, _> = said.map(|one| (one.name, one.value.clone())).collect();
    settings.insert("bucket", handle.bucket().to_owned());
    settings.insert("prefix", store.prefix().map(Path::to_string).unwrap_or_default());
    Some(settings)
}
