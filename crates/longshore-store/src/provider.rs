//! Credential providers that are written in Python.
//!
//! The runtime's workers never touch the interpreter, and a provider may take its time. So each provider has a Python
//! thread: it waits for a byte on a pipe, asks the provider, and hands over what came of it. A worker that needs credentials
//! writes the byte. The thread is started by whoever uses the store first from Python, in each process anew.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use longshore_config::{ConfigError, Context, CredentialSource, Fetched};
use longshore_runtime::fork::PerProcess;
use pyo3::intern;
use pyo3::prelude::*;
use tokio::sync::oneshot;

use crate::credentials::{Cloud, read};
use crate::exceptions::wrong_type;
use crate::support::support;

/// Sources that somebody still holds. Providers that are equal are one source, so that their stores are one as well.
#[derive(Default)]
struct Sources(Mutex<Vec<Weak<PythonSource>>>);

/// A provider as somebody gave it, and the source it is, which an equal one may be as well.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) source: Arc<PythonSource>,
    pub(crate) object: Py<PyAny>,
}

impl Provider {
    pub(crate) fn new(object: &Bound<'_, PyAny>, cloud: Cloud) -> PyResult<Self> {
        Ok(Self { source: PythonSource::of(object, cloud)?, object: object.clone().unbind() })
    }
}

/// A callable that gives credentials.
pub(crate) struct PythonSource {
    provider: Py<PyAny>,
    /// The type's name, for messages.
    name: String,
    cloud: Cloud,
    /// How long before their end it wants to be asked for new ones.
    refresh_threshold: Option<Duration>,
    line: PerProcess<Arc<Line>>,
    /// Itself, because asking outlives a borrow.
    own: Weak<Self>,
}

type Outcome = Result<Fetched, ConfigError>;

/// The way to a provider's thread.
struct Line {
    writer: PipeWriter,
    waiting: Mutex<VecDeque<oneshot::Sender<Outcome>>>,
    /// The thread's end, until the thread has it.
    reader: Mutex<Option<PipeReader>>,
    started: AtomicBool,
}

impl Line {
    fn new() -> io::Result<Arc<Self>> {
        let (reader, writer) = io::pipe()?;
        let (waiting, started) = (Mutex::default(), AtomicBool::new(false));
        Ok(Arc::new(Self { writer, waiting, reader: Mutex::new(Some(reader)), started }))
    }

    /// Answers whoever has waited longest.
    fn answer(&self, outcome: Outcome) {
        // They may have given up by now.
        let _ = locked(&self.waiting).pop_front().map(|waiting| waiting.send(outcome));
    }
}

impl PythonSource {
    /// The source for `provider`: the one there is, where an equal one is in use.
    fn of(provider: &Bound<'_, PyAny>, cloud: Cloud) -> PyResult<Arc<Self>> {
        let py = provider.py();
        // Compared outside the lock, because that runs Python code.
        let known: Vec<Arc<Self>> = {
            let sources: &Sources = Context::process().part();
            let _no_fork = Context::process().without_forks();
            let mut sources = locked(&sources.0);
            sources.retain(|source| source.strong_count() > 0);
            sources.iter().filter_map(Weak::upgrade).collect()
        };
        let same = |source: &&Arc<Self>| {
            let other = source.provider.bind(py);
            source.cloud == cloud && (other.is(provider) || other.eq(provider).unwrap_or(false))
        };
        if let Some(source) = known.iter().find(same) {
            return Ok(Arc::clone(source));
        }
        let name = provider.getattr("__qualname__").or_else(|_| provider.get_type().qualname().map(Bound::into_any))?;
        let refresh_threshold = threshold(provider)?;
        let source = Arc::new_cyclic(|own| Self {
            provider: provider.clone().unbind(),
            name: name.to_string(),
            cloud,
            refresh_threshold,
            line: PerProcess::new(),
            own: Weak::clone(own),
        });
        let sources: &Sources = Context::process().part();
        let _no_fork = Context::process().without_forks();
        locked(&sources.0).push(Arc::downgrade(&source));
        Ok(source)
    }

    /// Whether the thread of this process has been started.
    pub(crate) fn is_ready(&self) -> bool {
        self.line.get().is_some_and(|line| line.started.load(Ordering::Acquire))
    }

    /// Starts the thread, where this process has none yet.
    pub(crate) fn start(&self, py: Python<'_>) -> PyResult<()> {
        let line = Arc::clone(self.line.get_or_try_make(Line::new)?);
        if line.started.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(reader) = locked(&line.reader).take() else { return Ok(()) };
        let requests = Requests { reader, line: Arc::downgrade(&line), cloud: self.cloud };
        support(py)?.getattr("start")?.call1((requests, &self.provider)).map(drop)
    }

    fn ask(&self) -> io::Result<oneshot::Receiver<Outcome>> {
        let line = self.line.get_or_try_make(Line::new)?;
        let (sender, receiver) = oneshot::channel();
        locked(&line.waiting).push_back(sender);
        // Written after it was queued: a byte is a request that can be taken.
        (&line.writer).write_all(&[1])?;
        if !line.started.load(Ordering::Acquire) {
            self.start_unattached();
        }
        Ok(receiver)
    }

    /// For a store that Rust took along into a process in which Python has not used it yet.
    fn start_unattached(&self) {
        // Whoever asks holds it.
        let Some(source) = self.own.upgrade() else { return };
        let begin = move || {
            let started = Python::try_attach(|py| source.start(py).map_err(|error| error.to_string()));
            let refusal = match started {
                Some(Ok(())) => return,
                Some(Err(refusal)) => refusal,
                None => "the interpreter is ending".to_owned(),
            };
            if let Some(line) = source.line.get() {
                line.answer(Err(no_answer(format!("was not asked: {refusal}"))));
            }
        };
        if let Err(error) = std::thread::Builder::new().name("longshore: credentials".into()).spawn(begin)
            && let Some(line) = self.line.get()
        {
            line.answer(Err(no_answer(format!("was not asked: {error}"))));
        }
    }
}

/// Its name alone, which is how errors call it.
impl fmt::Debug for PythonSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl CredentialSource for PythonSource {
    fn fetch(&self) -> BoxFuture<'static, Outcome> {
        match self.ask() {
            Ok(answer) => async { answer.await.unwrap_or_else(|_| Err(no_answer("gave no answer".into()))) }.boxed(),
            Err(error) => futures::future::ready(Err(no_answer(format!("was not asked: {error}")))).boxed(),
        }
    }

    fn refresh_threshold(&self) -> Option<Duration> {
        self.refresh_threshold
    }
}

/// What the provider says in its attribute of that name, if it has one.
fn threshold(provider: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let py = provider.py();
    let said = provider.getattr_opt(intern!(py, "refresh_threshold"))?.filter(|said| !said.is_none());
    let Some(said) = said else { return Ok(None) };
    said.extract().map(Some).map_err(|_| {
        wrong_type(py, "refresh_threshold of the credential_provider must be a timedelta that is not negative")
    })
}

fn no_answer(reason: String) -> ConfigError {
    ConfigError::Provider { reason, source: None }
}

/// The thread's end of a [`Line`]. The thread ends when nobody holds the line any more, because then its writer is closed.
#[pyclass(frozen, module = "longshore_store")]
struct Requests {
    reader: PipeReader,
    line: Weak<Line>,
    cloud: Cloud,
}

#[pymethods]
impl Requests {
    fn fileno(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    fn answer(&self, answer: &Bound<'_, PyAny>) {
        if let Some(line) = self.line.upgrade() {
            let outcome = read(answer, self.cloud);
            line.answer(outcome.map_err(no_answer));
        }
    }

    fn fail(&self, error: &Bound<'_, PyAny>) {
        if let Some(line) = self.line.upgrade() {
            let raised = Raised::new(error);
            line.answer(Err(ConfigError::Provider { reason: raised.to_string(), source: Some(Box::new(raised)) }));
        }
    }
}

/// An exception in a chain of Rust errors. Whoever raises the error makes it the cause.
#[derive(Clone)]
pub struct Raised {
    exception: Arc<Py<PyAny>>,
    text: String,
}

impl Raised {
    /// The exception that stands in the chain of causes of `error`.
    pub fn find<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Self> {
        std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
    }

    pub(crate) fn new(error: &Bound<'_, PyAny>) -> Self {
        let name = error.get_type().name().map(|name| name.to_string()).unwrap_or_default();
        let said = error.str().map(|said| said.to_string()).unwrap_or_default();
        let line = said.lines().next().unwrap_or_default();
        let text = if line.is_empty() { format!("raised {name}") } else { format!("raised {name}: {line}") };
        Self { exception: Arc::new(error.clone().unbind()), text }
    }

    /// The exception.
    pub fn exception(&self, py: Python<'_>) -> PyErr {
        PyErr::from_value(self.exception.bind(py).clone())
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Raised {}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
