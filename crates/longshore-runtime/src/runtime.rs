//! The shared runtime: none before first use, one per process after.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::configuration::Configuration;
use crate::fork::PerProcess;

static RUNTIME: PerProcess<Shared> = PerProcess::new();

/// A runtime that may be dropped anywhere, even on another runtime's worker: of two threads that start one at the same
/// moment, the loser drops its own.
struct Shared {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The runtime's handle. The first call of a process, forked children included, starts its threads.
///
/// # Errors
///
/// What the operating system says when it refuses a thread or an epoll instance.
pub fn handle() -> io::Result<Handle> {
    RUNTIME.get_or_try_make(build).map(|shared| shared.handle.clone())
}

/// Whether this process has started its runtime.
pub fn is_running() -> bool {
    RUNTIME.get().is_some()
}

fn build() -> io::Result<Shared> {
    let mut builder = Builder::new_multi_thread();
    if let Some(threads) = Configuration::settled().threads {
        builder.worker_threads(threads);
    }
    let runtime = builder.thread_name("longshore").enable_io().enable_time().build()?;
    Ok(Shared { handle: runtime.handle().clone(), runtime: Some(runtime) })
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_process_has_one_runtime() {
        let first = super::handle().unwrap();
        assert!(super::is_running());
        assert_eq!(first.id(), super::handle().unwrap().id());
        assert_eq!(first.block_on(async { 5 }), 5);
    }
}
