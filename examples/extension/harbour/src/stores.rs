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

/// What was said about a store when it was made, by whomever; without secrets. `None` for a store that Rust made.
#[pyfunction]
pub fn settings(store: AnyObjectStore) -> Option<BTreeMap<&'static str, String>> {
    let handle = store.handle()?;
    let said = handle.configuration().iter().filter(|one| !one.secret);
    let mut settings: BTreeMap<_, _> = said.map(|one| (one.name, one.value.clone())).collect();
    settings.insert("bucket", handle.bucket().to_owned());
    settings.insert("prefix", store.prefix().map(Path::to_string).unwrap_or_default());
    Some(settings)
}
