//! One operation as it was measured, and where a lane puts it down.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::exit::Code;

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Verb {
    Get,
    Put,
    Head,
    Delete,
    List,
}

impl Verb {
    pub(crate) const ALL: [Self; 5] = [Self::Get, Self::Put, Self::Head, Self::Delete, Self::List];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Put => "put",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::List => "list",
        }
    }
}

/// The time of a run, in nanoseconds since it began to be prepared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    at: SystemTime,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now(), at: SystemTime::now() }
    }

    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    pub(crate) fn instant(&self, time: u64) -> Instant {
        self.start + Duration::from_nanos(time)
    }

    /// As a clock on the wall shows it. A clock that is set meanwhile does not disturb it.
    pub(crate) fn wall(&self, time: u64) -> SystemTime {
        self.at + Duration::from_nanos(time)
    }
}

/// One operation. Times are of the run's [`Clock`].
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) verb: Verb,
    pub(crate) lane: u16,
    /// Number of the object, or of the group that was listed.
    pub(crate) target: u64,
    /// When it was to begin: in a closed loop, when it did. Latencies count from here.
    pub(crate) due: u64,
    /// When it did begin.
    pub(crate) began: u64,
    /// When the answer began to arrive, where that is known.
    pub(crate) first_byte: Option<u64>,
    pub(crate) ended: u64,
    pub(crate) bytes: u64,
    /// Objects read, written, described or deleted; or found, for a listing.
    pub(crate) objects: u32,
    pub(crate) requests: u32,
    pub(crate) trouble: Option<Box<Trouble>>,
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What errors are counted by.
    pub(crate) kind: String,
    pub(crate) message: String,
    /// What it means for the exit code.
    pub(crate) code: Code,
}

/// What one lane has measured since somebody last looked. Nobody else writes into it, so its lock is free.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Vec<Record>>);

impl Recorder {
    pub(crate) fn put(&self, record: Record) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// Moves everything to the end of `records`, and leaves as much room.
    pub(crate) fn take(&self, records: &mut Vec<Record>) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.append(&mut held);
    }
}
