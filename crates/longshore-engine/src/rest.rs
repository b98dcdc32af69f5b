//! A request of our own to a cloud's HTTP interface: built, authorized, sent, repeated where that is safe.
//!
//! What differs between clouds is how a request is authorized and what an error looks like: a [`Service`] knows.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use longshore_config::{Trace, bounded};
use object_store::RetryConfig;
use object_store::client::{HttpClient, HttpError, HttpRequest, HttpResponse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Context, Error, ErrorKind};
use crate::retry::{Failure, Pace, is_passing, may_pass, retry_after};

/// What needs no encoding anywhere in a URL.
pub(crate) const UNRESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// As [`UNRESERVED`], with the slashes between the segments of a path.
pub(crate) const IN_PATH: AsciiSet = UNRESERVED.remove(b'/');

/// So much of an answer is read. A page of the largest listing that a service gives, of 5000 keys as long as keys may be, takes a
/// quarter of it.
const MOST_OF_AN_ANSWER: usize = 64 << 20;
/// So much of an error is read. What it says stands at its beginning.
pub(crate) const MOST_OF_AN_ERROR: usize = 64 << 10;

/// Somebody to send requests to.
pub(crate) trait Service: Sync {
    fn http(&self) -> &HttpClient;

    fn retry(&self) -> &RetryConfig;

    /// Makes `request` one that the service will take from us.
    fn authorize(&self, request: &mut HttpRequest) -> impl Future<Output = object_store::Result<()>> + Send;

    /// Code and message of the answer to a request that failed, as far as it has any.
    fn complaint(headers: &HeaderMap, body: &[u8]) -> (Option<String>, Option<String>);
}

/// What is wrong with a 200 answer: an error document after all, or something unreadable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// The server's error, begun too late for a status.
    Error { code: Option<String>, message: Option<String> },
    /// Not the document that was asked for, or not all of it.
    Unreadable(String),
}

/// A request in the making. Every request that is sent this way may be repeated: it says so by being sent.
pub(crate) struct Request<'a, S> {
    service: &'a S,
    context: &'a Context,
    trace: Arc<Trace>,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: Bytes,
    separator: char,
}

impl<'a, S: Service> Request<'a, S> {
    pub(crate) fn new(service: &'a S, method: Method, url: String, context: &'a Context) -> Self {
        Self {
            service,
            context,
            trace: Arc::default(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            separator: '?',
        }
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.push(self.separator);
        self.separator = '&';
        self.url.push_str(name);
        self.url.push('=');
        self.url.extend(utf8_percent_encode(value, &UNRESERVED));
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| self.context.error(ErrorKind::InvalidArgument, format!("{name} cannot be {value:?}")))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    pub(crate) fn headers(mut self, headers: impl IntoIterator<Item = (HeaderName, String)>) -> Result<Self, Error> {
        for (name, value) in headers {
            self = self.header(name, &value)?;
        }
        Ok(self)
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }

    /// Sends, and sends again after failures that may pass. A success is any 2xx answer.
    pub(crate) async fn send(&self) -> Result<HttpResponse, Error> {
        let mut pace = Pace::new(self.service.retry());
        loop {
            match self.attempt().await? {
                Ok(response) => return Ok(response),
                Err(failure) => failure.once_more(&mut pace).await?,
            }
        }
    }

    /// Sends, and reads the whole answer with `parse`. One that breaks off, or is an error after all, is a failure too.
    pub(crate) async fn parsed<T>(&self, parse: fn(&[u8]) -> Result<T, Unusable>) -> Result<T, Error> {
        let mut pace = Pace::new(self.service.retry());
        loop {
            let answer = match self.attempt().await? {
                Ok(response) => self.read(response, parse).await,
                Err(failure) => Err(failure),
            };
            match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure.once_more(&mut pace).await?,
            }
        }
    }

    /// The whole body of an answer.
    ///
    /// # Errors
    ///
    /// Where it breaks off, and where it is longer than any answer of an object store.
    pub(crate) async fn whole(&self, response: HttpResponse) -> Result<Bytes, Error> {
        let body = bounded::whole(response, MOST_OF_AN_ANSWER).await;
        body.map_err(|error| self.context.http_error(error, &self.trace))
    }

    async fn read<T>(&self, response: HttpResponse, parse: fn(&[u8]) -> Result<T, Unusable>) -> Result<T, Failure> {
        let body = bounded::whole(response, MOST_OF_AN_ANSWER).await.map_err(|error| self.broken(error))?;
        parse(&body).map_err(|problem| match problem {
            Unusable::Error { code, message } => self.refused(StatusCode::OK, code, message),
            Unusable::Unreadable(problem) => {
                let reason = format!("the server's answer is unreadable: {problem}");
                Failure { error: self.context.error(ErrorKind::Generic, reason), passes: true, asked: Duration::ZERO }
            }
        })
    }

    /// One try. The outer error is about the request itself, which repeating would not mend.
    async fn attempt(&self) -> Result<Result<HttpResponse, Failure>, Error> {
        let request = self.authorized().await?;
        let response = match self.trace.scope(self.service.http().execute(request)).await {
            Ok(response) if response.status().is_success() => return Ok(Ok(response)),
            Ok(response) => response,
            Err(error) => return Ok(Err(self.broken(error))),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let asked = retry_after(&headers);
        // The error's own text matters more than a failure to read it.
        let body = bounded::beginning(response, MOST_OF_AN_ERROR).await;
        let (code, message) = S::complaint(&headers, &body);
        Ok(Err(Failure { asked, ..self.refused(status, code, message) }))
    }

    fn broken(&self, error: HttpError) -> Failure {
        let passes = is_passing(&error);
        Failure { error: self.context.http_error(error, &self.trace), passes, asked: Duration::ZERO }
    }

    fn refused(&self, status: StatusCode, code: Option<String>, message: Option<String>) -> Failure {
        let passes = may_pass(status, code.as_deref());
        Failure { error: self.context.response_error(code, message, &self.trace), passes, asked: Duration::ZERO }
    }

    async fn authorized(&self) -> Result<HttpRequest, Error> {
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
        let authorized = self.service.authorize(&mut request).await;
        authorized.map_err(|error| self.context.store_error(error, &self.trace))?;
        Ok(request)
    }
}

/// Refuses keys that no HTTP client would send as they are.
///
/// # Errors
///
/// [`ErrorKind::InvalidPath`] for `.` and `..` segments: every client and proxy on the way would fold them away.
pub(crate) fn sendable(key: &str, context: &Context) -> Result<(), Error> {
    if key.split('/').any(|segment| segment == "." || segment == "..") {
        let reason = "a key with a `.` or `..` segment cannot be sent over HTTP";
        return Err(context.error(ErrorKind::InvalidPath, reason));
    }
    Ok(())
}
