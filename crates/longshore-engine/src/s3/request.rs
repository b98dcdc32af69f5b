//! One request: built, signed, sent, repeated where that is safe.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use longshore_config::{S3Access, Trace};
use object_store::aws::AwsAuthorizer;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::pace::Pace;
use super::xml::{self, Unusable};
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
    /// Whether it is about one key.
    keyed: bool,
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
        Ok(Self { keyed: true, ..Self::new(access, method, url, context) })
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
            keyed: false,
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

    pub(super) fn headers(mut self, headers: impl IntoIterator<Item = (HeaderName, String)>) -> Result<Self, Error> {
        for (name, value) in headers {
            self = self.header(name, &value)?;
        }
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
        let mut pace = Pace::new(&self.access.retry);
        loop {
            match self.attempt().await? {
                Ok(response) => return Ok(response),
                Err(failure) => failure.once_more(&mut pace).await?,
            }
        }
    }

    /// Sends, and reads the whole answer with `parse`. One that breaks off, or is an error after all, is a failure too.
    pub(super) async fn parsed<T>(&self, parse: fn(&[u8]) -> Result<T, Unusable>) -> Result<T, Error> {
        let mut pace = Pace::new(&self.access.retry);
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

    async fn read<T>(&self, response: HttpResponse, parse: fn(&[u8]) -> Result<T, Unusable>) -> Result<T, Failure> {
        let body = response.into_body().bytes().await.map_err(|error| self.broken(error))?;
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
        let request = self.signed().await?;
        let response = match self.trace.scope(self.access.http.execute(request)).await {
            Ok(response) if response.status().is_success() => return Ok(Ok(response)),
            Ok(response) => response,
            Err(error) => return Ok(Err(self.broken(error))),
        };
        let (status, asked) = (response.status(), retry_after(response.headers()));
        // The error's own text matters more than a failure to read it.
        let body = response.into_body().bytes().await.unwrap_or_default();
        let (code, message) = xml::error(&body);
        Ok(Err(Failure { asked, ..self.refused(status, code, message) }))
    }

    fn broken(&self, error: HttpError) -> Failure {
        let passes = !matches!(error.kind(), HttpErrorKind::Decode | HttpErrorKind::Unknown);
        Failure { error: self.context.http_error(error, &self.trace), passes, asked: Duration::ZERO }
    }

    fn refused(&self, status: StatusCode, code: Option<String>, message: Option<String>) -> Failure {
        let passes = may_pass(status, code.as_deref());
        Failure { error: self.context.response_error(code, message, &self.trace), passes, asked: Duration::ZERO }
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
        if self.keyed {
            self.encrypt(request.headers_mut());
        }
        if let Some(provider) = &self.access.credentials {
            let fail = |error| self.context.store_error(error, &self.trace);
            let credential = provider.get_credential().await.map_err(fail)?;
            AwsAuthorizer::new(&credential, "s3", &self.access.region)
                .with_request_payer(self.access.request_payer)
                .with_sign_payload(self.access.sign_payload)
                .try_authorize(&mut request, None)
                .map_err(fail)?;
        }
        Ok(request)
    }

    /// What beginning an object, and a customer's key, ask of every request about a key.
    fn encrypt(&self, headers: &mut HeaderMap) {
        let encryption = &self.access.encryption;
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
        let begins = match self.method {
            Method::PUT => query.is_empty(),
            Method::POST => has("uploads"),
            _ => false,
        };
        let reads_or_writes =
            self.method != Method::DELETE && (query.is_empty() || has("uploadId") || has("versionId"));
        if begins {
            headers.extend(encryption.write.clone());
        } else if reads_or_writes {
            headers.extend(encryption.customer.clone());
        }
        if headers.contains_key("x-amz-copy-source") {
            headers.extend(encryption.copy_source.clone());
        }
    }
}

/// A try that failed.
struct Failure {
    error: Error,
    /// Whether another try may do better.
    passes: bool,
    /// How long the server asks to wait.
    asked: Duration,
}

impl Failure {
    /// Waits for the next try.
    ///
    /// # Errors
    ///
    /// The failure's own, where there is to be no further try.
    async fn once_more(self, pace: &mut Pace) -> Result<(), Error> {
        if self.passes { pace.after(self.error, self.asked).await } else { Err(self.error) }
    }
}

fn may_pass(status: StatusCode, code: Option<&str>) -> bool {
    (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || matches!(code, Some("RequestTimeout" | "SlowDown" | "InternalError" | "OperationAborted"))
}

fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(Duration::ZERO, Duration::from_secs).min(LONGEST_ASKED_WAIT)
}
