//! Runs one operation, for a thread that blocks or for an event loop.

use longshore_engine::{Error, Progress, Snapshot};
use longshore_runtime::{Bridge, Mailbox, Shelf, run_blocking};
use pyo3::prelude::*;

use crate::errors::raise;

/// How the caller waits: `None` blocks; a bridge and a pending future of its loop let it go on.
pub(crate) type How<'py> = Option<(Bound<'py, Bridge>, Py<PyAny>)>;

/// One call: who waits for it, what is on its shelf, and whether anybody listens to its progress.
pub(crate) struct Call<'py> {
    py: Python<'py>,
    how: How<'py>,
    pub(crate) shelf: Shelf,
}

impl<'py> Call<'py> {
    /// `listener` is the caller's progress callback.
    pub(crate) fn new(py: Python<'py>, how: How<'py>, listener: Option<Py<PyAny>>) -> Self {
        Self { py, how, shelf: Shelf { progress: listener, ..Shelf::default() } }
    }

    /// With Python objects that the call needs from the beginning. Nobody listens.
    pub(crate) fn with_shelf(py: Python<'py>, how: How<'py>, shelf: Shelf) -> Self {
        Self { py, how, shelf }
    }

    /// Runs the future that `start` makes. Returns what `convert` makes of its output; for an event loop, the key that
    /// cancels it.
    pub(crate) fn run<T, F>(
        self,
        start: impl FnOnce(&Mailbox, Progress) -> F,
        convert: impl FnOnce(Python<'_>, T, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> PyResult<Py<PyAny>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let counted = self.shelf.progress.is_some();
        let start = move |mailbox: &Mailbox| start(mailbox, progress(mailbox, counted));
        let convert = move |py: Python<'_>, outcome: Result<T, Error>, shelf: &mut Shelf| match outcome {
            Ok(output) => convert(py, output, shelf),
            Err(error) => Err(raise(py, &error)),
        };
        match self.how {
            None => run_blocking(self.py, self.shelf, start, convert),
            Some((bridge, future)) => {
                let slot = bridge.get().launch(future.into_bound(self.py), self.shelf, start, convert)?;
                Ok(slot.into_pyobject(self.py)?.into_any().unbind())
            }
        }
    }
}

/// Counts for the callback on the shelf, if there is one.
fn progress(mailbox: &Mailbox, wanted: bool) -> Progress {
    if !wanted {
        return Progress::silent();
    }
    let mailbox = mailbox.clone();
    Progress::to(move |now: Snapshot| {
        mailbox.send(move |py, shelf| {
            if let Some(callback) = &shelf.progress {
                let seconds = now.elapsed.as_secs_f64();
                callback.call1(py, (now.objects, now.total, now.bytes, seconds, now.finished))?;
            }
            Ok(())
        });
    })
}
