//! Stores of other libraries, and what names a store: found out from the outside, and built anew.
//!
//! Another library's store cannot be used as it is: its memory has the layout of its compiler and its versions. What it can
//! tell is how it was made (`__getnewargs_ex__`, which it has for `pickle`), and from that one of our own is made. That is for
//! libraries that do not give their stores alive, which `crossing` asks for first.

use std::sync::{Arc, Mutex, PoisonError};

use longshore_config::{Context, Environment, adopt_for_all_processes};
use object_store::ObjectStore;

use pyo3::exceptions::{PyLookupError, PyRuntimeWarning};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use crate::buckets::Buckets;
use crate::classes::{from_url, native};
use crate::exceptions::{invalid, not_supported};
use crate::given::Arguments;
use crate::state;
use crate::store::{Inner, Kind, Store, class_of, wrap};
use crate::support::{fsspec, support};

/// What a store does with objects: a Python class that overrides one of these is another store, and that would be lost in one
/// that is built anew.
pub(crate) const METHODS: [&str; 13] = [
    "copy",
    "delete",
    "get",
    "get_range",
    "get_ranges",
    "head",
    "list",
    "list_with_delimiter",
    "open_reader",
    "open_writer",
    "put",
    "rename",
    "sign",
];

/// Classes that a warning has named.
#[derive(Default)]
struct Warned(Mutex<Vec<String>>);

/// The class of an object with its module, as `obstore.store.S3Store`.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    full_name(&object.get_type())
}

fn full_name(class: &Bound<'_, PyType>) -> String {
    class.fully_qualified_name().map(|name| name.to_string()).unwrap_or_else(|_| "an object".to_owned())
}

/// The kind of store that another library's object is, and the classes that Python derived from that library's.
pub(crate) struct Origin<'py> {
    kind: Kind,
    derived: Vec<Bound<'py, PyType>>,
}

/// Where a store of another library comes from; `None` for what is no store.
pub(crate) fn origin<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Origin<'py>>> {
    let py = object.py();
    let mut derived = Vec::new();
    for class in object.get_type().mro() {
        let class = class.cast_into::<PyType>()?;
        let kind = Kind::named(class.name()?.to_str()?).filter(|kind| *kind != Kind::Other);
        match kind {
            Some(kind) if !class.is_subclass(&native(py, kind))? => return Ok(Some(Origin { kind, derived })),
            _ => derived.push(class),
        }
    }
    Ok(None)
}

/// A store of our own that is made as `object`, a store or a file system of another library, says that it was made. `None` for
/// what is neither.
///
/// # Errors
///
/// `NotSupportedError` with the reason, where it would not be the same store.
pub(crate) fn rebuilt<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Store>>> {
    let py = object.py();
    let support = support(py)?;
    let known = support.call_method1(intern!(py, "remembered"), (object, "built"))?;
    if let Ok(store) = known.cast_into::<Store>() {
        return Ok(Some(store));
    }
    let store = match origin(object)? {
        Some(origin) => anew(object, &origin)?,
        None => match from_file_system(object)? {
            Some(store) => store,
            None => return Ok(None),
        },
    };
    support.call_method1(intern!(py, "remember"), (object, "built", &store))?;
    warn(object, &store)?;
    Ok(Some(store))
}

fn refused(object: &Bound<'_, PyAny>, reason: &str, cause: Option<PyErr>) -> PyErr {
    let message = format!("{} cannot be built anew here: {reason}", type_name(object));
    let error = not_supported(object.py(), &message);
    error.set_cause(object.py(), cause);
    error
}

fn anew<'py>(object: &Bound<'py, PyAny>, origin: &Origin<'py>) -> PyResult<Bound<'py, Store>> {
    let py = object.py();
    if origin.kind == Kind::Memory {
        let reason = "its objects are in memory that only its own library can read; use a LocalStore, or a store of this library";
        return Err(refused(object, reason, None));
    }
    for class in &origin.derived {
        let own = class.getattr(intern!(py, "__dict__"))?;
        for method in METHODS {
            if own.contains(method)? || own.contains(format!("{method}_async"))? {
                let reason = format!("the class {} overrides {method}, which would be lost", full_name(class));
                return Err(refused(object, &reason, None));
            }
        }
    }
    let class = class_of(py, origin.kind);
    // A class of this crate in another module says more than others would understand.
    if let Some(describe) = object.getattr_opt(intern!(py, "_longshore_state"))? {
        return Ok(state::restore(&class, &describe.call0()?)?.cast_into()?);
    }
    let Some(describe) = object.getattr_opt(intern!(py, "__getnewargs_ex__"))? else {
        let reason = "it does not say how it was made; it has no __getnewargs_ex__";
        return Err(refused(object, reason, None));
    };
    let arguments = describe.call0().and_then(|said| said.extract::<(Bound<'py, PyTuple>, Bound<'py, PyDict>)>());
    let (positional, keywords) =
        arguments.map_err(|cause| refused(object, "it could not say how it was made", Some(cause)))?;
    let store = class.call(positional, Some(&keywords)).map_err(|cause| {
        let reason = format!("{} does not understand how it was made; {}", full_name(&class), cause.value(py));
        refused(object, &reason, Some(cause))
    })?;
    Ok(store.cast_into()?)
}

/// Like `anew`, for a file system of `fsspec`.
fn from_file_system<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Store>>> {
    let py = object.py();
    let described = fsspec(py)?.call_method1(intern!(py, "describe"), (object,));
    let described = described.map_err(|cause| match cause.is_instance_of::<PyLookupError>(py) {
        true => refused(object, &cause.value(py).to_string(), None),
        false => cause,
    })?;
    if described.is_none() {
        return Ok(None);
    }
    let (name, positional, keywords): (String, Bound<'py, PyTuple>, Bound<'py, PyDict>) = described.extract()?;
    let kind = Kind::named(&name).ok_or_else(|| refused(object, "there is no such kind of store here", None))?;
    if kind.cloud().is_some() && positional.is_empty() {
        return all_buckets(kind, &keywords).map(Some);
    }
    Ok(Some(class_of(py, kind).call(positional, Some(&keywords))?.cast_into()?))
}

/// A file system without a bucket: keys begin with one.
fn all_buckets<'py>(kind: Kind, keywords: &Bound<'py, PyDict>) -> PyResult<Bound<'py, Store>> {
    let py = keywords.py();
    let take = |name: &str| keywords.call_method1(intern!(py, "pop"), (name, py.None())).map(Some);
    let arguments = Arguments {
        prefix: None,
        config: take("config")?,
        client_options: take("client_options")?,
        retry_config: take("retry_config")?,
        credential_provider: take("credential_provider")?.filter(|provider| !provider.is_none()),
        kwargs: Some(keywords.clone()),
    };
    let given = arguments.read(py, kind.name(), kind.cloud())?;
    let objects: Arc<dyn ObjectStore> = Arc::new(Buckets::new(kind.scheme(), given.options, Environment::read()));
    let inner =
        Inner { foreign: Some(Arc::clone(&objects)), ..Inner::new(Kind::Other, adopt_for_all_processes(objects)) };
    let inner = Inner { provider: given.provider, ..inner };
    Ok(wrap(&class_of(py, Kind::Other), Arc::new(inner))?.cast_into()?)
}

/// A store that a URL or a path names; `None` for what is neither.
pub(crate) fn named<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Store>>> {
    let py = object.py();
    if let Ok(text) = object.cast::<PyString>() {
        if !text.to_string_lossy().contains("://") {
            let cure = "write file:///path, s3://bucket/path and so on, or pass a pathlib.Path";
            return Err(invalid(py, &format!("{} is no URL; {cure}", text.repr()?)));
        }
        return Ok(Some(from_url(py, object, None)?.cast_into()?));
    }
    if object.getattr_opt(intern!(py, "__fspath__"))?.is_some() {
        return Ok(Some(class_of(py, Kind::Local).call1((object,))?.cast_into()?));
    }
    Ok(None)
}

/// Says once for each class of others that its stores share nothing with ours.
fn warn(object: &Bound<'_, PyAny>, store: &Bound<'_, Store>) -> PyResult<()> {
    let name = type_name(object);
    if !cfg!(feature = "external-store-warning") {
        return Ok(());
    }
    {
        let warned: &Warned = Context::process().part();
        let mut warned = warned.0.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.contains(&name) {
            return Ok(());
        }
        warned.push(name.clone());
    }
    let ours = full_name(&store.get_type());
    let message = format!(
        "{name} was built anew as {ours}: the new store has connections and credentials of its own. Make it with {ours} to \
         share them"
    );
    let warn = object.py().import(intern!(object.py(), "warnings"))?.getattr(intern!(object.py(), "warn"))?;
    warn.call1((message, object.py().get_type::<PyRuntimeWarning>())).map(drop)
}
