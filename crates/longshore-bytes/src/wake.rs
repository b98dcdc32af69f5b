//! Gets references that were dropped on foreign threads given back soon.
//!
//! A thread that is not attached leaves its references with PyO3, which gives them back when a thread next attaches. When nobody
//! does, a `bytearray` would stay locked and memory would stay taken. So whoever left one also asks CPython for a pending call:
//! the main thread makes it between two instructions, attached. Asking takes neither the GIL nor any other long wait.
//!
//! An interpreter that has ended cannot be asked. A handler of `atexit` closes the door before; it waits shortly for those
//! inside. Nothing here is a lock, because a fork would copy it locked.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCFunction;

/// The door is closed. The bits below count the threads that are inside.
const CLOSED: usize = 1 << (usize::BITS - 1);
/// As long as the door may stand open for those inside, each of which needs microseconds. In a forked child those that were
/// inside are gone, and their count stays.
const PATIENCE: Duration = Duration::from_millis(100);

static DOOR: AtomicUsize = AtomicUsize::new(0);
static PREPARED: PyOnceLock<()> = PyOnceLock::new();

/// Has the door closed when the interpreter ends. To be called before there is anything to drop.
pub(crate) fn prepare(py: Python<'_>) {
    // Who cannot be told when to stop asking must not begin.
    if PREPARED.get_or_try_init(py, || close_at_exit(py)).is_err() {
        DOOR.fetch_or(CLOSED, Ordering::SeqCst);
    }
}

fn close_at_exit(py: Python<'_>) -> PyResult<()> {
    let close = PyCFunction::new_closure(py, None, None, |_arguments, _keywords| close())?;
    py.import("atexit")?.call_method1("register", (close,))?;
    Ok(())
}

fn close() {
    DOOR.fetch_or(CLOSED, Ordering::SeqCst);
    let started = Instant::now();
    while DOOR.load(Ordering::SeqCst) != CLOSED && started.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
}

/// Asks for an attached thread. Any thread may, after it has left something with PyO3.
pub(crate) fn ask() {
    if DOOR.fetch_add(1, Ordering::SeqCst) & CLOSED == 0 {
        // It fails when many calls are pending, any of which will do.
        // SAFETY: CPython documents that any thread may ask without being attached, and the door says that the interpreter has
        // not begun to end. The argument is not used.
        let _ = unsafe { ffi::Py_AddPendingCall(Some(attach_once), ptr::null_mut()) };
    }
    DOOR.fetch_sub(1, Ordering::SeqCst);
}

/// Attaches to what is attached, so that PyO3 gives back what was left with it.
extern "C" fn attach_once(_argument: *mut c_void) -> c_int {
    Python::try_attach(|_attached| {});
    0
}
