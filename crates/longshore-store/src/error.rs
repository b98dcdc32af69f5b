//! Errors of Rust as exceptions of Python.

use std::error::Error as StdError;
use std::io;

use longshore_abi::raw::{ERROR_CANCELLED, ERROR_INVALID_ARGUMENT, ERROR_PANICKED, ERROR_TIMEOUT};
use longshore_config::{ConfigError, CredentialsError};
use longshore_ffi::ForeignError;
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};
use pyo3::CastError;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use thiserror::Error as DeriveError;

use crate::exceptions::exception_about;
use crate::provider::Raised;

/// What a function that uses a store fails with. As the error of a `#[pyfunction]` it is raised as the exception that fits.
#[derive(Debug, DeriveError)]
#[non_exhaustive]
pub enum PyObjectStoreError {
    /// A failed request.
    #[error(transparent)]
    ObjectStoreError(#[from] Error),
    /// An exception.
    #[error(transparent)]
    PyErr(#[from] PyErr),
    /// What the operating system said.
    #[error(transparent)]
    IOError(#[from] io::Error),
    /// Options or a URI that cannot be used. Nothing was sent.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// The result of a function that uses a store.
pub type PyObjectStoreResult<T> = Result<T, PyObjectStoreError>;

impl<'a, 'py> From<CastError<'a, 'py>> for PyObjectStoreError {
    fn from(error: CastError<'a, 'py>) -> Self {
        Self::PyErr(PyTypeError::new_err(error.to_string()))
    }
}

impl From<PyObjectStoreError> for PyErr {
    fn from(error: PyObjectStoreError) -> Self {
        match error {
            PyObjectStoreError::PyErr(error) => error,
            PyObjectStoreError::IOError(error) => error.into(),
            PyObjectStoreError::ObjectStoreError(error) => Python::attach(|py| raise(py, class(&error), &error, None)),
            PyObjectStoreError::Config(error) => Python::attach(|py| config_error(py, None, &error)),
        }
    }
}

/// The exception for options or a URI that cannot be used. `store` is the class that was to be made.
pub(crate) fn config_error(py: Python<'_>, store: Option<&str>, error: &ConfigError) -> PyErr {
    raise(py, config_class(error), error, store)
}

/// The exception of the class called `name`. Its message is the error's, and its cause what is behind it.
fn raise(py: Python<'_>, name: &str, error: &(dyn StdError + 'static), subject: Option<&str>) -> PyErr {
    // `object_store` puts "Generic ... error" before what matters.
    let said = match find::<CredentialsError>(error) {
        Some(credentials) => credentials.to_string(),
        None => without_body(&error.to_string()),
    };
    let message = match subject {
        Some(subject) if !said.contains(subject) => format!("{subject}: {said}"),
        _ => said,
    };
    let raised = Raised::find(error);
    let cause = error.source().filter(|_| raised.is_none()).map(|cause| without_body(&cause.to_string()));
    let details = PyDict::new(py);
    if let Some(number) = find::<io::Error>(error).and_then(io::Error::raw_os_error)
        && let Err(failure) = details.set_item("errno", number)
    {
        return failure;
    }
    let exception = exception_about(py, name, &message, cause, Some(details));
    if let Some(raised) = raised {
        exception.set_cause(py, Some(raised.exception(py)));
    }
    exception
}

/// The name of the class of exceptions for `error`.
pub(crate) fn class(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => "NotFoundError",
        Error::InvalidPath { .. } => "InvalidPathError",
        Error::JoinError { .. } => "JoinError",
        Error::NotSupported { .. } | Error::NotImplemented { .. } => "NotSupportedError",
        Error::AlreadyExists { .. } => "AlreadyExistsError",
        Error::Precondition { .. } => "PreconditionError",
        Error::NotModified { .. } => "NotModifiedError",
        Error::PermissionDenied { .. } => "PermissionDeniedError",
        Error::Unauthenticated { .. } => "UnauthenticatedError",
        Error::UnknownConfigurationKey { .. } => "UnknownConfigurationKeyError",
        other => general(other),
    }
}

/// For errors that `object_store` has no word for: what is behind them says more.
fn general(error: &Error) -> &'static str {
    if find::<CredentialsError>(error).is_some() {
        return "UnauthenticatedError";
    }
    if let Some(error) = find::<ConfigError>(error) {
        return config_class(error);
    }
    if let Some(error) = find::<ForeignError>(error) {
        return match error.code() {
            ERROR_TIMEOUT => "TimeoutError",
            ERROR_INVALID_ARGUMENT => "InvalidArgumentError",
            ERROR_PANICKED | ERROR_CANCELLED => "JoinError",
            _ => "GenericError",
        };
    }
    match find::<HttpError>(error).map(HttpError::kind) {
        Some(HttpErrorKind::Timeout) => "TimeoutError",
        Some(HttpErrorKind::Connect | HttpErrorKind::Request | HttpErrorKind::Interrupted) => "ConnectionError",
        _ => "GenericError",
    }
}

fn config_class(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::InvalidUri { .. } | ConfigError::InvalidOption { .. } => "InvalidArgumentError",
        ConfigError::UnknownOption { .. } => "UnknownConfigurationKeyError",
        ConfigError::NoCredentials { .. }
        | ConfigError::Unauthenticated { .. }
        | ConfigError::Provider { .. }
        | ConfigError::Credentials(_) => "UnauthenticatedError",
        ConfigError::NotSupported { .. } => "NotSupportedError",
        _ => "GenericError",
    }
}

/// The nearest error of a kind in the chain of causes.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// A message without the document that the server sent: some servers echo the request's own headers in it, session token
/// and all.
fn without_body(message: &str) -> String {
    let body = ["<?xml", "<Error", "<!DOCTYPE", "<html"].iter().filter_map(|start| message.find(start)).min();
    message[..body.unwrap_or(message.len())].trim_end_matches([' ', ':', '\n']).to_owned()
}
