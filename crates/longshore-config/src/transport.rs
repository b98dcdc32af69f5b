//! The HTTP client beneath every store of a process: one pool per set of client options, each answer noted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use longshore_runtime::fork::PerProcess;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// What happened on the wire for one operation: how many requests were sent, and what the last answer said of itself.
///
/// Run the operation's future inside [`Trace::scope`], and read the trace when the operation has failed. `object_store` sends
/// requests from the future that asks for them, so the transport finds the trace of the task it is polled in.
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
}

tokio::task_local! {
    static TRACE: Arc<Trace>;
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

    fn note(&self, observed: Observed) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = observed;
    }
}

/// Notes every request and answer in the [`Trace`] of the operation that sends it.
#[derive(Debug)]
struct ObservedClient(HttpClient);

#[async_trait]
impl HttpService for ObservedClient {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let trace = TRACE.try_with(Arc::clone).ok();
        if let Some(trace) = &trace {
            trace.attempts.fetch_add(1, Ordering::Relaxed);
            trace.note(Observed::default());
        }
        let response = self.0.execute(request).await?;
        if let Some(trace) = trace {
            let request_id = ["x-amz-request-id", "x-ms-request-id", "x-goog-request-id", "x-request-id"]
                .iter()
                .find_map(|name| response.headers().get(*name)?.to_str().ok())
                .map(str::to_owned);
            trace.note(Observed { status: Some(response.status().as_u16()), request_id });
        }
        Ok(response)
    }
}

/// Gives stores with equal client options the same client, so that they share connections.
#[derive(Debug)]
pub(crate) struct SharedConnector;

static CLIENTS: PerProcess<Mutex<HashMap<String, HttpClient>>> = PerProcess::new();

impl HttpConnector for SharedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // `ClientOptions` cannot be compared, but its debug form shows every field.
        let key = format!("{options:?}");
        let mut clients = CLIENTS.get_or_make(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&key) {
            return Ok(client.clone());
        }
        let client = HttpClient::new(ObservedClient(ReqwestConnector::default().connect(options)?));
        clients.insert(key, client.clone());
        Ok(client)
    }
}
