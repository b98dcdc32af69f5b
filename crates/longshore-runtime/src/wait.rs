//! Blocks a Python thread for an operation: detached while it waits, attached for errands, awake for signals.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::fork;
use crate::operation::{Address, Letter, Mailbox, launch, lost};
use crate::shelf::{Held, Shelf, sweep};

/// How often a waiting thread looks for signals; Ctrl-C is promised within 100 ms.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);
/// How long a cancelled operation gets to end in an orderly way before its caller goes on without it.
const FAREWELL: Duration = Duration::from_millis(30);

#[derive(Default)]
struct Letters {
    /// `None` once the waiting thread has gone on.
    arrived: Mutex<Option<Vec<Letter>>>,
    signal: Condvar,
}

impl Letters {
    fn arrived(&self) -> MutexGuard<'_, Option<Vec<Letter>>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, limit: Duration) -> Vec<Letter> {
        let (mut letters, _) = self
            .signal
            .wait_timeout_while(self.arrived(), limit, |letters| letters.as_ref().is_none_or(Vec::is_empty))
            .unwrap_or_else(PoisonError::into_inner);
        letters.as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Address for Letters {
    fn post(&self, letter: Letter) {
        let unread = match &mut *self.arrived() {
            Some(letters) => {
                letters.push(letter);
                None
            }
            // Dropped outside the lock: a letter can hold a mailbox.
            None => Some(letter),
        };
        drop(unread);
        self.signal.notify_one();
    }
}

/// Closes the letter box when the waiting thread goes on, by whatever way.
struct Open(Arc<Letters>);

impl Drop for Open {
    fn drop(&mut self) {
        let unread = self.0.arrived().take();
        drop(unread);
    }
}

/// Runs the future that `start` makes, and waits for it without holding the interpreter.
///
/// `convert` turns the output into a Python object, attached. While waiting, the thread runs the operation's errands,
/// and on the main thread Python's signal handlers, within 100 ms.
///
/// # Errors
///
/// What `convert` or an errand raises; what a signal handler raises (`KeyboardInterrupt`), after the operation was
/// cancelled.
pub fn run_blocking<F>(
    py: Python<'_>,
    shelf: Shelf,
    start: impl FnOnce(&Mailbox) -> F,
    convert: impl FnOnce(Python<'_>, F::Output, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<Py<PyAny>>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    sweep(py);
    let generation = fork::generation();
    let letters = Arc::new(Letters { arrived: Mutex::new(Some(Vec::new())), signal: Condvar::new() });
    let open = Open(Arc::clone(&letters));
    let (mailbox, released) = Mailbox::new(Arc::clone(&letters) as _);
    let mut shelf = Held::new(shelf, released);
    let future = start(&mailbox);
    drop(mailbox);
    let task = launch(letters, future, convert)?;
    let failure = loop {
        let mut failure = None;
        for letter in py.detach(|| open.0.wait(SIGNAL_INTERVAL)) {
            match letter {
                Letter::Errand(errand) if failure.is_none() => failure = errand(py, &mut shelf).err(),
                // Dropped undone: whoever waits for an answer is told by the drop.
                Letter::Errand(_) => {}
                Letter::Done(finish) if failure.is_none() => return finish.ok_or_else(lost)?(py, &mut shelf),
                Letter::Done(_) => {}
            }
        }
        if generation != fork::generation() {
            failure =
                Some(PyRuntimeError::new_err("this call was begun in the parent process; a child cannot wait for it"));
        }
        if let Some(failure) = failure.or_else(|| py.check_signals().err()) {
            break failure;
        }
    };
    task.abort();
    let gone = Instant::now() + FAREWELL;
    py.detach(|| {
        let ended = |letters: Vec<Letter>| letters.iter().any(|letter| matches!(letter, Letter::Done(_)));
        while Instant::now() < gone && !ended(open.0.wait(gone - Instant::now())) {}
    });
    Err(failure)
}
