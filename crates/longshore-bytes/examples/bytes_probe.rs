//! A small extension module that uses the crate as an outside author would. Python's tests load it to see what happens to
//! buffers that Rust keeps, and drops where Python is not.
#![expect(unsafe_code, reason = "a handler for the end of the process is C's")]

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use pyo3::prelude::*;

// The name that code for the older crate uses.
use longshore_bytes as pyo3_bytes;
use pyo3_bytes::PyBytes;

static KEPT: Mutex<Vec<Bytes>> = Mutex::new(Vec::new());

fn kept() -> std::sync::MutexGuard<'static, Vec<Bytes>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where the memory is, and how much.
#[pyfunction]
fn memory(buffer: PyBytes) -> (usize, usize) {
    let buffer: Bytes = buffer.into_inner();
    (buffer.as_ptr().addr(), buffer.len())
}

/// The argument, unwrapped and wrapped again.
#[pyfunction]
fn echo(buffer: PyBytes) -> PyBytes {
    PyBytes::new(buffer.into_inner())
}

#[pyfunction]
fn return_bytes() -> PyBytes {
    PyBytes::new(Bytes::from_static(b"hello"))
}

/// What a Rust author sees of a value in a message.
#[pyfunction]
fn debug(buffer: PyBytes) -> String {
    format!("{buffer:?}")
}

/// Keeps a clone and a slice until `let_go`.
#[pyfunction]
fn keep(buffer: PyBytes) {
    let whole = buffer.into_inner();
    let part = whole.slice(..whole.len().min(1));
    kept().extend([whole, part]);
}

#[pyfunction]
fn let_go() {
    let all = std::mem::take(&mut *kept());
    drop(all);
}

/// Drops the buffer on this thread, which is not attached meanwhile.
#[pyfunction]
fn drop_detached(py: Python<'_>, buffer: PyBytes) {
    py.detach(move || drop(buffer));
}

/// Drops the buffer on a thread that Python does not know, and waits for it while attached. Whoever needs the interpreter to drop
/// it waits for ever.
#[pyfunction]
fn drop_on_a_thread_and_wait_attached(buffer: PyBytes) -> bool {
    thread::spawn(move || drop(buffer)).join().is_ok()
}

/// Drops the buffer on a thread that Python does not know, in a while.
#[pyfunction]
fn drop_later(buffer: PyBytes, milliseconds: u64) {
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(milliseconds));
        drop(buffer);
    });
}

/// Drops the buffers one after the other on a thread that Python does not know, also while the interpreter ends.
#[pyfunction]
fn drop_one_by_one(buffers: Vec<PyBytes>) {
    thread::spawn(move || {
        for buffer in buffers {
            drop(buffer);
            thread::sleep(Duration::from_micros(50));
        }
    });
}

/// Drops what is kept when the process ends, after the interpreter.
#[pyfunction]
fn let_go_at_the_end() -> bool {
    extern "C" fn handler() {
        let all = std::mem::take(&mut *kept());
        let many = all.len();
        drop(all);
        println!("let go of {many} after the end");
    }
    // SAFETY: the handler is a function of this library, which stays loaded, and does not unwind.
    unsafe { libc::atexit(handler) == 0 }
}

#[pymodule(gil_used = true)]
fn bytes_probe(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(memory, module)?)?;
    module.add_function(wrap_pyfunction!(echo, module)?)?;
    module.add_function(wrap_pyfunction!(return_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(debug, module)?)?;
    module.add_function(wrap_pyfunction!(keep, module)?)?;
    module.add_function(wrap_pyfunction!(let_go, module)?)?;
    module.add_function(wrap_pyfunction!(drop_detached, module)?)?;
    module.add_function(wrap_pyfunction!(drop_on_a_thread_and_wait_attached, module)?)?;
    module.add_function(wrap_pyfunction!(drop_later, module)?)?;
    module.add_function(wrap_pyfunction!(drop_one_by_one, module)?)?;
    module.add_function(wrap_pyfunction!(let_go_at_the_end, module)?)?;
    longshore_bytes::register(module, "bytes_probe")
}
