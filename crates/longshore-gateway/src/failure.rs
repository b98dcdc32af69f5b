//! Says in S3's words what went wrong below.

use std::io;

use s3s::{S3Error, S3ErrorCode, StdError};

/// A store's error.
pub(crate) fn from_store(error: object_store::Error) -> S3Error {
    use object_store::Error;
    let (code, text) = match &error {
        Error::NotFound { .. } => (S3ErrorCode::NoSuchKey, "The specified key does not exist.".to_owned()),
        Error::AlreadyExists { .. } | Error::Precondition { .. } => {
            (S3ErrorCode::PreconditionFailed, PRECONDITION.to_owned())
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            (S3ErrorCode::AccessDenied, error.to_string())
        }
        Error::NotSupported { .. } | Error::NotImplemented { .. } => (S3ErrorCode::NotImplemented, error.to_string()),
        _ => (S3ErrorCode::InternalError, error.to_string()),
    };
    let mut answer = S3Error::with_message(code, text);
    answer.set_source(Box::new(error));
    answer
}

/// A file system's error.
pub(crate) fn from_io(error: io::Error) -> S3Error {
    let mut answer = S3Error::with_message(S3ErrorCode::InternalError, error.to_string());
    answer.set_source(Box::new(error));
    answer
}

/// An error of a request body. s3s wraps its own in types it does not export, so their text is what tells them apart.
pub(crate) fn from_body(error: StdError) -> S3Error {
    let text = error.to_string();
    let (code, message) = if text.contains("Sha256Mismatch") {
        let code = S3ErrorCode::from_bytes(b"XAmzContentSHA256Mismatch").unwrap_or(S3ErrorCode::BadDigest);
        (code, "The provided 'x-amz-content-sha256' header does not match what was computed.")
    } else if text.contains("SignatureMismatch") {
        (S3ErrorCode::SignatureDoesNotMatch, "The signature of a chunk does not match.")
    } else {
        (
            S3ErrorCode::IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )
    };
    let mut answer = S3Error::with_message(code, message);
    if answer.status_code().is_none() {
        answer.set_status_code(http::StatusCode::BAD_REQUEST);
    }
    answer.set_source(error);
    answer
}

/// A condition of the request does not hold.
pub(crate) fn precondition(condition: &str) -> S3Error {
    S3Error::with_message(S3ErrorCode::PreconditionFailed, format!("{PRECONDITION} ({condition})"))
}

const PRECONDITION: &str = "At least one of the pre-conditions you specified did not hold";
