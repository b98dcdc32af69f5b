//! Counts what clients did, so that a test can prove what a client does not do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What has reached a gateway since it started, or since [`crate::Gateway::reset_stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Connections accepted.
    pub connections: u64,
    /// Connections open right now; a reset leaves it alone.
    pub open_connections: u64,
    /// Requests whose headers arrived, including those a fault answered.
    pub requests: u64,
    /// Requests by HTTP method, including those a fault answered.
    pub methods: BTreeMap<String, u64>,
    /// Requests by S3 operation (`GetObject`, `DeleteObjects`, …): those that no fault answered and whose signature held.
    pub operations: BTreeMap<String, u64>,
    /// Answers by HTTP status, as sent.
    pub statuses: BTreeMap<u16, u64>,
}

impl Stats {
    /// Requests of one S3 operation, such as `HeadObject`.
    pub fn operation(&self, name: &str) -> u64 {
        self.operations.get(name).copied().unwrap_or(0)
    }

    /// Requests of one HTTP method, such as `HEAD`.
    pub fn method(&self, name: &str) -> u64 {
        self.methods.get(name).copied().unwrap_or(0)
    }
}

/// The counters behind [`Stats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    open: AtomicU64,
    counted: Mutex<Stats>,
}

/// Counts a connection as open while it lives.
#[derive(Debug)]
pub(crate) struct OpenConnection<'a>(&'a Counters);

impl Drop for OpenConnection<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Counters {
    pub(crate) fn connection(&self) -> OpenConnection<'_> {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.count(|stats| stats.connections += 1);
        OpenConnection(self)
    }

    pub(crate) fn request(&self, method: &str) {
        self.count(|stats| {
            stats.requests += 1;
            increase(&mut stats.methods, method);
        });
    }

    pub(crate) fn operation(&self, name: &str) {
        self.count(|stats| increase(&mut stats.operations, name));
    }

    pub(crate) fn status(&self, status: u16) {
        self.count(|stats| *stats.statuses.entry(status).or_default() += 1);
    }

    pub(crate) fn read(&self) -> Stats {
        let mut stats = self.counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stats.open_connections = self.open.load(Ordering::Relaxed);
        stats
    }

    pub(crate) fn reset(&self) {
        self.count(|stats| *stats = Stats::default());
    }

    fn count(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn increase(counts: &mut BTreeMap<String, u64>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => drop(counts.insert(name.to_owned(), 1)),
    }
}
