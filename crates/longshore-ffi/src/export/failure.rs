//! An error of `object_store`, taken apart into what the interface carries.

use longshore_abi::raw::{
    ERROR_ALREADY_EXISTS, ERROR_CANCELLED, ERROR_GENERIC, ERROR_INVALID_ARGUMENT, ERROR_INVALID_PATH, ERROR_NOT_FOUND,
    ERROR_NOT_IMPLEMENTED, ERROR_NOT_MODIFIED, ERROR_NOT_SUPPORTED, ERROR_PANICKED, ERROR_PERMISSION_DENIED,
    ERROR_PRECONDITION, ERROR_UNAUTHENTICATED,
};
use object_store_014::Error;

use super::Settings;
use crate::unwind::Panicked;

/// No chain of reasons is longer; what is longer is a circle.
const MOST_REASONS: usize = 32;

/// What [`Settings::judge`] knows about an error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    /// Another of `ERROR_*` than the one that follows from the error's kind, such as `ERROR_TIMEOUT` or `ERROR_THROTTLED`.
    pub code: Option<i32>,
    /// The same request may succeed later.
    pub is_retryable: bool,
    /// What the server answered.
    pub http_status: Option<u16>,
}

/// What went wrong, in parts.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: i32,
    pub(super) is_retryable: bool,
    pub(super) http_status: u32,
    pub(super) store: Option<String>,
    pub(super) path: Option<String>,
    /// What happened, then why, and why that. Never empty.
    pub(super) messages: Vec<String>,
}

impl Failure {
    pub(super) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, is_retryable: false, http_status: 0, store: None, path: None, messages: vec![message.into()] }
    }

    pub(super) fn cancelled() -> Self {
        Self::new(ERROR_CANCELLED, "the operation was cancelled")
    }

    pub(super) fn panicked(panicked: &Panicked) -> Self {
        Self::new(ERROR_PANICKED, format!("the store panicked: {}", panicked.message()))
    }

    pub(super) fn of(error: &Error, settings: &Settings) -> Self {
        let mut failure = Self::taken_apart(error);
        if let Some(judge) = settings.judge {
            let verdict = judge(error);
            failure.code = verdict.code.unwrap_or(failure.code);
            failure.is_retryable = verdict.is_retryable;
            failure.http_status = verdict.http_status.map_or(0, u32::from);
        }
        failure
    }

    fn taken_apart(error: &Error) -> Self {
        type Source = dyn std::error::Error + Send + Sync + 'static;
        let with_path =
            |code, path: &str, source: &Source| Self { path: Some(path.to_owned()), ..Self::caused(code, source) };
        match error {
            Error::Generic { store, source } => {
                Self { store: Some((*store).to_owned()), ..Self::caused(ERROR_GENERIC, &**source) }
            }
            Error::NotFound { path, source } => with_path(ERROR_NOT_FOUND, path, &**source),
            Error::AlreadyExists { path, source } => with_path(ERROR_ALREADY_EXISTS, path, &**source),
            Error::Precondition { path, source } => with_path(ERROR_PRECONDITION, path, &**source),
            Error::NotModified { path, source } => with_path(ERROR_NOT_MODIFIED, path, &**source),
            Error::PermissionDenied { path, source } => with_path(ERROR_PERMISSION_DENIED, path, &**source),
            Error::Unauthenticated { path, source } => with_path(ERROR_UNAUTHENTICATED, path, &**source),
            Error::InvalidPath { source } => Self::caused(ERROR_INVALID_PATH, source),
            Error::NotSupported { source } => Self::caused(ERROR_NOT_SUPPORTED, &**source),
            Error::NotImplemented { operation, implementer } => {
                Self { store: Some(implementer.clone()), ..Self::new(ERROR_NOT_IMPLEMENTED, operation.clone()) }
            }
            Error::JoinError { source } => {
                let code = if source.is_panic() { ERROR_PANICKED } else { ERROR_CANCELLED };
                Self::caused(code, source)
            }
            Error::UnknownConfigurationKey { store, .. } => {
                Self { store: Some((*store).to_owned()), ..Self::caused(ERROR_INVALID_ARGUMENT, error) }
            }
            // A kind that a later 0.14 adds.
            other => Self::caused(ERROR_GENERIC, other),
        }
    }

    fn caused(code: i32, cause: &(dyn std::error::Error + 'static)) -> Self {
        let mut failure = Self::new(code, cause.to_string());
        let mut reason = cause.source();
        while let Some(next) = reason
            && failure.messages.len() < MOST_REASONS
        {
            failure.messages.push(next.to_string());
            reason = next.source();
        }
        failure
    }
}
