//! Deletes, copies, renames, and URLs for others.

use std::time::Duration;

use longshore_engine::{Context, copy_to, remove, remove_empty_folders, rename, sign};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::place::Where;
use crate::arguments::{flag, text};
use crate::call::{Call, How};
use crate::errors::{invalid, wrong_type};

/// What a URL can be signed for.
const METHODS: [&str; 9] = ["GET", "PUT", "POST", "HEAD", "PATCH", "TRACE", "DELETE", "OPTIONS", "CONNECT"];

#[pyfunction]
pub(crate) fn store_delete<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    paths: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "delete")?;
    let (spots, _) = place.spots("paths", paths)?;
    let context = match spots.as_slice() {
        [one] => Context::new("delete", &*one.uri),
        _ => Context::new("delete", place.uri(&place.whole(""))),
    };
    let keys: Vec<String> = spots.into_iter().map(|spot| spot.key).collect();
    Call::new(py, how, None).run(
        |_, _| async move {
            let tidy = place.tidy.clone().map(|root| (root, keys.clone()));
            let removed = remove(&place.place, keys, |key| place.uri(key), &context).await;
            if let Some((root, keys)) = tidy {
                remove_empty_folders(&place.place, &root, keys).await;
            }
            removed
        },
        |py, (), _| Ok(py.None()),
    )
}

#[pyfunction]
pub(crate) fn store_copy<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    from: &Bound<'py, PyAny>,
    to: &Bound<'py, PyAny>,
    overwrite: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "copy")?;
    let (from, to, overwrite) = (place.spot("from_", from)?, place.spot("to", to)?, flag("overwrite", overwrite)?);
    Call::new(py, how, None).run(|_, _| async move { copy_to(&from, &to, !overwrite).await }, |py, (), _| Ok(py.None()))
}

#[pyfunction]
pub(crate) fn store_rename<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    from: &Bound<'py, PyAny>,
    to: &Bound<'py, PyAny>,
    overwrite: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "rename")?;
    let (from, to, overwrite) = (place.spot("from_", from)?, place.spot("to", to)?, flag("overwrite", overwrite)?);
    Call::new(py, how, None).run(|_, _| async move { rename(&from, &to, !overwrite).await }, |py, (), _| Ok(py.None()))
}

#[pyfunction]
pub(crate) fn store_sign<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    method: &Bound<'py, PyAny>,
    paths: &Bound<'py, PyAny>,
    expires_in: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "sign")?;
    let method = text("method", method)?;
    if !METHODS.contains(&&*method) {
        return Err(invalid(py, &format!("method must be one of {}, not {method:?}", METHODS.join(", "))));
    }
    let (spots, is_one) = place.spots("paths", paths)?;
    let seconds = expires_in.call_method0("total_seconds").and_then(|seconds| seconds.extract::<f64>());
    let seconds = seconds.map_err(|_| wrong_type(py, "expires_in must be a timedelta"))?;
    if seconds < 1.0 {
        return Err(invalid(py, "expires_in must be at least a second"));
    }
    let expires_in = Duration::try_from_secs_f64(seconds).map_err(|_| invalid(py, "expires_in is too long"))?;
    Call::new(py, how, None).run(
        |_, _| async move {
            let mut signed = Vec::with_capacity(spots.len());
            for spot in spots {
                signed.push(sign(&spot, &method, expires_in).await?);
            }
            Ok(signed)
        },
        move |py, mut signed: Vec<String>, _| match signed.pop() {
            Some(only) if is_one => Ok(only.into_pyobject(py)?.into_any().unbind()),
            last => {
                signed.extend(last);
                Ok(PyList::new(py, signed)?.into_any().unbind())
            }
        },
    )
}
