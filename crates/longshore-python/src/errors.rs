//! Engine errors as Python exceptions. The classes live in Python, in `longshore.exceptions`.

use std::error::Error as _;

use longshore_engine::{Error, ErrorKind};
use longshore_store::Raised;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

static FROM_NATIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception for `error`.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    build(py, error).unwrap_or_else(|failure| failure)
}

fn build(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let details = PyDict::new(py);
    details.set_item("uri", error.uri())?;
    details.set_item("operation", error.operation())?;
    details.set_item("status", error.status())?;
    details.set_item("code", error.code())?;
    details.set_item("request_id", error.request_id())?;
    details.set_item("attempts", error.attempts())?;
    details.set_item("errno", error.os_error())?;
    let failures: Vec<_> =
        error.failures().iter().map(|failure| (&failure.uri, &failure.code, &failure.message)).collect();
    details.set_item("failures", failures)?;
    let raised = Raised::find(error);
    let cause = error.source().filter(|_| raised.is_none()).map(|source| without_body(&source.to_string()));
    let exception = exception(py, class(error.kind()), &error.to_string(), cause, Some(details))?;
    if let Some(raised) = raised {
        exception.set_cause(py, Some(raised.exception(py)));
    }
    Ok(exception)
}

/// A message without the document that the server sent: what matters of it is in the error already, and some servers echo
/// the request's own headers in it, session token and all.
fn without_body(message: &str) -> String {
    let body = ["<?xml", "<Error", "<!DOCTYPE", "<html"].iter().filter_map(|start| message.find(start)).min();
    message[..body.unwrap_or(message.len())].trim_end_matches([' ', ':', '\n']).to_owned()
}

/// An `ArgumentTypeError`: something of the wrong type.
pub(crate) fn wrong_type(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "ArgumentTypeError", message, None, None).unwrap_or_else(|failure| failure)
}

/// An `InvalidArgumentError`: the right type with a value that cannot be used.
pub(crate) fn invalid(py: Python<'_>, message: &str) -> PyErr {
    exception(py, "InvalidArgumentError", message, None, None).unwrap_or_else(|failure| failure)
}

fn exception(
    py: Python<'_>,
    class: &str,
    message: &str,
    cause: Option<String>,
    details: Option<Bound<'_, PyDict>>,
) -> PyResult<PyErr> {
    let build = FROM_NATIVE.import(py, "longshore.exceptions", "_from_native")?;
    Ok(PyErr::from_value(build.call1((class, message, cause, details))?))
}

fn class(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "NotFoundError",
        ErrorKind::InvalidPath => "InvalidPathError",
        ErrorKind::Join => "JoinError",
        ErrorKind::NotSupported | ErrorKind::NotImplemented => "NotSupportedError",
        ErrorKind::AlreadyExists => "AlreadyExistsError",
        ErrorKind::Precondition => "PreconditionError",
        ErrorKind::NotModified => "NotModifiedError",
        ErrorKind::PermissionDenied => "PermissionDeniedError",
        ErrorKind::Unauthenticated => "UnauthenticatedError",
        ErrorKind::UnknownOption => "UnknownConfigurationKeyError",
        ErrorKind::InvalidArgument => "InvalidArgumentError",
        ErrorKind::Timeout => "TimeoutError",
        ErrorKind::Connection => "ConnectionError",
        _ => "GenericError",
    }
}
