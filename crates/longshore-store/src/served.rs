//! A store that is written in Python, as Rust asks it: requests that its threads take, and what comes of them.
//!
//! The runtime's workers never touch the interpreter, so a request lies in a queue, and a byte on a pipe wakes a thread of Python's
//! (`served.py`), which takes the request, asks the store, and hands over the answer. The threads are started by whoever uses the store
//! first from Python, in each process anew.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use longshore_bytes::PyBytes;
use longshore_runtime::fork::PerProcess;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectMeta, PutMode, PutOptions, PutResult, Result,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::provider::Raised;
use crate::support::served;

/// As many requests wait to be taken, each with its byte on the pipe; others wait for that. No pipe is shorter, so a write never blocks.
const MOST_WAITING: usize = 512;

/// What is asked of the store.
pub(crate) enum Ask {
    Get { path: Path, options: Box<GetOptions> },
    GetRanges { path: Path, ranges: Vec<Range<u64>> },
    Put { path: Path, body: Bytes, options: Box<PutOptions> },
    List { prefix: Option<Path>, offset: Option<Path> },
    ListWithDelimiter { prefix: Option<Path> },
    Delete { path: Path },
    Copy { from: Path, to: Path, overwrite: bool },
    Rename { from: Path, to: Path, overwrite: bool },
}

/// What comes of it.
pub(crate) enum Answer {
    /// The bytes, what is known of the object, which of its bytes these are, and its attributes.
    Got(Bytes, ObjectMeta, Option<Range<u64>>, Attributes),
    /// `None` where the store cannot be asked for ranges.
    Ranges(Option<Vec<Bytes>>),
    Put(PutResult),
    Listed(Vec<ObjectMeta>),
    /// Folders and objects; `None` where the store does not know folders.
    Level(Option<(Vec<Path>, Vec<ObjectMeta>)>),
    Done,
}

/// A store in Python, and the way to its threads.
pub(crate) struct Served {
    object: Py<PyAny>,
    /// The class, for messages.
    name: String,
    /// How many requests it is asked at the same time.
    threads: usize,
    line: PerProcess<Arc<Line>>,
    /// Itself, because asking outlives a borrow.
    own: Weak<Self>,
}

struct Line {
    writer: PipeWriter,
    room: Arc<Semaphore>,
    waiting: Mutex<VecDeque<Request>>,
    /// The threads' end, until they have it.
    reader: Mutex<Option<PipeReader>>,
    started: AtomicBool,
}

struct Request {
    ask: Ask,
    reply: oneshot::Sender<Result<Answer>>,
    /// Its place, until it is taken.
    _room: OwnedSemaphorePermit,
}

impl Line {
    fn new() -> io::Result<Arc<Self>> {
        let (reader, writer) = io::pipe()?;
        let (waiting, started) = (Mutex::default(), AtomicBool::new(false));
        let room = Arc::new(Semaphore::new(MOST_WAITING));
        Ok(Arc::new(Self { writer, room, waiting, reader: Mutex::new(Some(reader)), started }))
    }

    /// Drops the requests that nobody will take, and their bytes.
    fn give_up(&self) {
        let waiting = std::mem::take(&mut *locked(&self.waiting));
        if let Some(reader) = &*locked(&self.reader) {
            let _ = io::copy(&mut reader.take(waiting.len() as u64), &mut io::sink());
        }
    }
}

impl Served {
    pub(crate) fn new(object: &Bound<'_, PyAny>, threads: usize) -> Arc<Self> {
        Arc::new_cyclic(|own| Self {
            object: object.clone().unbind(),
            name: crate::external::type_name(object),
            threads,
            line: PerProcess::new(),
            own: Weak::clone(own),
        })
    }

    /// The class, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the threads of this process have been started.
    pub(crate) fn is_ready(&self) -> bool {
        self.line.get().is_some_and(|line| line.started.load(Ordering::Acquire))
    }

    /// Starts the threads, where this process has none yet.
    pub(crate) fn start(&self, py: Python<'_>) -> PyResult<()> {
        let line = Arc::clone(self.line.get_or_try_make(Line::new)?);
        if line.started.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        let Some(reader) = locked(&line.reader).take() else { return Ok(()) };
        let begun = self.begin(py, &line, &reader);
        if begun.is_err() {
            // The next one that asks may find a thread.
            *locked(&line.reader) = Some(reader);
            line.started.store(false, Ordering::Release);
        }
        begun
    }

    fn begin(&self, py: Python<'_>, line: &Arc<Line>, reader: &PipeReader) -> PyResult<()> {
        let requests = Requests { reader: reader.try_clone()?, line: Arc::downgrade(line), store: self.name.clone() };
        served(py)?.getattr("start")?.call1((requests, &self.object, self.threads)).map(drop)
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer> {
        let (reply, answer) = oneshot::channel();
        let line = self.line.get_or_try_make(Line::new).map_err(|error| self.not_asked(&error))?;
        let room = Arc::clone(&line.room).acquire_owned().await.map_err(|error| self.not_asked(&error))?;
        self.send(line, Request { ask, reply, _room: room }).map_err(|error| self.not_asked(&error))?;
        answer.await.unwrap_or_else(|_| Err(self.failed("gave no answer".to_owned())))
    }

    fn send(&self, line: &Line, request: Request) -> io::Result<()> {
        locked(&line.waiting).push_back(request);
        // Written after it was queued: a byte is a request that can be taken.
        (&line.writer).write_all(&[1])?;
        if !line.started.load(Ordering::Acquire) {
            self.start_unattached();
        }
        Ok(())
    }

    /// For a store that Rust took along into a process in which Python has not used it yet.
    fn start_unattached(&self) {
        // Whoever asks holds it.
        let Some(served) = self.own.upgrade() else { return };
        let begin = move || {
            let started = Python::try_attach(|py| served.start(py).is_ok());
            if started != Some(true)
                && let Some(line) = served.line.get()
            {
                // Whoever waits is told, because nobody will answer.
                line.give_up();
            }
        };
        if std::thread::Builder::new().name("longshore: store".into()).spawn(begin).is_err()
            && let Some(line) = self.line.get()
        {
            line.give_up();
        }
    }

    fn not_asked(&self, error: &dyn std::error::Error) -> Error {
        self.failed(format!("was not asked: {error}"))
    }

    fn failed(&self, reason: String) -> Error {
        Error::Generic { store: "Python", source: format!("{} {reason}", self.name).into() }
    }
}

/// Its name alone: what it holds is its own matter.
impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The threads' end of a [`Line`]. They end when nobody holds the line any more, because then its writer is closed.
#[pyclass(frozen, module = "longshore_store")]
struct Requests {
    reader: PipeReader,
    line: Weak<Line>,
    store: String,
}

#[pymethods]
impl Requests {
    fn fileno(&self) -> i32 {
        self.reader.as_raw_fd()
    }

    /// The next request; `None` for one that nobody waits for any more.
    fn take(&self) -> Option<Taken> {
        let request = locked(&self.line.upgrade()?.waiting).pop_front()?;
        let Request { ask, reply, .. } = request;
        if reply.is_closed() {
            return None;
        }
        let path = match &ask {
            Ask::Get { path, .. } | Ask::GetRanges { path, .. } | Ask::Put { path, .. } | Ask::Delete { path } => {
                path.to_string()
            }
            Ask::Copy { from, .. } | Ask::Rename { from, .. } => from.to_string(),
            Ask::List { prefix, .. } | Ask::ListWithDelimiter { prefix } => {
                prefix.as_ref().map(Path::to_string).unwrap_or_default()
            }
        };
        Some(Taken {
            operation: operation(&ask),
            path,
            store: self.store.clone(),
            open: Mutex::new(Some((ask, reply))),
        })
    }
}

fn operation(ask: &Ask) -> &'static str {
    match ask {
        Ask::Get { .. } => "get",
        Ask::GetRanges { .. } => "get_ranges",
        Ask::Put { .. } => "put",
        Ask::List { .. } => "list",
        Ask::ListWithDelimiter { .. } => "list_with_delimiter",
        Ask::Delete { .. } => "delete",
        Ask::Copy { .. } => "copy",
        Ask::Rename { .. } => "rename",
    }
}

/// A request that a thread has taken, and answers once.
#[pyclass(frozen, module = "longshore_store")]
struct Taken {
    #[pyo3(get)]
    operation: &'static str,
    path: String,
    store: String,
    open: Mutex<Option<(Ask, oneshot::Sender<Result<Answer>>)>>,
}

#[pymethods]
impl Taken {
    /// What is asked, as Python says it.
    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let mut open = locked(&self.open);
        let Some((ask, _)) = open.as_mut() else { return Ok(PyTuple::empty(py)) };
        // Options are said by keywords, where there is something to say.
        match ask {
            Ask::Get { path, options } => {
                let is_conditional = options.if_match.is_some()
                    || options.if_none_match.is_some()
                    || options.if_modified_since.is_some()
                    || options.if_unmodified_since.is_some();
                (path.as_ref(), get_options(py, options)?, is_conditional).into_pyobject(py)
            }
            Ask::GetRanges { path, ranges } => {
                let starts: Vec<u64> = ranges.iter().map(|range| range.start).collect();
                let ends: Vec<u64> = ranges.iter().map(|range| range.end).collect();
                (path.as_ref(), starts, ends).into_pyobject(py)
            }
            Ask::Put { path, body, options } => {
                let said = put_options(py, options)?;
                (path.as_ref(), Py::new(py, PyBytes::new(body.clone()))?, said).into_pyobject(py)
            }
            Ask::List { prefix, offset } => {
                (prefix.as_ref().map(Path::as_ref), offset.as_ref().map(Path::as_ref)).into_pyobject(py)
            }
            Ask::ListWithDelimiter { prefix } => (prefix.as_ref().map(Path::as_ref),).into_pyobject(py),
            Ask::Delete { path } => (path.as_ref(),).into_pyobject(py),
            Ask::Copy { from, to, overwrite } | Ask::Rename { from, to, overwrite } => {
                (from.as_ref(), to.as_ref(), *overwrite).into_pyobject(py)
            }
        }
    }

    /// Says what came of it.
    fn answer(&self, answer: &Bound<'_, PyAny>) {
        let Some((ask, reply)) = locked(&self.open).take() else { return };
        let answer = read(&ask, answer).map_err(|error| {
            let raised = Raised::new(error.value(answer.py()));
            let reason = format!("the answer of {} to {} cannot be used: it {raised}", self.store, self.operation);
            Error::Generic { store: "Python", source: reason.into() }
        });
        // They may have given up by now.
        let _ = reply.send(answer);
    }

    /// Says what was raised instead, and what that means.
    fn fail(&self, kind: &str, error: &Bound<'_, PyAny>) {
        let Some((_, reply)) = locked(&self.open).take() else { return };
        let (path, source) = (self.path.clone(), Box::new(Raised::new(error)));
        let _ = reply.send(Err(match kind {
            "not found" => Error::NotFound { path, source },
            "already exists" => Error::AlreadyExists { path, source },
            "precondition" => Error::Precondition { path, source },
            "not modified" => Error::NotModified { path, source },
            "permission denied" => Error::PermissionDenied { path, source },
            "unauthenticated" => Error::Unauthenticated { path, source },
            "not supported" => Error::NotSupported { source },
            _ => Error::Generic { store: "Python", source },
        }));
    }
}

fn get_options<'py>(py: Python<'py>, options: &GetOptions) -> PyResult<Bound<'py, PyDict>> {
    let said = PyDict::new(py);
    let say = |name: &str, text: &Option<String>| text.as_ref().map_or(Ok(()), |text| said.set_item(name, text));
    say("if_match", &options.if_match)?;
    say("if_none_match", &options.if_none_match)?;
    say("version", &options.version)?;
    for (name, moment) in
        [("if_modified_since", options.if_modified_since), ("if_unmodified_since", options.if_unmodified_since)]
    {
        if let Some(moment) = moment {
            said.set_item(name, served(py)?.getattr("moment")?.call1((moment.timestamp_micros(),))?)?;
        }
    }
    match &options.range {
        Some(GetRange::Bounded(range)) => said.set_item("range", (range.start, range.end))?,
        Some(GetRange::Offset(offset)) => said.set_item("range", one(py, "offset", *offset)?)?,
        Some(GetRange::Suffix(suffix)) => said.set_item("range", one(py, "suffix", *suffix)?)?,
        None => {}
    }
    if options.head {
        said.set_item("head", true)?;
    }
    Ok(said)
}

fn one<'py>(py: Python<'py>, name: &str, number: u64) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item(name, number)?;
    Ok(dict)
}

fn put_options<'py>(py: Python<'py>, options: &PutOptions) -> PyResult<Bound<'py, PyDict>> {
    let said = PyDict::new(py);
    match &options.mode {
        PutMode::Overwrite => {}
        PutMode::Create => said.set_item("mode", "create")?,
        PutMode::Update(version) => {
            let mode = PyDict::new(py);
            mode.set_item("e_tag", &version.e_tag)?;
            mode.set_item("version", &version.version)?;
            said.set_item("mode", mode)?;
        }
    }
    if !options.attributes.is_empty() {
        let attributes = PyDict::new(py);
        for (key, value) in &options.attributes {
            attributes.set_item(header(key), value.as_ref())?;
        }
        said.set_item("attributes", attributes)?;
    }
    if !options.tags.encoded().is_empty() {
        let tags = PyDict::new(py);
        for (key, value) in url::form_urlencoded::parse(options.tags.encoded().as_bytes()) {
            tags.set_item(key, value)?;
        }
        said.set_item("tags", tags)?;
    }
    Ok(said)
}

/// The header, or the name of the user's own metadata.
fn header(key: &Attribute) -> &str {
    match key {
        Attribute::ContentDisposition => "Content-Disposition",
        Attribute::ContentEncoding => "Content-Encoding",
        Attribute::ContentLanguage => "Content-Language",
        Attribute::ContentType => "Content-Type",
        Attribute::CacheControl => "Cache-Control",
        Attribute::StorageClass => "Storage-Class",
        Attribute::Metadata(name) => name,
        _ => "",
    }
}

fn attribute(name: &str) -> Attribute {
    match name.to_ascii_lowercase().as_str() {
        "content-disposition" => Attribute::ContentDisposition,
        "content-encoding" => Attribute::ContentEncoding,
        "content-language" => Attribute::ContentLanguage,
        "content-type" => Attribute::ContentType,
        "cache-control" => Attribute::CacheControl,
        "storage-class" => Attribute::StorageClass,
        _ => Attribute::Metadata(name.to_owned().into()),
    }
}

/// Path, size, microseconds since 1970, ETag and version.
type Described = (String, u64, i64, Option<String>, Option<String>);

fn meta((path, size, written, e_tag, version): Described) -> PyResult<ObjectMeta> {
    let last_modified: DateTime<Utc> = DateTime::from_timestamp_micros(written)
        .ok_or_else(|| PyTypeError::new_err("last_modified is out of range"))?;
    Ok(ObjectMeta { location: parsed(&path)?, last_modified, size, e_tag, version })
}

fn parsed(path: &str) -> PyResult<Path> {
    Path::parse(path).map_err(|error| PyTypeError::new_err(error.to_string()))
}

fn metas(described: Vec<Described>) -> PyResult<Vec<ObjectMeta>> {
    described.into_iter().map(meta).collect()
}

fn read(ask: &Ask, answer: &Bound<'_, PyAny>) -> PyResult<Answer> {
    Ok(match ask {
        Ask::Get { .. } => {
            type Got = (PyBytes, Described, Option<(u64, u64)>, std::collections::HashMap<String, String>);
            let (body, described, range, attributes): Got = answer.extract()?;
            let attributes = attributes.into_iter().map(|(name, value)| (attribute(&name), value)).collect();
            Answer::Got(body.into_inner(), meta(described)?, range.map(|(start, end)| start..end), attributes)
        }
        Ask::GetRanges { .. } => {
            let bodies: Option<Vec<PyBytes>> = answer.extract()?;
            Answer::Ranges(bodies.map(|bodies| bodies.into_iter().map(PyBytes::into_inner).collect()))
        }
        Ask::Put { .. } => {
            let (e_tag, version) = answer.extract()?;
            Answer::Put(PutResult { e_tag, version, extensions: Default::default() })
        }
        Ask::List { .. } => Answer::Listed(metas(answer.extract()?)?),
        Ask::ListWithDelimiter { .. } => {
            let level: Option<(Vec<String>, Vec<Described>)> = answer.extract()?;
            let level = level.map(|(folders, objects)| {
                let folders = folders.iter().map(|folder| parsed(folder)).collect::<PyResult<_>>()?;
                Ok::<_, PyErr>((folders, metas(objects)?))
            });
            Answer::Level(level.transpose()?)
        }
        Ask::Delete { .. } | Ask::Copy { .. } | Ask::Rename { .. } => Answer::Done,
    })
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
