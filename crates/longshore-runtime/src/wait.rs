//! Blocks a Python thread for an operation: detached while it waits, attached for errands, awake for signals.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;

use crate::operation::{Address, Letter, Mailbox, Shelf, launch, lost};

/// How often a waiting thread looks for signals; Ctrl-C is promised within 100 ms.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

#[derive(Default)]
struct Letters {
    arrived: Mutex<Vec<Letter>>,
    signal: Condvar,
}

impl Letters {
    fn wait(&self) -> Vec<Letter> {
        let letters = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut letters, _) = self
            .signal
            .wait_timeout_while(letters, SIGNAL_INTERVAL, |letters| letters.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *letters)
    }
}

impl Address for Arc<Letters> {
    fn post(&self, letter: Letter) {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(letter);
        self.signal.notify_one();
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
/// cancelled and its last write has ended.
pub fn run_blocking<F>(
    py: Python<'_>,
    mut shelf: Shelf,
    start: impl FnOnce(&Mailbox) -> F,
    convert: impl FnOnce(Python<'_>, F::Output, &mut Shelf) -> PyResult<Py<PyAny>> + Send + 'static,
) -> PyResult<Py<PyAny>>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let letters = Arc::new(Letters::default());
    let mailbox = Mailbox::new(Arc::clone(&letters));
    let future = start(&mailbox);
    let task = launch(mailbox, future, convert)?;
    let mut failure: Option<PyErr> = None;
    loop {
        for letter in py.detach(|| letters.wait()) {
            match letter {
                Letter::Errand(errand) if failure.is_none() => {
                    if let Err(error) = errand(py, &mut shelf) {
                        failure = Some(error);
                        task.abort();
                    }
                }
                // Dropped undone: the operation is being cancelled, and whoever waits for an answer is told by the drop.
                Letter::Errand(_) => {}
                Letter::Done(finish) => {
                    return match (failure, finish) {
                        (Some(error), _) => Err(error),
                        (None, Some(finish)) => finish(py, &mut shelf),
                        (None, None) => Err(lost()),
                    };
                }
            }
        }
        if failure.is_none()
            && let Err(error) = py.check_signals()
        {
            failure = Some(error);
            task.abort();
        }
    }
}
