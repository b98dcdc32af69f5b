//! Something that is open and belongs to the process that opened it: a body, a listing, an upload.

use std::sync::{Arc, Mutex as Briefly, PoisonError};

use longshore_runtime::{fork, runtime};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use tokio::sync::{Mutex, MutexGuard};

/// What a forked child must not touch: it would reach into its parent's sockets.
pub(super) struct Belonging<T> {
    generation: u64,
    /// Gone when it was closed. Locked only where the generation is right: a forked child may have inherited it locked.
    value: Briefly<Option<Arc<Mutex<T>>>>,
}

impl<T> Belonging<T> {
    pub(super) fn new(value: T) -> Self {
        Self { generation: fork::generation(), value: Briefly::new(Some(Arc::new(Mutex::new(value)))) }
    }

    /// The thing itself, to be locked where it is used.
    ///
    /// # Errors
    ///
    /// A `RuntimeError` in a forked child, and a `ValueError` where it was closed.
    pub(super) fn shared(&self) -> PyResult<Arc<Mutex<T>>> {
        if self.generation != fork::generation() {
            return Err(PyRuntimeError::new_err("this was opened in the parent process; open it again in the child"));
        }
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner).clone();
        value.ok_or_else(|| PyValueError::new_err("this was closed"))
    }

    /// Lets go of it, when the calls that are using it have ended. In a forked child it is the parent's, and stays.
    pub(super) fn close(&self) {
        if self.generation == fork::generation() {
            let value = self.value.lock().unwrap_or_else(PoisonError::into_inner).take();
            let_go(value);
        }
    }

    /// The thing, at once.
    ///
    /// # Errors
    ///
    /// As [`shared`](Self::shared), and where another call is using it.
    pub(super) fn now<R>(&self, look: impl FnOnce(MutexGuard<'_, T>) -> R) -> PyResult<R> {
        let shared = self.shared()?;
        let guard =
            shared.try_lock().map_err(|_| PyRuntimeError::new_err("another call is using this; wait for it"))?;
        Ok(look(guard))
    }
}

impl<T> Drop for Belonging<T> {
    fn drop(&mut self) {
        let value = self.value.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if self.generation == fork::generation() {
            let_go(value);
        } else {
            std::mem::forget(value);
        }
    }
}

fn let_go<T>(value: T) {
    // What is given up here may have something to take back, which is sent from the runtime.
    let handle = if runtime::is_running() { runtime::handle().ok() } else { None };
    let _inside = handle.as_ref().map(|handle| handle.enter());
    drop(value);
}
