//! What was seen on the wire for one operation.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, Response};

use crate::Context;

/// How servers call the name that they give to a request: S3's, Azure's, Google's, and others'.
const REQUEST_IDS: [&str; 6] = [
    "x-amz-request-id",
    "x-amzn-requestid",
    "x-ms-request-id",
    "x-guploader-uploadid",
    "x-goog-request-id",
    "x-request-id",
];

/// What happened on the wire for one operation: how many requests were sent, and what the last answer said of itself.
///
/// Run the operation's future inside [`Trace::scope`], and read the trace when the operation has failed. `object_store` sends
/// requests from the future that asks for them, so the transport finds the trace of the task it is polled in. Requests for
/// credentials are not the operation's own, and are not noted.
#[derive(Debug, Default)]
pub struct Trace {
    attempts: AtomicU32,
    last: Mutex<Observed>,
}

/// The last answer of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// The HTTP status.
    pub status: Option<u16>,
    /// The server's name for the request, from `x-amz-request-id` or its like.
    pub request_id: Option<String>,
    /// The server's error code, from `x-ms-error-code`. An answer without a body has no other place for it.
    pub error_code: Option<String>,
    /// Where the bucket is, from `x-amz-bucket-region`. AWS says it in answers to requests for the wrong region.
    pub bucket_region: Option<String>,
}

tokio::task_local! {
    static TRACE: Arc<Trace>;
    static REQUESTS: Requests;
}

/// Counts every request that some work sends, whatever it is made of: each part, each page, each repetition, and the requests
/// for credentials. For whoever measures.
///
/// What the work hands to other tasks is not seen.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<AtomicU32>);

impl Requests {
    /// Counts the requests that `future` sends while it is polled.
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        REQUESTS.scope(self.clone(), future)
    }

    /// Counts for the same work what `future` sends, which is handed to another task.
    pub(crate) async fn along<F: Future>(work: Option<Self>, future: F) -> F::Output {
        match work {
            Some(requests) => REQUESTS.scope(requests, future).await,
            None => future.await,
        }
    }

    /// Those of the work that asks, where somebody measures.
    pub(crate) fn current() -> Option<Self> {
        REQUESTS.try_with(Self::clone).ok()
    }

    /// Requests sent so far.
    pub fn sent(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one for the task that sends it, where somebody measures.
    pub(super) fn note() {
        Context::process().note_request();
        // Without a counter there is nobody to tell.
        let _ = REQUESTS.try_with(|requests| requests.0.fetch_add(1, Ordering::Relaxed));
    }
}

impl Trace {
    /// Notes the requests that `future` sends while it is polled.
    pub fn scope<F: Future>(self: &Arc<Self>, future: F) -> impl Future<Output = F::Output> + use<F> {
        TRACE.scope(Arc::clone(self), future)
    }

    /// Requests sent so far.
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    /// The last answer; empty while there is none, and again after a request that got none.
    pub fn observed(&self) -> Observed {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The trace of the task that asks, where it has one.
    pub(super) fn current() -> Option<Arc<Self>> {
        TRACE.try_with(Arc::clone).ok()
    }

    pub(super) fn note_request(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        self.note(Observed::default());
    }

    pub(super) fn note_answer<B>(&self, response: &Response<B>) {
        let headers = response.headers();
        let request_id = REQUEST_IDS.iter().find_map(|name| text(headers, name));
        let bucket_region = text(headers, "x-amz-bucket-region");
        let error_code = text(headers, "x-ms-error-code");
        self.note(Observed { status: Some(response.status().as_u16()), request_id, error_code, bucket_region });
    }

    fn note(&self, observed: Observed) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = observed;
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_counted_for_the_work_that_sends_them_and_for_nobody_else() {
        let (mine, other) = (Requests::default(), Requests::default());
        Requests::note();
        mine.scope(async {
            Requests::note();
            Arc::<Trace>::default().scope(async { Requests::note() }).await;
            other.scope(async { Requests::note() }).await;
        })
        .await;
        assert_eq!((mine.sent(), other.sent()), (2, 1));
    }

    #[test]
    fn a_request_is_called_what_its_server_calls_it() {
        for name in ["x-amz-request-id", "x-ms-request-id", "x-guploader-uploadid"] {
            let trace = Trace::default();
            trace.note_answer(&Response::builder().status(404).header(name, "4F2").body(()).unwrap());
            assert_eq!(trace.observed().request_id.as_deref(), Some("4F2"), "{name}");
        }
    }

    #[test]
    fn an_answer_says_where_the_bucket_is() {
        let trace = Trace::default();
        trace.note_request();
        let answer = Response::builder().status(301).header("x-amz-bucket-region", "eu-west-1").body(()).unwrap();
        trace.note_answer(&answer);
        let observed = trace.observed();
        assert_eq!((observed.status, observed.bucket_region.as_deref()), (Some(301), Some("eu-west-1")));
        trace.note_request();
        assert_eq!((trace.attempts(), trace.observed()), (2, Observed::default()));
    }
}
