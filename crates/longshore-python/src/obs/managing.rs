//! Deletes, copies and renames.

use longshore_engine::{Context, copy_to, remove, rename};
use pyo3::prelude::*;

use super::place::Where;
use crate::arguments::flag;
use crate::call::{Call, How};

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
    let keys = spots.into_iter().map(|spot| spot.key).collect();
    Call::new(py, how, None).run(
        |_, _| async move { remove(&place.place, keys, |key| place.uri(key), &context).await },
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
