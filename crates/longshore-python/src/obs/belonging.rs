//! Something that is open and belongs to the process that opened it: a body, a listing, an upload.

use std::sync::Arc;

use longshore_runtime::{fork, runtime};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::sync::{Mutex, MutexGuard};

/// What a forked child must not touch: it would reach into its parent's sockets.
pub(super) struct Belonging<T> {
    generation: u64,
    value: Option<Arc<Mutex<T>>>,
}

impl<T> Belonging<T> {
    pub(super) fn new(value: T) -> Self {
        Self { generation: fork::generation(), value: Some(Arc::new(Mutex::new(value))) }
    }

    /// The thing itself, to be locked where it is used.
    ///
    /// # Errors
    ///
    /// A `RuntimeError` in a forked child.
    pub(super) fn shared(&self) -> PyResult<Arc<Mutex<T>>> {
        match &self.value {
            Some(value) if self.generation == fork::generation() => Ok(Arc::clone(value)),
            _ => Err(PyRuntimeError::new_err("this was opened in the parent process; open it again in the child")),
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
        if self.generation != fork::generation() {
            std::mem::forget(self.value.take());
            return;
        }
        // What is given up here may have something to take back, which is sent from the runtime.
        let handle = if runtime::is_running() { runtime::handle().ok() } else { None };
        let _inside = handle.as_ref().map(|handle| handle.enter());
        drop(self.value.take());
    }
}
