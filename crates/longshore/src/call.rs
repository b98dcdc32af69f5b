//! Runs a call on longshore's runtime, for a blocked thread or for somebody else's executor.

use std::sync::mpsc;

use longshore_config::ConfigError;
use longshore_engine::{Context, ErrorKind};
use longshore_runtime::runtime;
use tokio::task::JoinHandle;

use crate::Result;

/// Blocks this thread until `call` has ended. Works inside another runtime as well, whose thread it then blocks.
pub(crate) fn block<T: Send + 'static>(
    operation: &'static str,
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let context = Context::new(operation, "");
    let runtime = runtime::handle().map_err(|error| context.config_error(ConfigError::Runtime(error)))?;
    let (done, wait) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Nobody receives when the waiting thread was killed.
        let _ = done.send(call.await);
    });
    wait.recv().unwrap_or_else(|_| Err(context.error(ErrorKind::Join, "the call was lost: it panicked")))
}

/// Runs `call` on longshore's runtime and waits for it on the caller's executor. Dropping the future cancels the call.
pub(crate) async fn spawn<T: Send + 'static>(
    operation: &'static str,
    call: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let context = Context::new(operation, "");
    let runtime = runtime::handle().map_err(|error| context.config_error(ConfigError::Runtime(error)))?;
    let mut task = AbortOnDrop(runtime.spawn(call));
    (&mut task.0)
        .await
        .unwrap_or_else(|error| Err(context.error(ErrorKind::Join, format!("the call was lost: {error}"))))
}

/// A task that ends when nobody waits for it.
struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
