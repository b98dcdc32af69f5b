//! One running operation, seen from its two sides.
//!
//! The *runtime side* is a future. It owns no Python object and never attaches to the interpreter. The *attached side* is
//! whoever waits: a blocked thread, or an event loop. It owns every Python object of the operation, on a [`Shelf`].
//!
//! Two things end separately. The *result* is there when the future has ended; it is the operation's last letter. The
//! *memory* on the shelf is free when nobody can touch it any more: each part of the runtime side that reads or writes it
//! holds a clone of the [`Mailbox`], and some outlive the future, such as a connection that is still being closed after a
//! cancelled upload. So a caller never waits for memory; a shelf whose operation has ended too early is laid aside (see
//! `shelf`) until the last clone is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::runtime;
use crate::shelf::Shelf;

/// Something to do on the attached side while the operation runs. An error stops the operation and is raised.
pub(crate) type Errand = Box<dyn FnOnce(Python<'_>, &mut Shelf) -> PyResult<()> + Send>;

/// Makes the operation's result, on the attached side.
pub(crate) type Finish = Box<dyn FnOnce(Python<'_>, &mut Shelf) -> PyResult<Py<PyAny>> + Send>;

pub(crate) enum Letter {
    Errand(Errand),
    /// The last letter of an operation; `None` when it was cancelled or panicked.
    Done(Option<Finish>),
}

/// Where letters go: a blocked thread or an event loop. Nobody may be left to read them; then they are dropped.
pub(crate) trait Address: Send + Sync + 'static {
    fn post(&self, letter: Letter);
}

/// The runtime side's way to the attached side. While a clone lives, what is on the operation's shelf stays where it is.
#[derive(Clone)]
pub struct Mailbox(Arc<Inner>);

struct Inner {
    address: Arc<dyn Address>,
    released: Arc<AtomicBool>,
}

impl Mailbox {
    /// A mailbox, and the flag that is set when its last clone is gone.
    pub(crate) fn new(address: Arc<dyn Address>) -> (Self, Arc<AtomicBool>) {
        let released = Arc::new(AtomicBool::new(false));
        (Self(Arc::new(Inner { address, released: Arc::clone(&released) })), released)
    }

    /// Has `errand` run on the attached side, soon, in the order of the calls. Never blocks.
    ///
    /// It is dropped without being run when the operation has ended or failed by then.
    pub fn send(&self, errand: impl FnOnce(Python<'_>, &mut Shelf) -> PyResult<()> + Send + 'static) {
        self.0.address.post(Letter::Errand(Box::new(errand)));
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Pairs with the acquire in `Held::is_released`: all access to the shelf's memory comes before.
        self.released.store(true, Ordering::Release);
    }
}

/// Posts the last letter when the task ends, however it ends.
struct Ending {
    address: Arc<dyn Address>,
    finish: Option<Finish>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.address.post(Letter::Done(self.finish.take()));
    }
}

/// Starts `future` on the runtime. Its output reaches `convert` on the attached side, with the last letter.
pub(crate) fn launch<F>(
    address: Arc<dyn Address>,
    future: F,
    convert: impl FnOnce(Python<'_>, F::Output, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<AbortHandle>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let task = runtime::handle()?.spawn(async move {
        let mut ending = Ending { address, finish: None };
        let output = future.await;
        ending.finish = Some(Box::new(move |py, shelf| convert(py, output, shelf)));
    });
    Ok(task.abort_handle())
}

/// What to raise for an operation that ended without a result and without being cancelled.
pub(crate) fn lost() -> PyErr {
    PyRuntimeError::new_err("the operation stopped without a result; this is a bug in longshore, see standard error")
}
