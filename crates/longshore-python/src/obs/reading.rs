//! Reads: an object, what is known of it, and parts of it.

use bytes::Bytes;
use longshore_engine::{RangesOptions, open, read_ranges, stat};
use object_store::{GetOptions, GetRange};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::answer::Answer;
use super::meta::describe;
use super::options::{bounded, get_options, many_bounded};
use super::place::Where;
use super::{give, with_class, wrapped};
use crate::arguments::whole;
use crate::call::{Call, How};

#[pyfunction]
pub(crate) fn store_get<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
    options: &Bound<'py, PyAny>,
    class: Py<PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "get")?;
    let (spot, options) = (place.spot("path", path)?, get_options(options)?);
    Call::with_shelf(py, how, with_class(class)).run(
        |_, _| async move {
            let answer = open(&spot, options).await?;
            let mut meta = answer.meta.clone();
            meta.key = place.stripped(meta.key);
            Ok(Answer::new(answer, meta, spot.uri.to_string()))
        },
        wrapped,
    )
}

#[pyfunction]
pub(crate) fn store_head<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "head")?;
    let spot = place.spot("path", path)?;
    Call::new(py, how, None).run(
        |_, _| async move {
            let mut meta = stat(&spot).await?;
            meta.key = place.stripped(meta.key);
            Ok(meta)
        },
        |py, meta, _| Ok(describe(py, meta)?.into_any().unbind()),
    )
}

#[pyfunction]
pub(crate) fn store_get_range<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
    start: &Bound<'py, PyAny>,
    end: &Bound<'py, PyAny>,
    length: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let spot = Where::of(store, "get")?.spot("path", path)?;
    let range = Some(GetRange::Bounded(bounded(start, end, length)?));
    Call::new(py, how, None).run(
        |_, _| async move { open(&spot, GetOptions { range, ..GetOptions::default() }).await?.collect().await },
        |py, bytes, _| give(py, bytes),
    )
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are the arguments of one Python function")]
pub(crate) fn store_get_ranges<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
    starts: &Bound<'py, PyAny>,
    ends: &Bound<'py, PyAny>,
    lengths: &Bound<'py, PyAny>,
    coalesce: &Bound<'py, PyAny>,
    max_concurrency: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let spot = Where::of(store, "get")?.spot("path", path)?;
    let ranges = many_bounded(starts, ends, lengths)?;
    let coalesce = whole("coalesce", coalesce, 0)?;
    let in_flight = usize::try_from(whole("max_concurrency", max_concurrency, 1)?).unwrap_or(usize::MAX);
    Call::new(py, how, None).run(
        |_, _| async move { read_ranges(&spot, ranges, RangesOptions { coalesce, in_flight }).await },
        |py, read: Vec<Bytes>, _| {
            let read: Vec<_> = read.into_iter().map(|bytes| give(py, bytes)).collect::<PyResult<_>>()?;
            Ok(PyList::new(py, read)?.into_any().unbind())
        },
    )
}
