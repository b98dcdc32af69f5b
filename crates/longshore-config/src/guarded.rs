//! Credentials that have to be fetched, guarded.
//!
//! `object_store` fetches and caches them. Around that stands [`Guarded`], so that a failure is told as one of credentials
//! and not as one of the object: its requests stay out of the operation's trace, it ends soon, and it is remembered for a
//! moment, so that a thousand objects do not each wait for it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::CredentialProvider;
use tokio::sync::Mutex;

use crate::ConfigError;
use crate::credential::{Credential, Fetched, Usable};
use crate::kept::Current;
use crate::oauth::TokenError;
use crate::transport::Trace;

/// How long a failure is remembered.
const MEMORY: Duration = Duration::from_secs(5);

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
            (None, None) => format!("gave none: {}", innermost(&error)),
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

/// A provider whose failures are told from those of the store.
#[derive(Debug)]
pub(crate) struct Guarded<C> {
    inner: Arc<dyn CredentialProvider<Credential = C>>,
    who: String,
    advice: String,
    patience: Duration,
    /// The latest failure. Whoever holds the lock asks; the others wait for what comes of it.
    failed: Mutex<Option<(Instant, CredentialsError)>>,
}

impl<C> Guarded<C> {
    /// Guards `inner`. Errors name `who` was asked and end with `advice`; an answer is awaited for `patience`.
    pub(crate) fn new(
        inner: Arc<dyn CredentialProvider<Credential = C>>,
        who: String,
        advice: String,
        patience: Duration,
    ) -> Self {
        Self { inner, who, advice, patience, failed: Mutex::default() }
    }

    /// `error` is `None` where patience ran out.
    fn failure(&self, trace: &Trace, error: Option<object_store::Error>) -> CredentialsError {
        match error {
            Some(error) => CredentialsError::new(&self.who, &self.advice, trace, error),
            None => {
                let why = match trace.observed().status.filter(|status| *status >= 400) {
                    Some(status) => format!("answered HTTP {status}"),
                    None => format!("gave no answer within {:?}", self.patience),
                };
                CredentialsError::because(format!("{} {why}{}", self.who, self.advice))
            }
        }
    }
}

#[async_trait]
impl<C: fmt::Debug + Send + Sync + 'static> CredentialProvider for Guarded<C> {
    type Credential = C;

    async fn get_credential(&self) -> object_store::Result<Arc<C>> {
        let mut failed = self.failed.lock().await;
        let error = match &*failed {
            Some((when, error)) if when.elapsed() < MEMORY => error.clone(),
            _ => {
                let trace = Arc::<Trace>::default();
                let asked = trace.scope(tokio::time::timeout(self.patience, self.inner.get_credential())).await;
                let error = match asked {
                    Ok(Ok(credential)) => {
                        *failed = None;
                        return Ok(credential);
                    }
                    Ok(Err(error)) => self.failure(&trace, Some(error)),
                    Err(_) => self.failure(&trace, None),
                };
                *failed = Some((Instant::now(), error.clone()));
                error
            }
        };
        Err(object_store::Error::Generic { store: "longshore", source: Box::new(error) })
    }
}

#[async_trait]
impl<C: Usable> Current for Guarded<C>
where
    Credential: for<'a> From<&'a C>,
{
    async fn current(&self) -> Result<Fetched, CredentialsError> {
        match self.get_credential().await {
            Ok(credential) => Ok(Fetched { credential: Credential::from(&credential), expires_at: None }),
            Err(error) => Err(find::<CredentialsError>(&error)
                .cloned()
                .unwrap_or_else(|| CredentialsError::because(error.to_string()))),
        }
    }
}

pub(crate) fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
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
