//! A library with stores of its own, which every module of the process can use live.
//!
//! `process` has the runtime that they work on, one for each process.

mod process;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use longshore_abi::StoreRef;
use longshore_ffi::Exported;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

/// A store in memory.
#[pyclass(frozen, subclass, module = "consumers.exporter")]
struct Memory {
    store: Arc<InMemory>,
    capsule: Capsule,
}

#[pymethods]
impl Memory {
    #[new]
    fn new() -> Self {
        Self { store: Arc::new(InMemory::new()), capsule: Capsule::default() }
    }

    /// Where the bytes of an object are.
    fn address(&self, py: Python<'_>, path: &str) -> PyResult<usize> {
        let (path, store, process) = (parsed(path)?, Arc::clone(&self.store), process::current()?);
        let content = py.detach(|| process.wait(async move { store.get(&path).await?.bytes().await }));
        content.map(|content| content.as_ptr() as usize).map_err(|error| PyOSError::new_err(error.to_string()))
    }

    #[pyo3(signature = (*, max_abi = None))]
    fn __object_store_capsule__<'py>(
        &self,
        py: Python<'py>,
        max_abi: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.capsule.of(py, max_abi, |is_child| {
            if is_child {
                // What the parent puts later would be missing here, and the other way round.
                return Err(PyRuntimeError::new_err("the objects of a store in memory are those of its own process"));
            }
            Ok(Exported::new(Arc::clone(&self.store) as Arc<dyn ObjectStore>))
        })
    }
}

/// A store in a folder.
#[pyclass(frozen, subclass, module = "consumers.exporter")]
struct Folder {
    path: PathBuf,
    capsule: Capsule,
}

#[pymethods]
impl Folder {
    #[new]
    fn new(path: PathBuf) -> Self {
        Self { path, capsule: Capsule::default() }
    }

    #[pyo3(signature = (*, max_abi = None))]
    fn __object_store_capsule__<'py>(
        &self,
        py: Python<'py>,
        max_abi: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.capsule.of(py, max_abi, |_| {
            let store = LocalFileSystem::new_with_prefix(&self.path);
            Ok(Exported::new(Arc::new(store.map_err(|error| PyOSError::new_err(error.to_string()))?)))
        })
    }
}

/// The table of a store, made when it is first asked for, and once more in each forked process.
#[derive(Default)]
struct Capsule {
    made: Mutex<Option<(u64, StoreRef)>>,
}

impl Capsule {
    /// A capsule of the table. `export` gives what it is made of, and is told whether this is a forked child of the process in which
    /// the first one was made.
    fn of<'py>(
        &self,
        py: Python<'py>,
        max_abi: Option<Bound<'py, PyAny>>,
        export: impl FnOnce(bool) -> PyResult<Exported>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // Only threads that have the interpreter hold the lock, and for no longer than they have it. So it is free in a forked child.
        let mut made = self.made.lock().unwrap();
        let generation = process::generation();
        if made.as_ref().is_none_or(|(born, _)| *born != generation) {
            let table = process::exporter()?.export(export(made.is_some())?);
            *made = Some((generation, table));
        }
        let table = made.as_ref().map(|(_, table)| table.retained());
        let table = table.expect("made above").map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let max_abi = max_abi.as_ref().map_or(std::ptr::null_mut(), |known| known.as_ptr());
        // SAFETY: this thread has the interpreter, and `max_abi` is an object, or null.
        unsafe {
            let capsule = longshore_capsule::capsule_of(table, max_abi.cast());
            Bound::from_owned_ptr_or_err(py, capsule.cast())
        }
    }
}

fn parsed(path: &str) -> PyResult<Path> {
    Path::parse(path).map_err(|error| PyValueError::new_err(error.to_string()))
}

#[pymodule(gil_used = true)]
fn exporter(py: Python<'_>, module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Memory>()?;
    module.add_class::<Folder>()?;
    // What other modules have under way is told before the interpreter ends.
    py.import("atexit")?.call_method1("register", (wrap_pyfunction!(process::shut_down, module)?,))?;
    Ok(())
}
