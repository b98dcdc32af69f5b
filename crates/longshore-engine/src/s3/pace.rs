//! How often, and how long after each other, one thing is tried.

use std::time::{Duration, Instant};

use object_store::RetryConfig;

use crate::error::Error;

/// The tries of one request, or the continuations of one body.
pub(crate) struct Pace {
    retry: RetryConfig,
    started: Instant,
    tries: usize,
    wait: Duration,
}

impl Pace {
    pub(crate) fn new(retry: &RetryConfig) -> Self {
        Self { retry: retry.clone(), started: Instant::now(), tries: 0, wait: retry.backoff.init_backoff }
    }

    /// Waits for the next try after a failure that may pass.
    ///
    /// # Errors
    ///
    /// The failure itself, where there is to be no further try.
    pub(crate) async fn once_more(&mut self, error: Error) -> Result<(), Error> {
        self.after(error, Duration::ZERO).await
    }

    /// As [`once_more`](Self::once_more), for a server that asks to be left alone for a time.
    pub(super) async fn after(&mut self, error: Error, asked: Duration) -> Result<(), Error> {
        if self.tries >= self.retry.max_retries || self.started.elapsed() > self.retry.retry_timeout {
            return Err(error);
        }
        self.tries += 1;
        tokio::time::sleep(self.wait.max(asked)).await;
        // The law of `object_store`'s own retries. It is random so that clients that failed together do not come back
        // together.
        let backoff = &self.retry.backoff;
        let spread = self.wait.mul_f64(backoff.base).saturating_sub(backoff.init_backoff);
        self.wait = (backoff.init_backoff + spread.mul_f64(fastrand::f64())).min(backoff.max_backoff);
        Ok(())
    }

    /// Forgets the tries so far, after something went well. The time they took still counts.
    pub(crate) fn calm(&mut self) {
        self.tries = 0;
        self.wait = self.retry.backoff.init_backoff;
    }
}
