//! Stores as arguments and results of functions in Rust.

use std::fmt;
use std::sync::Arc;

use longshore_config::{Store as Handle, adopt};
use object_store::ObjectStore;
use object_store::path::Path;
use pyo3::prelude::*;

use crate::crossing::arriving;
use crate::exceptions::wrong_type;
use crate::external::{self, rebuilt};
use crate::store::{Inner, Kind, Store, class_of, wrap};

/// A store, as the argument of a function: one of this module's own classes, or of Python classes derived from them.
///
/// A store of another library is refused; [`AnyObjectStore`] takes those as well. As a result it is the Python object that it
/// came from, or else one of the class `Store`.
#[derive(Clone)]
pub struct PyObjectStore {
    objects: Arc<dyn ObjectStore>,
    /// What it came from, where that was Python.
    python: Option<Arc<(Py<PyAny>, Option<Arc<Inner>>)>>,
}

impl PyObjectStore {
    /// A store that Rust made, to be handed to Python.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, python: None }
    }

    /// The store itself.
    pub fn into_inner(self) -> Arc<dyn ObjectStore> {
        self.objects
    }

    /// The store itself.
    pub fn into_dyn(self) -> Arc<dyn ObjectStore> {
        self.objects
    }

    /// The configuration that the store was made from, which says what it is; `None` for a store that Rust made, and for one of
    /// another module.
    ///
    /// Keys of this store are below [`prefix`](Self::prefix).
    pub fn handle(&self) -> Option<&Arc<Handle>> {
        self.inner().filter(|inner| inner.foreign.is_none()).map(|inner| &inner.handle)
    }

    /// What stands before every key.
    pub fn prefix(&self) -> Option<&Path> {
        self.inner().and_then(Inner::prefix)
    }

    fn inner(&self) -> Option<&Inner> {
        self.python.as_deref().and_then(|(_, inner)| inner.as_deref())
    }

    fn of(store: &Bound<'_, Store>) -> PyResult<Self> {
        let inner = Arc::clone(&store.get().0);
        inner.make_ready()?;
        // The client is made here, attached, because a new one reads the environment. Where that fails, requests tell.
        let _ = inner.handle.live();
        Ok(Self { objects: inner.objects(), python: Some(Arc::new((store.clone().into_any().unbind(), Some(inner)))) })
    }
}

impl<'py> FromPyObject<'_, 'py> for PyObjectStore {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match object.cast::<Store>() {
            Ok(store) => Self::of(&store),
            Err(_) => Err(refusal(&object)),
        }
    }
}

/// Why something is no store of this module.
fn refusal(object: &Bound<'_, PyAny>) -> PyErr {
    let py = object.py();
    let found = external::type_name(object);
    let own = class_of(py, Kind::S3).getattr("__module__").map(|name| name.to_string()).unwrap_or_default();
    let message = match external::origin(object) {
        Ok(Some(_)) => format!(
            "{found} is a store of another library, and this function takes stores of {own} only. Make it with the class of {own}; or its author lets the function take AnyObjectStore, which \
             accepts stores of other libraries"
        ),
        _ => format!("expected a store, such as {own}.S3Store, not {found}"),
    };
    wrong_type(py, &message)
}

impl<'py> IntoPyObject<'py> for &PyObjectStore {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.python {
            Some(python) => Ok(python.0.bind(py).clone()),
            None => {
                let handle = adopt(Arc::clone(&self.objects));
                let inner = Inner { foreign: Some(Arc::clone(&self.objects)), ..Inner::new(Kind::Other, handle) };
                wrap(&class_of(py, Kind::Other), Arc::new(inner))
            }
        }
    }
}

impl<'py> IntoPyObject<'py> for PyObjectStore {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        (&self).into_pyobject(py)
    }
}

/// A store of another library, as the argument of a function: built anew from what it says about itself.
///
/// The new store has connections and credentials of its own. It is remembered with the object that it came from, so that
/// the same object is built once; a warning says so, once for each class. What cannot be the same store is refused, and the
/// error says why: a store in memory, a Python class that changes what a store does, settings that are not known here.
#[derive(Clone)]
pub struct PyExternalObjectStore {
    store: PyObjectStore,
    /// What it was built from.
    original: Arc<Py<PyAny>>,
}

impl PyExternalObjectStore {
    /// The store itself.
    pub fn into_inner(self) -> Arc<dyn ObjectStore> {
        self.store.objects
    }

    /// The store itself.
    pub fn into_dyn(self) -> Arc<dyn ObjectStore> {
        self.store.objects
    }

    /// The store as one of this module's own. As a result of a function it is the new object, not the one it came from.
    pub fn into_own(self) -> PyObjectStore {
        self.store
    }

    /// The configuration that the store was made from.
    pub fn handle(&self) -> Option<&Arc<Handle>> {
        self.store.handle()
    }

    /// What stands before every key.
    pub fn prefix(&self) -> Option<&Path> {
        self.store.prefix()
    }
}

impl<'py> FromPyObject<'_, 'py> for PyExternalObjectStore {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let store = match object.cast::<Store>() {
            Ok(store) => Some(store.to_owned()),
            Err(_) => rebuilt(&object)?,
        };
        match store {
            Some(store) => {
                Ok(Self { store: PyObjectStore::of(&store)?, original: Arc::new(object.to_owned().unbind()) })
            }
            None => {
                let found = external::type_name(&object);
                Err(wrong_type(object.py(), &format!("expected an object store or a file system, not {found}")))
            }
        }
    }
}

/// A store from anywhere: one of this module's own, one of another library, a file system of `fsspec`, a URL as a `str`, or a
/// folder as an `os.PathLike`.
///
/// What another module gives alive, by a method `__object_store_capsule__`, is that store itself, with its connections and its
/// credentials, as a [`PyObjectStore`]; handed back to Python it is the object that it came from. Other libraries' stores are built
/// anew, as [`PyExternalObjectStore`].
#[derive(Clone, Debug)]
pub enum AnyObjectStore {
    /// One of this module's own, or a live one of another module.
    PyObjectStore(PyObjectStore),
    /// One that was built anew.
    PyExternalObjectStore(PyExternalObjectStore),
}

impl AnyObjectStore {
    /// The store itself.
    pub fn into_inner(self) -> Arc<dyn ObjectStore> {
        self.into()
    }

    /// The store itself.
    pub fn into_dyn(self) -> Arc<dyn ObjectStore> {
        self.into()
    }

    /// The configuration that the store was made from; `None` for a store that Rust made, and for one of another module.
    pub fn handle(&self) -> Option<&Arc<Handle>> {
        self.store().handle()
    }

    /// What stands before every key.
    pub fn prefix(&self) -> Option<&Path> {
        self.store().prefix()
    }

    fn store(&self) -> &PyObjectStore {
        match self {
            Self::PyObjectStore(store) | Self::PyExternalObjectStore(PyExternalObjectStore { store, .. }) => store,
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for AnyObjectStore {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(store) = object.cast::<Store>() {
            return PyObjectStore::of(&store).map(Self::PyObjectStore);
        }
        if let Some(store) = external::named(&object)? {
            return PyObjectStore::of(&store).map(Self::PyObjectStore);
        }
        if let Some(objects) = arriving(&object)? {
            let python = Some(Arc::new((object.to_owned().unbind(), None)));
            return Ok(Self::PyObjectStore(PyObjectStore { objects, python }));
        }
        object.extract().map(Self::PyExternalObjectStore)
    }
}

/// What all of them have in common.
macro_rules! store_argument {
    ($name:ty, $store:expr) => {
        impl AsRef<Arc<dyn ObjectStore>> for $name {
            fn as_ref(&self) -> &Arc<dyn ObjectStore> {
                let store: fn(&$name) -> &PyObjectStore = $store;
                &store(self).objects
            }
        }

        impl From<$name> for Arc<dyn ObjectStore> {
            fn from(store: $name) -> Self {
                Arc::clone(store.as_ref())
            }
        }
    };
}

store_argument!(PyObjectStore, |store| store);
store_argument!(PyExternalObjectStore, |store| &store.store);
store_argument!(AnyObjectStore, |store| store.store());

impl From<Arc<dyn ObjectStore>> for PyObjectStore {
    fn from(objects: Arc<dyn ObjectStore>) -> Self {
        Self::new(objects)
    }
}

/// Its address alone: a configuration may hold secrets.
impl fmt::Debug for PyObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PyObjectStore({})", self.objects)
    }
}

impl fmt::Debug for PyExternalObjectStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PyExternalObjectStore({})", self.store.objects)
    }
}

impl<'py> IntoPyObject<'py> for PyExternalObjectStore {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.original.bind(py).clone())
    }
}

impl<'py> IntoPyObject<'py> for AnyObjectStore {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::PyObjectStore(store) => store.into_pyobject(py),
            Self::PyExternalObjectStore(store) => store.into_pyobject(py),
        }
    }
}
