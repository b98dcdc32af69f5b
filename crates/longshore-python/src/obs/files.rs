//! Objects that are open for reading, as files are.

use bytes::Bytes;
use longshore_engine::{Reader as Reading, ReaderOptions};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use super::belonging::Belonging;
use super::meta::describe;
use super::place::Where;
use super::{give, with_class, wrapped};
use crate::arguments::whole;
use crate::call::{Call, How};

/// What `longshore.obs.ReadableFile` and its twin are made of.
#[pyclass(frozen, weakref, module = "longshore._native")]
pub(crate) struct Reader {
    meta: longshore_engine::Metadata,
    reader: Belonging<Reading>,
}

#[pyfunction]
pub(crate) fn store_reader<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
    buffer_size: &Bound<'py, PyAny>,
    size: &Bound<'py, PyAny>,
    class: Py<PyAny>,
) -> PyResult<Py<PyAny>> {
    let place = Where::of(store, "get")?;
    let spot = place.spot("path", path)?;
    let buffer = whole("buffer_size", buffer_size, 1)?;
    let size = if size.is_none() { None } else { Some(whole("size", size, 0)?) };
    Call::with_shelf(py, how, with_class(class)).run(
        |_, _| async move {
            let reader = Reading::open(spot, ReaderOptions { buffer, size }).await?;
            let mut meta = reader.meta.clone();
            meta.key = place.stripped(meta.key);
            Ok(Reader { meta, reader: Belonging::new(reader) })
        },
        wrapped,
    )
}

#[pymethods]
impl Reader {
    /// What was known of the object when it was opened.
    #[getter]
    fn meta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        describe(py, self.meta.clone())
    }

    /// Its size in bytes.
    #[getter]
    fn size(&self) -> u64 {
        self.meta.size
    }

    /// Lets go of the object, and of what was read ahead or is on its way.
    fn close(&self) {
        self.reader.close();
    }

    /// The bytes from `at` on, `length` of them or up to the object's end, in the pieces that they came in.
    fn read(
        &self,
        py: Python<'_>,
        how: How<'_>,
        at: &Bound<'_, PyAny>,
        length: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let reader = self.reader.shared()?;
        let (at, length) = (whole("offset", at, 0)?, whole("length", length, 0)?);
        Call::new(py, how, None).run(
            |_, _| async move { reader.lock().await.read(at, length).await },
            |py, pieces: Vec<Bytes>, _| {
                let pieces: Vec<_> = pieces.into_iter().map(|piece| give(py, piece)).collect::<PyResult<_>>()?;
                Ok(PyList::new(py, pieces)?.into_any().unbind())
            },
        )
    }

    /// The same in one piece.
    fn read_joined(
        &self,
        py: Python<'_>,
        how: How<'_>,
        at: &Bound<'_, PyAny>,
        length: &Bound<'_, PyAny>,
    ) -> PyResult<Py<PyAny>> {
        let reader = self.reader.shared()?;
        let (at, length) = (whole("offset", at, 0)?, whole("length", length, 0)?);
        Call::new(py, how, None).run(
            |_, _| async move { reader.lock().await.read_joined(at, length).await },
            |py, bytes: Bytes, _| give(py, bytes),
        )
    }
}
