//! What all store classes are: a store, a prefix, and what it takes to make them again.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_abi::StoreRef;
use longshore_config::{Context, LocalOptions, Scheme, Store as Handle};
use longshore_runtime::fork::PerProcess;
use object_store::ObjectStore;
use object_store::path::Path;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::abroad::{self, StoreCredentials};
use crate::credentials::Cloud;
use crate::crossing;
use crate::exceptions::wrong_type;
use crate::provider::Provider;
use crate::served::Served;
use crate::{MaybePrefixedStore, OnRuntime, shown, state};

/// The classes, one for each kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    S3,
    Gcs,
    Azure,
    Http,
    Local,
    Memory,
    /// Whatever Rust hands to Python.
    Other,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] =
        [Self::S3, Self::Gcs, Self::Azure, Self::Http, Self::Local, Self::Memory, Self::Other];

    /// The name of the class.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3Store",
            Self::Gcs => "GCSStore",
            Self::Azure => "AzureStore",
            Self::Http => "HTTPStore",
            Self::Local => "LocalStore",
            Self::Memory => "MemoryStore",
            Self::Other => "Store",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What a bucket of this kind is opened by.
    pub(crate) fn scheme(self) -> Scheme {
        match self {
            Self::S3 => Scheme::S3,
            Self::Gcs => Scheme::Gcs,
            Self::Azure => Scheme::Azure,
            Self::Http => Scheme::Http,
            Self::Local => Scheme::File,
            Self::Memory => Scheme::Memory,
            Self::Other => Scheme::Other,
        }
    }

    /// Whose credentials it is reached with.
    pub(crate) fn cloud(self) -> Option<Cloud> {
        match self {
            Self::S3 => Some(Cloud::S3),
            Self::Gcs => Some(Cloud::Gcs),
            Self::Azure => Some(Cloud::Azure),
            _ => None,
        }
    }

    pub(crate) fn of(scheme: Scheme) -> Self {
        match scheme {
            Scheme::S3 => Self::S3,
            Scheme::Gcs => Self::Gcs,
            Scheme::Azure => Self::Azure,
            Scheme::Http => Self::Http,
            Scheme::File => Self::Local,
            Scheme::Memory => Self::Memory,
            _ => Self::Other,
        }
    }
}

/// A store, the prefix of its keys, and what its constructor was given.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) kind: Kind,
    pub(crate) handle: Arc<Handle>,
    /// With the prefix, for whoever polls it.
    pub(crate) objects: Arc<MaybePrefixedStore<OnRuntime>>,
    /// What Rust handed over, where that is how it came to be.
    pub(crate) foreign: Option<Arc<dyn ObjectStore>>,
    pub(crate) provider: Option<Provider>,
    /// The store in Python that this one asks, where there is one.
    pub(crate) served: Option<Arc<Served>>,
    pub(crate) local: Option<LocalOptions>,
    pub(crate) url: Option<String>,
    /// What other modules use it by, once one has asked. A forked child makes its own.
    pub(crate) table: PerProcess<StoreRef>,
}

impl Inner {
    pub(crate) fn new(kind: Kind, handle: Arc<Handle>) -> Self {
        let objects = Arc::new(MaybePrefixedStore::new(OnRuntime::new(Arc::clone(&handle)), None::<Path>));
        Self {
            kind,
            handle,
            objects,
            foreign: None,
            provider: None,
            served: None,
            local: None,
            url: None,
            table: PerProcess::new(),
        }
    }

    pub(crate) fn with_prefix(self, prefix: Option<Path>) -> Self {
        let objects = MaybePrefixedStore::new(OnRuntime::new(Arc::clone(&self.handle)), prefix);
        Self { objects: Arc::new(objects), ..self }
    }

    pub(crate) fn prefix(&self) -> Option<&Path> {
        self.objects.prefix()
    }

    /// Starts what the store needs of this process. Called attached, before each use.
    pub(crate) fn make_ready(&self) -> PyResult<()> {
        if let Some(served) = self.served.as_ref().filter(|served| !served.is_ready()) {
            Python::attach(|py| served.start(py))?;
        }
        match &self.provider {
            Some(Provider { source, .. }) if !source.is_ready() => Python::attach(|py| source.start(py)),
            _ => Ok(()),
        }
    }

    /// The objects as Rust uses them. Those that Rust made, too, do their I/O on our runtime.
    pub(crate) fn objects(&self) -> Arc<dyn ObjectStore> {
        match self.prefix() {
            None if self.foreign.is_none() => Arc::new(self.objects.inner().clone()),
            // One that Rust made is the same each time, so that whoever made it may compare.
            _ => Arc::clone(&self.objects) as _,
        }
    }
}

/// Equal where requests are: the same settings, which are one live client, and the same prefix.
impl PartialEq for Inner {
    fn eq(&self, other: &Self) -> bool {
        match (&self.foreign, &other.foreign) {
            (None, None) => (self.kind, &*self.handle, self.prefix()) == (other.kind, &*other.handle, other.prefix()),
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl Hash for Inner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match &self.foreign {
            None => (self.kind, &*self.handle, self.prefix()).hash(state),
            Some(objects) => Arc::as_ptr(objects).cast::<()>().hash(state),
        }
    }
}

/// A live store, and what all kinds of stores have in common.
///
/// A store that Rust made, and not Python, is one of this class itself.
#[pyclass(frozen, subclass, weakref, module = "longshore_store")]
#[derive(Debug)]
pub struct Store(pub(crate) Arc<Inner>);

impl Store {
    /// A Python object for `store`, of the class for its kind.
    ///
    /// # Errors
    ///
    /// What Python raises while the object is made.
    pub fn wrap(py: Python<'_>, store: Arc<Handle>) -> PyResult<Bound<'_, PyAny>> {
        let kind = Kind::of(store.scheme());
        wrap(&class_of(py, kind), Arc::new(Inner::new(kind, store)))
    }

    /// The store of `longshore-config`, without the prefix.
    ///
    /// To be called attached: where credentials come from Python, this starts the thread that asks for them.
    pub fn handle(&self) -> &Arc<Handle> {
        // The first request tells, where the thread cannot be started.
        let _ = self.0.make_ready();
        &self.0.handle
    }

    /// What stands before every key, without a slash at its end.
    pub fn prefix(&self) -> Option<&str> {
        self.0.prefix().map(Path::as_ref)
    }

    /// The store that Rust handed to Python, where it is one.
    pub fn foreign(&self) -> Option<&Arc<dyn ObjectStore>> {
        self.0.foreign.as_ref()
    }
}

#[pymethods]
impl Store {
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let reason = "a Store is made by one of the classes derived from it, such as S3Store, or by from_url";
        handed(Kind::Other).map(Self).ok_or_else(|| wrong_type(py, reason))
    }

    fn __eq__(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
        Ok(shown::repr(&slf.get_type().name()?.to_string(), &slf.get().0))
    }

    /// It never changes, so that a copy would be the same.
    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        state::reduce(slf)
    }

    /// The arguments that make the same store with the class of this name in another library.
    fn __getnewargs_ex__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        abroad::new_arguments(slf)
    }

    /// A capsule of the live store, for modules that were compiled by others: `SPEC.md` of `longshore-abi` says what it holds.
    #[pyo3(signature = (*, max_abi=None))]
    fn __object_store_capsule__<'py>(
        slf: &Bound<'py, Self>,
        max_abi: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        crossing::capsule(slf, max_abi)
    }

    /// A credential provider that asks this store.
    fn _credentials(slf: Py<Self>) -> StoreCredentials {
        StoreCredentials(slf)
    }

    /// What `__reduce__` says of the store, for this class in another module. It holds secrets.
    fn _longshore_state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        state::describe(py, &self.0)
    }

    /// Makes the store that `__reduce__` described. The environment has no say in it.
    #[classmethod]
    fn _from_state<'py>(class: &Bound<'py, PyType>, state: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        state::restore(class, state)
    }

    /// The bucket; empty where the kind of store has none. For the web it is the origin, as ``https://host``.
    #[getter]
    fn bucket(&self) -> &str {
        self.0.handle.bucket()
    }
}

thread_local! {
    /// What the next `__new__` on this thread is to wrap.
    static HANDED: RefCell<Option<Arc<Inner>>> = const { RefCell::new(None) };
}

/// Makes an object of `class` that wraps `inner`.
///
/// PyO3 cannot make an object of a class that Python derived from ours out of a value of Rust, so the value waits for `__new__`:
/// that of the native class, which nobody can have overridden.
pub(crate) fn wrap<'py>(class: &Bound<'py, PyType>, inner: Arc<Inner>) -> PyResult<Bound<'py, PyAny>> {
    let py = class.py();
    let native = crate::classes::native(py, inner.kind);
    HANDED.set(Some(inner));
    let made = native.call_method1(intern!(py, "__new__"), (class,));
    HANDED.take();
    made
}

/// What [`wrap`] left for a `__new__` of this kind.
pub(crate) fn handed(kind: Kind) -> Option<Arc<Inner>> {
    HANDED.with_borrow_mut(|handed| handed.take_if(|inner| inner.kind == kind))
}

/// Classes of Python that stores are made of, instead of the native ones: those of a package that adds methods to them.
#[derive(Default)]
struct Derived(Mutex<Vec<(Kind, Py<PyType>)>>);

impl Derived {
    fn lock() -> MutexGuard<'static, Vec<(Kind, Py<PyType>)>> {
        Context::process().part::<Self>().0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The class for a kind of store.
pub(crate) fn class_of(py: Python<'_>, kind: Kind) -> Bound<'_, PyType> {
    let derived = Derived::lock();
    let class = derived.iter().find(|(of, _)| *of == kind).map(|(_, class)| class.bind(py).clone());
    class.unwrap_or_else(|| crate::classes::native(py, kind))
}

/// Has stores that Rust makes be objects of `class`, which Python derived from one of this crate's classes.
///
/// Which one is seen from the class itself. It is for packages that add methods, and concerns [`from_url`](crate::from_url),
/// `IntoPyObject` and everything else that makes a store without being told the class.
///
/// # Errors
///
/// `TypeError` for a class that is not derived from one of ours.
pub fn use_class(class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    for kind in Kind::ALL {
        if class.is_subclass(&crate::classes::native(py, kind))? {
            let mut derived = Derived::lock();
            derived.retain(|(of, _)| *of != kind);
            derived.push((kind, class.clone().unbind()));
            return Ok(());
        }
    }
    Err(wrong_type(py, &format!("{} is not derived from one of the store classes", class.name()?)))
}
