//! Listings, deletes, and what is neither a read nor a write.

use longshore_engine::{Context, ErrorKind, Metadata, delete_object, delete_prefix, expand, list as list_all};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arguments::{Target, flag, text};
use crate::call::{Call, How};
use crate::errors::raise;

#[pyfunction]
pub(crate) fn list<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let target = Target::new(py, "list", store)?;
    let (location, store) = target.place(&uri)?;
    let wildcard = location.has_wildcard();
    let prefix = if wildcard { Ok(String::new()) } else { location.prefix("") };
    let prefix = prefix.map_err(|error| target.refuse(&uri, error))?;
    Call::new(py, how, listener).run(
        |_, progress| {
            async move {
                let context = Context::new("list", uri);
                let keys: Vec<String> = if wildcard {
                    match expand(&store, &location, &context, &progress).await {
                        Ok(objects) => objects.into_iter().map(|object| object.key).collect(),
                        // An empty listing is an answer; a missing bucket is not.
                        Err(error) if error.kind() == ErrorKind::NotFound && error.status().is_none() => Vec::new(),
                        Err(error) => return Err(error),
                    }
                } else {
                    list_all(&store, &prefix, &context, &progress).await?.into_iter().map(|entry| entry.key).collect()
                };
                progress.finish();
                Ok(keys)
            }
        },
        |py, keys: Vec<String>, _| Ok(PyList::new(py, keys)?.into_any().unbind()),
    )
}

#[pyfunction]
pub(crate) fn delete<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    whole_bucket: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
    listener: Option<Py<PyAny>>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let target = Target::new(py, "delete", store)?;
    let whole_bucket = flag("whole_bucket", whole_bucket)?;
    let (location, store) = target.place(&uri)?;
    let context = Context::new("delete", &*uri);
    if location.is_bare_bucket() {
        let reason = match location.scheme() {
            longshore_config::Scheme::File => Some("this names the root of the file system, which is never deleted"),
            _ if !whole_bucket => {
                Some("this names a whole bucket; pass whole_bucket=True to delete every object in it")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            return Err(raise(py, &context.error(ErrorKind::InvalidArgument, reason)));
        }
    }
    let instead = "delete takes one key, or a prefix that ends in /";
    let key = location.prefix(instead).map_err(|error| target.refuse(&uri, error))?;
    Call::new(py, how, listener).run(
        |_, progress| async move {
            if key.is_empty() || key.ends_with('/') {
                return delete_prefix(&store, &key, &context, &progress).await.map(drop);
            }
            progress.expect(1);
            delete_object(&longshore_engine::Object { store, key, uri: uri.into() }).await?;
            progress.add(1, 0);
            progress.finish();
            Ok(())
        },
        |py, (), _| Ok(py.None()),
    )
}

#[pyfunction]
pub(crate) fn head<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let object = Target::new(py, "head", store)?.object(&uri, "use list")?;
    Call::new(py, how, None).run(|_, _| async move { longshore_engine::head(&object).await }, describe)
}

/// The fields of obstore's `ObjectMeta`.
fn describe(py: Python<'_>, metadata: Metadata, _shelf: &mut longshore_runtime::Shelf) -> PyResult<Py<PyAny>> {
    let zone = py.import("datetime")?.getattr("timezone")?.getattr("utc")?;
    let moment = metadata.last_modified;
    let seconds = moment.timestamp() as f64 + f64::from(moment.timestamp_subsec_micros()) / 1e6;
    let meta = PyDict::new(py);
    meta.set_item("path", metadata.key)?;
    meta.set_item(
        "last_modified",
        py.import("datetime")?.getattr("datetime")?.call_method1("fromtimestamp", (seconds, zone))?,
    )?;
    meta.set_item("size", metadata.size)?;
    meta.set_item("e_tag", metadata.e_tag)?;
    meta.set_item("version", metadata.version)?;
    Ok(meta.into_any().unbind())
}

#[pyfunction]
pub(crate) fn exists<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let object = Target::new(py, "exists", store)?.object(&uri, "use list")?;
    Call::new(py, how, None).run(
        |_, _| async move { longshore_engine::exists(&object).await },
        |py, there: bool, _| Ok(there.into_pyobject(py)?.to_owned().into_any().unbind()),
    )
}

#[pyfunction]
pub(crate) fn copy<'py>(
    py: Python<'py>,
    how: How<'py>,
    source: &Bound<'py, PyAny>,
    target: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let (from, to) = (text("src", source)?, text("dst", target)?);
    let arguments = Target::new(py, "copy", store)?;
    let (from, to) = (arguments.object(&from, "copy one object")?, arguments.object(&to, "copy one object")?);
    Call::new(py, how, None)
        .run(|_, _| async move { longshore_engine::copy(&from, &to).await }, |py, (), _| Ok(py.None()))
}

#[pyfunction]
pub(crate) fn create_bucket<'py>(
    py: Python<'py>,
    how: How<'py>,
    uri: &Bound<'py, PyAny>,
    store: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let uri = text("uri", uri)?;
    let arguments = Target::new(py, "create_bucket", store)?;
    let (location, store) = arguments.place(&uri)?;
    let key = location.prefix("a bucket has one name").map_err(|error| arguments.refuse(&uri, error))?;
    Call::new(py, how, None).run(
        |_, _| async move {
            let context = Context::new("create_bucket", uri);
            longshore_engine::create_bucket(&store, &key, &context).await
        },
        |py, (), _| Ok(py.None()),
    )
}
