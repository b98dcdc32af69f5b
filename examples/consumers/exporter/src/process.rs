//! The runtime that all stores of this process work on, and who exports them.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{mpsc, Mutex, Once};
use std::time::Duration;

use longshore_ffi::{Exporter, Settings};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle};

/// What this process has; another one in a forked child. Only threads that have the interpreter hold the lock, so it is free there.
static CURRENT: Mutex<Option<Process>> = Mutex::new(None);

#[derive(Clone)]
pub(crate) struct Process {
    generation: u64,
    runtime: Handle,
    exporter: Exporter,
}

/// A number that is another one in a forked child.
pub(crate) fn generation() -> u64 {
    static FORKS: AtomicU64 = AtomicU64::new(0);
    static WATCH: Once = Once::new();
    unsafe extern "C" fn in_child() {
        FORKS.fetch_add(1, Ordering::SeqCst);
    }
    // SAFETY: the handler touches a number, and does not unwind.
    WATCH.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    });
    FORKS.load(Ordering::SeqCst)
}

/// Who exports stores in this process.
pub(crate) fn exporter() -> PyResult<Exporter> {
    Ok(current()?.exporter)
}

pub(crate) fn current() -> PyResult<Process> {
    let mut current = CURRENT.lock().unwrap();
    let generation = generation();
    if let Some(process) = current.as_ref().filter(|process| process.generation == generation) {
        return Ok(process.clone());
    }
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("exporter").enable_time().build()?;
    let settings = Settings {
        info: concat!("consumers.exporter ", env!("CARGO_PKG_VERSION")),
        fork_generation: Some(self::generation),
        ..Settings::default()
    };
    let exporter = Exporter::new(runtime.handle().clone(), settings);
    let process = Process { generation, runtime: runtime.handle().clone(), exporter };
    // It ends with the process. And what the parent had stays: its threads are not here, and cannot be waited for.
    std::mem::forget(runtime);
    std::mem::forget(current.replace(process.clone()));
    Ok(process)
}

impl Process {
    /// Waits for something that is done on the runtime. For threads that do not have the interpreter.
    pub(crate) fn wait<T: Send + 'static>(
        self,
        work: impl Future<Output = object_store::Result<T>> + Send + 'static,
    ) -> object_store::Result<T> {
        let (done, answer) = mpsc::channel();
        self.runtime.spawn(async move { done.send(work.await).ok() });
        answer.recv().map_err(|error| object_store::Error::Generic { store: "exporter", source: error.into() })?
    }
}

/// Ends what is under way, for other modules, too.
#[pyfunction]
pub(crate) fn shut_down(py: Python<'_>) {
    let process = CURRENT.lock().unwrap().clone();
    if let Some(process) = process.filter(|process| process.generation == generation()) {
        // Callbacks of other modules may need the interpreter.
        py.detach(|| process.exporter.shut_down(Duration::from_secs(1)));
    }
}
