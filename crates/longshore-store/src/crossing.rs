//! Stores that cross, alive, between modules that were compiled separately.
//!
//! A store leaves as a table of C functions in a capsule, which works on this module's runtime, with its connections and its
//! credentials. There is one exporter for each process, and one table for each store: a forked child that asks gets a new one.
//! A store of another module arrives as a [`ForeignStore`], or, where it is of this very module, as what it is.

use std::sync::Arc;
use std::time::Duration;

use longshore_abi::StoreRef;
use longshore_abi::raw::{ERROR_TIMEOUT, ERROR_UNAUTHENTICATED};
use longshore_config::{Configured, Context, Scheme, Store as Handle, adopt};
use longshore_ffi::v0_14::ForeignStore;
use longshore_ffi::{Exported, Exporter, Settings, Sign, SignRequest, Verdict};
use longshore_runtime::fork::{self, PerProcess};
use object_store::path::Path;
use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions};
use object_store::{Error, ObjectStore};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCFunction;

use crate::error::{class, config_error};
use crate::serving::{export_store, overrides};
use crate::store::{Inner, Kind, Store, class_of, wrap};
use crate::support::support;
use crate::{MaybePrefixedStore, OnRuntime, capsule, prefix};

/// Who exports and imports, as the other side's errors say it.
const INFO: &str = concat!("longshore-store ", env!("CARGO_PKG_VERSION"));

/// How long the end of the interpreter waits for what other modules have under way.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a path of a URL holds unencoded.
const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[derive(Default)]
struct Crossing {
    exporter: PerProcess<Exporter>,
    /// Set when the end of the interpreter will be waited for.
    ends: PyOnceLock<()>,
}

/// A capsule of the live store, for an importer that knows the interface up to `max_abi`.
pub(crate) fn capsule<'py>(
    store: &Bound<'py, Store>,
    max_abi: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = store.py();
    if overrides(store)? {
        // Not kept with the store: it would keep the store, and itself, for ever.
        let served = export_store(store, 8)?.cast_into::<Store>()?;
        served.get().0.make_ready()?;
        return capsule::wrapped(py, export(py, &served.get().0)?, max_abi);
    }
    let inner = &store.get().0;
    inner.make_ready()?;
    let table = inner.table.get_or_try_make(|| export(py, inner))?;
    let table = table.retained().map_err(|error| pyo3::exceptions::PyRuntimeError::new_err(error.to_string()))?;
    capsule::wrapped(py, table, max_abi)
}

fn export(py: Python<'_>, inner: &Inner) -> PyResult<StoreRef> {
    let live = inner.handle.live().map_err(|error| config_error(py, Some(inner.kind.name()), &error))?;
    // The client itself: the exporter does every request on the runtime.
    let prefixed = MaybePrefixedStore::new(Arc::clone(&live.objects), inner.prefix().cloned());
    let store: Arc<dyn ObjectStore> = match inner.prefix() {
        Some(_) => Arc::new(prefixed),
        None => Arc::clone(&live.objects),
    };
    let signer = live.signer.as_ref().map(|_| {
        Arc::new(Signer { handle: Arc::clone(&inner.handle), prefix: inner.prefix().cloned() }) as Arc<dyn Sign>
    });
    let (url, config_json) = match inner.kind {
        Kind::Other => (None, None),
        _ => (Some(inner.objects.to_string()), Some(settings(inner.handle.configuration()))),
    };
    Ok(exporter(py)?.export(Exported { store, signer, url, config_json }))
}

/// This process's exporter.
fn exporter(py: Python<'_>) -> PyResult<&'static Exporter> {
    let crossing: &'static Crossing = Context::process().part();
    let exporter = crossing.exporter.get_or_try_make(|| {
        let settings =
            Settings { info: INFO, fork_generation: Some(fork::generation), judge: Some(judge), ..Settings::default() };
        Ok::<_, PyErr>(Exporter::new(Context::process().runtime()?, settings))
    })?;
    crossing.ends.get_or_try_init(py, || {
        let close = PyCFunction::new_closure(py, None, None, |arguments, _keywords| close(arguments.py()))?;
        py.import(intern!(py, "atexit"))?.call_method1(intern!(py, "register"), (close,)).map(drop)
    })?;
    Ok(exporter)
}

/// Refuses what is new and ends what is under way, while callbacks can still be made.
fn close(py: Python<'_>) {
    let crossing: &'static Crossing = Context::process().part();
    if let Some(exporter) = crossing.exporter.get() {
        py.detach(|| exporter.shut_down(PATIENCE));
    }
}

/// The settings that were said, without secrets, as JSON.
fn settings(said: &[Configured]) -> String {
    let said = said.iter().filter(|one| !one.secret);
    let object: serde_json::Map<_, _> = said.map(|one| (one.name.to_owned(), one.value.clone().into())).collect();
    serde_json::Value::Object(object).to_string()
}

/// What an error means to the other side, where `object_store` has no kind for it.
fn judge(error: &Error) -> Verdict {
    let (code, is_retryable) = match class(error) {
        "TimeoutError" => (Some(ERROR_TIMEOUT), true),
        "ConnectionError" => (None, true),
        "UnauthenticatedError" => (Some(ERROR_UNAUTHENTICATED), false),
        _ => (None, false),
    };
    Verdict { code, is_retryable, http_status: None }
}

/// Signs with the store's own credentials.
struct Signer {
    handle: Arc<Handle>,
    prefix: Option<Path>,
}

impl Sign for Signer {
    fn sign<'a>(
        &'a self,
        path: &'a Path,
        request: &'a SignRequest,
    ) -> futures::future::BoxFuture<'a, object_store::Result<String>> {
        Box::pin(async move {
            let live = self.handle.live().map_err(other)?;
            let Some(signer) = &live.signer else {
                return Err(Error::NotSupported { source: "these credentials cannot sign URLs".into() });
            };
            let method = Method::from_bytes(request.method.as_bytes()).map_err(other)?;
            let path = prefix::join(self.prefix.as_ref(), path);
            // Google's signer takes the path for a piece of a URL, and so for one that is encoded. The others encode it.
            let path = match self.handle.scheme() {
                Scheme::Gcs => Path::parse(utf8_percent_encode(path.as_ref(), &IN_PATH).to_string())?,
                _ => path,
            };
            let mut options = SignedUrlOptions::new().with_query(request.query.iter().cloned());
            for (name, value) in &request.headers {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(other)?;
                options = options.with_signed_header(name, HeaderValue::from_str(value).map_err(other)?);
            }
            signer.signed_url_opts(method, &path, request.expires, &options).await.map(String::from)
        })
    }
}

fn other(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "longshore", source: Box::new(source) }
}

/// The live store that `object` gives; `None` where it gives none.
pub(crate) fn arriving(object: &Bound<'_, PyAny>) -> PyResult<Option<Arc<dyn ObjectStore>>> {
    let Some(table) = capsule::unwrapped(object, INFO)? else { return Ok(None) };
    Ok(Some(match longshore_ffi::local(&table) {
        // Whoever polls it need not be on our runtime.
        Some(objects) => Arc::new(OnRuntime::new(adopt(objects))),
        None => Arc::new(ForeignStore::new(table)),
    }))
}

/// A store of this module: `object` itself, or the live store that it gives, as a store that Rust made.
///
/// `None` for what is neither. The same object gives the same store, for as long as it exists, in each process.
///
/// # Errors
///
/// What the object's method `__object_store_capsule__` raises, and what is said of a capsule that cannot be used.
pub fn received<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, Store>>> {
    let py = object.py();
    if let Ok(store) = object.cast::<Store>() {
        return Ok(Some(store.clone()));
    }
    let support = support(py)?;
    let known = support.call_method1(intern!(py, "remembered"), (object, "live"))?;
    if let Ok(store) = known.cast_into::<Store>()
        // In a forked child, what the parent was given is of no use.
        && store.get().0.handle.live().is_ok()
    {
        return Ok(Some(store));
    }
    let Some(objects) = arriving(object)? else { return Ok(None) };
    let inner = Inner { foreign: Some(Arc::clone(&objects)), ..Inner::new(Kind::Other, adopt(objects)) };
    let store = wrap(&class_of(py, Kind::Other), Arc::new(inner))?.cast_into::<Store>()?;
    support.call_method1(intern!(py, "remember"), (object, "live", &store))?;
    Ok(Some(store))
}
