//! Counts what a call has done, and tells whoever asked.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Listeners hear at most this often, and once at the end.
const INTERVAL: Duration = Duration::from_millis(100);

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Objects handled so far.
    pub objects: u64,
    /// Objects in all, where that is known.
    pub total: Option<u64>,
    /// Bytes of bodies moved so far.
    pub bytes: u64,
    /// Bytes to move in all, where that has become known of every object. Transfers learn it from their first answers.
    pub total_bytes: Option<u64>,
    /// Time since the call began.
    pub elapsed: Duration,
    /// True for the last event of a call.
    pub finished: bool,
}

type Listener = Arc<dyn Fn(Snapshot) + Send + Sync>;

/// A call's counters. Clones count together.
#[derive(Clone)]
pub struct Progress(Arc<Inner>);

struct Inner {
    objects: AtomicU64,
    bytes: AtomicU64,
    total: AtomicU64,
    /// How many objects have said how many bytes they will move, and how many those are.
    announced: Mutex<(u64, u64)>,
    started: Instant,
    listener: Option<Listener>,
    last: Mutex<Instant>,
}

/// Stands for an unknown total.
const UNKNOWN: u64 = u64::MAX;

impl Progress {
    /// Counts for nobody.
    pub fn silent() -> Self {
        Self::new(None)
    }

    /// Counts for `listener`, which is called from runtime threads and must not block.
    pub fn to(listener: impl Fn(Snapshot) + Send + Sync + 'static) -> Self {
        Self::new(Some(Arc::new(listener)))
    }

    fn new(listener: Option<Listener>) -> Self {
        let now = Instant::now();
        Self(Arc::new(Inner {
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            total: AtomicU64::new(UNKNOWN),
            announced: Mutex::default(),
            started: now,
            listener,
            last: Mutex::new(now),
        }))
    }

    /// Says how many objects there will be.
    pub fn expect(&self, total: u64) {
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// Says how many bytes will be moved for one of the objects.
    pub(crate) fn announce(&self, bytes: u64) {
        let mut announced = self.0.announced.lock().unwrap_or_else(PoisonError::into_inner);
        *announced = (announced.0 + 1, announced.1.saturating_add(bytes));
        drop(announced);
        self.tell();
    }

    /// Takes back what was announced of an object, as far as it was not moved. It may be tried again.
    pub(crate) fn withdraw(&self, bytes: u64) {
        let mut announced = self.0.announced.lock().unwrap_or_else(PoisonError::into_inner);
        *announced = (announced.0.saturating_sub(1), announced.1.saturating_sub(bytes));
    }

    /// Counts objects and bytes that are done.
    pub fn add(&self, objects: u64, bytes: u64) {
        self.0.objects.fetch_add(objects, Ordering::Relaxed);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell();
    }

    fn tell(&self) {
        let Some(listener) = &self.0.listener else { return };
        // Whoever finds the lock taken has nothing to add: another thread is telling the same.
        if let Ok(mut last) = self.0.last.try_lock()
            && last.elapsed() >= INTERVAL
        {
            *last = Instant::now();
            listener(self.snapshot(false));
        }
    }

    /// Tells the end. Called once, when the call has succeeded.
    pub fn finish(&self) {
        if let Some(listener) = &self.0.listener {
            let _last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
            listener(self.snapshot(true));
        }
    }

    /// Bytes of bodies so far.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    fn snapshot(&self, finished: bool) -> Snapshot {
        let total = self.0.total.load(Ordering::Relaxed);
        let (announced, bytes) = *self.0.announced.lock().unwrap_or_else(PoisonError::into_inner);
        Snapshot {
            objects: self.0.objects.load(Ordering::Relaxed),
            total: (total != UNKNOWN).then_some(total),
            bytes: self.bytes(),
            total_bytes: (announced > 0 && announced == total).then_some(bytes),
            elapsed: self.0.started.elapsed(),
            finished,
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.snapshot(false).fmt(f)
    }
}
