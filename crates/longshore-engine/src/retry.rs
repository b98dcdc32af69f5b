//! One law of repetition, for every request that we send ourselves: what may pass, how often it is tried, and how long after
//! each other.

use std::time::{Duration, Instant};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use object_store::RetryConfig;
use object_store::client::{HttpError, HttpErrorKind};

use crate::error::Error;

/// Longest wait that a server may ask for with `Retry-After`.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(30);

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
    pub(crate) async fn after(&mut self, error: Error, asked: Duration) -> Result<(), Error> {
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

/// A try that failed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether another try may do better.
    pub(crate) passes: bool,
    /// How long the server asks to wait.
    pub(crate) asked: Duration,
}

impl Failure {
    /// Waits for the next try.
    ///
    /// # Errors
    ///
    /// The failure's own, where there is to be no further try.
    pub(crate) async fn once_more(self, pace: &mut Pace) -> Result<(), Error> {
        if self.passes { pace.after(self.error, self.asked).await } else { Err(self.error) }
    }
}

/// Whether a request that got no answer may get one another time.
pub(crate) fn is_passing(error: &HttpError) -> bool {
    !matches!(error.kind(), HttpErrorKind::Decode | HttpErrorKind::Unknown)
}

/// Whether another try may be answered otherwise.
pub(crate) fn may_pass(status: StatusCode, code: Option<&str>) -> bool {
    (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || matches!(code, Some("RequestTimeout" | "SlowDown" | "InternalError" | "OperationAborted"))
}

/// How long the server asks to wait.
pub(crate) fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_ASKED_WAIT)
}
