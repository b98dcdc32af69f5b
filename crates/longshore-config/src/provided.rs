//! Credentials from outside: whoever opens a store may bring somebody who gives them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;

use crate::ConfigError;
use crate::credential::{Fetched, Usable};
use crate::kept::{Credentials, Fetch, Giver, Kept};

/// How long an answer is waited for. Somebody may have to type a code.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody who gives credentials.
///
/// [`fetch`](Self::fetch) is called on a worker of the runtime and must not block it. It is called for the first request, again
/// shortly before the credentials end, and not while an answer for the
/// same store is awaited. Its future is dropped when nobody waits any more. What it fails with is told as a failure
/// of credentials, under the name that `Debug` shows.
pub trait CredentialSource: fmt::Debug + Send + Sync + 'static {
    /// Gives credentials.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Provider`] says what it did instead.
    fn fetch(&self) -> BoxFuture<'static, Result<Fetched, ConfigError>>;

    /// How long before their end the credentials are to be fetched again. They are used for a quarter of their life in any case.
    /// `None` leaves it to the store: five minutes, or a quarter of a shorter life.
    fn refresh_threshold(&self) -> Option<Duration> {
        None
    }
}

/// A source that was given. It is equal to itself alone.
#[derive(Clone)]
pub(crate) struct Provided(pub(crate) Arc<dyn CredentialSource>);

impl Provided {
    /// Who is asked, as errors and people name it.
    pub(crate) fn who(&self) -> String {
        format!("the credential provider {:?}", self.0)
    }

    /// Its credentials, fetched at first use and kept while they are good. `until` is told when they end.
    pub(crate) fn credentials<C: Usable>(&self, until: &Arc<AtomicI64>) -> Credentials<C> {
        let giver = Giver {
            fetch: Arc::new(self.clone()),
            who: self.who(),
            advice: "; it was given as credential_provider".to_owned(),
            patience: PATIENCE,
            ahead: self.0.refresh_threshold(),
        };
        Credentials::of(Kept::new(giver, Arc::clone(until)))
    }

    fn address(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
}

#[async_trait]
impl Fetch for Provided {
    async fn fetch(&self) -> object_store::Result<Fetched> {
        let fetched = self.0.fetch().await;
        fetched.map_err(|error| object_store::Error::Generic { store: "longshore", source: Box::new(error) })
    }
}

impl fmt::Debug for Provided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for Provided {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Provided {}

impl Hash for Provided {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl PartialOrd for Provided {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Provided {
    fn cmp(&self, other: &Self) -> Ordering {
        self.address().cmp(&other.address())
    }
}
