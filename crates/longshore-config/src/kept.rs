//! Credentials that have to be fetched, kept while they are good.
//!
//! Whoever needs them reads what is held, without a lock. Shortly before it ends one task fetches anew while the old ones still
//! count. Where there are none, or they have ended, everybody waits for the same task, and for what comes of it: a failure is
//! told as one of credentials, and remembered for a moment, so that a thousand objects do not each wait for it. A task of
//! its own does the asking, so that it does not matter who polls those that wait, nor which of them give up; it ends when all
//! have.

use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, SystemTimeError, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use longshore_runtime::runtime;
use object_store::{CredentialProvider, StaticCredentialProvider};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

use crate::credential::{Credential, Fetched, Usable};
use crate::credentials_error::{CredentialsError, Told, patiently};
use crate::options::FOREVER;
use crate::transport::{Requests, Trace};

/// Credentials are fetched again so long before they end, or after three quarters of a shorter life.
const AHEAD: Duration = Duration::from_secs(300);
/// Where that fails while the old ones are still good, it is tried again after this long.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a failure is remembered.
const MEMORY: Duration = Duration::from_secs(5);

/// Somebody who gives credentials.
#[async_trait]
pub(crate) trait Fetch: std::fmt::Debug + Send + Sync + 'static {
    /// Asks for them. The error is a [`Told`] where there is something to tell.
    async fn fetch(&self) -> object_store::Result<Fetched>;
}

/// Who is asked, and what a failure says.
#[derive(Debug)]
pub(crate) struct Giver {
    pub(crate) fetch: Arc<dyn Fetch>,
    /// The subject of the sentence that tells a failure.
    pub(crate) who: String,
    /// What to do about one.
    pub(crate) advice: String,
    /// How long an answer is waited for.
    pub(crate) patience: Duration,
    /// How long before their end credentials are to be fetched again, where somebody says so.
    pub(crate) ahead: Option<Duration>,
}

/// The credentials that somebody gave last.
#[derive(Clone)]
pub(crate) struct Kept<C>(Arc<Inner<C>>);

impl<C> std::fmt::Debug for Kept<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kept").field(&self.0.giver).finish()
    }
}

struct Inner<C> {
    giver: Giver,
    held: ArcSwapOption<Held<C>>,
    /// Held for a moment, and by nobody who only reads.
    latest: Mutex<Latest<C>>,
    /// When the credentials end, in seconds since 1970, for those who show it.
    until: Arc<AtomicI64>,
}

/// The latest attempt.
struct Latest<C> {
    /// The task under way, while somebody waits for it.
    asking: Option<(AbortHandle, WeakShared<BoxFuture<'static, Outcome<C>>>)>,
    /// The same, where it goes on though nobody waits.
    ahead: Option<Asking<C>>,
    failed: Option<(Instant, CredentialsError)>,
}

impl<C> Default for Latest<C> {
    fn default() -> Self {
        Self { asking: None, ahead: None, failed: None }
    }
}

struct Held<C> {
    credential: Arc<C>,
    fetched: Fetched,
    times: Option<Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    again: Instant,
    end: Instant,
    /// The end once more, for a machine that slept: its other clock stood still.
    end_by_the_wall: SystemTime,
}

type Outcome<C> = Result<Arc<Held<C>>, CredentialsError>;

/// What a task will find.
type Asking<C> = Shared<BoxFuture<'static, Outcome<C>>>;

enum State {
    Good,
    Ageing,
    Ended,
}

impl<C> Held<C> {
    fn state(&self) -> State {
        let Some(times) = &self.times else { return State::Good };
        let now = Instant::now();
        if now >= times.end || SystemTime::now() >= times.end_by_the_wall {
            State::Ended
        } else if now >= times.again {
            State::Ageing
        } else {
            State::Good
        }
    }
}

impl<C: Usable> Kept<C> {
    pub(crate) fn new(giver: Giver, until: Arc<AtomicI64>) -> Self {
        Self(Arc::new(Inner { giver, held: ArcSwapOption::empty(), latest: Mutex::default(), until }))
    }

    async fn held(&self) -> Outcome<C> {
        if let Some(held) = self.0.held.load_full() {
            match held.state() {
                State::Good => return Ok(held),
                State::Ageing => {
                    let asking = self.begin();
                    let mut latest = self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
                    // Nobody waits, and it is to go on.
                    latest.ahead = Some(asking);
                    return Ok(held);
                }
                State::Ended => {}
            }
        }
        self.begin().await
    }

    /// The task that asks: the one under way, or a new one. What was found a moment ago counts as well.
    fn begin(&self) -> Asking<C> {
        let mut latest = self.0.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((task, asking)) = &latest.asking
            && !task.is_finished()
            && let Some(asking) = asking.upgrade()
        {
            return asking;
        }
        if let Some((when, error)) = &latest.failed
            && when.elapsed() < MEMORY
        {
            return ready(Err(error.clone()));
        }
        if let Some(held) = self.0.held.load_full()
            && let State::Good = held.state()
        {
            return ready(Ok(held));
        }
        let who = self.0.giver.who.clone();
        let runtime = match runtime::handle() {
            Ok(runtime) => runtime,
            Err(error) => return ready(Err(CredentialsError::because(format!("{who} was not asked: {error}")))),
        };
        let inner = Arc::clone(&self.0);
        // Whoever counts requests counts these for whoever was the first to want them.
        let task = runtime.spawn(Requests::along(Requests::current(), async move { inner.ask().await }));
        let abort = task.abort_handle();
        let asking = CalledOff(task).map(move |ended| {
            ended.unwrap_or_else(|error| Err(CredentialsError::because(format!("{who} gave none: {error}"))))
        });
        let asking = asking.boxed().shared();
        latest.asking = asking.downgrade().map(|asking| (abort, asking));
        asking
    }
}

fn ready<C: Usable>(outcome: Outcome<C>) -> Asking<C> {
    std::future::ready(outcome).boxed().shared()
}

/// A task that ends when nobody waits for it any more.
struct CalledOff<T>(JoinHandle<T>);

impl<T> Future for CalledOff<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for CalledOff<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<C: Usable> Inner<C> {
    async fn ask(&self) -> Outcome<C> {
        let outcome = self.fetch().await;
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.failed = outcome.as_ref().err().map(|error| (Instant::now(), error.clone()));
        let ahead = latest.ahead.take();
        drop(latest);
        // Not while the lock is held: this may be the last of it.
        drop(ahead);
        outcome
    }

    async fn fetch(&self) -> Outcome<C> {
        let trace = Arc::<Trace>::default();
        let error = match trace.scope(patiently(self.giver.patience, self.giver.fetch.fetch())).await {
            Ok(fetched) => match held(fetched, self.giver.ahead) {
                Ok(held) => {
                    let until = held.fetched.expires_at.and_then(|until| until.duration_since(UNIX_EPOCH).ok());
                    let until = until.and_then(|until| i64::try_from(until.as_secs()).ok()).unwrap_or_default();
                    self.until.store(until, Ordering::Relaxed);
                    let held = Arc::new(held);
                    self.held.store(Some(Arc::clone(&held)));
                    return Ok(held);
                }
                Err(reason) => told(reason),
            },
            Err(error) => error,
        };
        // The old ones count while they are good, and the next try may go better.
        if let Some(old) = self.held.load_full()
            && let (State::Ageing, Some(times)) = (old.state(), old.times)
        {
            let again = (Instant::now() + PAUSE).min(times.end);
            let (credential, fetched) = (Arc::clone(&old.credential), old.fetched.clone());
            let held = Arc::new(Held { credential, fetched, times: Some(Times { again, ..times }) });
            self.held.store(Some(Arc::clone(&held)));
            return Ok(held);
        }
        Err(CredentialsError::new(&self.giver.who, &self.giver.advice, &trace, error))
    }
}

fn held<C: Usable>(fetched: Fetched, ahead: Option<Duration>) -> Result<Held<C>, String> {
    let credential = Arc::new(C::from_credential(&fetched.credential)?);
    let times = match fetched.expires_at {
        None => None,
        Some(until) => {
            // What ends at once is good for the request that it was asked for.
            let late = |error: SystemTimeError| (error.duration() < Duration::from_secs(1)).then_some(Duration::ZERO);
            let Some(life) = until.duration_since(SystemTime::now()).map_or_else(late, Some) else {
                return Err("gave credentials that have ended already; is this machine's clock right?".to_owned());
            };
            let life = life.min(FOREVER);
            let now = Instant::now();
            // Whatever is wished for, they are used for a while before the next are fetched.
            let ahead = ahead.map_or_else(|| AHEAD.min(life / 4), |ahead| ahead.min(life * 3 / 4));
            Some(Times { again: now + life - ahead, end: now + life, end_by_the_wall: until })
        }
    };
    Ok(Held { credential, fetched, times })
}

/// An error that says what whoever was asked did: `answered HTTP 403`.
pub(crate) fn told(what: impl Into<String>) -> object_store::Error {
    object_store::Error::Generic { store: "longshore", source: Box::new(Told(what.into())) }
}

#[async_trait]
impl<C: Usable> CredentialProvider for Kept<C> {
    type Credential = C;

    async fn get_credential(&self) -> object_store::Result<Arc<C>> {
        match self.held().await {
            Ok(held) => Ok(Arc::clone(&held.credential)),
            Err(error) => Err(object_store::Error::Generic { store: "longshore", source: Box::new(error) }),
        }
    }
}

/// Somebody who knows which credentials count now.
#[async_trait]
pub(crate) trait Current: std::fmt::Debug + Send + Sync {
    async fn current(&self) -> Result<Fetched, CredentialsError>;
}

#[async_trait]
impl<C: Usable> Current for Kept<C> {
    async fn current(&self) -> Result<Fetched, CredentialsError> {
        self.held().await.map(|held| held.fetched.clone())
    }
}

/// The credentials of a store: for requests, and for whoever asks what they are.
#[derive(Debug)]
pub(crate) struct Credentials<C> {
    pub(crate) provider: Arc<dyn CredentialProvider<Credential = C>>,
    pub(crate) current: Arc<dyn Current>,
}

impl<C: Usable> Credentials<C> {
    /// Those of somebody who has both forms.
    pub(crate) fn of<P: CredentialProvider<Credential = C> + Current + 'static>(both: P) -> Self {
        let both = Arc::new(both);
        Self { provider: Arc::clone(&both) as _, current: both }
    }

    /// Those that were given outright, and that were checked.
    pub(crate) fn given(usable: C, credential: Credential) -> Self {
        let provider = Arc::new(StaticCredentialProvider::new(usable));
        Self { provider, current: Arc::new(Fetched { credential, expires_at: None }) }
    }
}

/// What was given outright.
#[async_trait]
impl Current for Fetched {
    async fn current(&self) -> Result<Fetched, CredentialsError> {
        Ok(self.clone())
    }
}
