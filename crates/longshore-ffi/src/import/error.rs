//! What went wrong on the other side, as an error of Rust.

use std::fmt;

use longshore_abi::{Answer, Failure, StoreRef, raw};

/// An error of a store in another module. The `source` of an `object_store` error, where that came of a foreign store.
// In a box, as most results have none, and are moved about.
#[derive(Debug)]
pub struct ForeignError(Box<Details>);

#[derive(Debug)]
struct Details {
    code: i32,
    is_retryable: bool,
    http_status: Option<u32>,
    store: Option<String>,
    path: Option<String>,
    message: String,
    source: Option<Box<Reason>>,
}

/// Why it went wrong.
#[derive(Debug)]
struct Reason {
    message: String,
    source: Option<Box<Self>>,
}

/// No chain of reasons is longer; what is longer is a circle.
const MOST_REASONS: usize = 32;

impl ForeignError {
    /// One of `ERROR_*` of `longshore_abi::raw`, or a number that is newer than this crate.
    pub fn code(&self) -> i32 {
        self.0.code
    }

    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.is_retryable
    }

    /// What the server answered.
    pub fn http_status(&self) -> Option<u32> {
        self.0.http_status
    }

    /// The kind of store, such as `S3`.
    pub fn store(&self) -> Option<&str> {
        self.0.store.as_deref()
    }

    /// The object.
    pub fn path(&self) -> Option<&str> {
        self.0.path.as_deref()
    }

    /// What the answer says, where its status is not zero.
    pub(super) fn of_answer(answer: &Answer) -> Self {
        match answer.failure() {
            Some(failure) => {
                let mut error = Self::of_failure(&failure);
                error.0.code = answer.status();
                error
            }
            None => Self::new(answer.status(), "", format!("the store gives no reason (error {})", answer.status())),
        }
    }

    pub(super) fn of_failure(failure: &Failure<'_>) -> Self {
        let mut messages = Vec::new();
        let mut next = failure.source();
        while let Some(reason) = next
            && messages.len() < MOST_REASONS
        {
            messages.push(reason.message().to_owned());
            next = reason.source();
        }
        let source =
            messages.into_iter().rev().fold(None, |source, message| Some(Box::new(Reason { message, source })));
        Self(Box::new(Details {
            code: failure.code(),
            is_retryable: failure.is_retryable(),
            http_status: failure.http_status(),
            store: failure.store().map(str::to_owned),
            path: failure.path().map(str::to_owned),
            message: failure.message().to_owned(),
            source,
        }))
    }

    /// The exporter refused to begin.
    pub(super) fn refused(store: &StoreRef, code: i32, path: &str) -> Self {
        let info = store.info();
        let message = match code {
            raw::ERROR_FORKED => {
                format!(
                    "the store of {info} belongs to the process that this one was forked from; ask for it again here"
                )
            }
            raw::ERROR_SHUTDOWN => format!("{info} has shut down"),
            raw::ERROR_BUSY => format!("{info} has too much under way; try again later"),
            raw::ERROR_NOT_SUPPORTED => format!("{info} cannot do this with what was asked"),
            raw::ERROR_NOT_IMPLEMENTED => format!("{info} has no such operation"),
            raw::ERROR_INVALID_ARGUMENT => format!("{info} makes no sense of what was asked"),
            raw::ERROR_PANICKED => format!("{info} panicked before it began"),
            _ => format!("{info} refuses (error {code})"),
        };
        let mut error = Self::new(code, path, message);
        error.0.is_retryable = code == raw::ERROR_BUSY;
        error
    }

    /// The exporter answered something that makes no sense.
    pub(super) fn malformed(store: &StoreRef, what: &str, path: &str) -> Self {
        Self::new(raw::ERROR_GENERIC, path, format!("{} answered without {what} that can be read", store.info()))
    }

    pub(super) fn new(code: i32, path: &str, message: String) -> Self {
        Self(Box::new(Details {
            code,
            is_retryable: false,
            http_status: None,
            store: None,
            path: Some(path.to_owned()),
            message,
            source: None,
        }))
    }

    /// What happened, without its reasons.
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl fmt::Display for ForeignError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.message)
    }
}

impl std::error::Error for ForeignError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|reason| reason as _)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Reason {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|reason| reason as _)
    }
}
