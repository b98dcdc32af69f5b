//! Objects in memory.

use std::sync::Arc;

use longshore_config::open_memory;
use pyo3::prelude::*;
use pyo3::pyclass_init::PyClassInitializer;
use pyo3::types::PyType;

use super::{store_class, url};
use crate::store::{Inner, Kind, Store, handed};

/// Objects in this process's memory. Each is a store of its own, shared by whoever holds it.
#[pyclass(name = "MemoryStore", extends = Store, frozen, subclass, from_py_object, module = "longshore_store")]
#[derive(Clone, Debug)]
pub struct PyMemoryStore(pub(crate) Arc<Inner>);

store_class!(PyMemoryStore);

#[pymethods]
impl PyMemoryStore {
    #[new]
    fn new() -> PyClassInitializer<Self> {
        Self::made(handed(Kind::Memory).unwrap_or_else(|| Arc::new(Inner::new(Kind::Memory, open_memory()))))
    }

    /// Makes a store for ``memory:///``.
    #[classmethod]
    fn from_url<'py>(class: &Bound<'py, PyType>, url: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        url::check_memory(url)?;
        class.call0()
    }
}
