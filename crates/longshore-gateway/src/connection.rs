//! Connections and what happens to a request before and after the S3 service sees it: counting, faults, a request id.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HeaderName, HeaderValue};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::StdError;
use s3s::service::S3Service;
use tokio::net::TcpStream;

use crate::answer;
use crate::faults::{FaultAction, Faults};
use crate::lent::{Lender, Lent};
use crate::socket::{Connection, Listener};
use crate::spoil::Spoilt;
use crate::stats::Counters;

/// The largest body of a batch delete: 1000 of the longest keys fit many times.
const LARGEST_BATCH: usize = 20 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// What all connections of a gateway share.
pub(crate) struct Shared {
    pub(crate) faults: Faults,
    pub(crate) counters: Arc<Counters>,
    service: S3Service,
    started: u64,
    requests: AtomicU64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("faults", &self.faults).field("counters", &self.counters).finish_non_exhaustive()
    }
}

impl Shared {
    /// Serves this service.
    pub(crate) fn new(service: S3Service, counters: Arc<Counters>) -> Self {
        Self {
            faults: Faults::default(),
            counters,
            service,
            started: crate::record::now(),
            requests: AtomicU64::new(0),
        }
    }

    fn request_id(&self) -> String {
        let count = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{:08X}{count:08X}", self.started & 0xFFFF_FFFF)
    }
}

/// Accepts connections for ever.
pub(crate) async fn accept(listener: Listener, shared: Arc<Shared>) {
    loop {
        match listener.0.accept().await {
            Ok((stream, _)) => {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { serve(stream, shared).await });
            }
            // Out of descriptors, or the client has gone already; either passes.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _open = shared.counters.connection();
    // A socket that cannot do this still serves, only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer_request(request, Arc::clone(&shared)));
    // An error here is a client that left, or a fault that was asked for.
    let _ = http1::Builder::new().keep_alive(true).serve_connection(TokioIo::new(Connection(stream)), service).await;
}

/// An error ends the connection without an answer.
async fn answer_request(request: Request<Incoming>, shared: Arc<Shared>) -> Result<Response<Spoilt>, StdError> {
    let id = shared.request_id();
    shared.counters.request(request.method().as_str());
    let plan = shared.faults.plan(request.method().as_str(), request.uri().path(), request.uri().query().unwrap_or(""));
    if !plan.latency.is_zero() {
        tokio::time::sleep(plan.latency).await;
    }
    let is_head = request.method() == Method::HEAD;
    let resource = request.uri().path().to_owned();
    let awaits_permission = request.headers().contains_key(EXPECT);
    let lender = Arc::new(Lender::default());
    let request = request.map(|body| lender.lend(body));
    let response = match &plan.action {
        Some(FaultAction::CloseConnection) => return Err("closed by a scripted fault".into()),
        Some(FaultAction::Status { code, error, headers }) => {
            drop(request);
            answer::scripted(*code, error, headers)
        }
        Some(FaultAction::Reply { code, headers, body }) => {
            drop(request);
            answer::fixed(*code, headers, body.clone())
        }
        _ => shared.service.call(with_raw_body(request).await?).await?,
    };
    if plan.action == Some(FaultAction::LoseAnswer) {
        return Err("the answer is lost by a scripted fault".into());
    }
    let mut response = match &plan.action {
        Some(FaultAction::Reply { .. }) => response,
        _ => answer::complete(response, &id, &resource, is_head),
    };
    if let Ok(id) = HeaderValue::try_from(id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if !lender.settle(awaits_permission).await {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let action = plan.action.as_ref().filter(|_| !is_head);
    declare_length(&mut response, action);
    shared.counters.status(response.status().as_u16());
    Ok(response.map(|body| Spoilt::new(body, action)))
}

/// The body of a batch delete as it was sent; s3s parses it and keeps nothing to verify.
#[derive(Clone, Debug)]
pub(crate) struct RawBody(pub(crate) Bytes);

/// Gives the request to s3s, with a copy of the body where a digest of it has to be verified later.
async fn with_raw_body(request: Request<Lent>) -> Result<Request<s3s::Body>, StdError> {
    let names_delete = |query: &str| query.split('&').any(|pair| pair.split('=').next() == Some("delete"));
    if request.method() != Method::POST || !request.uri().query().is_some_and(names_delete) {
        return Ok(request.map(s3s::Body::http_body_unsync));
    }
    let (parts, body) = request.into_parts();
    let bytes = Limited::new(body, LARGEST_BATCH).collect().await?.to_bytes();
    let mut request = Request::from_parts(parts, s3s::Body::from(bytes.clone()));
    request.extensions_mut().insert(RawBody(bytes));
    Ok(request)
}

/// A spoilt body needs an explicit length: its own for a cut, the shorter one for a lie.
fn declare_length(response: &mut Response<s3s::Body>, action: Option<&FaultAction>) {
    let Some(action) = action else { return };
    let declared = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let Some(whole) = declared.or_else(|| http_body::Body::size_hint(response.body()).exact()) else { return };
    let length: u64 = match action {
        FaultAction::ShortBody { length } => whole.min(*length),
        _ => whole,
    };
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
}
