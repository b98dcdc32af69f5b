//! One running operation, seen from its two sides.
//!
//! The *runtime side* is a future. It owns no Python object and never attaches to the interpreter. The *attached side* is
//! whoever waits: a blocked thread, or an event loop. It owns every Python object of the operation in a [`Shelf`].
//!
//! Between them stands the [`Mailbox`]. The runtime side sends errands ("make me 3 MB of `bytes`", "report progress")
//! and at the end a result. Each part of the runtime side that writes into memory owned by the shelf keeps a clone of
//! the mailbox. The final letter is posted when the last clone is gone, on success, failure, cancellation and panic alike:
//! when it arrives, nobody writes any more, and the shelf may be emptied.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::runtime;

/// The Python objects of one operation, held by the side that is attached to the interpreter.
#[derive(Default)]
pub struct Shelf {
    /// What the operation fills or returns, by an index that the operation chose.
    pub objects: Vec<(usize, Py<PyAny>)>,
    /// Memory of the caller's that the operation reads or writes.
    pub buffers: Vec<PyUntypedBuffer>,
    /// The caller's progress callback.
    pub progress: Option<Py<PyAny>>,
}

/// Something to do on the attached side while the operation runs. An error stops the operation and is raised.
pub(crate) type Errand = Box<dyn FnOnce(Python<'_>, &mut Shelf) -> PyResult<()> + Send>;

/// Makes the operation's result, on the attached side.
pub(crate) type Finish = Box<dyn FnOnce(Python<'_>, &mut Shelf) -> PyResult<Py<PyAny>> + Send>;

pub(crate) enum Letter {
    Errand(Errand),
    /// The last letter of an operation; `None` when it was cancelled or panicked.
    Done(Option<Finish>),
}

/// Where letters go: a blocked thread or an event loop.
pub(crate) trait Address: Send + Sync + 'static {
    fn post(&self, letter: Letter);
}

/// The runtime side's way to the attached side. See the module's documentation for what a clone keeps alive.
#[derive(Clone)]
pub struct Mailbox(Arc<Inner>);

struct Inner {
    address: Box<dyn Address>,
    finish: Mutex<Option<Finish>>,
}

impl Mailbox {
    pub(crate) fn new(address: impl Address) -> Self {
        Self(Arc::new(Inner { address: Box::new(address), finish: Mutex::new(None) }))
    }

    /// Has `errand` run on the attached side, soon, in the order of the calls. Never blocks.
    ///
    /// It is dropped without being run when the operation has failed by then.
    pub fn send(&self, errand: impl FnOnce(Python<'_>, &mut Shelf) -> PyResult<()> + Send + 'static) {
        self.0.address.post(Letter::Errand(Box::new(errand)));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let finish = self.finish.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        self.address.post(Letter::Done(finish));
    }
}

/// Starts `future` on the runtime. Its output reaches `convert` on the attached side, as the last letter.
pub(crate) fn launch<F>(
    mailbox: Mailbox,
    future: F,
    convert: impl FnOnce(Python<'_>, F::Output, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<AbortHandle>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let task = runtime::handle()?.spawn(async move {
        let output = future.await;
        let finish: Finish = Box::new(move |py, shelf| convert(py, output, shelf));
        *mailbox.0.finish.lock().unwrap_or_else(PoisonError::into_inner) = Some(finish);
    });
    Ok(task.abort_handle())
}

/// What to raise for an operation that ended without a result and without being cancelled.
pub(crate) fn lost() -> PyErr {
    PyRuntimeError::new_err("the operation stopped without a result; this is a bug in longshore, see standard error")
}
