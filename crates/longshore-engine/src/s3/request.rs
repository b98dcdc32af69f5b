//! One request: built, signed, sent, repeated where that is safe.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use longshore_config::{S3Access, Trace};
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpErrorKind, HttpRequest, HttpResponse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::xml;
use crate::error::{Context, Error, ErrorKind};

/// What SigV4 leaves as it is.
const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const IN_PATH: AsciiSet = UNRESERVED.remove(b'/');

/// Longest wait that a server may ask for with `Retry-After`.
const LONGEST_ASKED_WAIT: Duration = Duration::from_secs(30);

/// A request in the making. Every request this module sends may be repeated: it says so by being sent.
pub(super) struct Request<'a> {
    access: &'a S3Access,
    context: &'a Context,
    trace: Arc<Trace>,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    separator: char,
}

impl<'a> Request<'a> {
    /// A request on the bucket itself.
    pub(super) fn bucket(access: &'a S3Access, method: Method, context: &'a Context) -> Self {
        Self::new(access, method, access.bucket_url.clone(), context)
    }

    /// A request on the service, for what is about no bucket.
    pub(super) fn service(access: &'a S3Access, method: Method, context: &'a Context) -> Self {
        Self::new(access, method, format!("{}/", access.service_url), context)
    }

    /// A request on one key.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPath`] for `.` and `..` segments: every HTTP client on the way would fold them away.
    pub(super) fn object(access: &'a S3Access, method: Method, key: &str, context: &'a Context) -> Result<Self, Error> {
        if key.split('/').any(|segment| segment == "." || segment == "..") {
            let reason = "a key with a `.` or `..` segment cannot be sent over HTTP";
            return Err(context.error(ErrorKind::InvalidPath, reason));
        }
        let url = format!("{}/{}", access.bucket_url, utf8_percent_encode(key, &IN_PATH));
        Ok(Self::new(access, method, url, context))
    }

    fn new(access: &'a S3Access, method: Method, url: String, context: &'a Context) -> Self {
        Self {
            access,
            context,
            trace: Arc::default(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            separator: '?',
        }
    }

    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.push(self.separator);
        self.separator = '&';
        self.url.push_str(name);
        self.url.push('=');
        self.url.extend(utf8_percent_encode(value, &UNRESERVED));
        self
    }

    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| self.context.error(ErrorKind::InvalidArgument, format!("{name} cannot be {value:?}")))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }

    /// Sends, and sends again after failures that may pass. A success is any 2xx answer.
    pub(super) async fn send(&self) -> Result<HttpResponse, Error> {
        let started = Instant::now();
        let mut wait = self.access.retry.backoff.init_backoff;
        for attempt in 0.. {
            let last = attempt >= self.access.retry.max_retries || started.elapsed() > self.access.retry.retry_timeout;
            let request = self.signed().await?;
            let failure = match self.trace.scope(self.access.http.execute(request)).await {
                Ok(response) if response.status().is_success() => return Ok(response),
                Ok(response) => {
                    let status = response.status();
                    let asked = retry_after(response.headers());
                    // The error's own text matters more than a failure to read it.
                    let body = response.into_body().bytes().await.unwrap_or_default();
                    let (code, message) = xml::error(&body);
                    let passes = may_pass(status, code.as_deref());
                    let error = self.context.response_error(code, message, &self.trace);
                    if !passes {
                        return Err(error);
                    }
                    wait = wait.max(asked);
                    error
                }
                Err(error) => {
                    let passes = !matches!(error.kind(), HttpErrorKind::Decode | HttpErrorKind::Unknown);
                    let error = self.context.http_error(error, &self.trace);
                    if !passes {
                        return Err(error);
                    }
                    error
                }
            };
            if last {
                return Err(failure);
            }
            // Full jitter: clients that failed together do not come back together.
            tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
            wait = (wait * 2).min(self.access.retry.backoff.max_backoff);
        }
        Err(self.context.error(ErrorKind::Generic, "gave up"))
    }

    /// Sends, and reads the whole answer.
    pub(super) async fn text(&self) -> Result<Bytes, Error> {
        let body = self.send().await?.into_body();
        body.bytes().await.map_err(|error| self.context.http_error(error, &self.trace))
    }

    async fn signed(&self) -> Result<HttpRequest, Error> {
        let mut request = HttpRequest::new(self.body.clone().into());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self
            .url
            .parse()
            .map_err(|error| self.context.error(ErrorKind::InvalidArgument, format!("{}: {error}", self.url)))?;
        *request.headers_mut() = self.headers.clone();
        if self.method != Method::GET && self.method != Method::HEAD {
            request.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        }
        if let Some(provider) = &self.access.credentials {
            let fail = |error| self.context.store_error(error, &self.trace);
            let credential = provider.get_credential().await.map_err(fail)?;
            AwsAuthorizer::new(&credential, "s3", &self.access.region)
                .with_request_payer(self.access.request_payer)
                .try_authorize(&mut request, None)
                .map_err(fail)?;
        }
        Ok(request)
    }
}

fn may_pass(status: StatusCode, code: Option<&str>) -> bool {
    (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || matches!(code, Some("RequestTimeout" | "SlowDown" | "OperationAborted"))
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_ASKED_WAIT)
}
