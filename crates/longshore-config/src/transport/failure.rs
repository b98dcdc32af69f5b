//! `reqwest`'s failures in `object_store`'s words: its own mapping is private.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};
use thiserror::Error;

/// Nothing moved in either direction.
#[derive(Debug, Error)]
#[error("the server was silent for {0:?}; raise `timeout` if it needs longer")]
pub(super) struct Silence(pub(super) Duration);

/// A request that cannot be put into words, for example because of its address. Sending it again would not help.
#[derive(Debug, Error)]
#[error("the request cannot be sent: {0}")]
pub(super) struct Unsendable(pub(super) String);

pub(super) fn silence(idle: Duration) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, Silence(idle))
}

/// As `object_store` maps it. Where there was no connection at all, see [`Peer`](super::connection::Peer).
pub(super) fn http_error(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        causes(&error).find_map(refined).unwrap_or(HttpErrorKind::Unknown)
    };
    // Whoever reports the error names the address, where it may be shown.
    HttpError::new(kind, error.without_url())
}

fn refined(cause: &(dyn StdError + 'static)) -> Option<HttpErrorKind> {
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        // Cancelled is what never left, because the connection that was to take it had just gone away.
        if error.is_closed() || error.is_canceled() || error.is_incomplete_message() || error.is_body_write_aborted() {
            return Some(HttpErrorKind::Request);
        }
        if error.is_timeout() {
            return Some(HttpErrorKind::Timeout);
        }
    }
    match cause.downcast_ref::<io::Error>()?.kind() {
        io::ErrorKind::TimedOut => Some(HttpErrorKind::Timeout),
        io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Some(HttpErrorKind::Interrupted),
        _ => None,
    }
}

/// What stands below `error`, nearest first.
pub(super) fn causes(error: &dyn StdError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}
