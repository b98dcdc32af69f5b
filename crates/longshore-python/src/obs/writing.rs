//! Writes: of what is in memory or in a file at once, and of what comes piece by piece.

use std::path::PathBuf;

use longshore_engine::{Put, Writer as Writing, WriterOptions, put_file, put_slices};
use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

use super::belonging::Belonging;
use super::meta::describe_put;
use super::options::put_options;
use super::place::Where;
use crate::arguments::{flag, whole};
use crate::call::{Call, How};
use crate::landing::{keepable, lend};

/// How a write is done, as Python says it.
#[derive(FromPyObject)]
pub(crate) struct Said<'py> {
    attributes: Bound<'py, PyAny>,
    tags: Bound<'py, PyAny>,
    mode: Bound<'py, PyAny>,
    use_multipart: Bound<'py, PyAny>,
    chunk_size: Bound<'py, PyAny>,
    max_concurrency: Bound<'py, PyAny>,
}

impl Said<'_> {
    fn options(&self) -> PyResult<WriterOptions> {
        let in_parts = &self.use_multipart;
        Ok(WriterOptions {
            put: put_options(&self.attributes, &self.tags, &self.mode)?,
            part_bytes: whole("chunk_size", &self.chunk_size, 1)?,
            in_flight: usize::try_from(whole("max_concurrency", &self.max_concurrency, 1)?).unwrap_or(usize::MAX),
            in_parts: if in_parts.is_none() { None } else { Some(flag("use_multipart", in_parts)?) },
            size: None,
        })
    }
}

/// Writes what is in memory.
#[pyfunction]
pub(crate) fn store_put<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
    data: &Bound<'py, PyAny>,
    said: Said<'py>,
) -> PyResult<Py<PyAny>> {
    let spot = Where::of(store, "put")?.spot("path", path)?;
    let options = said.options()?;
    let mut call = Call::new(py, how, None);
    let body = lend("file", data, &mut call.shelf)?;
    call.run(
        |mailbox, _| {
            let body = body(mailbox);
            async move {
                let context = longshore_engine::Context::new("put", &*spot.uri);
                let body = if spot.place.keeps_bodies() { keepable(body, &context).await? } else { body };
                put_slices(spot, body, options).await
            }
        },
        |py, put, _| describe_put(py, put),
    )
}

/// Writes what is in a local file.
#[pyfunction]
pub(crate) fn store_put_file<'py>(
    py: Python<'py>,
    how: How<'py>,
    store: &Bound<'py, PyAny>,
    path: &Bound<'py, PyAny>,
    file: PathBuf,
    said: Said<'py>,
) -> PyResult<Py<PyAny>> {
    let spot = Where::of(store, "put")?.spot("path", path)?;
    let options = said.options()?;
    Call::new(py, how, None)
        .run(|_, _| async move { put_file(spot, &file, options).await }, |py, put, _| describe_put(py, put))
}

/// An object on its way into a store; what `longshore.obs.WritableFile` is made of.
#[pyclass(frozen, weakref, module = "longshore._native")]
pub(crate) struct Writer(Belonging<Writing>);

#[pyfunction]
pub(crate) fn store_writer(store: &Bound<'_, PyAny>, path: &Bound<'_, PyAny>, said: Said<'_>) -> PyResult<Writer> {
    let py = store.py();
    let spot = Where::of(store, "put")?.spot("path", path)?;
    let writer = Writing::new(spot, said.options()?).map_err(|error| crate::errors::raise(py, &error))?;
    Ok(Writer(Belonging::new(writer)))
}

#[pymethods]
impl Writer {
    /// How many bytes it takes before `send` must be called.
    fn room(&self) -> PyResult<u64> {
        self.0.now(|writer| writer.room())
    }

    /// How many bytes it was given.
    fn written(&self) -> PyResult<u64> {
        self.0.now(|writer| writer.written())
    }

    /// Takes a copy of `data`, which is contiguous and of bytes.
    fn push(&self, py: Python<'_>, data: PyBuffer<u8>) -> PyResult<()> {
        let chunk = data.to_vec(py)?;
        self.0.now(|mut writer| writer.push(chunk.into()))
    }

    /// Sends what is full.
    fn send(&self, py: Python<'_>, how: How<'_>) -> PyResult<Py<PyAny>> {
        let writer = self.0.shared()?;
        Call::new(py, how, None).run(|_, _| async move { writer.lock().await.send().await }, |py, (), _| Ok(py.None()))
    }

    /// Sends what is full, and waits for it.
    fn flush(&self, py: Python<'_>, how: How<'_>) -> PyResult<Py<PyAny>> {
        let writer = self.0.shared()?;
        Call::new(py, how, None).run(|_, _| async move { writer.lock().await.flush().await }, |py, (), _| Ok(py.None()))
    }

    /// Makes the object.
    fn finish(&self, py: Python<'_>, how: How<'_>) -> PyResult<Py<PyAny>> {
        let writer = self.0.shared()?;
        Call::new(py, how, None)
            .run(|_, _| async move { writer.lock().await.finish().await }, |py, put: Put, _| describe_put(py, put))
    }

    /// Takes back what was sent.
    fn abort(&self, py: Python<'_>, how: How<'_>) -> PyResult<Py<PyAny>> {
        let writer = self.0.shared()?;
        Call::new(py, how, None).run(|_, _| async move { writer.lock().await.abort().await }, |py, (), _| Ok(py.None()))
    }
}
