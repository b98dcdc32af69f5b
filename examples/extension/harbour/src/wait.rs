//! Waiting for a future from Python.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use longshore_store::PyObjectStoreResult;
use object_store::Result;
use pyo3::prelude::*;

/// The longest time between two looks at signals.
const PATIENCE: Duration = Duration::from_millis(100);

/// Waits until `future` is done, while other Python threads run. Ctrl-C, or whatever else a signal handler raises, ends
/// the wait: the future is dropped, and its requests with it.
///
/// No executor is needed. A store does its I/O elsewhere, and wakes whoever waits.
pub fn wait<T: Send>(py: Python<'_>, future: impl Future<Output = Result<T>> + Send) -> PyObjectStoreResult<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        let done = py.detach(|| {
            let until = Instant::now() + PATIENCE;
            loop {
                if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Some(done);
                }
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return None;
                }
                thread::park_timeout(left);
            }
        });
        match done {
            Some(done) => return Ok(done?),
            None => py.check_signals()?,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
