//! The answer to a read: what the store says of the object, and its bytes when they are asked for.

use bytes::Bytes;
use longshore_engine::{Answer as Reading, Context, Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::belonging::Belonging;
use super::give;
use super::meta::{describe, describe_attributes};
use crate::arguments::whole;
use crate::call::{Call, How};

/// What `longshore.obs.GetResult` is made of.
#[pyclass(frozen, weakref, module = "longshore._native")]
pub(crate) struct Answer {
    meta: longshore_engine::Metadata,
    attributes: object_store::Attributes,
    range: (u64, u64),
    remaining: u64,
    uri: String,
    body: Belonging<Body>,
}

enum Body {
    Here(Box<Reading>),
    /// A task puts the next chunk together while this one is being used.
    Coming {
        chunks: mpsc::Receiver<Result<Bytes, Error>>,
        _task: AbortOnDrop,
    },
    Taken,
}

struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Answer {
    pub(super) fn new(reading: Reading, meta: longshore_engine::Metadata, uri: String) -> Self {
        Self {
            meta,
            attributes: reading.attributes.clone(),
            range: (reading.range.start, reading.range.end),
            remaining: reading.remaining(),
            uri,
            body: Belonging::new(Body::Here(Box::new(reading))),
        }
    }
}

#[pymethods]
impl Answer {
    #[getter]
    fn meta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        describe(py, self.meta.clone())
    }

    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        describe_attributes(py, &self.attributes)
    }

    #[getter]
    fn range(&self) -> (u64, u64) {
        self.range
    }

    /// How many bytes the body has; none where only the description was asked for.
    #[getter]
    fn length(&self) -> u64 {
        self.remaining
    }

    /// All bytes. What was taken before, as chunks, is not among them.
    fn collect(&self, py: Python<'_>, how: How<'_>) -> PyResult<Py<PyAny>> {
        let (body, uri) = (self.body.shared()?, self.uri.clone());
        Call::new(py, how, None).run(
            |_, _| async move {
                let mut body = body.lock().await;
                match std::mem::replace(&mut *body, Body::Taken) {
                    Body::Here(reading) => reading.collect().await,
                    // Chunks have been taken already, so nothing is there to be one piece.
                    other => {
                        *body = other;
                        Err(taken(uri))
                    }
                }
            },
            |py, bytes, _| give(py, bytes),
        )
    }

    /// The next chunk, of at least so many bytes unless it is the last; `None` after it.
    fn next(&self, py: Python<'_>, how: How<'_>, least: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let least = usize::try_from(whole("min_chunk_size", least, 0)?).unwrap_or(usize::MAX);
        let (body, uri) = (self.body.shared()?, self.uri.clone());
        Call::new(py, how, None).run(
            |_, _| async move {
                let mut body = body.lock().await;
                if let Body::Here(_) = &*body {
                    let Body::Here(reading) = std::mem::replace(&mut *body, Body::Taken) else { return Ok(None) };
                    let (sender, chunks) = mpsc::channel(1);
                    let task = AbortOnDrop(tokio::spawn(pump(*reading, least, sender)));
                    *body = Body::Coming { chunks, _task: task };
                }
                match &mut *body {
                    Body::Coming { chunks, .. } => chunks.recv().await.transpose(),
                    _ => Err(taken(uri)),
                }
            },
            |py, chunk: Option<Bytes>, _| match chunk {
                Some(chunk) => give(py, chunk),
                None => Ok(py.None()),
            },
        )
    }
}

fn taken(uri: String) -> Error {
    let reason = "the body of this answer was taken already; ask for the object again";
    Context::new("get", uri).error(ErrorKind::InvalidArgument, reason)
}

/// Puts chunks together, one ahead of whoever takes them.
async fn pump(mut reading: Reading, least: usize, chunks: mpsc::Sender<Result<Bytes, Error>>) {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut size = 0;
    loop {
        let next = reading.next().await;
        let ended = !matches!(next, Ok(Some(_)));
        if let Ok(Some(piece)) = &next {
            size += piece.len();
            pieces.push(piece.clone());
        }
        if size > 0 && (size >= least.max(1) || ended) {
            let chunk = if pieces.len() == 1 { pieces.remove(0) } else { pieces.concat().into() };
            (pieces, size) = (Vec::new(), 0);
            // What came before a failure is handed out first.
            if chunks.send(Ok(chunk)).await.is_err() {
                return;
            }
        }
        match next {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => {
                // Nobody may want to know.
                let _ = chunks.send(Err(error)).await;
                return;
            }
        }
    }
}
