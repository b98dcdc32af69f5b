//! What went wrong, with what was attempted and what the server said.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use longshore_config::{ConfigError, CredentialsError, NoConnection, Observed, Trace, masked};
use object_store::client::{HttpError, HttpErrorKind};

use crate::codes::kind_of_code;

/// What a program may want to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Anything that has no kind of its own.
    Generic,
    /// No such object, bucket or folder.
    NotFound,
    /// A key that this kind of store cannot hold.
    InvalidPath,
    /// Work inside the runtime was lost.
    Join,
    /// The store cannot do this at all.
    NotSupported,
    /// It is there already.
    AlreadyExists,
    /// A condition of the request did not hold.
    Precondition,
    /// The object has not changed since.
    NotModified,
    /// The store's client does not offer this.
    NotImplemented,
    /// The server knows the caller and refuses.
    PermissionDenied,
    /// The server does not know the caller, or there are no credentials to send.
    Unauthenticated,
    /// An option that the store does not have.
    UnknownOption,
    /// An argument that cannot be used. Nothing was sent.
    InvalidArgument,
    /// Nothing happened for too long.
    Timeout,
    /// The server could not be reached, or hung up.
    Connection,
    /// Bytes that the object does not have.
    OutOfRange,
    /// The bucket, or the folder that stands for one, still holds something.
    BucketNotEmpty,
}

/// A failed operation.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    context: Context,
    reason: String,
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
    attempts: u32,
    os_error: Option<i32>,
    failures: Vec<Failure>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// One of several keys that an operation could not handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The object's key.
    pub key: String,
    /// The object.
    pub uri: String,
    /// The server's error code, for example `AccessDenied`.
    pub code: String,
    /// The server's words.
    pub message: String,
}

/// What was attempted, and on what. URIs stand in it as they may be shown: see [`masked`].
#[derive(Clone, Debug)]
pub struct Context {
    /// The operation, as users call it: `get`, `put`, `list`, …
    pub operation: &'static str,
    /// The object, prefix or bucket.
    pub uri: String,
    /// Where to, for what has a source and a target.
    pub target: Option<String>,
}

impl Context {
    /// An attempt of `operation` on `uri`.
    pub fn new(operation: &'static str, uri: impl Into<String>) -> Self {
        Self { operation, uri: shown(uri.into()), target: None }
    }

    /// The same, to `target`.
    pub fn to(self, target: impl Into<String>) -> Self {
        Self { target: Some(shown(target.into())), ..self }
    }

    /// An error of this attempt.
    pub fn error(&self, kind: ErrorKind, reason: impl Into<String>) -> Error {
        Error(Box::new(Inner {
            kind,
            context: self.clone(),
            reason: reason.into(),
            status: None,
            code: None,
            request_id: None,
            attempts: 0,
            os_error: None,
            failures: Vec::new(),
            source: None,
        }))
    }

    /// An error from the store's client. `trace` knows what was seen on the wire.
    pub fn store_error(&self, error: object_store::Error, trace: &Trace) -> Error {
        use object_store::Error as E;
        let text = error.to_string();
        let observed = trace.observed();
        let code = observed.error_code.clone().or_else(|| xml_text(&text, "Code"));
        // Azure goes on with the request's name, which a header gives too, and the time.
        let message = xml_text(&text, "Message").map(|message| message.lines().next().unwrap_or_default().to_owned());
        let cause = Cause::find(&error);
        // The server's own code says more than what its client makes of the status.
        let by_code = code.as_deref().and_then(kind_of_code);
        let kind = by_code.unwrap_or_else(|| match &error {
            _ if cause.credentials => ErrorKind::Unauthenticated,
            E::NotFound { .. } => ErrorKind::NotFound,
            E::InvalidPath { .. } => ErrorKind::InvalidPath,
            E::JoinError { .. } => ErrorKind::Join,
            E::NotSupported { .. } => ErrorKind::NotSupported,
            E::AlreadyExists { .. } => ErrorKind::AlreadyExists,
            E::Precondition { .. } => ErrorKind::Precondition,
            E::NotModified { .. } => ErrorKind::NotModified,
            E::NotImplemented { .. } => ErrorKind::NotImplemented,
            E::PermissionDenied { .. } => ErrorKind::PermissionDenied,
            E::Unauthenticated { .. } => ErrorKind::Unauthenticated,
            E::UnknownConfigurationKey { .. } => ErrorKind::UnknownOption,
            _ => kind_of(&cause, observed.status),
        });
        let reason = match (code.as_deref(), message) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => cause.reason(kind, observed.status).unwrap_or_else(|| text.clone()),
        };
        let mut new = self.error(kind, reason);
        new.0.code = code;
        new.0.os_error = cause.os_error;
        new.0.source = Some(Box::new(error));
        new.with_wire(observed, trace.attempts())
    }

    /// An error that the server answered in S3's own words.
    pub(crate) fn response_error(&self, code: Option<String>, message: Option<String>, trace: &Trace) -> Error {
        let observed = trace.observed();
        let by_code = code.as_deref().and_then(kind_of_code);
        let kind = by_code.unwrap_or_else(|| kind_of(&Cause::default(), observed.status));
        let reason = match (&code, message) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.clone(),
            (None, _) => status_reason(observed.status),
        };
        let mut new = self.error(kind, reason);
        new.0.code = code;
        new.with_wire(observed, trace.attempts())
    }

    /// An error from below HTTP.
    pub(crate) fn http_error(&self, error: HttpError, trace: &Trace) -> Error {
        let cause = Cause::find(&error);
        let kind = kind_of(&cause, None);
        let mut new = self.error(kind, cause.reason(kind, None).unwrap_or_else(|| error.to_string()));
        new.0.os_error = cause.os_error;
        new.0.source = Some(Box::new(error));
        new.with_wire(trace.observed(), trace.attempts())
    }

    /// An error from the operating system.
    pub fn io_error(&self, error: io::Error) -> Error {
        let cause = Cause { io: Some(error.kind()), os_error: error.raw_os_error(), ..Cause::default() };
        let kind = match error.kind() {
            // What is in the way of a write says nothing about whether there is such an object.
            io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory if matches!(self.operation, "put" | "copy") => {
                ErrorKind::InvalidPath
            }
            _ => kind_of(&cause, None),
        };
        let mut new = self.error(kind, error.to_string());
        new.0.os_error = cause.os_error;
        new.0.source = Some(Box::new(error));
        new
    }

    /// An error found before anything was sent.
    pub fn config_error(&self, error: ConfigError) -> Error {
        let kind = match &error {
            ConfigError::InvalidUri { .. } | ConfigError::InvalidOption { .. } => ErrorKind::InvalidArgument,
            ConfigError::UnknownOption { .. } => ErrorKind::UnknownOption,
            ConfigError::NoCredentials { .. }
            | ConfigError::Unauthenticated { .. }
            | ConfigError::Provider { .. }
            | ConfigError::Credentials(_) => ErrorKind::Unauthenticated,
            ConfigError::NotSupported { .. } => ErrorKind::NotSupported,
            ConfigError::Store(_)
            | ConfigError::HttpClient { .. }
            | ConfigError::Inherited
            | ConfigError::Runtime(_) => ErrorKind::Generic,
        };
        let reason = match &error {
            ConfigError::InvalidUri { reason, .. } => reason.clone(),
            other => other.to_string(),
        };
        let mut new = self.error(kind, reason);
        // The other variants have said all they know.
        if let ConfigError::Store(_)
        | ConfigError::Runtime(_)
        | ConfigError::Provider { .. }
        | ConfigError::Credentials(_) = &error
        {
            new.0.source = Some(Box::new(error));
        }
        new
    }
}

impl Error {
    /// What to branch on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation, as users call it.
    pub fn operation(&self) -> &'static str {
        self.0.context.operation
    }

    /// The object, prefix or bucket that could not be handled.
    pub fn uri(&self) -> &str {
        &self.0.context.uri
    }

    /// The HTTP status of the last answer.
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// The server's error code, for example `NoSuchKey`.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The server's name for the last request.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How many requests were sent; 0 where none was.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether a request that takes something away found nothing after an earlier try of it. That try was most likely carried out, and
    /// its answer was lost or replaced by a failure on the way.
    pub(crate) fn is_gone_on_repeat(&self) -> bool {
        self.kind() == ErrorKind::NotFound && self.attempts() > 1
    }

    /// The operating system's error number.
    pub fn os_error(&self) -> Option<i32> {
        self.0.os_error
    }

    /// The keys that failed, where the operation was about many.
    pub fn failures(&self) -> &[Failure] {
        &self.0.failures
    }

    pub(crate) fn with_failures(mut self, failures: Vec<Failure>) -> Self {
        self.0.failures = failures;
        self
    }

    pub(crate) fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    pub(crate) fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = reason.into();
        self
    }

    /// Says more than the server, or the system, did.
    pub(crate) fn with_advice(mut self, advice: &str) -> Self {
        self.0.reason = format!("{advice} ({})", self.0.reason);
        self
    }

    fn with_wire(mut self, observed: Observed, attempts: u32) -> Self {
        // AWS answers a request for the wrong region with one of these, and says where to go in a header.
        if let (Some(301 | 307 | 308 | 400), Some(region)) = (observed.status, &observed.bucket_region) {
            self.0.reason.push_str(&format!("; the bucket is in {region}, set `region` or AWS_REGION to it"));
        }
        self.0.status = observed.status;
        self.0.request_id = observed.request_id;
        self.0.attempts = attempts;
        self
    }
}

/// `get s3://bucket/key: SlowDown: reduce your rate (HTTP 503, 5 attempts, request id 4F2)`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "{} {}", inner.context.operation, inner.context.uri)?;
        if let Some(target) = &inner.context.target {
            write!(f, " to {target}")?;
        }
        write!(f, ": {}", inner.reason)?;
        let details: Vec<String> = [
            inner.status.map(|status| format!("HTTP {status}")),
            (inner.attempts > 1).then(|| format!("{} attempts", inner.attempts)),
            inner.request_id.as_ref().map(|id| format!("request id {id}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if details.is_empty() { Ok(()) } else { write!(f, " ({})", details.join(", ")) }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

fn shown(uri: String) -> String {
    match masked(&uri) {
        Cow::Borrowed(_) => uri,
        Cow::Owned(masked) => masked,
    }
}

/// What a chain of causes says that its top does not.
#[derive(Default)]
struct Cause {
    http: Option<HttpErrorKind>,
    io: Option<io::ErrorKind>,
    os_error: Option<i32>,
    /// Whether there is nothing to sign with. What lies below is about who was asked for keys, not about the object.
    credentials: bool,
    /// Why there was no connection, with the address and what to check.
    unconnected: Option<String>,
    /// The innermost message, which is the most concrete.
    innermost: Option<String>,
}

impl Cause {
    fn find(error: &(dyn StdError + 'static)) -> Self {
        let mut cause = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            if error.is::<CredentialsError>() {
                return Self { credentials: true, innermost: Some(error.to_string()), ..Self::default() };
            }
            if let Some(http) = error.downcast_ref::<HttpError>() {
                cause.http = Some(http.kind());
            }
            if let Some(error) = error.downcast_ref::<NoConnection>() {
                cause.unconnected = Some(error.to_string());
            }
            if let Some(io) = error.downcast_ref::<io::Error>() {
                cause.io = Some(io.kind());
                cause.os_error = io.raw_os_error().or(cause.os_error);
            }
            next = error.source();
            if next.is_none() {
                cause.innermost = Some(error.to_string());
            }
        }
        cause
    }

    fn reason(&self, kind: ErrorKind, status: Option<u16>) -> Option<String> {
        let innermost = self.innermost.as_deref().unwrap_or("no cause was given");
        match kind {
            _ if self.credentials => self.innermost.clone(),
            _ if self.unconnected.is_some() => self.unconnected.clone(),
            ErrorKind::Timeout => Some("the server was silent for too long; raise `timeout` if it needs longer".into()),
            ErrorKind::Connection => Some(format!("the connection broke: {innermost}")),
            ErrorKind::NotFound if matches!(status, Some(404 | 410)) => Some("not found".into()),
            _ if status.is_some_and(|status| status >= 400) => Some(status_reason(status)),
            _ => self.innermost.clone(),
        }
    }
}

fn status_reason(status: Option<u16>) -> String {
    match status {
        Some(404 | 410) => "not found".into(),
        Some(403) => "the server refused access".into(),
        Some(401) => "the server wants credentials".into(),
        Some(412) => "a condition of the request does not hold".into(),
        Some(429 | 503) => "the server asks to slow down".into(),
        Some(status) => format!("the server answered {status}"),
        None => "the server gave no answer".into(),
    }
}

fn kind_of(cause: &Cause, status: Option<u16>) -> ErrorKind {
    if cause.unconnected.is_some() {
        return ErrorKind::Connection;
    }
    match cause.http {
        Some(HttpErrorKind::Timeout) => return ErrorKind::Timeout,
        Some(HttpErrorKind::Connect | HttpErrorKind::Interrupted | HttpErrorKind::Request) => {
            return ErrorKind::Connection;
        }
        _ => {}
    }
    match status {
        Some(404 | 410) => return ErrorKind::NotFound,
        Some(401) => return ErrorKind::Unauthenticated,
        Some(403) => return ErrorKind::PermissionDenied,
        Some(412) => return ErrorKind::Precondition,
        Some(416) => return ErrorKind::OutOfRange,
        Some(304) => return ErrorKind::NotModified,
        Some(501) => return ErrorKind::NotSupported,
        _ => {}
    }
    match cause.io {
        // A path through a file, or to a folder, names no object.
        Some(io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory) => {
            ErrorKind::NotFound
        }
        Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => ErrorKind::PermissionDenied,
        Some(io::ErrorKind::DirectoryNotEmpty) => ErrorKind::BucketNotEmpty,
        Some(io::ErrorKind::AlreadyExists) => ErrorKind::AlreadyExists,
        Some(io::ErrorKind::InvalidFilename) => ErrorKind::InvalidPath,
        Some(io::ErrorKind::TimedOut) => ErrorKind::Timeout,
        Some(
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => ErrorKind::Connection,
        _ => ErrorKind::Generic,
    }
}

/// The text of the first `<name>` in `text`. Error bodies reach us inside other messages.
fn xml_text(text: &str, name: &str) -> Option<String> {
    let rest = text.split_once(&format!("<{name}>"))?.1;
    let inner = rest.split_once(&format!("</{name}>"))?.0;
    quick_xml::escape::unescape(inner).ok().map(|text| text.into_owned())
}

/// A trace shared with the transport.
pub(crate) fn trace() -> Arc<Trace> {
    Arc::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_what_was_attempted_and_what_the_server_said() {
        let mut error = Context::new("get", "s3://b/k").error(ErrorKind::Generic, "SlowDown: reduce your rate");
        error =
            error.with_wire(Observed { status: Some(503), request_id: Some("4F2".into()), ..Observed::default() }, 5);
        assert_eq!(
            error.to_string(),
            "get s3://b/k: SlowDown: reduce your rate (HTTP 503, 5 attempts, request id 4F2)"
        );
    }

    #[test]
    fn an_operating_system_error_keeps_its_number_and_kind() {
        let error = Context::new("put", "file:///x").io_error(io::Error::from_raw_os_error(13));
        assert_eq!((error.kind(), error.os_error()), (ErrorKind::PermissionDenied, Some(13)));
    }
}
