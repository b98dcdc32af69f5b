//! Listings: as streams of chunks, and level by level.

use std::sync::Arc;

use longshore_engine::{Context, Lister, Metadata, list_level};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::arrow::RecordBatch;
use super::belonging::Belonging;
use super::meta::describe;
use super::place::Where;
use crate::arguments::{flag, optional_text, whole};
use crate::call::{Call, How};

/// What `longshore.obs.ListStream` is made of.
#[pyclass(frozen, weakref, module = "longshore._native")]
pub(crate) struct Listing {
    lister: Belonging<Lister>,
    place: Arc<Where>,
    arrow: bool,
}

#[pymethods]
impl Listing {
    /// The next chunk of so many objects, or of all that remain; shorter only at the end, and empty after it.
    fn next(&self, py: Python<'_>, how: How<'_>, most: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let most = match most {
            Some(most) => usize::try_from(whole("chunk_size", most, 1)?).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let (lister, place, arrow) = (self.lister.shared()?, Arc::clone(&self.place), self.arrow);
        Call::new(py, how, None).run(
            |_, _| async move {
                let mut found = lister.lock().await.next(most).await?;
                for meta in &mut found {
                    meta.key = place.stripped(std::mem::take(&mut meta.key));
                }
                Ok(found)
            },
            move |py, found, _| described(py, found, arrow),
        )
    }
}

fn described(py: Python<'_>, found: Vec<Metadata>, arrow: bool) -> PyResult<Py<PyAny>> {
    if arrow {
        return Ok(Py::new(py, RecordBatch::of(py, found)?)?.into_any());
    }
    let list = PyList::empty(py);
    for (index, meta) in found.into_iter().enumerate() {
        if index % 1000 == 999 {
            // Other threads get a turn.
            py.detach(|| {});
        }
        list.append(describe(py, meta)?)?;
    }
    Ok(list.into_any().unbind())
}

#[pyfunction]
pub(crate) fn store_list(
    store: &Bound<'_, PyAny>,
    prefix: &Bound<'_, PyAny>,
    offset: &Bound<'_, PyAny>,
    string_prefix: &Bound<'_, PyAny>,
    return_arrow: &Bound<'_, PyAny>,
) -> PyResult<Listing> {
    let place = Where::of(store, "list")?;
    let prefix = prefix_of(&place, prefix, flag("string_prefix", string_prefix)?)?;
    let offset = optional_text("offset", offset)?.map(|offset| place.whole(&offset));
    let context = Context::new("list", place.uri(&prefix));
    let lister = Belonging::new(Lister::new(&place.place, &prefix, offset, &context));
    Ok(Listing { lister, place: Arc::new(place), arrow: flag("return_arrow", return_arrow)? })
}

#[pyfunction]
pub(crate) fn store_list_with_delimiter<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    prefix: &Bound<'py, PyAny>,
    string_prefix: &Bound<'py, PyAny>,
    return_arrow: &Bound<'py, PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "list")?;
    let prefix = prefix_of(&place, prefix, flag("string_prefix", string_prefix)?)?;
    let arrow = flag("return_arrow", return_arrow)?;
    let context = Context::new("list", place.uri(&prefix));
    Call::new(py, how, None).run(
        |_, _| async move {
            let (mut found, folders) = list_level(&place.place, &prefix, &context).await?;
            for meta in &mut found {
                meta.key = place.stripped(std::mem::take(&mut meta.key));
            }
            let folders = folders.into_iter().map(|folder| {
                let mut folder = place.stripped(folder);
                folder.pop();
                folder
            });
            Ok((found, folders.collect()))
        },
        move |py, (found, folders): (_, Vec<String>), _| {
            let result = PyDict::new(py);
            result.set_item("common_prefixes", folders)?;
            result.set_item("objects", described(py, found, arrow)?)?;
            Ok(result.into_any().unbind())
        },
    )
}

/// What whole keys begin with. A prefix is made of whole segments, unless it is said to be a mere text.
fn prefix_of(place: &Where, prefix: &Bound<'_, PyAny>, is_text: bool) -> PyResult<String> {
    let mut prefix = optional_text("prefix", prefix)?.unwrap_or_default();
    if !is_text && !prefix.is_empty() && !prefix.ends_with('/') {
        prefix.push('/');
    }
    Ok(place.whole(&prefix))
}
