//! Why there are no credentials.
//!
//! A failure to get some is told as one of credentials and not as one of the object, with who was asked, what they did instead,
//! and what to do about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::ConfigError;
use crate::oauth::TokenError;
use crate::transport::{NoConnection, Trace};

/// Keys could not be fetched. It stands in the chain of causes of the failed operation.
#[derive(Clone, Debug)]
pub struct CredentialsError {
    reason: Arc<str>,
    source: Option<Arc<object_store::Error>>,
}

impl CredentialsError {
    /// What `who` did instead of giving credentials, where requests were noted in `trace`.
    pub(crate) fn new(who: &str, advice: &str, trace: &Trace, error: object_store::Error) -> Self {
        // Who needs keys to ask for keys fails as those do.
        if let Some(inner) = find::<Self>(&error) {
            return inner.clone();
        }
        let status = trace.observed().status.filter(|status| *status >= 400);
        let why = match (find::<ConfigError>(&error), status) {
            (Some(told), _) => told.to_string(),
            _ if find::<Told>(&error).is_some() => innermost(&error),
            (None, Some(status)) => format!("answered HTTP {status}{}", said(&error)),
            (None, None) => format!("gave none: {}", unconnected(&error).unwrap_or_else(|| innermost(&error))),
        };
        Self { reason: format!("{who} {why}{advice}").into(), source: Some(Arc::new(error)) }
    }

    /// For where nobody could be asked.
    pub(crate) fn because(reason: String) -> Self {
        Self { reason: reason.into(), source: None }
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no credentials: {}", self.reason)
    }
}

impl StdError for CredentialsError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Waits for an answer, but not for ever.
///
/// # Errors
///
/// The answer's, and a [`Told`] where there was none.
pub(crate) async fn patiently<T>(
    patience: Duration,
    answer: impl Future<Output = object_store::Result<T>>,
) -> object_store::Result<T> {
    tokio::time::timeout(patience, answer).await.unwrap_or_else(|_| {
        let told = Told(format!("gave no answer within {patience:?}"));
        Err(object_store::Error::Generic { store: "longshore", source: Box::new(told) })
    })
}

/// What whoever was asked for keys did instead of giving them, as the rest of a sentence: `answered HTTP 403`.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Told {}

pub(crate) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

/// The address that could not be reached, where that is why.
fn unconnected(error: &object_store::Error) -> Option<String> {
    find::<NoConnection>(error).map(|error| error.said().to_owned())
}

fn innermost(error: &dyn StdError) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

/// The service's own words, where it answered in XML or JSON.
fn said(error: &object_store::Error) -> String {
    if let Some(said) = error.source().and_then(|source| source.downcast_ref::<TokenError>()?.said()) {
        return format!(", {said:?}");
    }
    let text = error.to_string();
    let message = text.split_once("<Message>").and_then(|(_, rest)| Some(rest.split_once("</Message>")?.0));
    message.map_or_else(String::new, |message| format!(", {message:?}"))
}
