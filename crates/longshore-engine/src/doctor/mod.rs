//! Looks into why a URI does not work, or shows that it does: its settings and where they come from, then each step on the
//! way to an object.
//!
//! [`examine`] runs the steps in order. What a failed step makes pointless is skipped, and says so. Nothing is written to
//! the store. `network` has the steps for servers, `files` those for local paths.

mod files;
mod network;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::TryStreamExt;
use longshore_config::{Environment, Location, Options, Scheme, Setting, Store, explain, masked};

use crate::error::{Context, Error, ErrorKind};
use crate::listing::{Depth, list_pages};
use crate::object::Object;
use crate::progress::Progress;
use crate::range::{ByteRange, read_range};
use crate::sink::Discard;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ok,
    /// It does not.
    Failed,
    /// It was not tried.
    Skipped,
}

impl State {
    /// `ok`, `failed` or `skipped`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One step of an examination.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was tried: `settings`, `dns`, `tcp`, `tls`, `http`, `clock`, `credentials`, `bucket`, `path`, `space`, `list` or
    /// `get`.
    pub name: &'static str,
    /// How it ended.
    pub state: State,
    /// What was found, or why it failed or was skipped.
    pub said: String,
    /// What to do about a failure.
    pub advice: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// What a program may branch on, for a failure.
    pub kind: Option<ErrorKind>,
}

/// What [`examine`] found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The URI, as it may be shown: reports are passed on.
    pub uri: String,
    /// What counts, and who said it. Secrets are masked.
    pub settings: Vec<Setting>,
    /// The steps, in the order they were tried.
    pub steps: Vec<Step>,
}

impl Report {
    /// The first step that failed.
    pub fn failure(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.state == State::Failed)
    }
}

/// What an examination finds, as it finds it.
#[derive(Debug)]
pub enum Finding<'a> {
    /// The settings, before anything is tried.
    Settings(&'a [Setting]),
    /// A step that has ended.
    Step(&'a Step),
}

/// Examines `uri`. Tells each finding at once, for somebody who waits.
///
/// It never fails: what cannot be used is a failed step.
pub async fn examine(
    uri: &str,
    options: Options,
    environment: &Environment,
    tell: &(dyn Fn(Finding<'_>) + Send + Sync),
) -> Report {
    let mut examination = Examination { steps: Vec::new(), tell };
    let context = Context::new("doctor", uri);
    let location = match Location::parse(uri) {
        Ok(location) => location,
        Err(error) => {
            let error = context.config_error(error);
            examination.end("settings", Instant::now(), Err(Problem::new(&error, "")));
            return Report { uri: context.uri.clone(), settings: Vec::new(), steps: examination.steps };
        }
    };
    let started = Instant::now();
    let (settings, store) = explain(&location, options, environment);
    tell(Finding::Settings(&settings));
    let usable = store.and_then(|store| store.live().map(drop).map(|()| store));
    match usable {
        Err(error) => {
            let error = context.config_error(error);
            examination.end("settings", started, Err(Problem::new(&error, "")));
        }
        Ok(store) => {
            examination.end("settings", started, Ok(format!("a store of kind {}", store.scheme().name())));
            examination.store(&store, &location, &context).await;
        }
    }
    Report { uri: context.uri.clone(), settings, steps: examination.steps }
}

struct Examination<'a> {
    steps: Vec<Step>,
    tell: &'a (dyn Fn(Finding<'_>) + Send + Sync),
}

/// Why a step failed, and what to do.
struct Problem {
    kind: ErrorKind,
    said: String,
    advice: String,
}

impl Problem {
    fn new(error: &Error, advice: impl Into<String>) -> Self {
        // What was attempted on what is clear from the step.
        let text = error.to_string();
        let said = text.split_once(": ").map_or(text.as_str(), |(_, said)| said).to_owned();
        Self { kind: error.kind(), said, advice: advice.into() }
    }
}

impl Examination<'_> {
    /// Notes how a step ended. Whether it went well.
    fn end(&mut self, name: &'static str, started: Instant, outcome: Result<String, Problem>) -> bool {
        let took = started.elapsed();
        let (state, said, advice, kind) = match outcome {
            Ok(said) => (State::Ok, said, None, None),
            Err(problem) => {
                let advice = Some(problem.advice).filter(|advice| !advice.is_empty());
                (State::Failed, problem.said, advice, Some(problem.kind))
            }
        };
        self.note(Step { name, state, said, advice, took, kind });
        state == State::Ok
    }

    fn skip(&mut self, names: &[&'static str], why: &str) {
        for &name in names {
            let (state, took) = (State::Skipped, Duration::ZERO);
            self.note(Step { name, state, said: why.to_owned(), advice: None, took, kind: None });
        }
    }

    fn note(&mut self, step: Step) {
        (self.tell)(Finding::Step(&step));
        self.steps.push(step);
    }

    async fn store(&mut self, store: &Arc<Store>, location: &Location, context: &Context) {
        let ready = match (store.route(), store.scheme()) {
            (Some(route), _) => network::examine(self, store, &route, context).await,
            (None, Scheme::File) => return files::examine(self, location).await,
            (None, _) => true,
        };
        if ready {
            self.objects(store, location, context).await;
        } else {
            self.skip(&["list", "get"], "a step before it failed");
        }
    }

    /// Lists what begins with the URI's key, and reads a byte of the object that it names, or of the first that is there.
    async fn objects(&mut self, store: &Arc<Store>, location: &Location, context: &Context) {
        let key = longshore_config::Pattern::new(location.raw_key()).prefix().to_owned();
        let named = !key.is_empty() && !key.ends_with('/') && !location.has_wildcard();
        let started = Instant::now();
        let mut pages = Box::pin(list_pages(store, &key, Depth::Everything, context));
        let page = pages.try_next().await;
        drop(pages);
        let listed = match page {
            Ok(page) => page.map(|page| page.objects).unwrap_or_default(),
            Err(error) => {
                let advice = network::advice(&error, "list");
                self.end("list", started, Err(Problem::new(&error, advice)));
                if !named {
                    self.skip(&["get"], "nothing is known to be there");
                    return;
                }
                Vec::new()
            }
        };
        if self.steps.last().is_none_or(|step| step.name != "list") {
            let begins = if key.is_empty() { String::new() } else { format!(" that begin with {key:?}") };
            let found = match listed.len() {
                0 => format!("allowed; there are no objects{begins}"),
                count => format!("allowed; {count} objects{begins} in the first page, {:?} the first", listed[0].key),
            };
            self.end("list", started, Ok(found));
        }
        let shown = |key: &str| match location.scheme() {
            // The key of a URL has its query in it.
            Scheme::Http => format!("{:?}", masked(&format!("{}/{key}", location.root()))),
            _ => format!("{key:?}"),
        };
        let key = match listed.iter().find(|object| object.size > 0) {
            _ if named => key,
            Some(object) => object.key.clone(),
            None => return self.skip(&["get"], "there is no object to read"),
        };
        let uri = location.uri_of(&key);
        let object = Object { store: Arc::clone(store), key: key.clone(), uri: uri.into() };
        let started = Instant::now();
        let read = read_range(object, ByteRange::Bounded(0..1), &Discard, &Progress::silent()).await;
        let outcome = match read {
            Ok(_) => Ok(format!("the first byte of {}", shown(&key))),
            // An empty object has none.
            Err(error) if error.kind() == ErrorKind::OutOfRange => Ok(format!("{}, which is empty", shown(&key))),
            Err(error) => {
                let advice = network::advice(&error, "get");
                Err(Problem::new(&error, advice))
            }
        };
        self.end("get", started, outcome);
    }
}
