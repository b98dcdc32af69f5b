//! What foreign threads leave behind, and how it gets back to Python soon.
//!
//! A thread that Python has never seen may drop the last reference to an export, and must not attach for it: that may wait for
//! as long as somebody computes, or for ever where the interpreter ends. So it puts the reference aside, and asks CPython for a
//! pending call, which the main thread makes between two instructions. Whoever uses the module attached before that takes
//! along what is there. Neither putting aside nor asking takes a lock that could be held for long.
//!
//! PyO3 has a pool for such references, behind a mutex. A fork would copy that while a thread has it, and the child would wait
//! for ever. Here is a list without a lock, and for the same reason no other.
//!
//! An interpreter that has ended cannot be asked. A handler of `atexit` closes the door before, and waits shortly for those
//! inside.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyCFunction;

use crate::export::Export;

/// The list, the last first. It is only pushed to, and taken as a whole.
static LEFT: AtomicPtr<Left> = AtomicPtr::new(ptr::null_mut());

struct Left {
    _keeper: Py<Export>,
    before: *mut Left,
}

/// The door is closed. The bits below count the threads that are inside.
const CLOSED: usize = 1 << (usize::BITS - 1);
/// As long as the door may stand open for those inside, each of which needs microseconds. In a forked child those that were
/// inside are gone, and their count stays.
const PATIENCE: Duration = Duration::from_millis(100);

static DOOR: AtomicUsize = AtomicUsize::new(0);
static PREPARED: PyOnceLock<()> = PyOnceLock::new();

/// Puts a reference aside, from any thread.
pub(crate) fn put(keeper: Py<Export>) {
    let left = Box::into_raw(Box::new(Left { _keeper: keeper, before: ptr::null_mut() }));
    let mut before = LEFT.load(Ordering::Relaxed);
    loop {
        // SAFETY: `left` was made above, and nobody else knows it before the exchange succeeds.
        unsafe { (*left).before = before };
        match LEFT.compare_exchange_weak(before, left, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => break,
            Err(newer) => before = newer,
        }
    }
    ask();
}

/// Gives back what was put aside.
pub(crate) fn give_back(_attached: Python<'_>) {
    if LEFT.load(Ordering::Relaxed).is_null() {
        return;
    }
    let mut next = LEFT.swap(ptr::null_mut(), Ordering::Acquire);
    while !next.is_null() {
        // SAFETY: `put` leaked this box, and the exchange gave the whole list to us alone.
        let left = unsafe { Box::from_raw(next) };
        next = left.before;
    }
}

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

/// Asks for an attached thread to give back what is left. Any thread may.
pub(crate) fn ask() {
    if DOOR.fetch_add(1, Ordering::SeqCst) & CLOSED == 0 {
        // It fails when many calls are pending, any of which will do.
        // SAFETY: CPython documents that any thread may ask without being attached, and the door says that the interpreter has
        // not begun to end. The argument is not used.
        let _ = unsafe { ffi::Py_AddPendingCall(Some(attach_once), ptr::null_mut()) };
    }
    DOOR.fetch_sub(1, Ordering::SeqCst);
}

/// Made by the main thread, attached, without PyO3 knowing. Attaching once more tells it, and empties its pool.
extern "C" fn attach_once(_argument: *mut c_void) -> c_int {
    Python::try_attach(give_back);
    0
}
